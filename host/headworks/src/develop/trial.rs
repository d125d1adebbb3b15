//! A component in a sandbox of this process.

use super::{Subject, report};
use crate::cli::Output;
use anyhow::{Context, Result, bail};
use headworks_pipelines::Expressions;
use headworks_sandbox::golden::{self, Tests};
use headworks_sandbox::{CompilerCommand, Limits, Plugin, Sandbox, SandboxOptions};
use std::process::ExitCode;
use std::sync::Arc;

/// The sandbox with the server's limits.
pub(super) struct Trial {
    sandbox: Sandbox,
    pub(super) bytes: Vec<u8>,
}

impl Trial {
    pub(super) fn new(subject: &Subject) -> Result<Self> {
        let bytes = std::fs::read(&subject.component).with_context(|| format!("cannot read {}", subject.component.display()))?;
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let sandbox = Sandbox::new(SandboxOptions {
            limits: Limits::default(),
            cache_dir: subject.cache(),
            compiler: CompilerCommand { program, arguments: vec!["compile-component".to_owned()] },
            network: None,
            templates: Arc::new(Expressions),
        })?;
        Ok(Self { sandbox, bytes })
    }

    pub(super) async fn load(&self) -> Result<Plugin> {
        self.sandbox.load(&self.bytes).await.context("the component cannot be used")
    }
}

/// The cases of the plugin.
pub(super) fn tests(subject: &Subject) -> Result<Tests> {
    let path = subject.tests();
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let tests = Tests::read(&text).with_context(|| path.display().to_string())?;
    if tests.cases.is_empty() {
        bail!("{} has no cases", path.display());
    }
    Ok(tests)
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().context("no threads can be started")
}

pub(super) fn test(subject: &Subject, output: Output) -> Result<ExitCode> {
    let tests = tests(subject)?;
    let outcomes = runtime()?.block_on(async {
        let trial = Trial::new(subject)?;
        let plugin = trial.load().await?;
        anyhow::Ok(golden::run(&plugin, &tests).await)
    })?;
    Ok(report::tested(&outcomes, output))
}

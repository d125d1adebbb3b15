//! Python: componentize-py, which brings CPython along.

use super::Language;
use crate::project::Project;
use crate::tools;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// What projects are built with, and the version that the SDK is tested with.
const TOOL: &str = "componentize-py";
const VERSION: &str = "0.25.1";

/// Python.
pub struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn check(&self) -> Result<()> {
        find(Path::new("")).map(drop)
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        let tool = find(&project.folder)?;
        let (sdk, out) = (project.sdk(), project.build_dir().join("component.wasm"));
        std::fs::create_dir_all(project.build_dir())?;
        // CPython's own imports of WASI become traps; the SDK answers clock and entropy from the host.
        let mut command = Command::new(tool);
        command.current_dir(&project.folder).args(["--quiet", "--wit-path"]).arg(project.wit());
        command.args(["--world", &project.manifest.world, "componentize", "--stub-wasi"]);
        for path in [project.folder.join("src"), sdk.clone(), sdk.join("component").join(&project.manifest.world)] {
            command.arg("--python-path").arg(path);
        }
        for path in tools::texts(&project.manifest.build, "python_path")? {
            command.arg("--python-path").arg(project.folder.join(path));
        }
        tools::run(command.arg("headworks_entry").arg("--output").arg(&out), "building the component")?;
        std::fs::read(&out).with_context(|| format!("reading {}", out.display()))
    }
}

/// The tool: of the project's own virtual environment, or on the path.
fn find(folder: &Path) -> Result<String> {
    let own = folder.join(".venv/bin").join(TOOL);
    tools::find(&[&own.to_string_lossy(), TOOL]).with_context(|| {
        format!(
            "no {TOOL} here: `python3 -m venv .venv && .venv/bin/pip install {TOOL}=={VERSION}` in the plugin's folder \
             installs it"
        )
    })
}

//! Group 8: a newcomer's walk, from `headworks plugin new` to a record that is found as the plugin made it, by language.
//!
//! Each step is what docs/plugins.md has a person type. The toolchains are there; what they keep of earlier builds is not:
//! caches of compilers and of the server are those of this run.

use crate::Settings;
use crate::report::{Report, cpu_with_children};
use anyhow::{Context, Result, ensure};
use headworks_tests::plugins::search_path;
use headworks_tests::server::{Folder, TOKEN, clean_command};
use headworks_tests::{Flow, Server};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a person does, as the columns of the table.
const STEPS: &[&str] = &["new", "build", "test", "push", "transformer, pipeline", "record, query"];

/// One walk: where it is and how long its steps took.
struct Walk<'a> {
    server: &'a Server,
    folder: PathBuf,
    seconds: Vec<f64>,
}

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let title = format!("8. A newcomer's walk, by language, in seconds (load {load} before it)");
    let columns: Vec<&str> = ["language"].into_iter().chain(STEPS.iter().copied()).chain(["in all", "processor time"]).collect();
    report.table(&title, &columns);
    for language in &settings.languages {
        // A server of its own, as at the first time: a newcomer has pushed nothing before.
        let server = settings.setup().start();
        let scratch = Folder::new();
        std::fs::create_dir_all(scratch.data())?;
        let walk = Walk { server: &server, folder: scratch.data(), seconds: Vec::new() };
        let spent = || cpu_with_children(server.pid()) + cpu_with_children(Some(std::process::id()));
        let before = spent();
        let cells = match walk.go(language).with_context(|| format!("the walk in {language}"))? {
            Ok(seconds) => {
                let sums = [seconds.iter().sum(), spent().saturating_sub(before).as_secs_f64()];
                seconds.into_iter().chain(sums).map(|figure| format!("{figure:.1}")).collect()
            }
            Err(missing) => vec![format!("not walked: {missing}")],
        };
        report.row(&[vec![language.clone()], cells].concat());
    }
    Ok(())
}

impl Walk<'_> {
    /// The seconds of each step, or what is missing on this machine.
    fn go(mut self, language: &str) -> Result<std::result::Result<Vec<f64>, String>> {
        let made = self.step(&["plugin", "new", "shout", "--lang", language, "--output", "json"], "")?;
        let made: Value = serde_json::from_str(&made).context("what `new` says")?;
        if let Some(missing) = made["missing"].as_str() {
            return Ok(Err(missing.to_owned()));
        }
        self.folder.push("shout");
        self.step(&["plugin", "build"], "")?;
        self.step(&["plugin", "test"], "")?;
        self.step(&["plugin", "push"], "")?;
        self.step(&["flowg", "transformer", "import", "--name", "loud"], "#!plugin shout\n{\"field\": \"level\"}\n")?;
        let transformer = self.seconds.pop().unwrap_or_default();
        self.step(&["flowg", "pipeline", "import", "--name", "shouting"], &Flow::through("loud", "shouted").to_string())?;
        if let Some(pipeline) = self.seconds.last_mut() {
            *pipeline += transformer;
        }
        let began = Instant::now();
        self.server.client().ingest("shouting", &json!([{"level": "info", "message": "hello"}])).ok();
        let found = self.step(&["flowg", "stream", "tail", "--name", "shouted"], "")?;
        ensure!(found.contains("level=INFO"), "the record came out as {found:?}");
        if let Some(last) = self.seconds.last_mut() {
            *last = began.elapsed().as_secs_f64();
        }
        Ok(Ok(self.seconds))
    }

    /// Runs a command to its end and notes how long it took; answers what it printed.
    fn step(&mut self, arguments: &[&str], input: &str) -> Result<String> {
        let began = Instant::now();
        let mut command = clean_command();
        cold(&mut command, &self.folder);
        command.env("FLOWG_API", format!("http://{}", self.server.address())).env("FLOWG_API_TOKEN", TOKEN);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // A command that wants no input may have ended before it is offered any.
        let _ = child.stdin.take().context("its input")?.write_all(input.as_bytes());
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        self.seconds.push(began.elapsed().as_secs_f64());
        Ok(text)
    }
}

/// Has compilers keep what they keep within the folder of this walk, and the sandbox of the command line too.
fn cold(command: &mut Command, folder: &Path) {
    let kept = folder.ancestors().find(|folder| !folder.ends_with("shout")).unwrap_or(folder);
    command.env("PATH", search_path()).env_remove("CARGO_TARGET_DIR");
    command.env("GOCACHE", kept.join("go-cache")).env("XDG_CACHE_HOME", kept.join("cache"));
}

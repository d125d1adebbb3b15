//! The other side of the comparison: the same programs without a sandbox, in a process of their own.
//!
//! It is a package outside the workspace, because compiling VRL natively takes minutes. It is built on first use; each
//! measurement is one line of JSON in and one out, so that both sides take turns within one run.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A running native process.
#[derive(Debug)]
pub(crate) struct Native {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Nanoseconds per record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Flat lists in, flat lists out, as in the component.
    pub(crate) converted: f64,
    /// The program alone, on values that are ready.
    pub(crate) pure: f64,
}

impl Native {
    /// Builds and starts it.
    pub(crate) fn start() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/Cargo.toml");
        eprintln!("building VRL natively for the comparison (minutes the first time)");
        let built =
            Command::new(env!("CARGO")).args(["build", "--release", "--quiet", "--manifest-path"]).arg(&manifest).status()?;
        ensure!(built.success(), "{} does not build", manifest.display());
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| manifest.with_file_name("target"), Into::into);
        let program = target.join("release/headworks-bench-native");
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// Runs a program over these lines as one batch, again and again for this long.
    pub(crate) fn measure(&mut self, script: &str, lines: &[String], time: Duration) -> Result<Cost> {
        let order = json!({ "script": script, "lines": lines, "milliseconds": time.as_millis() as u64 });
        writeln!(self.input, "{order}")?;
        self.input.flush()?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer).with_context(|| format!("the native process answered {answer:?}"))?;
        let number = |name: &str| answer[name].as_f64().with_context(|| format!("no {name} in {answer}"));
        Ok(Cost { converted: number("converted")?, pure: number("pure")? })
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

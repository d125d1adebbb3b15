//! Programs that are called: finding them, running them, reading their answers.

use anyhow::{Context, Result, bail, ensure};
use std::process::Command;

/// The first of `candidates` that answers `--version`.
///
/// # Errors
/// None does; the message names the first.
pub fn find(candidates: &[&str]) -> Result<String> {
    let works = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let found = candidates.iter().find(works).map(|name| (*name).to_owned());
    found.with_context(|| format!("{} is missing", candidates.first().copied().unwrap_or_default()))
}

/// What a program prints, without the line's end.
///
/// # Errors
/// It cannot be started or fails; the message holds what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Runs a program whose messages the author sees as they are.
///
/// # Errors
/// It cannot be started, or it fails: then `what` failed.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Standard output belongs to the results of our own command.
    let status = command.stdout(std::io::stderr()).status().with_context(|| format!("{program} cannot be started"))?;
    ensure!(status.success(), "{what} failed; the messages of {program} above say why");
    Ok(())
}

/// The texts under a name of a table, none where the name is absent.
///
/// # Errors
/// There is something else than a list of texts.
pub fn texts<'a>(table: &'a toml::Table, name: &str) -> Result<Vec<&'a str>> {
    let Some(value) = table.get(name) else { return Ok(Vec::new()) };
    let list = value.as_array().with_context(|| format!("build.{name} has to be a list of texts"))?;
    list.iter().map(|each| each.as_str().with_context(|| format!("build.{name} has to be a list of texts"))).collect()
}

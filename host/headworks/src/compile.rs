//! The child process that compiles one component, within the limits that the server told it.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode> {
    let mut component = Vec::new();
    std::io::stdin().lock().read_to_end(&mut component).context("cannot read the component")?;
    let compiled = headworks_sandbox::compile_in_this_process(&component)?;
    let mut output = std::io::stdout().lock();
    output.write_all(&compiled).and_then(|()| output.flush()).context("cannot write the compiled component")?;
    Ok(ExitCode::SUCCESS)
}

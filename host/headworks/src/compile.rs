//! The child process that compiles one component. Its limits were set by whoever started it.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode> {
    let limits = headworks_sandbox::Limits::default();
    let mut component = Vec::new();
    std::io::stdin().lock().read_to_end(&mut component).context("cannot read the component")?;
    let compiled = headworks_sandbox::compile_in_this_process(&component, &limits)?;
    let mut output = std::io::stdout().lock();
    output.write_all(&compiled).and_then(|()| output.flush()).context("cannot write the compiled component")?;
    Ok(ExitCode::SUCCESS)
}

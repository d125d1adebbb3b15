//! Log lines, on standard error.

use crate::settings::{Log, LogFormat};
use anyhow::{Context, Result};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// Begins to log.
pub(crate) fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level).with_context(|| format!("{:?} is no log level", log.level))?;
    let filter = if log.verbose { filter.add_directive(told()?) } else { filter };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot begin to log: {error}"))
}

/// Lets through what clients were told of their failures, whatever else is logged (FlowG 18).
fn told() -> Result<Directive> {
    format!("{}=debug", headworks_http::ERRORS).parse().context("the lines of failures cannot be chosen")
}

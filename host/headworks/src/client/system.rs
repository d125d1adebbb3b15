//! `system-config`.

use super::api::Api;
use super::{Printer, texts};
use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the settings.
    Show,
    /// Change the lists that are given, and leave the others.
    Update {
        /// An address or CIDR block that may send syslog messages; may be repeated.
        #[arg(long, value_name = "ORIGIN")]
        syslog_allowed_origin: Vec<String>,
        /// Let everybody send syslog messages.
        #[arg(long, conflicts_with = "syslog_allowed_origin")]
        syslog_allow_all: bool,
        /// A role that forms for new users offer first; may be repeated.
        #[arg(long, value_name = "ROLE")]
        default_role: Vec<String>,
    },
}

const PATH: &[&str] = &["system-configuration"];

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        let mut configuration = api.get(PATH, "configuration")?;
        let Self::Update { syslog_allowed_origin, syslog_allow_all, default_role } = self else {
            let lines: Vec<String> = configuration
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, list)| format!("{name}\t{}", texts(list).join(",")))
                .collect();
            return printer.print(&configuration, lines);
        };
        let members = configuration.as_object_mut().context("the settings are no object")?;
        if syslog_allow_all || !syslog_allowed_origin.is_empty() {
            members.insert("syslog_allowed_origins".to_owned(), Value::from(syslog_allowed_origin));
        }
        if !default_role.is_empty() {
            members.insert("default_roles".to_owned(), Value::from(default_role));
        }
        api.put(PATH, &configuration)?;
        printer.done()
    }
}

//! `headworks tenant`: tenants, over the platform interface.

use super::api::Api;
use super::login::password;
use super::{Printer, texts};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use ureq::http::Method;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List all tenants.
    List,
    /// Make a tenant. Prints the password of its administrator, if that was made up.
    Create {
        /// The name: a-z, 0-9 and -. It never changes.
        name: String,
        #[command(flatten)]
        changes: Changes,
        /// The name of the first user.
        #[arg(long, value_name = "USER", default_value = "root")]
        administrator: String,
        /// Read the password of the first user from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print one tenant.
    Show {
        /// Its name.
        name: String,
    },
    /// Change what is given, and leave the rest.
    Update {
        /// Its name.
        name: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Refuse users and senders of a tenant; its data stay.
    Suspend {
        /// Its name.
        name: String,
    },
    /// End a suspension.
    Resume {
        /// Its name.
        name: String,
    },
    /// Delete a tenant with everything that it has.
    Delete {
        /// Its name.
        name: String,
        /// Say that it is meant: there is no way back but a backup.
        #[arg(long)]
        yes: bool,
    },
    /// Print what a tenant used.
    Usage {
        /// Its name.
        name: String,
        /// For so many days.
        #[arg(long, default_value_t = 31)]
        days: u32,
    },
}

/// Settings of a tenant.
#[derive(Args, Default)]
pub(crate) struct Changes {
    /// What it is called for people.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// A host name under which its users reach the server; may be repeated, `--host ""` for none.
    #[arg(long, value_name = "HOST")]
    host: Option<Vec<String>>,
    /// A quota such as records_per_second=5000; may be repeated. 0 is no limit, nothing behind = is the value of the plan.
    #[arg(long, value_name = "NAME=VALUE", value_parser = quota)]
    quota: Vec<(String, Option<u64>)>,
    /// A pattern of what its plugins may be granted; may be repeated, `--grant ""` for nothing.
    #[arg(long, value_name = "PATTERN")]
    grant: Option<Vec<String>>,
}

fn quota(text: &str) -> Result<(String, Option<u64>), String> {
    let (name, value) = text.split_once('=').ok_or("it has the form NAME=VALUE")?;
    if value.is_empty() {
        return Ok((name.to_owned(), None));
    }
    let value = value.parse().map_err(|_| format!("{value:?} is no number"))?;
    Ok((name.to_owned(), Some(value)))
}

/// What a change of a tenant holds of it as it is.
const SETTINGS: [&str; 4] = ["display_name", "hosts", "quotas", "grants"];

impl Changes {
    /// Makes these changes in the settings of a tenant.
    fn apply(self, settings: &mut Map<String, Value>) {
        let list = |texts: Vec<String>| json!(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>());
        if let Some(text) = self.display_name {
            settings.insert("display_name".to_owned(), text.into());
        }
        if let Some(hosts) = self.host {
            settings.insert("hosts".to_owned(), list(hosts));
        }
        if let Some(grants) = self.grant {
            settings.insert("grants".to_owned(), list(grants));
        }
        let quotas = settings.entry("quotas").or_insert_with(|| json!({}));
        for (name, value) in self.quota {
            match (quotas.as_object_mut(), value) {
                (Some(quotas), Some(value)) => drop(quotas.insert(name, value.into())),
                (Some(quotas), None) => drop(quotas.remove(&name)),
                (None, _) => {}
            }
        }
    }
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::List => {
                let tenants = api.get(&["tenants"], "tenants")?;
                let lines = tenants.as_array().into_iter().flatten().map(|tenant| {
                    format!(
                        "{}\t{}\t{}\t{}",
                        text(tenant, "name"),
                        tenant["number"],
                        text(tenant, "state"),
                        text(tenant, "display_name")
                    )
                });
                printer.print(&tenants, lines.collect::<Vec<_>>())
            }
            Self::Create { name, changes, administrator, password_stdin } => {
                let mut body = Map::from_iter([("name".to_owned(), Value::from(name))]);
                changes.apply(&mut body);
                let mut first = Map::from_iter([("name".to_owned(), Value::from(administrator))]);
                if password_stdin {
                    first.insert("password".to_owned(), password(None)?.into());
                }
                body.insert("administrator".to_owned(), first.into());
                let made = api.post(&["tenants"], Some(&body.into()))?;
                let member = |name: &str| made.get(name).unwrap_or(&Value::Null);
                let administrator = member("administrator");
                let mut lines = shown(member("tenant"));
                lines.push(format!("administrator\t{}", text(administrator, "name")));
                if administrator.get("password").is_some() {
                    lines.push(format!("password\t{} (shown this once)", text(administrator, "password")));
                }
                printer.print(&made, lines)
            }
            Self::Show { name } => {
                let tenant = find(api, &name)?;
                printer.print(&tenant, shown(&tenant))
            }
            Self::Update { name, changes } => change(api, printer, &name, changes, None),
            Self::Suspend { name } => change(api, printer, &name, Changes::default(), Some(true)),
            Self::Resume { name } => change(api, printer, &name, Changes::default(), Some(false)),
            Self::Delete { name, yes } => {
                if !yes {
                    bail!("everything of the tenant {name:?} would be deleted; say --yes if that is meant");
                }
                let told = api.call(Method::DELETE, &["tenants", &name], &[], None)?;
                printer.print(&told, [])
            }
            Self::Usage { name, days } => {
                let days = days.to_string();
                let report = api.call(Method::GET, &["tenants", &name, "usage"], &[("days", &days)], None)?;
                printer.print(&report, used(&report))
            }
        }
    }
}

fn find(api: &Api, name: &str) -> Result<Value> {
    api.call(Method::GET, &["tenants", name], &[], None)
}

/// Reads a tenant, changes it, and writes it back unless somebody else was quicker.
fn change(api: &Api, printer: Printer, name: &str, changes: Changes, suspended: Option<bool>) -> Result<()> {
    let tenant = find(api, name)?;
    let members = tenant.as_object().context("the tenant is no object")?;
    let kept = members.iter().filter(|(name, _)| SETTINGS.contains(&name.as_str()) || *name == "revision");
    let mut body: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let suspended = suspended.unwrap_or(text(&tenant, "state") == "suspended");
    body.insert("suspended".to_owned(), suspended.into());
    changes.apply(&mut body);
    let changed = api.call(Method::PUT, &["tenants", name], &[], Some(&body.into()))?;
    printer.print(&changed, shown(&changed))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A tenant in lines.
fn shown(tenant: &Value) -> Vec<String> {
    let mut lines: Vec<String> = ["name", "state", "display_name", "created", "created_by"]
        .iter()
        .map(|name| format!("{name}\t{}", text(tenant, name)))
        .collect();
    lines.insert(1, format!("number\t{}", tenant["number"]));
    lines.push(format!("hosts\t{}", texts(&tenant["hosts"]).join(",")));
    lines.push(format!("grants\t{}", texts(&tenant["grants"]).join(",")));
    for (name, value) in tenant["limits"].as_object().into_iter().flatten() {
        let own = if tenant["quotas"].get(name).is_some() { "" } else { " (plan)" };
        let value = if value == &json!(0) { "no limit".to_owned() } else { value.to_string() };
        lines.push(format!("{name}\t{value}{own}"));
    }
    lines
}

/// A usage report in lines: one for the time since the start, one for each day.
fn used(report: &Value) -> Vec<String> {
    let mut lines = vec![format!("stored_bytes\t{}", report["stored_bytes"])];
    let counts = |usage: &Value| {
        let counts = usage.as_object().into_iter().flatten().filter(|(name, _)| *name != "day");
        counts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    lines.push(format!("since the start\t{}", counts(&report["since_start"])));
    for day in report["days"].as_array().into_iter().flatten() {
        lines.push(format!("{}\t{}", text(day, "day"), counts(day)));
    }
    lines
}

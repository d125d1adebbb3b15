//! `audit`: who changed what, which plugins failed and what rules said, read from a data folder that no server has open.

use crate::cli::Output;
use anyhow::Result;
use headworks_core::document::ChangeKind;
use headworks_identity::stored_number;
use headworks_store::{AuditEntry, AuditEvent, Store, Verdict};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn list(data: &Path, tenant: &str, after: u64, limit: usize, output: Output) -> Result<ExitCode> {
    let db = data.join("db");
    let entries = Store::stored_audit(&db, stored_number(&db, tenant)?, after.saturating_add(1), limit)?;
    match output {
        Output::Json => println!("{}", Value::Array(entries.iter().map(as_json).collect())),
        Output::Text if entries.is_empty() => println!("no audit entries"),
        Output::Text => entries.iter().for_each(print),
    }
    Ok(ExitCode::SUCCESS)
}

fn action(event: &AuditEvent) -> &'static str {
    match event {
        AuditEvent::Changed { kind: ChangeKind::Put, .. } => "put",
        AuditEvent::Changed { kind: ChangeKind::Delete, .. } => "delete",
        AuditEvent::PluginFailed { .. } => "plugin-failed",
        AuditEvent::Judged { verdict: Verdict::Warned, .. } => "rule-warned",
        AuditEvent::Judged { verdict: Verdict::Refused, .. } => "rule-refused",
        AuditEvent::Judged { verdict: Verdict::Closed, .. } => "rule-failed-closed",
        AuditEvent::Judged { verdict: Verdict::Opened, .. } => "rule-failed-open",
    }
}

fn as_json(entry: &AuditEntry) -> Value {
    let mut shown = json!({
        "number": entry.sequence, "at": entry.at.rfc3339(), "author": entry.author, "action": action(&entry.event),
        "kind": entry.key.kind, "scope": entry.key.scope, "name": entry.key.name,
    });
    let more = match &entry.event {
        AuditEvent::Changed { uid, revision, .. } => json!({ "uid": uid.0.to_string(), "revision": revision }),
        AuditEvent::PluginFailed { node, code, plugin_digest } => {
            json!({ "node": node, "code": code, "plugin_digest": plugin_digest })
        }
        AuditEvent::Judged { rule, detail, .. } => json!({ "rule": rule, "detail": detail }),
    };
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

fn print(entry: &AuditEntry) {
    let AuditEntry { sequence, at, author, key, event } = entry;
    let (at, kind, name) = (at.rfc3339(), &key.kind, &key.name);
    match event {
        AuditEvent::Changed { revision, .. } => {
            println!("{sequence} {at} {} {kind} {name:?} revision {revision} by {author:?}", action(event));
        }
        AuditEvent::PluginFailed { node, code, plugin_digest } => {
            println!("{sequence} {at} {} {kind} {name:?} node {node:?} {code} plugin {plugin_digest}", action(event));
        }
        AuditEvent::Judged { rule, detail, .. } => {
            println!("{sequence} {at} {} {kind} {name:?} by {author:?} rule {rule:?}: {detail:?}", action(event));
        }
    }
}

//! `dead-letters`: what could not be processed, read from a data folder that no server has open.

use crate::cli::Output;
use anyhow::Result;
use headworks_identity::stored_number;
use headworks_store::{DeadLetter, Store};
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn list(data: &Path, tenant: &str, after: u64, limit: usize, output: Output) -> Result<ExitCode> {
    let db = data.join("db");
    let letters = Store::stored_dead_letters(&db, stored_number(&db, tenant)?, after, limit)?;
    match output {
        Output::Json => println!("{}", Value::Array(letters.iter().map(|(number, letter)| json(*number, letter)).collect())),
        Output::Text if letters.is_empty() => println!("no dead letters"),
        Output::Text => letters.iter().for_each(|(number, letter)| print(*number, letter)),
    }
    Ok(ExitCode::SUCCESS)
}

fn json(number: u64, letter: &DeadLetter) -> Value {
    let records: Vec<Value> = letter
        .records
        .records()
        .map(|record| serde_json::json!({"timestamp": record.time().rfc3339(), "fields": record}))
        .collect();
    serde_json::json!({
        "number": number, "at": letter.at.rfc3339(), "pipeline": letter.pipeline, "node": letter.node, "code": letter.code,
        "reason": letter.reason, "backtrace": letter.backtrace, "plugin_digest": letter.plugin_digest,
        "attempt": letter.attempt, "records": records,
    })
}

fn print(number: u64, letter: &DeadLetter) {
    println!(
        "{number} {} pipeline {:?} node {:?} {} ({} records): {}",
        letter.at.rfc3339(),
        letter.pipeline,
        letter.node,
        letter.code,
        letter.records.len(),
        letter.reason
    );
}

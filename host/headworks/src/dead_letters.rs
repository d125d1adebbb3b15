//! `dead-letters`: what could not be processed; of a running server, or read from a data folder that no server has open.

use crate::cli::{DeadLettersCommand, Output, Server, Which};
use crate::client::{Api, harmless};
use crate::remote;
use anyhow::{Context, Result, ensure};
use headworks_core::Timestamp;
use headworks_identity::stored_number;
use headworks_store::{DeadLetter, LetterFilter, LetterSummary, Store};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use ureq::http::Method;

const PATH: &str = "dead-letters";
/// Letters that are asked for at once.
const PAGE: usize = 1000;

pub(crate) fn run(command: DeadLettersCommand, output: Output) -> Result<ExitCode> {
    match command {
        DeadLettersCommand::List { api: None, folder, tenant, which, after, limit } => {
            list(&folder.data, &tenant, &which, after, limit, output)
        }
        DeadLettersCommand::List { api, which, after, limit, .. } => {
            let api = remote::server(Server { api, data: None })?.platform();
            let letters = find(&api, &which, after, limit)?;
            match output {
                Output::Json => println!("{}", Value::Array(letters)),
                Output::Text if letters.is_empty() => println!("no dead letters"),
                Output::Text => letters.iter().for_each(|letter| println!("{}", line(letter))),
            }
            Ok(ExitCode::SUCCESS)
        }
        DeadLettersCommand::Show { server, number } => {
            let letter = remote::server(server)?.platform().call(Method::GET, &[PATH, &number.to_string()], &[], None)?;
            match output {
                Output::Json => println!("{letter}"),
                Output::Text => println!("{}", serde_json::to_string_pretty(&letter)?),
            }
            Ok(ExitCode::SUCCESS)
        }
        DeadLettersCommand::Replay { server, numbers, which, all, from_entry, transformer, with_plugin, with_version } => {
            let api = remote::server(server)?.platform();
            let numbers = meant(&api, numbers, &which, all)?;
            let mut how = json!({"from": if from_entry { "entry" } else { "node" }});
            for (member, value) in [("transformer", transformer), ("plugin", with_plugin), ("version", with_version)] {
                if let (Some(members), Some(value)) = (how.as_object_mut(), value) {
                    members.insert(member.to_owned(), value.into());
                }
            }
            replay(&api, &numbers, &how, output)
        }
        DeadLettersCommand::Discard { server, numbers, which, all } => {
            let api = remote::server(server)?.platform();
            let numbers = meant(&api, numbers, &which, all)?;
            for number in &numbers {
                api.call(Method::DELETE, &[PATH, &number.to_string()], &[], None)?;
            }
            match output {
                Output::Json => println!("{}", json!({"discarded": numbers.len()})),
                Output::Text => println!("{} discarded", numbers.len()),
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Which {
    fn members(&self) -> [(&'static str, &Option<String>); 5] {
        let Self { pipeline, code, plugin, from, to } = self;
        [("pipeline", pipeline), ("code", code), ("plugin", plugin), ("from", from), ("to", to)]
    }

    fn filter(&self) -> Result<LetterFilter> {
        let moment = |text: &Option<String>| {
            let parsed = text.as_ref().map(|text| Timestamp::parse_rfc3339(text).with_context(|| format!("{text:?} is no time")));
            parsed.transpose()
        };
        let (pipeline, code, plugin_digest) = (self.pipeline.clone(), self.code.clone(), self.plugin.clone());
        Ok(LetterFilter { pipeline, code, plugin_digest, from: moment(&self.from)?, to: moment(&self.to)? })
    }
}

/// Summaries of the letters that are meant.
fn find(api: &Api, which: &Which, mut after: u64, limit: usize) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    while found.len() < limit {
        let page = PAGE.min(limit - found.len());
        let (from, most) = (after.to_string(), page.to_string());
        let mut query = vec![("after", from.as_str()), ("limit", most.as_str())];
        query.extend(which.members().into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        let mut answer = api.call(Method::GET, &[PATH], &query, None)?;
        if let Some(letters) = answer.get_mut("dead_letters").and_then(Value::as_array_mut) {
            found.append(letters);
        }
        let Some(next) = answer.get("next").and_then(Value::as_u64) else { break };
        after = next;
    }
    Ok(found)
}

/// The numbers of the letters that are meant.
fn meant(api: &Api, numbers: Vec<u64>, which: &Which, all: bool) -> Result<Vec<u64>> {
    if !numbers.is_empty() {
        return Ok(numbers);
    }
    let filtered = which.members().into_iter().any(|(_, value)| value.is_some());
    ensure!(all || filtered, "say which dead letters are meant: numbers, filters such as --pipeline, or --all");
    let found = find(api, which, 0, usize::MAX)?;
    Ok(found.iter().filter_map(|letter| letter.get("number").and_then(Value::as_u64)).collect())
}

/// Replays letters one after the other. Fails at the end where anything remained.
fn replay(api: &Api, numbers: &[u64], how: &Value, output: Output) -> Result<ExitCode> {
    let mut told = Vec::new();
    let mut complete = true;
    for number in numbers {
        let mut answer = api.call(Method::POST, &[PATH, &number.to_string(), "replay"], &[], Some(how))?;
        let count = |member: &str| answer.get(member).and_then(Value::as_u64).unwrap_or_default();
        let (accepted, remaining) = (count("accepted"), count("remaining"));
        complete &= remaining == 0;
        if output == Output::Text {
            let why = answer.pointer("/failure/detail").and_then(Value::as_str).unwrap_or_default();
            let why = if why.is_empty() { String::new() } else { format!(": {}", harmless(why)) };
            println!("{number} {accepted} accepted, {remaining} remaining{why}");
        }
        if let Some(members) = answer.as_object_mut() {
            members.insert("number".to_owned(), (*number).into());
        }
        told.push(answer);
    }
    if output == Output::Json {
        println!("{}", Value::Array(told));
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(letter: &Value) -> String {
    let text = |member: &str| letter.get(member).and_then(Value::as_str).unwrap_or_default();
    let number = |member: &str| letter.get(member).and_then(Value::as_u64).unwrap_or_default();
    let line = format!(
        "{} {} pipeline {:?} node {:?} {} ({} records): {}",
        number("number"),
        text("at"),
        text("pipeline"),
        text("node"),
        text("code"),
        number("records"),
        text("reason")
    );
    harmless(&line)
}

fn list(data: &Path, tenant: &str, which: &Which, after: u64, limit: usize, output: Output) -> Result<ExitCode> {
    let filter = which.filter()?;
    let read = if filter == LetterFilter::default() { limit } else { usize::MAX };
    let db = data.join("db");
    let letters = Store::stored_dead_letters(&db, stored_number(&db, tenant)?, after, read)?;
    let meant = |(number, letter): &(u64, DeadLetter)| filter.lets_through(&summary(*number, letter));
    let letters: Vec<(u64, DeadLetter)> = letters.into_iter().filter(meant).take(limit).collect();
    match output {
        Output::Json => println!("{}", Value::Array(letters.iter().map(|(number, letter)| whole(*number, letter)).collect())),
        Output::Text if letters.is_empty() => println!("no dead letters"),
        Output::Text => letters.iter().for_each(|(number, letter)| print(*number, letter)),
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(number: u64, letter: &DeadLetter) -> LetterSummary {
    let DeadLetter { pipeline, node, plugin_digest, code, reason, attempt, at, records, .. } = letter.clone();
    LetterSummary { number, pipeline, node, plugin_digest, code, reason, attempt, at, records: records.len() as u64 }
}

fn whole(number: u64, letter: &DeadLetter) -> Value {
    let records: Vec<Value> =
        letter.records.records().map(|record| json!({"timestamp": record.time().rfc3339(), "fields": record})).collect();
    json!({
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

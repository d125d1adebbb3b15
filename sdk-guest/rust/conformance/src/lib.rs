//! Does what `sdk-guest/conformance/vectors.json` asks for, with every part of the SDK.

#[cfg(not(feature = "interface-0-1-0"))]
mod host;

use headworks_plugin::{About, Batch, Event, OpenError, Transformer, Value, export};
use serde::Deserialize;
use serde_json::Value as Json;
use std::time::SystemTime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    steps: Vec<Step>,
}

/// One thing to do.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    r#do: String,
    field: String,
    to: String,
    value: Json,
    indexes: Vec<usize>,
    key: String,
    expected: String,
    r#if: Option<String>,
    is: String,
}

impl Step {
    fn text(&self) -> &str {
        self.value.as_str().unwrap_or_default()
    }

    fn value(&self) -> Value {
        match &self.value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(*value),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => text.as_str().into(),
            other => Value::Json(other.to_string().into()),
        }
    }
}

/// The steps of all records, the host's left out.
const BATCH: &[&str] = &["upper", "kind", "select", "fill", "rename", "delete", "batch-names", "count", "clock", "fail", "crash"];
/// The steps that need more than interface 0.1.0.
const HOST: &[&str] = &[
    "random", "state-get", "state-set", "state-delete", "state-keys", "state-replace", "state-create", "state-full", "secret", "observe",
];
/// The steps of one record.
const EVENT: &[&str] = &["event-upper", "text", "time", "set", "set-null", "set-bytes", "remove", "names", "reject", "chars", "reverse"];
/// The steps that change which records there are.
const RECORDS: &[&str] = &["drop", "copy"];

fn kind(value: Option<Value>) -> &'static str {
    match value {
        None => "none",
        Some(Value::Null) => "null",
        Some(Value::Boolean(_)) => "boolean",
        Some(Value::Integer(_)) => "integer",
        Some(Value::Float(_)) => "float",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
        Some(Value::Json(_)) => "json",
    }
}

/// Seconds since 1970, as the standard library knows it.
fn seconds() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(not(feature = "interface-0-1-0"))]
fn clock() -> &'static str {
    host::clock(seconds())
}

/// Interface 0.1.0 has no clock of its own.
#[cfg(feature = "interface-0-1-0")]
fn clock() -> &'static str {
    if seconds() > 1_735_689_600 { "ok" } else { "the clock stands" }
}

fn on_batch(batch: &Batch, step: &Step) -> Result<(), String> {
    let Step { field, to, .. } = step;
    match step.r#do.as_str() {
        "upper" => {
            let upper = batch.text_column(field).into_iter().map(|text| text.map(|text| text.to_uppercase()));
            batch.set_text_column(field, upper.collect());
        }
        "kind" => batch.set_column(to, batch.column(field).into_iter().map(|value| Some(kind(value).into())).collect()),
        "select" => batch.select(&step.indexes),
        "fill" => batch.fill(field, step.value()),
        "rename" => batch.rename(field, to),
        "delete" => batch.remove(field),
        "batch-names" => {
            let mut names = batch.names().to_vec();
            names.sort();
            batch.fill(field, names.join(","));
        }
        "count" => batch.fill(field, batch.len().to_string()),
        "clock" => batch.fill(field, clock()),
        "fail" => return Err(step.text().to_owned()),
        "crash" => return Err(step.field[9..].to_owned()),
        #[cfg(not(feature = "interface-0-1-0"))]
        _ => host::act(batch, step)?,
        #[cfg(feature = "interface-0-1-0")]
        _ => {}
    }
    Ok(())
}

fn on_event(event: Event<'_>, step: &Step) {
    let Step { field, to, .. } = step;
    let text = event.text(field);
    match step.r#do.as_str() {
        "event-upper" => text.into_iter().for_each(|text| event.set(field, text.to_uppercase())),
        "text" => text.into_iter().for_each(|text| event.set(to, text)),
        "time" => {
            let near = (event.time().seconds - seconds()).abs() < 86_400;
            event.set(field, if near { "ok".to_owned() } else { event.time().to_string() });
        }
        "set" => event.set(field, step.value()),
        "set-null" => event.set(field, Value::Null),
        "set-bytes" => event.set(field, Value::Bytes([0xff, 0x41].into())),
        "remove" => event.remove(field),
        "names" => {
            let names: Vec<String> = event.fields().into_keys().filter(|name| name != field).collect();
            event.set(field, names.join(","));
        }
        "reject" => event.reject(step.text()),
        "chars" => event.set(to, text.unwrap_or_default().chars().count().to_string()),
        _ => event.set(to, text.unwrap_or_default().chars().rev().collect::<String>()),
    }
}

fn matches(event: Event<'_>, step: &Step) -> bool {
    step.r#if.as_ref().is_none_or(|field| event.text(field).as_deref().unwrap_or_default() == step.is)
}

/// Copies stand right behind their originals, and are marked.
fn copy(batch: &Batch, step: &Step) {
    let mut indexes = Vec::new();
    let mut copies = Vec::new();
    for event in batch.events() {
        indexes.push(event.index());
        if matches(event, step) {
            copies.push(indexes.len());
            indexes.push(event.index());
        }
    }
    batch.select(&indexes);
    copies.into_iter().for_each(|index| batch.event(index).set(&step.field, "1"));
}

struct Conformance {
    steps: Vec<Step>,
}

impl Transformer for Conformance {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &["secret:token"],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        let known = |step: &str| [BATCH, HOST, EVENT, RECORDS].iter().any(|steps| steps.contains(&step));
        match config.steps.iter().enumerate().find(|(_, step)| !known(&step.r#do)) {
            Some((index, step)) => Err(format!("steps[{index}].do: there is no step {}", step.r#do).into()),
            None => Ok(Self { steps: config.steps }),
        }
    }

    fn transform(&mut self, batch: &mut Batch) -> Result<(), String> {
        for step in &self.steps {
            match step.r#do.as_str() {
                "drop" => batch.retain(|event| !matches(event, step)),
                "copy" => copy(batch, step),
                name if EVENT.contains(&name) => {
                    batch.events().filter(|event| matches(*event, step)).for_each(|event| on_event(event, step));
                }
                _ => on_batch(batch, step)?,
            }
        }
        Ok(())
    }
}

export!(Conformance);

//! Golden tests of a plugin: `tests.json`, what is given to it and what has to come of it.
//!
//! Owns the form of the file and how it is run: the author's command and the server run the same. What must stay true: a
//! case meets the limits that a call in the server meets, and nothing of one case reaches the next.

mod difference;
mod network;
mod run;

pub use run::{Outcome, alone, config, event, request, run, subject};

use headworks_core::{Batch, BatchBuilder, Error, ErrorCode, Result, Timestamp, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The most bytes of a file.
const MAX_BYTES: usize = 1 << 20;
/// The most cases of a file.
const MAX_CASES: usize = 1_000;

/// The cases of a plugin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    /// They are run one after the other.
    pub cases: Vec<Case>,
}

/// One case. Which members it needs depends on the world of the plugin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// For people.
    pub name: String,
    /// The configuration that the plugin is opened with; an empty object where it is absent.
    pub config: Option<Json>,
    /// What is remembered before, as texts.
    #[serde(default)]
    pub state: BTreeMap<String, String>,
    /// The secrets of the tenant.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Records.
    #[serde(default)]
    pub input: Vec<Map<String, Json>>,
    /// Of a transformer: the records it has to make.
    pub output: Option<Vec<Map<String, Json>>>,
    /// The records it has to reject; all others must not be.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
    /// A part of the text with which it has to fail.
    pub error: Option<String>,
    /// Of a validator: the document.
    pub subject: Option<Document>,
    /// What it has to find, in this order.
    pub violations: Option<Vec<Finding>>,
    /// Of an event hook: the event.
    pub event: Option<Happened>,
    /// Of an identity provider: the request that asks for a token.
    pub request: Option<Asked>,
    /// Whether it has to recognize the form of the credentials.
    pub recognized: Option<bool>,
    /// Whom it has to say the request is from.
    pub identity: Option<Who>,
    /// Of whatever reaches others: the requests it has to send, in this order.
    pub requests: Option<Vec<Sent>>,
    /// What they are answered; 200 without a body where there is none left.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// A record that has to be rejected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// Its place in the input.
    pub index: u32,
    /// A part of the reason.
    #[serde(default)]
    pub reason: String,
}

/// A document that is judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Such as `pipeline`.
    pub kind: String,
    /// What it belongs to.
    #[serde(default)]
    pub scope: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `create` unless it is said.
    #[serde(default)]
    pub operation: Operation,
    /// Its JSON.
    #[serde(default)]
    pub document: Json,
    /// What it replaces.
    pub previous: Option<Json>,
    /// Who asks.
    #[serde(default)]
    pub principal: String,
}

/// An event that is handled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happened {
    /// Such as `CREATE_BUCKET`.
    pub kind: String,
    /// In RFC 3339; the time of the test unless it is said.
    pub at: Option<String>,
    /// Texts by their names, in this order.
    #[serde(default)]
    pub fields: Map<String, Json>,
}

/// A request that asks for a token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `POST` unless it is said.
    pub method: Option<String>,
    /// Names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Somebody who has to be proven.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The name.
    pub name: String,
    /// What people are shown.
    pub display_name: Option<String>,
    /// How long the proof holds.
    pub lifetime_seconds: Option<u64>,
}

/// What is done to a document.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Saving it for the first time.
    #[default]
    Create,
    /// Saving it again.
    Update,
    /// Deleting it.
    Delete,
}

/// A violation that has to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// As the validator has to say it.
    #[serde(default)]
    pub path: String,
    /// A part of the message.
    #[serde(default)]
    pub message: String,
    /// `error` unless it is said.
    #[serde(default)]
    pub severity: Severity,
}

/// How bad a violation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An error.
    #[default]
    Error,
    /// A warning.
    Warning,
}

/// A request that has to be sent. What is absent may be anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Such as `POST`.
    pub method: Option<String>,
    /// The whole URL.
    pub url: Option<String>,
    /// Headers that have to be among those sent.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A text as it is; anything else is compared as JSON.
    pub body: Option<Json>,
}

/// An answer to a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A text as it is; anything else as JSON.
    #[serde(default)]
    pub body: Json,
}

impl Tests {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) names what is wrong with it.
    pub fn read(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let message = format!("the tests have {} bytes, and at most {MAX_BYTES} are allowed", text.len());
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        let tests: Self = serde_json::from_str(text).map_err(|error| Error::invalid(format!("the tests are wrong: {error}")))?;
        if tests.cases.len() > MAX_CASES {
            let count = tests.cases.len();
            return Err(Error::invalid(format!("there are {count} tests, and at most {MAX_CASES} are allowed")).at("cases"));
        }
        for (index, case) in tests.cases.iter().enumerate() {
            case.check()
                .map_err(|why| Error::invalid(format!("the test {:?} {why}", case.name)).at(format!("cases[{index}]")))?;
        }
        Ok(tests)
    }
}

impl Case {
    /// Whether it gives the plugin anything.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty() || self.subject.is_some() || self.event.is_some() || self.request.is_some()
    }

    /// A case that says nothing tests nothing.
    fn check(&self) -> Result<(), &'static str> {
        let told = [self.output.is_some(), self.violations.is_some(), self.requests.is_some()];
        let proven = [self.identity.is_some(), self.recognized.is_some()];
        let expects = told.into_iter().chain(proven).any(|is_there| is_there);
        if !expects && self.error.is_none() && self.rejected.is_empty() {
            return Err("says neither what comes out (output, requests, violations, recognized or identity) nor error");
        }
        if self.event.as_ref().is_some_and(|event| event.fields.values().any(|value| !value.is_string())) {
            return Err("has an event with a field that is no text");
        }
        if self.violations.is_some() && self.subject.is_none() {
            return Err("has violations and no subject");
        }
        Ok(())
    }
}

/// Records as a batch: texts stay texts, other scalars take their kinds, lists and objects become JSON.
///
/// # Errors
/// They are larger than a batch may be.
pub fn batch(records: &[Map<String, Json>], time: Timestamp) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for record in records {
        for (name, json) in record {
            let document;
            let value = match json {
                Json::Null => Value::Null,
                Json::Bool(value) => Value::Boolean(*value),
                Json::Number(number) => match number.as_i64() {
                    Some(whole) => Value::Integer(whole),
                    None => Value::Float(number.as_f64().unwrap_or_default()),
                },
                Json::String(text) => Value::Text(text),
                Json::Array(_) | Json::Object(_) => {
                    document = json.to_string();
                    Value::Json(&document)
                }
            };
            builder.field(name, value);
        }
        builder.end_record(time);
    }
    builder.finish()
}

/// The records of a batch as JSON.
pub fn records(batch: &Batch) -> Vec<Map<String, Json>> {
    let json = |value: Value<'_>| serde_json::to_value(value).unwrap_or_default();
    batch
        .records()
        .map(|record| record.sorted().into_iter().map(|(name, value)| (name.to_owned(), json(value))).collect())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tests_that_cannot_be_are_named() {
        let member = |tests: Json| Tests::read(&tests.to_string()).unwrap_err().member;
        assert!(Tests::read(r#"{"cases":[{"name":"a","input":[],"output":[]}]}"#).is_ok());
        assert_eq!(member(json!({"cases": [{"name": "a", "input": []}]})).as_deref(), Some("cases[0]"));
        assert_eq!(member(json!({"cases": [{"name": "a", "violations": []}]})).as_deref(), Some("cases[0]"));
        assert_eq!(member(json!({"cases": [], "more": 1})), None);
        let many: Vec<Json> = (0..=MAX_CASES).map(|n| json!({"name": n.to_string(), "error": "x"})).collect();
        assert_eq!(member(json!({ "cases": many })).as_deref(), Some("cases"));
        assert_eq!(Tests::read(&" ".repeat(MAX_BYTES + 1)).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn records_come_out_as_they_are_written() {
        let record = json!({"a": "x", "b": 5, "c": 1.5, "d": true, "e": null, "f": {"g": [1]}});
        let made = batch(&[record.as_object().unwrap().clone()], Timestamp(0)).unwrap();
        assert_eq!(records(&made), [record.as_object().unwrap().clone()]);
    }
}

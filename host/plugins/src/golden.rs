//! Golden tests of a version: inputs and what has to come of them.
//!
//! Knows nothing of where they are kept: the server runs them before a version takes over, the command line before it is sent.

use headworks_core::batch::Record;
use headworks_core::{Batch, BatchBuilder, Error, ErrorCode, Result, Timestamp, Value as Cell};
use headworks_sandbox::{Operation, Plugin, Severity, Subject, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// The most bytes of a file of tests.
pub const TESTS_BYTES: usize = 1 << 20;
/// The most tests of a version.
const CASES: usize = 1000;
/// How long all tests of a version may take together.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of an output that a failure shows.
const SHOWN: usize = 400;

/// Tests of one version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    config: Option<Value>,
    /// Of a transformer.
    input: Option<Vec<Map<String, Value>>>,
    output: Option<Vec<Map<String, Value>>>,
    error: Option<String>,
    #[serde(default)]
    rejected: Vec<Rejection>,
    /// Of a validator.
    subject: Option<CaseSubject>,
    violations: Option<Vec<CaseViolation>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    index: u32,
    reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSubject {
    kind: String,
    #[serde(default)]
    scope: String,
    name: String,
    operation: String,
    document: Value,
    previous: Option<Value>,
    #[serde(default)]
    principal: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseViolation {
    path: String,
    /// A part of it.
    #[serde(default)]
    message: String,
    severity: Option<String>,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The name of the test.
    pub name: String,
    /// What was wrong; `None` where nothing was.
    pub failure: Option<String>,
}

impl Tests {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the place of what cannot be.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > TESTS_BYTES {
            return Err(Error::new(ErrorCode::TooLarge, format!("the tests of a version have at most {TESTS_BYTES} bytes")));
        }
        let tests: Self =
            serde_json::from_slice(bytes).map_err(|error| Error::invalid(format!("the tests cannot be read: {error}")))?;
        if tests.cases.len() > CASES {
            return Err(Error::invalid(format!("a version has at most {CASES} tests")).at("cases"));
        }
        for (index, case) in tests.cases.iter().enumerate() {
            let wrong =
                |what: &str| Err(Error::invalid(format!("the test {:?} {what}", case.name)).at(format!("cases[{index}]")));
            let of_transformer = case.input.is_some() && (case.output.is_some() != case.error.is_some());
            let of_validator = case.subject.is_some() && (case.violations.is_some() != case.error.is_some());
            if of_transformer == of_validator {
                return wrong("needs an input with an output or an error, or a subject with violations or an error");
            }
            if case.subject.as_ref().is_some_and(|subject| operation(&subject.operation).is_none()) {
                return wrong("has an operation other than create, update and delete");
            }
        }
        Ok(tests)
    }

    /// Runs all tests, in order, each on an instance of its own.
    pub async fn run(&self, plugin: &Plugin) -> Vec<Tested> {
        let begin = Instant::now();
        let mut all = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            let failure = match begin.elapsed() > PATIENCE {
                true => Some(format!("it was not run: all tests together take more than {PATIENCE:?}")),
                false => case.run(plugin).await.err(),
            };
            all.push(Tested { name: case.name.clone(), failure });
        }
        all
    }
}

impl Case {
    async fn run(&self, plugin: &Plugin) -> Result<(), String> {
        let wants_text = crate::schema::Schema::read(&plugin.description().config_schema).map_err(|error| error.message)?;
        let config = self.config.clone().unwrap_or_else(|| json!({}));
        let config = match wants_text.check(&config) {
            Ok(config) => config,
            Err(error) => return self.met(&error),
        };
        match plugin.world() {
            World::Transformer => self.transform(plugin, &config).await,
            World::Validator => self.validate(plugin, &config).await,
            World::Forwarder => Err("tests of forwarders need a target of their own and are not run here".to_owned()),
        }
    }

    /// Whether an error is the one that is expected.
    fn met(&self, error: &Error) -> Result<(), String> {
        match &self.error {
            Some(part) if error.message.contains(part) => Ok(()),
            Some(part) => Err(format!("the error should say {part:?}, and says {:?}", error.message)),
            None => Err(error.message.clone()),
        }
    }

    fn missed(&self) -> Result<(), String> {
        self.error.as_ref().map_or(Ok(()), |part| Err(format!("it should fail with {part:?}, and does not")))
    }

    async fn transform(&self, plugin: &Plugin, config: &str) -> Result<(), String> {
        let input = self.input.as_ref().ok_or("it has no input, which a transformer needs")?;
        let batch = batch(input).map_err(|error| error.message)?;
        let transformer = match plugin.open_transformer(config).await {
            Ok(transformer) => transformer,
            Err(error) => return self.met(&error),
        };
        let made = match transformer.transform(batch).await {
            Ok(made) => made,
            Err(failure) => return self.met(&failure.error),
        };
        self.missed()?;
        let expected = self.output.as_deref().unwrap_or_default();
        let got: Vec<Value> = made.batch.records().map(shown).collect();
        for index in 0..expected.len().max(got.len()) {
            let (expected, got) = (expected.get(index).cloned().map(Value::Object), got.get(index).cloned());
            if expected != got {
                let text = |value: Option<Value>| cut(&value.map_or_else(|| "nothing".to_owned(), |value| value.to_string()));
                return Err(format!("output {index} should be {} and is {}", text(expected), text(got)));
            }
        }
        let rejected: Vec<Rejection> = made.rejected.into_iter().map(|(index, reason)| Rejection { index, reason }).collect();
        if rejected != self.rejected {
            return Err(cut(&format!("the rejected records should be {:?} and are {rejected:?}", self.rejected)));
        }
        Ok(())
    }

    async fn validate(&self, plugin: &Plugin, config: &str) -> Result<(), String> {
        let subject = self.subject.as_ref().ok_or("it has no subject, which a validator needs")?;
        let validator = match plugin.open_validator(config).await {
            Ok(validator) => validator,
            Err(error) => return self.met(&error),
        };
        let found = match validator.validate(&subject.read()).await {
            Ok(found) => found,
            Err(failure) => return self.met(&failure.error),
        };
        self.missed()?;
        let expected = self.violations.as_deref().unwrap_or_default();
        let fits = |(found, expected): (&headworks_sandbox::Violation, &CaseViolation)| {
            let severity = if found.severity == Severity::Error { "error" } else { "warning" };
            found.path == expected.path
                && found.message.contains(&expected.message)
                && expected.severity.as_ref().is_none_or(|expected| expected == severity)
        };
        if found.len() != expected.len() || !found.iter().zip(expected).all(fits) {
            return Err(cut(&format!("the violations should be {expected:?} and are {found:?}")));
        }
        Ok(())
    }
}

impl CaseSubject {
    fn read(&self) -> Subject {
        Subject {
            kind: self.kind.clone(),
            scope: self.scope.clone(),
            name: self.name.clone(),
            operation: operation(&self.operation).unwrap_or(Operation::Create),
            document: self.document.to_string(),
            previous: self.previous.as_ref().map(ToString::to_string),
            principal: self.principal.clone(),
        }
    }
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        _ => return None,
    })
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN);
    text.get(..end).filter(|_| end < text.len()).map_or_else(|| text.to_owned(), |text| format!("{text}…"))
}

/// Records as they are written in tests: whatever is no text, number, truth value or null is JSON.
fn batch(records: &[Map<String, Value>]) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for record in records {
        for (name, value) in record {
            let json = value.to_string();
            let cell = match value {
                Value::Null => Cell::Null,
                Value::Bool(flag) => Cell::Boolean(*flag),
                Value::String(text) => Cell::Text(text),
                Value::Number(number) => match number.as_i64() {
                    Some(number) => Cell::Integer(number),
                    None => Cell::Float(number.as_f64().unwrap_or_default()),
                },
                Value::Array(_) | Value::Object(_) => Cell::Json(&json),
            };
            builder.field(name, cell);
        }
        builder.end_record(Timestamp(0));
    }
    builder.finish()
}

fn shown(record: Record<'_>) -> Value {
    let member = |(name, cell): (&str, Cell<'_>)| {
        let value = match cell {
            Cell::Null => Value::Null,
            Cell::Boolean(flag) => flag.into(),
            Cell::Integer(number) => number.into(),
            Cell::Float(number) => number.into(),
            Cell::Text(text) => text.into(),
            Cell::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
            Cell::Json(json) => serde_json::from_str(json).unwrap_or_else(|_| json.into()),
        };
        (name.to_owned(), value)
    };
    Value::Object(record.sorted().into_iter().map(member).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_cannot_be_are_named() {
        let member = |tests: Value| Tests::parse(tests.to_string().as_bytes()).unwrap_err().member;
        assert!(Tests::parse(br#"{"cases":[{"name":"a","input":[],"output":[]}]}"#).is_ok());
        assert_eq!(member(json!({"cases": [{"name": "a", "input": []}]})).as_deref(), Some("cases[0]"));
        assert_eq!(
            member(json!({"cases": [{"name": "a", "input": [], "output": [], "error": "x"}]})).as_deref(),
            Some("cases[0]")
        );
        let subject = json!({"kind": "k", "name": "n", "operation": "burn", "document": {}});
        assert_eq!(member(json!({"cases": [{"name": "a", "subject": subject, "violations": []}]})).as_deref(), Some("cases[0]"));
        assert_eq!(member(json!({"cases": [], "more": 1})), None);
        let large = vec![b' '; TESTS_BYTES + 1];
        assert_eq!(Tests::parse(&large).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn records_are_shown_as_they_are_written() {
        let record = json!({"a": "x", "b": 5, "c": 1.5, "d": true, "e": null, "f": {"g": [1]}});
        let made = batch(&[record.as_object().unwrap().clone()]).unwrap();
        assert_eq!(shown(made.record(0).unwrap()), record);
    }
}

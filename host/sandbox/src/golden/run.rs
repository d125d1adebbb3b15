//! Running the cases.

use super::{Case, Document, Operation, ScriptedNetwork, Tests, batch, difference, records};
use crate::{LogLevel, LogSink, MemoryState, Operation as Wanted, Plugin, Secrets, StateStore, Subject, Surroundings, World};
use headworks_core::{Digest, Error, Result, Timestamp};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most lines of the plugin's log that a case keeps.
const LOG_LINES: usize = 100;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The name of the case.
    pub name: String,
    /// What is different from what it says; nothing if it passed.
    pub differences: Vec<String>,
    /// The first lines that the plugin logged.
    pub log: Vec<(LogLevel, String)>,
    /// How long it took, opening included.
    pub took: Duration,
}

impl Outcome {
    /// Whether all came as the case says.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Runs every case. `network` is the one of the sandbox that loaded the plugin.
pub async fn run(plugin: &Plugin, tests: &Tests, network: &ScriptedNetwork) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(tests.cases.len());
    for case in &tests.cases {
        let started = Instant::now();
        let log = Arc::new(Lines::default());
        let mut differences = Vec::new();
        if let Err(error) = judge(plugin, case, network, &log, &mut differences).await {
            differences.push(error.message.clone());
        }
        let log = std::mem::take(&mut *log.0.lock().unwrap_or_else(PoisonError::into_inner));
        outcomes.push(Outcome { name: case.name.clone(), differences, log, took: started.elapsed() });
    }
    outcomes
}

async fn judge(plugin: &Plugin, case: &Case, network: &ScriptedNetwork, log: &Arc<Lines>, to: &mut Vec<String>) -> Result<()> {
    let state = MemoryState::new(plugin.limits());
    for (key, value) in &case.state {
        let kept = state.set(key, Some(value.clone().into_bytes())).await;
        kept.map_err(|error| Error::invalid(format!("state {key:?}: {error}")))?;
    }
    let plugin = plugin.within(Surroundings {
        log: Arc::clone(log) as Arc<dyn LogSink>,
        state: Arc::new(state),
        secrets: Arc::new(Known(case.secrets.clone())),
        ..Surroundings::default()
    });
    let config = case.config.to_string();
    network.begin(&case.answers);
    let failed = match plugin.world() {
        World::Transformer => transform(&plugin, case, &config, to).await,
        World::Forwarder => forward(&plugin, case, &config, to).await,
        World::Validator => validate(&plugin, case, &config, to).await,
    }?;
    difference::failure(case.error.as_deref(), failed.as_deref(), to);
    let sent = network.end();
    if let Some(expected) = &case.requests {
        difference::requests(expected, &sent, to);
    }
    Ok(())
}

/// A case that says nothing tests nothing.
fn needs<T>(member: &Option<T>, case: &Case, names: &str) -> Result<()> {
    if member.is_some() || case.error.is_some() || !case.rejected.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("the case says neither {names} nor error")))
}

async fn transform(plugin: &Plugin, case: &Case, config: &str, to: &mut Vec<String>) -> Result<Option<String>> {
    needs(&case.output, case, "output")?;
    let transformer = match plugin.open_transformer(config).await {
        Ok(transformer) => transformer,
        Err(error) => return Ok(Some(error.message.clone())),
    };
    match transformer.transform(batch(&case.input, Timestamp::now())?).await {
        Ok(made) => {
            if let Some(expected) = &case.output {
                difference::records(expected, &records(&made.batch), to);
            }
            difference::rejections(case, &made.rejected, to);
            Ok(None)
        }
        Err(failure) => Ok(Some(told(&failure))),
    }
}

async fn forward(plugin: &Plugin, case: &Case, config: &str, to: &mut Vec<String>) -> Result<Option<String>> {
    needs(&case.requests, case, "requests")?;
    let forwarder = match plugin.open_forwarder(config).await {
        Ok(forwarder) => forwarder,
        Err(error) => return Ok(Some(error.message.clone())),
    };
    let records = batch(&case.input, Timestamp::now())?;
    let (mut first, mut rejected, mut stopped) = (0, Vec::new(), None);
    while first < records.len() && stopped.is_none() {
        match forwarder.send(&records.slice(first..records.len())).await {
            Ok((tried, report)) => {
                rejected.extend(report.rejected.into_iter().map(|(index, reason)| (index + first as u32, reason)));
                stopped = report.stopped.map(|stop| stop.reason);
                first += tried.max(1);
            }
            Err(failure) => return Ok(Some(told(&failure))),
        }
    }
    difference::rejections(case, &rejected, to);
    Ok(stopped)
}

async fn validate(plugin: &Plugin, case: &Case, config: &str, to: &mut Vec<String>) -> Result<Option<String>> {
    needs(&case.violations, case, "violations")?;
    let validator = match plugin.open_validator(config).await {
        Ok(validator) => validator,
        Err(error) => return Ok(Some(error.message.clone())),
    };
    let Some(document) = &case.subject else { return Ok(None) };
    match validator.validate(&subject(document)).await {
        Ok(found) => {
            if let Some(expected) = &case.violations {
                difference::violations(expected, &found, to);
            }
            Ok(None)
        }
        Err(failure) => Ok(Some(told(&failure))),
    }
}

/// What a validator is given for a document.
pub fn subject(document: &Document) -> Subject {
    Subject {
        kind: document.kind.clone(),
        scope: document.scope.clone(),
        name: document.name.clone(),
        operation: match document.operation {
            Operation::Create => Wanted::Create,
            Operation::Update => Wanted::Update,
            Operation::Delete => Wanted::Delete,
        },
        document: document.document.to_string(),
        previous: document.previous.as_ref().map(Json::to_string),
        principal: document.principal.clone(),
    }
}

/// The failure with the frames of a trap: they point at the author's line.
fn told(failure: &crate::CallFailure) -> String {
    let mut text = failure.error.message.to_string();
    for frame in failure.backtrace.iter().flat_map(|frames| frames.lines().take(8)) {
        text.push_str("\n    ");
        text.push_str(frame);
    }
    text
}

#[derive(Default)]
struct Lines(Mutex<Vec<(LogLevel, String)>>);

impl LogSink for Lines {
    fn write(&self, _: &Digest, level: LogLevel, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LOG_LINES {
            lines.push((level, line.to_owned()));
        }
    }
}

struct Known(BTreeMap<String, String>);

impl Secrets for Known {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

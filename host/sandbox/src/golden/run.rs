//! Running the cases.

use super::network::ScriptedNetwork;
use super::{Asked, Case, Document, Happened, Operation, Tests, Who, batch, difference, records};
use crate::{
    Denial, Event, Handled, IdentityRequest, LogLevel, LogSink, MemoryState, Operation as Wanted, Plugin, Proven, Secrets,
    StateStore, Subject, Surroundings, World,
};
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

/// How long all cases may take together.
const PATIENCE: Duration = Duration::from_secs(60);

/// The plugin where it reaches nothing: requests are answered with 200 and no body.
#[must_use]
pub fn alone(plugin: &Plugin) -> Plugin {
    plugin.reaching(Arc::new(ScriptedNetwork::default()))
}

/// Runs every case. Of what surrounds the plugin it keeps whether it may be called now, what counts its use and what it was
/// granted; state, secrets, log and network are those of the case.
pub async fn run(plugin: &Plugin, tests: &Tests) -> Vec<Outcome> {
    let begin = Instant::now();
    let network = Arc::new(ScriptedNetwork::default());
    let plugin = plugin.reaching(Arc::clone(&network) as _);
    let mut outcomes = Vec::with_capacity(tests.cases.len());
    for case in &tests.cases {
        let started = Instant::now();
        let log = Arc::new(Lines::default());
        let mut differences = Vec::new();
        if begin.elapsed() > PATIENCE {
            differences.push(format!("it was not run: all tests together take more than {PATIENCE:?}"));
        } else if let Err(error) = judge(&plugin, case, &network, &log, &mut differences).await {
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
        ..plugin.surroundings().clone()
    });
    let config = config(&plugin, case);
    network.begin(&case.answers);
    let failed = match plugin.world() {
        World::Transformer => transform(&plugin, case, &config, to).await,
        World::Forwarder => forward(&plugin, case, &config, to).await,
        World::Validator => validate(&plugin, case, &config, to).await,
        World::EventHook => handle(&plugin, case, &config).await,
        World::IdentityProvider => identify(&plugin, case, &config, to).await,
    }?;
    difference::failure(case.error.as_deref(), failed.as_deref(), to);
    let sent = network.end();
    if let Some(expected) = &case.requests {
        difference::requests(expected, &sent, to);
    }
    Ok(())
}

/// The text that the plugin is opened with: a text as it is where the plugin's configuration is a text, else JSON.
pub fn config(plugin: &Plugin, case: &Case) -> String {
    let schema: Json = serde_json::from_str(&plugin.description().config_schema).unwrap_or_default();
    match (&case.config, schema.get("type").and_then(Json::as_str)) {
        (Some(Json::String(text)), Some("string")) => text.clone(),
        (Some(config), _) => config.to_string(),
        (None, Some("string")) => String::new(),
        (None, _) => "{}".to_owned(),
    }
}

/// A case of another world than the plugin's tests nothing.
fn needs<T>(member: Option<&T>, case: &Case, name: &str) -> Result<()> {
    if member.is_some() || case.error.is_some() || !case.rejected.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("the case says neither {name} nor error")))
}

async fn transform(plugin: &Plugin, case: &Case, config: &str, to: &mut Vec<String>) -> Result<Option<String>> {
    needs(case.output.as_ref(), case, "output")?;
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
    needs(case.requests.as_ref(), case, "requests")?;
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
    needs(case.violations.as_ref(), case, "violations")?;
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

async fn handle(plugin: &Plugin, case: &Case, config: &str) -> Result<Option<String>> {
    needs(case.requests.as_ref(), case, "requests")?;
    let hook = match plugin.open_event_hook(config).await {
        Ok(hook) => hook,
        Err(error) => return Ok(Some(error.message.clone())),
    };
    let Some(happened) = &case.event else { return Ok(None) };
    Ok(match hook.handle(&event(happened)?).await {
        Ok(Handled::Done) => None,
        Ok(Handled::RetryAfter(_, why) | Handled::Failed(why)) => Some(why),
        Err(failure) => Some(told(&failure)),
    })
}

async fn identify(plugin: &Plugin, case: &Case, config: &str, to: &mut Vec<String>) -> Result<Option<String>> {
    let expected = case.identity.as_ref().map(drop).or(case.recognized.map(drop));
    needs(expected.as_ref(), case, "identity, recognized")?;
    let provider = match plugin.open_identity_provider(config).await {
        Ok(provider) => provider,
        Err(error) => return Ok(Some(error.message.clone())),
    };
    let Some(asked) = &case.request else { return Ok(None) };
    let asked = request(asked);
    if let Some(wanted) = case.recognized {
        match provider.test(&asked).await {
            Ok(got) if got == wanted => {}
            Ok(got) => to.push(format!("recognized: expected {wanted}, got {got}")),
            Err(failure) => return Ok(Some(told(&failure))),
        }
    }
    if case.identity.is_none() && case.error.is_none() {
        return Ok(None);
    }
    match provider.authenticate(&asked).await {
        Ok(Ok(Proven { name, display_name, lifetime })) => {
            let got = Who { name, display_name, lifetime_seconds: lifetime.map(|lifetime| lifetime.as_secs()) };
            if let Some(wanted) = case.identity.as_ref().filter(|wanted| **wanted != got) {
                to.push(format!("expected {wanted:?}, got {got:?}"));
            }
            Ok(None)
        }
        Ok(Err(Denial::Refused(why) | Denial::Failed(why))) => Ok(Some(why)),
        Err(failure) => Ok(Some(told(&failure))),
    }
}

/// What an event hook is given for an event.
///
/// # Errors
/// Its time is none.
pub fn event(happened: &Happened) -> Result<Event> {
    let at = match &happened.at {
        Some(text) => {
            let wrong = || Error::invalid(format!("{text:?} is no time in RFC 3339"));
            Timestamp::parse_rfc3339(text).ok_or_else(wrong)?
        }
        None => Timestamp::now(),
    };
    let text = |(name, value): (&String, &Json)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
    Ok(Event { kind: happened.kind.clone(), at, fields: happened.fields.iter().map(text).collect() })
}

/// What an identity provider is given for a request.
pub fn request(asked: &Asked) -> IdentityRequest {
    IdentityRequest {
        method: asked.method.clone().unwrap_or_else(|| "POST".to_owned()),
        headers: asked.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
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

//! Native tests of plugins: a double of the host behind the same functions, one for each thread and so for each test.
//!
//! ```
//! use headworks_plugin::testing;
//! testing::set_secret("token", "s3cret");
//! assert_eq!(headworks_plugin::secrets::get("token").as_deref(), Some("s3cret"));
//! ```

#![allow(clippy::panic, reason = "tests only")]

use crate::http::{NetworkError, Request, Response};
use crate::log::Level;
use crate::memory::{self, Row};
use crate::{
    About, Batch, EventHook, Forwarder, IdentityProvider, OpenError, Report, Time, Transformer, Validator, Value, read_config,
};
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// What a transformer made of records.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformed {
    /// The records it made, as JSON objects.
    pub records: Vec<Json>,
    /// For each of them, which record it was made from.
    pub origins: Vec<usize>,
    /// Records that failed, and why.
    pub rejected: Vec<(usize, String)>,
}

/// Records from JSON objects. Texts, numbers and booleans become values of their kinds, lists and objects JSON.
///
/// # Panics
/// A record is no object.
pub fn batch(records: &[Json]) -> Batch {
    let value = |json: &Json| match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(0.0)), Value::Integer),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(_) | Json::Object(_) => Value::Json(Rc::from(json.to_string())),
    };
    let row = |(origin, record): (usize, &Json)| {
        let fields = record.as_object().unwrap_or_else(|| panic!("{record} is no object of fields"));
        let fields = fields.iter().map(|(name, json)| (name.clone(), value(json))).collect();
        Row { fields, time: memory::now(), origin }
    };
    Batch::from_host(memory::Batch::new(records.iter().enumerate().map(row).collect()))
}

fn record(row: &Row) -> Json {
    Json::Object(row.fields.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}

/// A plugin with this configuration.
///
/// # Panics
/// It does not open.
pub fn open<T: Transformer>(config: Json) -> T {
    try_open(config).unwrap_or_else(|error| panic!("{error}"))
}

/// A plugin with this configuration, or why there is none.
///
/// # Errors
/// As [`Transformer::open`].
pub fn try_open<T: Transformer>(config: Json) -> Result<T, OpenError> {
    T::open(read_config(&config.to_string())?)
}

/// What a transformer makes of records.
///
/// # Errors
/// It fails the whole batch.
pub fn transform<T: Transformer>(plugin: &mut T, records: &[Json]) -> Result<Transformed, String> {
    let mut batch = batch(records);
    plugin.transform(&mut batch)?;
    Ok(finished(batch))
}

/// What became of the records of a batch.
pub fn finished(batch: Batch) -> Transformed {
    let (rows, rejected) = batch.into_host().finish();
    let origins = rows.iter().map(|row| row.origin).collect();
    Transformed { records: rows.iter().map(record).collect(), origins, rejected }
}

/// A forwarder with this configuration, or why there is none.
///
/// # Errors
/// As [`Forwarder::targets`] and [`Forwarder::open`].
pub fn open_forwarder<F: Forwarder>(config: Json) -> Result<F, OpenError> {
    let text = config.to_string();
    F::targets(&read_config(&text)?)?;
    F::open(read_config(&text)?)
}

/// What becomes of records that a forwarder is given: it sends them and is flushed, as the server does it.
pub fn send<F: Forwarder>(plugin: &mut F, records: &[Json]) -> Report {
    let mut report = plugin.send(&batch(records));
    let taken = report.stopped.as_ref().map_or(records.len(), |stop| stop.at);
    if taken > 0
        && let Err(stop) = plugin.flush()
    {
        report.rejected.retain(|(index, _)| *index < stop.at);
        report.stopped = Some(stop);
    }
    report
}

/// A rule with this configuration, or why there is none.
///
/// # Errors
/// As [`Validator::open`].
pub fn open_validator<V: Validator>(config: Json) -> Result<V, OpenError> {
    V::open(read_config(&config.to_string())?)
}

/// An event hook with this configuration, or why there is none.
///
/// # Errors
/// As [`EventHook::targets`] and [`EventHook::open`].
pub fn open_event_hook<H: EventHook>(config: Json) -> Result<H, OpenError> {
    let text = config.to_string();
    H::targets(&read_config(&text)?)?;
    H::open(read_config(&text)?)
}

/// An identity provider with this configuration, or why there is none.
///
/// # Errors
/// As [`IdentityProvider::targets`] and [`IdentityProvider::open`].
pub fn open_identity_provider<P: IdentityProvider>(config: Json) -> Result<P, OpenError> {
    let text = config.to_string();
    P::targets(&read_config(&text)?)?;
    P::open(read_config(&text)?)
}

/// Sets the clock.
pub fn set_now(now: Time) {
    memory::with(|host| host.now = now);
}

/// Sets a secret.
pub fn set_secret(name: &str, value: &str) {
    memory::with(|host| host.secrets.insert(name.to_owned(), value.to_owned()));
}

/// Adds the answer to the next request that has none yet; without any it is 200.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    memory::with(|host| host.answers.push_back(Ok(Response { status, headers, body: body.into() })));
}

/// Adds a failure of the network instead of an answer.
pub fn fail(error: NetworkError) {
    memory::with(|host| host.answers.push_back(Err(error)));
}

/// The requests so far; they are forgotten.
pub fn requests() -> Vec<Request> {
    memory::with(|host| std::mem::take(&mut host.requests))
}

/// The messages so far; they are forgotten.
pub fn logged() -> Vec<(Level, String)> {
    memory::with(|host| std::mem::take(&mut host.logged))
}

/// A counter.
pub fn counter(name: &str) -> u64 {
    memory::with(|host| host.counters.get(name).copied().unwrap_or(0))
}

/// A gauge.
pub fn gauge(name: &str) -> Option<f64> {
    memory::with(|host| host.gauges.get(name).copied())
}

/// Checks that a description is whole: the name is one, the schema is JSON and describes each member.
///
/// # Panics
/// It is not.
pub fn check_about(about: &About) {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    assert!(about.name.split('-').all(word), "{:?} is not lower-case words with hyphens", about.name);
    assert!(!about.summary.is_empty(), "there is no summary: set `description` in Cargo.toml");
    let schema: Json = serde_json::from_str(about.config_schema).unwrap_or_else(|error| panic!("the schema is no JSON: {error}"));
    for (name, member) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let described = member.get("description").is_some_and(Json::is_string);
        assert!(described, "{name} is not described: {}", json!({ name: member }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stop;

    /// Keeps at most two records back, and delivers as many as its configuration says.
    struct Keeper(Option<usize>);

    impl Forwarder for Keeper {
        const ABOUT: About = About { name: "keeper", version: "0.1.0", summary: "", config_schema: "{}", grants: &[] };
        type Config = Option<usize>;

        fn targets(_: &Option<usize>) -> Result<Vec<String>, OpenError> {
            Ok(Vec::new())
        }

        fn open(delivers: Option<usize>) -> Result<Self, OpenError> {
            Ok(Self(delivers))
        }

        fn send(&mut self, records: &Batch) -> Report {
            let mut report = Report::delivered();
            report.reject(0, "never");
            if records.len() > 2 { report.stop(Stop::later(2, "full")) } else { report }
        }

        fn flush(&mut self) -> Result<(), Stop> {
            self.0.map_or(Ok(()), |at| Err(Stop::later(at, "refused")))
        }
    }

    #[test]
    fn what_is_kept_back_is_flushed() {
        let record = json!({"a": "1"});
        for (records, delivers, rejected, stopped) in [
            (1, None, 1, None),
            (2, Some(1), 1, Some((1, "refused"))),
            (2, Some(0), 0, Some((0, "refused"))),
            (3, None, 1, Some((2, "full"))),
            (3, Some(1), 1, Some((1, "refused"))),
        ] {
            let report = send(&mut Keeper(delivers), &vec![record.clone(); records]);
            let stop = report.stopped.as_ref().map(|stop| (stop.at, stop.reason.as_str()));
            assert_eq!((report.rejected.len(), stop), (rejected, stopped));
        }
    }
}

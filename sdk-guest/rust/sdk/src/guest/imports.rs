//! What the host offers, in the types of this crate.

use super::world::headworks::plugin::{batches, log as logging};
#[cfg(any(feature = "forwarder", feature = "event-hook", feature = "identity-provider"))]
use super::world::headworks::plugin::{http, network};
use crate::http::{NetworkError, Request, Response};
use crate::log::Level;
use crate::{Time, Value};

#[cfg(not(feature = "interface-0-1-0"))]
pub(crate) use super::later::*;

/// The records of a call.
pub struct Batch(pub(super) batches::Batch);

impl Batch {
    pub(crate) fn len(&self) -> u32 {
        self.0.len()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.names()
    }

    pub(crate) fn times(&self) -> Vec<Time> {
        self.0.times().into_iter().map(time).collect()
    }

    pub(crate) fn column(&self, name: &str) -> Vec<Option<Value>> {
        self.0.column(name).into_iter().map(|value| value.map(read)).collect()
    }

    pub(crate) fn text_column(&self, name: &str) -> Vec<Option<String>> {
        self.0.text_column(name)
    }

    pub(crate) fn set_column(&self, name: &str, values: &[Option<Value>]) {
        let values: Vec<Option<batches::Value>> = values.iter().map(|value| value.as_ref().map(write)).collect();
        self.0.set_column(name, &values);
    }

    pub(crate) fn set_text_column(&self, name: &str, values: &[Option<String>]) {
        self.0.set_text_column(name, values);
    }

    pub(crate) fn fill(&self, name: &str, value: &Value) {
        self.0.fill(name, &write(value));
    }

    pub(crate) fn rename(&self, name: &str, to: &str) {
        self.0.rename(name, to);
    }

    pub(crate) fn remove_column(&self, name: &str) {
        self.0.remove_column(name);
    }

    pub(crate) fn select(&self, indexes: &[u32]) {
        self.0.select(indexes);
    }

    pub(crate) fn reject(&self, index: u32, reason: &str) {
        self.0.reject(index, reason);
    }
}

fn time(time: batches::Time) -> Time {
    Time { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

fn read(value: batches::Value) -> Value {
    match value {
        batches::Value::Null => Value::Null,
        batches::Value::Boolean(value) => Value::Boolean(value),
        batches::Value::Integer(value) => Value::Integer(value),
        batches::Value::Float(value) => Value::Float(value),
        batches::Value::Text(value) => Value::Text(value.into()),
        batches::Value::Bytes(value) => Value::Bytes(value.into()),
        batches::Value::Json(value) => Value::Json(value.into()),
    }
}

fn write(value: &Value) -> batches::Value {
    match value {
        Value::Null => batches::Value::Null,
        Value::Boolean(value) => batches::Value::Boolean(*value),
        Value::Integer(value) => batches::Value::Integer(*value),
        Value::Float(value) => batches::Value::Float(*value),
        Value::Text(value) => batches::Value::Text(value.as_ref().to_owned()),
        Value::Bytes(value) => batches::Value::Bytes(value.to_vec()),
        Value::Json(value) => batches::Value::Json(value.as_ref().to_owned()),
    }
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::write(level, message);
}

/// Transformers and validators reach nothing.
#[cfg(not(any(feature = "forwarder", feature = "event-hook", feature = "identity-provider")))]
pub(crate) fn send(_: &Request) -> Result<Response, NetworkError> {
    Err(NetworkError::Denied("transformers and validators send no requests".to_owned()))
}

#[cfg(any(feature = "forwarder", feature = "event-hook", feature = "identity-provider"))]
pub(crate) fn send(request: &Request) -> Result<Response, NetworkError> {
    let request = http::Request {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        version: http::Version::Http1,
        redirects: request.redirects,
        timeout_milliseconds: request.timeout_milliseconds,
        proxy: None,
        tls: None,
    };
    let http::Response { status, headers, body, .. } = http::send(&request).map_err(|error| match error {
        network::NetworkError::Denied(why) => NetworkError::Denied(why),
        network::NetworkError::Invalid(why) => NetworkError::Invalid(why),
        network::NetworkError::Unreachable(why) => NetworkError::Unreachable(why),
        network::NetworkError::Untrusted(why) => NetworkError::Untrusted(why),
        network::NetworkError::Late(why) => NetworkError::Late(why),
        network::NetworkError::Protocol(why) => NetworkError::Protocol(why),
    })?;
    Ok(Response { status, headers, body })
}

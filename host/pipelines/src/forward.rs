//! What a forwarder node calls: the seam between the engine and the sandbox; and a forwarder as it is stored.

use crate::counters;
use crate::transform::Boxed;
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::{CallFailure, Forwarder, Report};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Members of a forwarder's configuration that are secret or may hold a secret.
pub const FORWARDER_SECRETS: &[&str] =
    &["apiKey", "token", "password", "pass", "secret_access_key", "session_token", "auth_json", "headers", "proxy"];

/// Delivers records; may be called by many tasks at once.
pub trait Target: Send + Sync {
    /// Delivers some records from the first on; answers how many were tried and what became of them.
    fn send<'a>(&'a self, batch: &'a Batch) -> Boxed<'a, Result<(usize, Report), CallFailure>>;

    /// The name by content of what delivers.
    fn digest(&self) -> String;
}

/// Sets up forwarders by their type.
pub trait Forwarders: Send + Sync {
    /// A forwarder of a tenant of this type with this configuration, which may connect to its target.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] when the configuration cannot be used or there is no such type; otherwise what it met.
    fn open<'a>(&'a self, tenant: TenantId, kind: &'a str, config: &'a str) -> Boxed<'a, Result<Arc<dyn Target>>>;
}

impl Target for Forwarder {
    fn send<'a>(&'a self, batch: &'a Batch) -> Boxed<'a, Result<(usize, Report), CallFailure>> {
        Box::pin(async move { Self::send(self, batch).await.inspect_err(|failure| counters::failed(&failure.error)) })
    }

    fn digest(&self) -> String {
        Self::digest(self).to_string()
    }
}

/// A forwarder as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The configuration, with its `type`.
    pub config: Map<String, Value>,
    /// Whether records are acknowledged once they wait durably, and delivered later.
    pub queued: bool,
}

impl Saved {
    /// Reads a stored forwarder of any version (FlowG 12.12).
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when the bytes are no forwarder.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let corrupt = |cause: String| Error::new(ErrorCode::Corrupt, format!("the stored forwarder cannot be read: {cause}"));
        let mut value: Value = serde_json::from_slice(body).map_err(|error| corrupt(error.to_string()))?;
        let queued = value.get("delivery").and_then(Value::as_str) == Some("queued");
        let config = match value.get_mut("config").map(Value::take) {
            Some(config) => config,
            None if value.get("version").and_then(Value::as_i64).unwrap_or_default() < 2 && value.get("url").is_some() => {
                let member = |name: &str| value.get(name).cloned().unwrap_or_default();
                json!({"type": "http", "url": member("url"), "headers": member("headers")})
            }
            None => return Err(corrupt("it has no config".to_owned())),
        };
        match config {
            Value::Object(config) => Ok(Self { config, queued }),
            _ => Err(corrupt("its config is no object".to_owned())),
        }
    }

    /// The body of a forwarder document.
    pub fn encode(&self) -> Vec<u8> {
        json!(self).to_string().into_bytes()
    }

    /// Such as `http`.
    pub(crate) fn kind(&self) -> &str {
        self.config.get("type").and_then(Value::as_str).unwrap_or_default()
    }
}

/// `ForwarderV2`, with the member `delivery` where it is not the usual one.
impl Serialize for Saved {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("version", &2)?;
        members.serialize_entry("config", &self.config)?;
        if self.queued {
            members.serialize_entry("delivery", "queued")?;
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_forwarders_are_read_as_http() {
        let read = |text: &str| Saved::decode(text.as_bytes()).unwrap();
        let config = |saved: &Saved| Value::Object(saved.config.clone()).to_string();
        let old = read(r#"{"version":1,"url":"http://x","headers":{"a":"b"}}"#);
        assert_eq!((old.kind(), config(&old).as_str()), ("http", r#"{"type":"http","url":"http://x","headers":{"a":"b"}}"#));
        assert_eq!(read(r#"{"url":"http://x"}"#).kind(), "http");
        let new = read(r#"{"version":2,"config":{"type":"syslog","address":"a:1"},"delivery":"queued"}"#);
        assert_eq!((new.kind(), new.queued), ("syslog", true));
        assert_eq!(Saved::decode(&new.encode()).as_ref(), Ok(&new));
        assert_eq!(Saved::decode(b"{\"version\":2}").unwrap_err().code, ErrorCode::Corrupt);
        assert_eq!(Saved::decode(b"").unwrap_err().code, ErrorCode::Corrupt);
    }
}

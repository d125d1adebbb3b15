//! Who uses a plugin, or one version of it: the saved transformers, forwarders, rules, event hooks and identity providers that
//! name it.

use crate::named::Coordinates;
use crate::{Config, EVENT_HOOK, IDENTITY_PROVIDER, Inner, Use};
use headworks_core::{Digest, Error, ErrorCode, Result, TenantId};
use headworks_pipelines::{FORWARDER, Saved, TRANSFORMER, decode_script};
use serde_json::Value;
use std::fmt;

/// Kind of the documents that hold a rule.
const VALIDATOR: &str = "validator";

/// The users that are named where something cannot be deleted.
const NAMED: usize = 10;

/// What a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A plugin, in whichever version is in use.
    Plugin(String),
    /// One version.
    Version(Digest),
}

impl Named {
    /// What is named so; `None` for what nothing can be.
    fn of(text: &str) -> Option<Self> {
        match Coordinates::read(text) {
            Ok(None) => Some(Self::Plugin(text.to_owned())),
            Ok(Some(coordinates)) => Some(Self::Version(coordinates.digest?)),
            Err(_) => None,
        }
    }
}

/// A saved document that names a plugin.
pub(crate) struct User {
    kind: &'static str,
    name: String,
    pub(crate) config: Config,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {:?}", self.kind, self.name)
    }
}

impl Inner {
    /// Who uses what is meant. A document that cannot be read uses nothing.
    pub(crate) async fn users(&self, tenant: TenantId, is_meant: impl Fn(&Named) -> bool + Send + 'static) -> Result<Vec<User>> {
        let store = self.store.clone();
        let look = move || {
            let mut users = Vec::new();
            for kind in [TRANSFORMER, FORWARDER, VALIDATOR, EVENT_HOOK, IDENTITY_PROVIDER] {
                for document in store.list(tenant, kind, "")? {
                    let used = match kind {
                        TRANSFORMER => decode_script(&document.body).ok().and_then(|script| Use::of_script(&script)),
                        FORWARDER => Saved::decode(&document.body).ok().and_then(|saved| Use::of_forwarder(&saved.config)),
                        EVENT_HOOK => of_hook(&document.body),
                        _ => of_rule(&document.body),
                    };
                    if let Some(used) = used.filter(|used| Named::of(&used.plugin).is_some_and(|named| is_meant(&named))) {
                        users.push(User { kind, name: document.key.name, config: used.config });
                    }
                }
            }
            Ok(users)
        };
        tokio::task::spawn_blocking(look).await.map_err(|error| Error::internal(error.to_string()))?
    }
}

/// Refuses to delete what somebody uses.
///
/// # Errors
/// [`ErrorCode::InUse`] names who.
pub(crate) fn check_unused(what: &str, users: &[User]) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> = users.iter().take(NAMED).map(ToString::to_string).collect();
    if users.len() > NAMED {
        named.push(format!("{} more", users.len() - NAMED));
    }
    let message = format!("{what} is used by {}: change or delete that first", named.join(", "));
    Err(Error::new(ErrorCode::InUse, message))
}

/// Of an event hook of the type that has one.
fn of_hook(body: &[u8]) -> Option<Use> {
    let hook: Value = serde_json::from_slice(body).ok()?;
    of_member(hook.get("config")?)
}

fn of_rule(body: &[u8]) -> Option<Use> {
    of_member(&serde_json::from_slice(body).ok()?)
}

/// Where a plugin and its configuration stand beside each other.
fn of_member(rule: &Value) -> Option<Use> {
    let plugin = rule.get("plugin")?.as_str()?.to_owned();
    Some(Use { plugin, config: Config::Json(rule.get("config").cloned().unwrap_or_default()) })
}

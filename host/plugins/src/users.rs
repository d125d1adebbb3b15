//! Who uses a plugin: the saved transformers, forwarders, rules, event hooks and identity providers that name it.

use crate::{Config, EVENT_HOOK, IDENTITY_PROVIDER, Inner, Use};
use headworks_core::{Error, Result, TenantId};
use headworks_pipelines::{FORWARDER, Saved, TRANSFORMER, decode_script};
use serde_json::Value;
use std::fmt;

/// Kind of the documents that hold a rule.
const VALIDATOR: &str = "validator";

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
    /// Who uses a plugin. A document that cannot be read uses nothing.
    pub(crate) async fn users(&self, tenant: TenantId, plugin: &str) -> Result<Vec<User>> {
        let (store, plugin) = (self.store.clone(), plugin.to_owned());
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
                    if let Some(used) = used.filter(|used| used.plugin == plugin) {
                        users.push(User { kind, name: document.key.name, config: used.config });
                    }
                }
            }
            Ok(users)
        };
        tokio::task::spawn_blocking(look).await.map_err(|error| Error::internal(error.to_string()))?
    }
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

//! Forwarders: where records are sent, by name (FlowG 12).

use crate::account::done;
use crate::call::{Call, WireRecord, batch};
use crate::failure::{Failure, json};
use crate::secrets::{hide, keep};
use crate::shape::{Member, Need, Optional, RECORD, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_core::DocumentKey;
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{FORWARDER, FORWARDER_SECRETS, Saved};
use headworks_store::Change;
use serde::Deserialize;
use serde_json::{Map, Value};

type Answer = Result<Response<Body>, Failure>;

const ADDRESS: Shape = Shape::Like("a host and a port such as collector:514", is_address);
const URL: Shape = Shape::Like("an absolute URL", is_url);
const TABLE: Shape = Shape::Like("a name of 1 to 64 letters, digits and underscores", is_table);
const SEVERITY: Shape = Shape::Dynamic(&["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]);
const FACILITY: Shape = Shape::Dynamic(&[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local0", "local1",
    "local2", "local3", "local4", "local5", "local6", "local7",
]);
const HEADERS: Shape = Shape::Nullable(&RECORD);

const fn text(name: &'static str, need: Need) -> Member {
    Member(name, Shape::Text, need)
}

const fn some(name: &'static str) -> Member {
    Member(name, Shape::Name, Required)
}

/// The members of each type's configuration besides `type`. Members that newest upstream requires of texts that may be empty
/// are optional (FlowG 3.3).
const TYPES: &[(&str, &[Member])] = &[
    (
        "http",
        &[Member("url", URL, Required), Member("headers", HEADERS, Optional), text("proxy", Optional), text("body", Optional)],
    ),
    (
        "syslog",
        &[
            Member("network", Shape::OneOf(&["tcp", "udp"]), Required),
            Member("address", ADDRESS, Required),
            text("tag", Required),
            Member("severity", SEVERITY, Required),
            Member("facility", FACILITY, Required),
            text("message", Optional),
        ],
    ),
    (
        "datadog",
        &[
            Member("url", URL, Required),
            some("apiKey"),
            text("ddsource", Optional),
            text("ddtags", Optional),
            text("hostname", Optional),
            text("message", Optional),
            text("service", Optional),
        ],
    ),
    ("amqp", &[Member("url", URL, Required), some("exchange"), text("routing_key", Optional), text("body", Optional)]),
    ("splunk", &[Member("endpoint", URL, Required), some("token"), text("source", Optional), text("host", Optional)]),
    ("otlp", &[Member("endpoint", URL, Required), Member("headers", HEADERS, Optional)]),
    (
        "elastic",
        &[
            some("index"),
            some("username"),
            some("password"),
            Member("addresses", Shape::Some(&URL), Required),
            text("ca", Optional),
        ],
    ),
    (
        "clickhouse",
        &[
            Member("address", ADDRESS, Required),
            some("db"),
            Member("table", TABLE, Required),
            some("user"),
            some("pass"),
            Member("tls", Shape::Flag, Required),
        ],
    ),
    (
        "awscloudwatch",
        &[
            text("app_id", Optional),
            text("endpoint", Required),
            text("region", Optional),
            text("access_key_id", Optional),
            text("secret_access_key", Optional),
            text("session_token", Optional),
            text("group", Required),
            text("stream", Required),
        ],
    ),
    (
        "googlecloudlogging",
        &[
            text("host", Required),
            Member("port", Shape::Whole, Required),
            text("project_id", Required),
            text("log_id", Required),
            Member("disable_tls", Shape::Flag, Optional),
            Member("disable_auth", Shape::Flag, Optional),
            text("auth_json", Optional),
        ],
    ),
    (
        "azuremonitor",
        &[
            text("endpoint", Optional),
            text("token", Optional),
            text("expires_on", Optional),
            text("rule_id", Optional),
            text("stream_name", Optional),
            Member("allow_insecure", Shape::Flag, Optional),
        ],
    ),
    // Ours: made from a plugin of the tenant.
    ("plugin", &[some("plugin"), Member("config", Shape::Nullable(&Shape::Any), Optional)]),
];

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = match v6 {
        Some(inner) => !inner.is_empty() && inner.chars().all(|c| c.is_ascii_hexdigit() || c == ':'),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'),
    };
    fits && port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() <= 5 && port.parse::<u16>().is_ok()
}

fn is_url(text: &str) -> bool {
    text.parse::<axum::http::Uri>().is_ok_and(|url| url.scheme().is_some() && url.host().is_some_and(|host| !host.is_empty()))
}

fn is_table(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Checks a forwarder and leaves nothing in it that the contract does not name.
fn read(forwarder: &mut Value) -> Result<Saved, Failure> {
    let at = |at: &str, what: String| Failure::validation("body", vec![format!("#/forwarder{at}: {what}")]);
    let queued = forwarder.get("delivery").and_then(Value::as_str) == Some("queued");
    let config = forwarder.get_mut("config").map(Value::take).unwrap_or_default();
    let kind = config.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some((_, members)) = TYPES.iter().find(|(known, _)| *known == kind) else {
        let known: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
        return Err(at("/config/type", format!("value must be one of {known:?}, but got {kind:?}")));
    };
    let mut config = config;
    Shape::Object(members).check_at(&mut config, "#/forwarder/config")?;
    let mut kept = Map::from_iter([("type".to_owned(), Value::String(kind))]);
    for Member(name, ..) in *members {
        if let Some(value) = config.get_mut(*name).map(Value::take) {
            kept.insert((*name).to_owned(), value);
        }
    }
    Ok(Saved { config: kept, queued })
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadForwarders)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let names = blocking(move || store.list_names(tenant, FORWARDER, "")).await?;
    Ok(json(&serde_json::json!({"success": true, "forwarders": names})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, FORWARDER, &call.name().await?);
    call.allow(Scope::ReadForwarders)?;
    let document = call.app.store.get(&key)?.ok_or_else(Failure::not_found)?;
    let mut forwarder = serde_json::json!(Saved::decode(&document.body)?);
    if call.app.mask_secrets
        && let Some(config) = forwarder.get_mut("config")
    {
        hide(config, FORWARDER_SECRETS);
    }
    Ok(json(&serde_json::json!({"success": true, "forwarder": forwarder})))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        forwarder: Value,
    }
    const FORM: Shape = Shape::Object(&[
        Member("version", Shape::Whole, Optional),
        Member("delivery", Shape::OneOf(&["direct", "queued"]), Optional),
        Member("config", Shape::Object(&[Member("type", Shape::Text, Required)]), Required),
    ]);
    const SHAPE: Shape = Shape::Object(&[Member("forwarder", FORM, Required)]);
    let key = DocumentKey::new(call.caller.tenant, FORWARDER, &call.name().await?);
    let Body { mut forwarder } = call.json(&SHAPE).await?;
    if call.app.mask_secrets
        && let Some(config) = forwarder.get_mut("config")
    {
        let stored = call.app.store.get(&key)?.map(|document| Saved::decode(&document.body)).transpose()?;
        keep(config, stored.map(|saved| Value::Object(saved.config)).as_ref(), FORWARDER_SECRETS, "#/forwarder/config")?;
    }
    let saved = read(&mut forwarder)?;
    call.allow(Scope::WriteForwarders)?;
    call.app.store.write(&call.caller.user, vec![Change::put(key, saved.encode())]).await?;
    Ok(done())
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, FORWARDER, &call.name().await?);
    call.allow(Scope::WriteForwarders)?;
    call.app.store.write(&call.caller.user, vec![Change::delete(key)]).await?;
    Ok(done())
}

pub(crate) async fn test(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        record: Option<WireRecord>,
    }
    const SHAPE: Shape = Shape::Object(&[Member("record", Shape::Nullable(&RECORD), Required)]);
    let name = call.name().await?;
    let Body { record } = call.json(&SHAPE).await?;
    call.allow(Scope::WriteForwarders)?;
    let record = batch(&[record.unwrap_or_default()], call.app.clock.now())?;
    call.app.pipelines.test_forwarder(call.caller.tenant, &name, &record).await?;
    Ok(done())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_forwarder_is_named() {
        let failure = |config: Value| format!("{:?}", read(&mut json!({"config": config})).unwrap_err());
        assert!(failure(json!({"type": "smtp"})).contains("#/forwarder/config/type: value must be one of"));
        assert!(failure(json!({"type": "http"})).contains("#/forwarder/config: missing properties: \\\"url\\\""));
        assert!(failure(json!({"type": "http", "url": "nowhere"})).contains("#/forwarder/config/url: expected an absolute URL"));
        assert!(
            failure(json!({"type": "elastic", "index": "i", "username": "u", "password": "p", "addresses": []}))
                .contains("#/forwarder/config/addresses")
        );
        let syslog =
            json!({"type": "syslog", "network": "udp", "address": "a:1", "tag": "", "severity": "bad", "facility": "user"});
        assert!(failure(syslog).contains("#/forwarder/config/severity"));
    }

    #[test]
    fn only_what_the_contract_names_is_kept() {
        let mut forwarder =
            json!({"delivery": "queued", "config": {"type": "http", "URL": "http://x/", "headers": null, "more": 1}});
        let saved = read(&mut forwarder).unwrap();
        assert!(saved.queued);
        assert_eq!(Value::Object(saved.config), json!({"type": "http", "url": "http://x/"}));
        let mut forwarder = json!({"config": {"type": "syslog", "network": "tcp", "address": "[::1]:514", "tag": "@expr:log.app",
            "severity": "@expr:log.severity", "facility": "local7"}});
        assert!(!read(&mut forwarder).unwrap().queued);
    }

    #[test]
    fn addresses_are_host_and_port() {
        for (text, fits) in [
            ("a:1", true),
            ("a.b-c:65535", true),
            ("[::1]:1", true),
            ("a", false),
            ("a:", false),
            ("a:99999", false),
            ("::1:1", false),
            ("a b:1", false),
            ("a:+1", false),
        ] {
            assert_eq!(is_address(text), fits, "{text}");
        }
    }
}

//! What a rule sees of a document: its content as JSON, without anything secret.
//!
//! What must stay true: no password, hash, token or key of a user, a target or a provider gets to a plugin from here.

use headworks_core::masking::hide;
use headworks_pipelines::FORWARDER_SECRETS;
use serde_json::{Value, json};

/// The content of a stored document of a kind; null where it is no JSON.
pub(crate) fn shown(kind: &str, body: &[u8]) -> Value {
    let mut document: Value = serde_json::from_slice(body).unwrap_or_default();
    match kind {
        // Who they are is in the name; of what they hold only this is no secret.
        "user" => json!({"roles": document.get("roles").cloned().unwrap_or_else(|| json!([]))}),
        "token" | "secret" | "signing-key" => json!({}),
        "transformer" => document,
        "stream" => stream(&document),
        _ => {
            hide(&mut document, if kind == "forwarder" { FORWARDER_SECRETS } else { &[] });
            document
        }
    }
}

/// Settings of a stream under the names that their users know (FlowG 2).
fn stream(stored: &Value) -> Value {
    let member = |name: &str| stored.get(name).cloned().unwrap_or_default();
    json!({"ttl": member("ttl_seconds"), "size": member("size_mib"), "indexed_fields": member("indexed_fields")})
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn show(kind: &str, body: &Value) -> Value {
        shown(kind, body.to_string().as_bytes())
    }

    #[test]
    fn nothing_secret_is_shown() {
        let secret = "s3cr3t";
        for (kind, body) in [
            ("user", json!({"password": secret, "roles": ["admin"]})),
            ("token", json!({"hash": secret})),
            ("secret", json!({"value": secret})),
            ("auth-provider", json!({"config": {"type": "oidc", "client_secret": secret}})),
            ("forwarder", json!({"config": {"type": "http", "headers": {"X-Anything": secret}, "proxy": secret}})),
            ("forwarder", json!({"config": {"type": "amqp", "url": format!("amqp://user:{secret}@host/vhost")}})),
            ("forwarder", json!({"config": {"type": "clickhouse", "pass": secret}})),
            ("forwarder", json!({"config": {"type": "plugin", "config": {"auth": [{"BotToken": secret}], "apiKey": [secret]}}})),
            ("plugin-version", json!({"config": {"MY_PASSWORD": secret}})),
            ("validator", json!({"config": {"credentials": {"a": {"b": secret}}}})),
        ] {
            let shown = show(kind, &body).to_string();
            assert!(!shown.contains(secret), "{kind}: {shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let pipeline = json!({"nodes": [{"id": "a", "data": {"condition": "x ://"}}], "edges": []});
        assert_eq!(show("pipeline", &pipeline), pipeline);
        let script = json!({"script": ".token = \"x\""});
        assert_eq!(show("transformer", &script), script);
        assert_eq!(show("user", &json!({"password": "x", "roles": ["a", "b"]})), json!({"roles": ["a", "b"]}));
        let stored = json!({"number": 4, "ttl_seconds": 5, "size_mib": 6, "indexed_fields": ["f"]});
        assert_eq!(show("stream", &stored), json!({"ttl": 5, "size": 6, "indexed_fields": ["f"]}));
        let forwarder = json!({"config": {"type": "http", "url": "https://u:p@example.com/a@b", "headers": {"A": ""}}});
        let expected = json!({"config": {"type": "http", "url": "https://u:********@example.com/a@b", "headers": {"A": ""}}});
        assert_eq!(show("forwarder", &forwarder), expected);
        assert_eq!(shown("pipeline", b"no JSON"), Value::Null);
    }
}

//! Two tenants with the same names of everything: what one does is nothing to the other, in every operation there is.

use crate::create;
use headworks_tests::backup::{download, form};
use headworks_tests::server::PASSWORD;
use headworks_tests::{Client, Flow, Server};
use http::Method;
use serde_json::json;

/// What a tenant has of everything, with a text that only it has.
fn furnish(client: &Client, mark: &str) {
    client.save_transformer("same", &format!(".by = {mark:?}"));
    client.save_forwarder("same", &json!({"type": "http", "url": format!("http://127.0.0.1:9/{mark}"), "headers": {}}));
    client.save_pipeline("same", &Flow::through("same", "same"));
    client.configure_stream("same", 0, 0, &["by"]);
    client.put("/api/v1/roles/same", &json!({"scopes": ["read_streams"]})).ok();
    client.put("/api/v1/users/same", &json!({"roles": ["same", format!("role {mark}")], "password": "same"})).ok();
    let oidc = json!({"type": "oidc", "issuer": format!("https://{mark}.example"), "client_id": mark, "client_secret": mark});
    client
        .put("/api/v1/auth-providers/same", &json!({"auth_provider": {"name": "same", "display_name": mark, "config": oidc}}))
        .ok();
    let system = json!({"syslog_allowed_origins": [], "default_roles": [mark]});
    client.put("/api/v1/system-configuration", &system).ok();
    assert_eq!(client.ingest("same", &json!([{"text": mark}])).processed(), 1);
}

struct Operation {
    method: Method,
    path: String,
}

/// Every operation of the dialect that needs a user.
fn operations(client: &Client) -> Vec<Operation> {
    let document = client.get("/api/docs/openapi.json").json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            if path.starts_with("/api/v1/") {
                found.push(Operation { method, path: path.clone() });
            }
        }
    }
    assert!(found.len() >= 60, "{}", found.len());
    found
}

/// A path with these names, and what it needs behind it.
fn concrete(path: &str, token: &str) -> String {
    let path = path.replace("{token-uuid}", token);
    let mut parts: Vec<&str> = path.split('/').collect();
    for part in &mut parts {
        if part.starts_with('{') {
            *part = "same";
        }
    }
    let path = parts.join("/");
    if path.ends_with("/streams/same/logs") { format!("{path}?from=2000-01-01T00:00:00Z&to=2200-01-01T00:00:00Z") } else { path }
}

/// Everything a client can read, but for what never ends.
fn view(client: &Client, operations: &[Operation]) -> Vec<(String, Vec<u8>)> {
    let reads = operations.iter().filter(|operation| operation.method == Method::GET && !operation.path.ends_with("/watch"));
    reads
        .map(|operation| {
            let path = concrete(&operation.path, "");
            let answer = client.get(&path);
            let missing = answer.status == 404 && is_setup(&operation.path);
            assert!(answer.status == 200 || missing, "{path}: {} {}", answer.status, answer.text());
            (path, answer.body)
        })
        .collect()
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Without backups, which name the revision of the whole store.
fn stable(view: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    let kept = view.iter().filter(|(path, _)| !path.contains("/backup/"));
    kept.map(|(path, body)| (path.clone(), String::from_utf8_lossy(body).into_owned())).collect()
}

/// The type and body of a request that changes or tries something. Every operation has to be here.
fn body(operation: &Operation, saved: &[(&str, Vec<u8>)]) -> (&'static str, Vec<u8>) {
    let documents = b"{\"index\":{\"_index\":\"same\"}}\n{\"text\":\"more\"}\n".to_vec();
    let backup = |kind: &str| form(&saved.iter().find(|(of, _)| *of == kind).expect("a backup").1);
    let value = match (operation.method.as_str(), operation.path.as_str()) {
        ("POST", "/api/v1/auth/login") => json!({"username": "root", "password": PASSWORD}),
        ("POST", "/api/v1/auth/change-password") => json!({"old_password": PASSWORD, "new_password": PASSWORD}),
        ("POST", "/api/v1/token") | ("DELETE" | "HEAD", _) => return ("application/json", Vec::new()),
        ("PUT", "/api/v1/roles/{role}") => json!({"scopes": ["write_acls"]}),
        ("PUT", "/api/v1/users/{user}") => json!({"roles": ["admin"], "password": "changed"}),
        ("PATCH", "/api/v1/users/{user}") => json!({"roles": ["viewer"]}),
        ("PUT", "/api/v1/auth-providers/{auth_provider}") => {
            json!({"auth_provider": {"name": "same", "display_name": "changed", "config": {"type": "saml", "idp_metadata_url": "https://x.example"}}})
        }
        ("PUT", "/api/v1/system-configuration") => json!({"syslog_allowed_origins": ["192.0.2.1"], "default_roles": []}),
        ("PUT", "/api/v1/pipelines/{pipeline}") => json!({"flow": Flow::to_stream("same")}),
        ("POST", "/api/v1/test/pipeline/{pipeline}") => json!({"flow": Flow::to_stream("same"), "records": [{"a": "b"}]}),
        ("POST", "/api/v1/pipelines/{pipeline}/logs") => json!({"record": {"text": "more"}}),
        ("POST", "/api/v1/pipelines/{pipeline}/logs/struct") => json!({"records": [{"text": "more"}]}),
        ("POST", "/api/v1/pipelines/{pipeline}/logs/text") => return ("text/plain", b"more\n".to_vec()),
        ("POST", "/api/v1/pipelines/{pipeline}/logs/otlp") => json!({"resourceLogs": []}),
        ("PUT", "/api/v1/middlewares/elastic/{index}") => json!({}),
        (_, path) if path.ends_with("/_bulk") => return ("application/x-ndjson", documents),
        (_, path) if is_setup(path) => json!({}),
        (_, path) if path.contains("/elastic/{index}/_") => json!({"text": "more"}),
        ("PUT", "/api/v1/transformers/{transformer}") => json!({"script": ".changed = true"}),
        ("POST", "/api/v1/test/transformer") => json!({"code": ".", "record": {"a": "b"}}),
        ("PUT", "/api/v1/forwarders/{forwarder}") => {
            json!({"forwarder": {"version": 2, "config": {"type": "http", "url": "http://127.0.0.1:9/changed", "headers": {}}}})
        }
        ("POST", "/api/v1/test/forwarders/{forwarder}") => json!({"record": {"a": "b"}}),
        ("PUT", "/api/v1/streams/{stream}") => json!({"config": {"ttl": 5, "size": 5, "indexed_fields": ["other"]}}),
        ("POST", "/api/v1/restore/auth") => return backup("auth"),
        ("POST", "/api/v1/restore/config") => return backup("config"),
        ("POST", "/api/v1/restore/logs") => return backup("logs"),
        (method, path) => panic!("{method} {path} is not in the table"),
    };
    ("application/json", value.to_string().into_bytes())
}

/// What shippers ask before they send, of things that nobody keeps.
fn is_setup(path: &str) -> bool {
    path.contains("/elastic/_") && !path.ends_with("/_bulk")
}

/// Operations that are refused here whatever they are asked: nobody listens behind the forwarder, the index exists, and the
/// password comes with the tenant's name elsewhere.
const REFUSED: &[&str] = &["/api/v1/test/forwarders/{forwarder}", "/api/v1/middlewares/elastic/{index}"];

#[test]
fn nothing_of_one_tenant_is_seen_or_changed_by_another() {
    let server = Server::start();
    let (one, two, first) = (create(&server, "one", json!({})), create(&server, "two", json!({})), server.client());
    let tenants = [(&first, "mark-default"), (&one, "mark-one"), (&two, "mark-two")];
    for (client, mark) in tenants {
        furnish(client, mark);
    }
    let operations = operations(&first);
    for (client, own) in tenants {
        let seen = view(client, &operations);
        for (path, body) in &seen {
            for (_, other) in tenants.iter().filter(|(_, mark)| *mark != own) {
                assert!(!holds(body, other), "{own} sees {other} in {path}");
            }
        }
        let marked = seen.iter().filter(|(_, body)| holds(body, own)).count();
        assert!(marked >= 10, "{own} sees itself in {marked} answers only");
        assert_eq!(client.values("same", "by"), [own], "its own script ran");
    }

    let saved: Vec<(&str, Vec<u8>)> = ["auth", "config", "logs"].map(|kind| (kind, download(&one, kind))).to_vec();
    let before = [stable(&view(&first, &operations)), stable(&view(&two, &operations))];
    let token = two.get("/api/v1/tokens").ok()["token_uuids"][0].as_str().expect("a token").to_owned();
    // Deletions last, so that there is something to change before.
    let mut writes: Vec<&Operation> = operations.iter().filter(|operation| operation.method != Method::GET).collect();
    writes.sort_by_key(|operation| (operation.method == Method::DELETE, operation.path.contains("/restore/")));
    for operation in writes {
        let (kind, body) = body(operation, &saved);
        let path = concrete(&operation.path, &token);
        let answer = one.send(operation.method.clone(), &path, &[("Content-Type", kind)], Some(&body));
        if !REFUSED.contains(&operation.path.as_str()) {
            let refused = answer.status < 500 && is_setup(&operation.path);
            assert!(answer.status < 300 || refused, "{} {path}: {} {}", operation.method, answer.status, answer.text());
        }
        let now = [stable(&view(&first, &operations)), stable(&view(&two, &operations))];
        for (before, now) in before.iter().zip(&now) {
            for (before, now) in before.iter().zip(now) {
                assert_eq!(before, now, "after {} {path}", operation.method);
            }
        }
    }
    for path in ["/api/v1/transformers", "/api/v1/forwarders", "/api/v1/pipelines"] {
        let left = one.get(path).json().to_string();
        assert!(!left.contains("\"same\""), "its own is deleted: {left}");
    }
}

#[test]
fn live_tails_and_counters_are_those_of_the_own_tenant() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({}));
    let first = server.client();
    for client in [&acme, &first] {
        client.save_pipeline("same", &Flow::to_stream("same"));
    }
    let tail = headworks_tests::events::Events::watch(&first, "same", &[]);
    assert_eq!(acme.ingest("same", &json!([{"n": "acme"}])).processed(), 1);
    assert_eq!(first.ingest("same", &json!([{"n": "default"}])).processed(), 1);
    assert_eq!(tail.next_fields()["n"], "default");
    let total = |client: &Client| client.get("/api/v1/pipelines/same/metrics").text();
    assert!(total(&acme).contains('1') && !total(&acme).contains('2'), "{}", total(&acme));
    let metric = |labels: &str| server.metric(&format!("flowg_pipeline_log_total{{{labels}}}"));
    assert_eq!(metric("pipeline=\"same\",status=\"success\""), 1);
    assert_eq!(metric("tenant=\"2\",pipeline=\"same\",status=\"success\""), 1);
    assert!(!server.management().get("/metrics").text().contains("acme"), "no name that somebody chose");
}

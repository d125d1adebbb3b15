//! Rules of the tenant on every way by which users write (platform).

use headworks_tests::client::segment;
use headworks_tests::plugins::component;
use headworks_tests::{Answer, Client, Flow, Server, people};
use http::Method;
use serde_json::{Value, json};

const SECRET: &str = "s3cr3t-value";

/// A way to write a document of a kind.
struct Way {
    kind: &'static str,
    method: Method,
    path: String,
    body: Value,
    /// How what was written is deleted; empty where it cannot be.
    delete: String,
}

fn way(kind: &'static str, method: Method, path: &str, body: Value, deletable: bool) -> Way {
    let delete = if deletable { path.to_owned() } else { String::new() };
    Way { kind, method, path: path.to_owned(), body, delete }
}

/// Every operation of the FlowG dialect that saves something, on objects of this name.
fn ways(name: &str) -> Vec<Way> {
    use Method;
    let at = |what: &str| format!("/api/v1/{what}/{name}");
    let forwarder = json!({"type": "http", "url": "https://example.com/", "headers": {"Authorization": SECRET}});
    let provider = json!({"type": "oidc", "issuer": "https://id.example.com", "client_id": "x", "client_secret": SECRET});
    let stream = json!({"config": {"ttl": 60, "size": 0, "indexed_fields": ["f"]}});
    let system = json!({"configuration": {"syslog_allowed_origins": [], "default_roles": ["viewer"]}});
    let user = json!({"roles": ["viewer"], "password": SECRET});
    vec![
        way("pipeline", Method::PUT, &at("pipelines"), json!({"flow": Flow::to_stream("s")}), true),
        way("pipeline", Method::PUT, &format!("/api/v1/middlewares/elastic/{name}-index"), json!({}), false),
        way("transformer", Method::PUT, &at("transformers"), json!({"script": ".a = \"1\""}), true),
        way("forwarder", Method::PUT, &at("forwarders"), json!({"forwarder": {"config": forwarder}}), true),
        way("stream", Method::PUT, &at("streams"), stream, true),
        way("stream", Method::GET, &format!("/api/v1/streams/{name}-new"), Value::Null, false),
        way("role", Method::PUT, &at("roles"), json!({"scopes": ["read_streams"]}), true),
        way("user", Method::PUT, &at("users"), user, true),
        way("user", Method::PATCH, "/api/v1/users/changing", json!({"roles": ["viewer"]}), false),
        way("token", Method::POST, "/api/v1/token", Value::Null, false),
        way("system-configuration", Method::PUT, "/api/v1/system-configuration", system, false),
        way(
            "auth-provider",
            Method::PUT,
            &at("auth-providers"),
            json!({"auth_provider": {"name": "", "display_name": "x", "config": provider}}),
            true,
        ),
    ]
}

impl Way {
    fn go(&self, client: &Client) -> Answer {
        match &self.body {
            Value::Null => client.send(self.method.clone(), &self.path, &[], None),
            body => client.send_json(self.method.clone(), &self.path, body),
        }
    }

    fn is_elastic(&self) -> bool {
        self.path.contains("elastic")
    }
}

fn rule_path(name: &str) -> String {
    format!("/platform/v1/validators/{}", segment(name))
}

/// A server with the plugin of the tests.
fn server() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    client.push(&component("test-rule"));
    client.put("/api/v1/users/changing", &json!({"roles": [], "password": "changing"})).ok();
    (server, client)
}

fn bind(client: &Client, name: &str, does: &str, kinds: &[&str], mode: &str, operations: &[&str]) {
    let rule = json!({"plugin": "test-rule", "config": does, "kinds": kinds, "mode": mode, "operations": operations});
    let answer = client.put(&rule_path(name), &rule);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

const SAVING: &[&str] = &["create", "update"];
const ALL: &[&str] = &["create", "update", "delete"];

#[test]
fn every_operation_that_saves_passes_the_rules() {
    let (_server, client) = server();
    for way in ways("before") {
        let answer = way.go(&client);
        assert_eq!(answer.status, 200, "{} {}: {}", way.method, way.path, answer.text());
    }
    bind(&client, "strict", "refuse", &["*"], "enforce", SAVING);
    for way in ways("after").into_iter().chain(ways("before").into_iter().filter(|way| !way.is_elastic())) {
        if way.path.ends_with("before-new") {
            continue;
        }
        let answer = way.go(&client);
        assert_eq!(answer.status, 400, "{} {}: {}", way.method, way.path, answer.text());
        if way.is_elastic() {
            assert!(answer.text().contains("rule `strict`"), "{}", answer.text());
            continue;
        }
        let failure = answer.fails(400, "INVALID_ARGUMENT");
        assert_eq!(failure["context"], json!({"body": [format!("#/at: {} is refused (rule strict)", way.kind)]}), "{failure}");
        assert!(failure["error"].as_str().is_some_and(|text| text.contains("rule `strict`")), "{failure}");
    }
    let password = json!({"old_password": "changing", "new_password": "other"});
    let person = people::session(&client, "changing", "changing");
    person.post("/api/v1/auth/change-password", &password).fails(400, "INVALID_ARGUMENT");
    people::session(&client, "changing", "changing");
    // Nothing of it was saved.
    assert_eq!(client.get("/api/v1/pipelines/after").status, 404);
    assert_eq!(client.get("/api/v1/roles/after").status, 404);
    assert_eq!(client.get("/api/v1/users/after").status, 404);
    // What records and restores bring is no document that a user saves.
    client.ingest("default", &json!([{"a": "b"}])).ok();
    for way in ways("before").into_iter().filter(|way| !way.delete.is_empty()) {
        let answer = client.delete(&way.delete);
        assert_eq!(answer.status, 200, "{}: {}", way.delete, answer.text());
    }
}

#[test]
fn a_rule_is_shown_no_secret() {
    let (_server, client) = server();
    for way in ways("shown") {
        assert_eq!(way.go(&client).status, 200);
    }
    client.put("/platform/v1/secrets/shown", &json!({"value": SECRET}));
    bind(&client, "curious", "tell", &["*"], "enforce", SAVING);
    let mut told = String::new();
    for way in ways("shown") {
        told.push_str(&way.go(&client).text());
    }
    let (mut after, mut kinds) = (Value::Null, Vec::new());
    loop {
        let mut body = json!({"limit": 5});
        if !after.is_null() {
            body["after"] = after;
        }
        let mut piece = client.post(&format!("{}/scan", rule_path("curious")), &body).json();
        for finding in piece["findings"].as_array().expect("findings") {
            kinds.push(finding["kind"].as_str().expect("a kind").to_owned());
        }
        told.push_str(&piece.to_string());
        after = piece["next"].take();
        if after.is_null() {
            break;
        }
    }
    kinds.dedup();
    for kind in
        ["pipeline", "transformer", "forwarder", "stream", "role", "user", "token", "auth-provider", "system-configuration"]
    {
        assert!(kinds.iter().any(|known| known == kind), "no {kind} in {kinds:?}");
    }
    for part in [SECRET, "$argon2", "pat_"] {
        assert!(!told.contains(part), "{part} in {told}");
    }
    assert!(told.contains("https://example.com/") && told.contains("viewer"), "{told}");
}

#[test]
fn a_rule_that_only_warns_lets_everything_pass_and_is_heard() {
    let (mut server, client) = server();
    bind(&client, "odd", "refuse", &["*"], "warn", SAVING);
    for way in ways("x") {
        let answer = way.go(&client);
        assert_eq!(answer.status, 200, "{} {}: {}", way.method, way.path, answer.text());
        assert_eq!(answer.header("headworks-warning"), format!("odd; /at; {} is refused", way.kind), "{}", way.path);
    }
    assert_eq!(client.get("/api/v1/pipelines/x").header("headworks-warning"), "");
    assert!(server.stop().success());
    let data = server.data();
    let listed = headworks_tests::server::run(&["audit", "list", "--data", data.to_str().expect("a path"), "--output", "json"]);
    let entries: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let warned: Vec<&Value> =
        entries.as_array().expect("a list").iter().filter(|entry| entry["action"] == "rule-warned").collect();
    assert!(warned.len() >= 10, "{entries}");
    assert_eq!((&warned[0]["rule"], &warned[0]["author"]), (&json!("odd"), &json!("root")));
    assert!(server.output().contains("a rule speaks against a change"), "{}", server.output());
}

#[test]
fn a_rule_that_traps_or_hangs_closes_where_it_is_enforced_and_never_keeps_anything_from_being_deleted() {
    for does in ["trap", "hang"] {
        let (_server, client) = server();
        for way in ways("kept") {
            assert_eq!(way.go(&client).status, 200);
        }
        bind(&client, "broken", does, &["*"], "enforce", ALL);
        for way in ways("kept").into_iter().filter(|way| !way.is_elastic() && way.method != Method::GET) {
            let answer = way.go(&client);
            let failure = answer.fails(503, "UNAVAILABLE");
            let said = failure["context"]["body"][0].as_str().unwrap_or_default();
            assert!(said.contains("(rule broken)") && said.contains("cannot judge this: plugin-"), "{failure}");
        }
        for way in ways("kept").into_iter().filter(|way| !way.delete.is_empty()) {
            let answer = client.delete(&way.delete);
            assert_eq!(answer.status, 200, "{does} {}: {}", way.delete, answer.text());
        }
        // In warning mode the same rule opens.
        bind(&client, "broken", does, &["*"], "warn", ALL);
        for way in ways("opened") {
            let answer = way.go(&client);
            assert_eq!(answer.status, 200, "{does} {}: {}", way.path, answer.text());
            assert!(answer.header("headworks-warning").starts_with("broken; ; the rule cannot judge this"), "{}", way.path);
        }
        assert_eq!(client.delete(&rule_path("broken")).status, 204);
        assert_eq!(client.delete(&rule_path("broken")).status, 404);
    }
}

#[test]
fn a_rule_for_deletions_may_refuse_them_and_restores_are_not_judged() {
    let (_server, client) = server();
    client.save_pipeline("kept", &Flow::to_stream("s"));
    client.configure_stream("kept", 0, 0, &[]);
    let backup = client.get("/api/v1/backup/config").body;
    bind(&client, "keep", "refuse", &["pipeline", "stream"], "enforce", ALL);
    for path in ["/api/v1/pipelines/kept", "/api/v1/streams/kept"] {
        let failure = client.delete(path).fails(400, "INVALID_ARGUMENT");
        assert!(failure["error"].as_str().is_some_and(|text| text.contains("may not be deleted")), "{failure}");
        assert_eq!(client.get(path).status, 200);
    }
    headworks_tests::backup::upload(&client, "config", &backup).ok();
    client.put("/api/v1/pipelines/kept", &json!({"flow": Flow::to_stream("s")})).fails(400, "INVALID_ARGUMENT");
    client.delete(&rule_path("keep"));
    client.delete("/api/v1/pipelines/kept").ok();
}

#[test]
fn the_platform_answers_violations_as_members_of_the_problem() {
    let (_server, client) = server();
    bind(&client, "strict", "refuse", &["transformer", "secret"], "enforce", SAVING);
    let problem = client.put("/platform/v1/secrets/t", &json!({"value": SECRET})).problem(400, "rule-violation");
    let violation = json!({"rule": "strict", "path": "/at", "message": "secret is refused", "severity": "error"});
    assert_eq!(problem["violations"], json!([violation]));
    assert_eq!(problem["detail"], "the secret `t` may not be created: rule `strict`: /at: secret is refused");
}

#[test]
fn rules_are_saved_checked_listed_and_deleted() {
    let (_server, client) = server();
    let rule = json!({"plugin": "test-rule", "config": "pass", "kinds": ["role"]});
    let saved = client.put(&rule_path("r"), &rule).json();
    assert_eq!(
        (&saved["name"], &saved["mode"], &saved["operations"]),
        (&json!("r"), &json!("enforce"), &json!(["create", "update"]))
    );
    assert_eq!(client.get(&rule_path("r")).json(), saved);
    assert_eq!(client.get("/platform/v1/validators").json(), json!({"validators": [saved]}));
    for (body, member) in [
        (json!({"plugin": "none", "config": "pass", "kinds": ["role"]}), "plugin"),
        (json!({"plugin": "test-rule", "config": "nonsense", "kinds": ["role"]}), "config"),
        (json!({"plugin": "test-rule", "config": {"a": 1}, "kinds": ["role"]}), "config"),
        (json!({"plugin": "test-rule", "config": "pass", "kinds": ["rolls"]}), "kinds[0]"),
        (json!({"plugin": "test-rule", "config": "pass", "kinds": ["role"], "mode": "maybe"}), "body"),
        (json!([]), "body"),
    ] {
        let problem = client.put(&rule_path("x"), &body).problem(400, "invalid");
        assert_eq!(problem["member"], member, "{problem}");
    }
    client.get(&rule_path("x")).problem(404, "not-found");
    client.put(&rule_path("a b"), &rule).problem(400, "invalid");

    let reader = people::one(&client, "rule reader", &["read_acls"]);
    assert_eq!(reader.get("/platform/v1/validators").status, 200);
    reader.put(&rule_path("y"), &rule).problem(403, "denied");
    reader.delete(&rule_path("r")).problem(403, "denied");
    reader.post(&format!("{}/scan", rule_path("r")), &json!({})).problem(403, "denied");
    let other = people::one(&client, "no reader", &["read_streams"]);
    other.get("/platform/v1/validators").problem(403, "denied");
    client.anonymous().get("/platform/v1/validators").problem(401, "unauthenticated");
}

#[test]
fn a_scan_lists_what_a_rule_would_refuse_before_it_is_saved() {
    let (_server, client) = server();
    for number in 0..30 {
        let script = if number % 3 == 0 { ".bad = \"1\"" } else { ".good = \"1\"" };
        client.save_transformer(&format!("t{number:02}"), script);
    }
    let rule = json!({"plugin": "test-rule", "config": "refuse .bad", "kinds": ["transformer"]});
    let scan = |body: &Value| client.post(&format!("{}/scan", rule_path("draft")), body);
    let piece = scan(&json!({"rule": rule, "limit": 20})).json();
    assert_eq!((&piece["checked"], piece["findings"].as_array().map(Vec::len)), (&json!(20), Some(7)));
    assert_eq!(piece["findings"][1]["name"], "t03");
    assert_eq!(piece["findings"][1]["violations"][0]["message"], "transformer is refused");
    let rest = scan(&json!({"rule": rule, "after": piece["next"]})).json();
    assert_eq!((&rest["checked"], rest["findings"].as_array().map(Vec::len), &rest["next"]), (&json!(10), Some(3), &Value::Null));
    // It was a dry run: nothing is saved and nothing refused.
    client.save_transformer("t00", ".bad = \"2\"");
    scan(&json!({})).problem(404, "not-found");
    client.put(&rule_path("draft"), &rule);
    assert_eq!(scan(&json!({})).json()["findings"].as_array().map(Vec::len), Some(10));
    scan(&json!({"rule": {"plugin": "x", "kinds": ["nothing"]}})).problem(400, "invalid");
}

#[test]
fn a_rule_is_there_after_a_restart_and_judges_every_plugin_but_its_own() {
    let (mut server, client) = server();
    bind(&client, "strict", "refuse", &["*"], "enforce", SAVING);
    client.put("/api/v1/roles/r", &json!({"scopes": []})).fails(400, "INVALID_ARGUMENT");
    client.upload(&headworks_tests::plugins::version("other", "1.0.0", &[]), &[]).problem(400, "rule-violation");
    client.get("/platform/v1/plugins/other").problem(404, "not-found");
    let own = client.release("test-rule", "0.1.0", json!({}));
    assert_eq!(own.status, 200, "{}", own.text());
    assert!(server.stop().success());
    server.restart();
    let client = server.client();
    client.put("/api/v1/roles/r", &json!({"scopes": []})).fails(400, "INVALID_ARGUMENT");
    assert_eq!(client.delete(&rule_path("strict")).status, 204);
    client.put("/api/v1/roles/r", &json!({"scopes": []})).ok();
}

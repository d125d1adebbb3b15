//! Event hooks (NiFi Registry 22.3): saved in the platform dialect, told of what is done in the registry.

use crate::calls::{Nifi, done};
use crate::capture::http::{Reply, Request, start};
use headworks_tests::plugins::component;
use headworks_tests::{Answer, Client, Server, Setup, eventually, people};
use hmac::{Hmac, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const HOOKS: &str = "/platform/v1/event-hooks";

/// A server that may reach the receivers of the tests.
fn setup() -> Setup {
    Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8")
}

fn save(client: &Client, name: &str, hook: &Value) -> Answer {
    client.put(&format!("{HOOKS}/{name}"), hook)
}

fn saved(client: &Client, name: &str, hook: &Value) -> Value {
    let answer = save(client, name, hook);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn hook(client: &Client, name: &str) -> Value {
    client.get(&format!("{HOOKS}/{name}")).json()
}

/// The status of a hook once so many events were delivered to it and so many given up.
fn settled(client: &Client, name: &str, delivered: u64, failed: u64) -> Value {
    eventually("the hook is done with its events", || {
        let status = hook(client, name)["status"].take();
        (status["delivered"] == delivered && status["failed"] == failed && status["waiting"] == 0).then_some(status)
    })
}

fn webhook(url: &str) -> Value {
    json!({"type": "webhook", "config": {"url": url}})
}

fn ok(_: &Request) -> Reply {
    Reply::new(204, "")
}

#[test]
fn a_webhook_is_told_of_everything_in_order() {
    let (url, taken) = start(ok);
    let server = setup().start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    saved(&client, "all", &webhook(&format!("{url}/in?a=b")));
    let bucket = nifi.bucket("ops");
    done(&nifi.put(&format!("/buckets/{bucket}"), &json!({"identifier": bucket, "name": "ops2"})));
    let flow = nifi.flow(&bucket, "f");
    done(&nifi.delete(&format!("/buckets/{bucket}/flows/{flow}")));
    done(&nifi.delete(&format!("/buckets/{bucket}")));
    let mut ids = Vec::new();
    for kind in ["CREATE_BUCKET", "UPDATE_BUCKET", "CREATE_FLOW", "DELETE_FLOW", "DELETE_BUCKET"] {
        let request = taken.next();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in?a=b"));
        assert_eq!((request.header("content-type"), request.header("headworks-event")), ("application/json", kind));
        assert_eq!(request.header("headworks-signature"), "");
        let body = request.json();
        assert_eq!((&body["type"], &body["id"]), (&json!(kind), &json!(request.header("headworks-delivery"))));
        assert!(body["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{body}");
        let fields: Vec<(&str, &Value)> =
            body["fields"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)).collect();
        let (bucket, flow, user) = (json!(bucket), json!(flow), json!("anonymous"));
        if kind.ends_with("FLOW") {
            assert_eq!(fields, [("BUCKET_ID", &bucket), ("FLOW_ID", &flow), ("USER", &user)]);
        } else {
            assert_eq!(fields, [("BUCKET_ID", &bucket), ("USER", &user)]);
        }
        ids.push(body["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert_eq!(settled(&client, "all", 5, 0), json!({"delivered": 5, "failed": 0, "waiting": 0}));
    taken.is_over();
}

#[test]
fn a_webhook_can_be_signed_and_carry_secrets_that_are_shown_nowhere() {
    let (url, taken) = start(ok);
    let server = setup().start();
    let client = server.client();
    for (name, value) in [("hook-key", "key-of-the-hook"), ("hook-token", "t0ken"), ("hook-path", "hidden-path")] {
        assert_eq!(client.put(&format!("/platform/v1/secrets/{name}"), &json!({"value": value})).status, 204);
    }
    let config = json!({
        "url": format!("{url}/${{secret:hook-path}}/in"), "headers": {"Authorization": "Bearer ${secret:hook-token}"},
        "sign_with": "hook-key", "timeout_seconds": 5,
    });
    let shown = saved(&client, "signed", &json!({"type": "webhook", "config": config, "events": ["CREATE_BUCKET"]}));
    assert_eq!((&shown["config"], &shown["events"]), (&config, &json!(["CREATE_BUCKET"])));
    Nifi::of(&server).bucket("ops");
    let request = taken.next();
    assert_eq!((request.target.as_str(), request.header("authorization")), ("/hidden-path/in", "Bearer t0ken"));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"key-of-the-hook").unwrap();
    mac.update(&request.body);
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("headworks-signature"), format!("sha256={signature}"));

    // A secret that is gone is a failure that does not tell what it held.
    assert_eq!(client.delete("/platform/v1/secrets/hook-path").status, 204);
    Nifi::of(&server).bucket("ops2");
    let status = settled(&client, "signed", 1, 1);
    assert_eq!(status["last_failure"]["reason"], "there is no secret hook-path");
    for secret in ["key-of-the-hook", "t0ken", "hidden-path"] {
        let everything = format!("{} {}", server.output(), client.get(HOOKS).text());
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn a_hook_hears_of_the_types_that_it_names_only() {
    let (url, taken) = start(ok);
    let server = setup().start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let only = json!({"type": "webhook", "config": {"url": url}, "events": ["DELETE_BUCKET", "UPDATE_BUCKET"]});
    saved(&client, "only", &only);
    let bucket = nifi.bucket("ops");
    done(&nifi.delete(&format!("/buckets/{bucket}")));
    assert_eq!(taken.next().header("headworks-event"), "DELETE_BUCKET");
    // From the next change on it is as it is saved now.
    saved(&client, "only", &json!({"type": "webhook", "config": {"url": url}, "events": ["CREATE_BUCKET"]}));
    done(&nifi.delete(&format!("/buckets/{}", nifi.bucket("ops"))));
    assert_eq!(taken.next().header("headworks-event"), "CREATE_BUCKET");
    assert_eq!(client.delete(&format!("{HOOKS}/only")).status, 204);
    nifi.bucket("ops");
    taken.is_over();
    client.get(&format!("{HOOKS}/only")).problem(404, "not-found");
    client.delete(&format!("{HOOKS}/only")).problem(404, "not-found");
}

#[test]
fn a_target_that_is_busy_is_told_again_and_one_that_refuses_is_not() {
    let answers = AtomicUsize::new(0);
    let (url, taken) = start(move |_| match answers.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::new(503, "busy"),
        1 => Reply::new(429, "slower").header("Retry-After", "1"),
        2 => Reply::new(200, ""),
        3 => Reply::new(404, "no such\u{1b}[2Jplace"),
        _ => Reply::new(302, "").header("Location", "http://127.0.0.1:1/"),
    });
    let server = setup().start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    saved(&client, "busy", &webhook(&url));
    nifi.bucket("one");
    let ids: Vec<String> = (0..3).map(|_| taken.next().header("headworks-delivery").to_owned()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    settled(&client, "busy", 1, 0);
    for (name, failed, reason) in
        [("two", 1, "the target answers 404: no such\\u{1b}[2Jplace"), ("three", 2, "the target answers 302")]
    {
        nifi.bucket(name);
        taken.next();
        let last = settled(&client, "busy", 1, failed)["last_failure"].take();
        assert_eq!((&last["event"], &last["reason"]), (&json!("CREATE_BUCKET"), &json!(reason)));
        let told = reason.split(": ").next().unwrap();
        assert!(server.output().contains(told), "{told}: {}", server.output());
    }
    taken.is_over();
    assert_eq!(server.metric("headworks_event_hook_events_total{outcome=\"failed\"}"), 2);
    assert_eq!(server.metric("headworks_event_hook_events_total{outcome=\"delivered\"}"), 1);
}

#[test]
fn an_event_is_given_up_after_a_few_tries() {
    let server = setup().start();
    let client = server.client();
    let approved = client.upload(&component("test-hook"), &[("approve", "http://*:*"), ("release", "true")]);
    assert_eq!(approved.status, 201, "{}", approved.text());
    saved(&client, "later", &json!({"type": "component", "config": {"plugin": "test-hook", "config": "later"}}));
    Nifi::of(&server).bucket("ops");
    let status = settled(&client, "later", 0, 1);
    assert_eq!(status["last_failure"]["reason"], "not now");
    let calls = || client.get("/platform/v1/plugins/test-hook/usage").json()["calls"].as_u64().unwrap();
    assert_eq!(calls(), 5);
    // Until it takes one again, it is asked once for each.
    Nifi::of(&server).bucket("ops2");
    settled(&client, "later", 0, 2);
    assert_eq!(calls(), 6);
}

#[test]
fn an_address_that_may_not_be_reached_is_not_reached_and_no_request_fails() {
    let (url, taken) = start(ok);
    // This server may reach the public internet only.
    let server = Server::start();
    let client = server.client();
    saved(&client, "inside", &webhook(&url));
    Nifi::of(&server).bucket("ops");
    let status = settled(&client, "inside", 0, 1);
    let reason = status["last_failure"]["reason"].as_str().unwrap();
    assert!(reason.contains("outbound.allow"), "{reason}");
    taken.is_over();
}

#[test]
fn what_the_operator_does_not_allow_a_tenant_is_refused() {
    let server = setup().start();
    let operator = server.client();
    let tenant = json!({
        "name": "small", "administrator": {"name": "root", "password": "a long password"}, "grants": ["https://hooks.example.com:443"],
    });
    let made = operator.post("/platform/v1/tenants", &tenant);
    assert_eq!(made.status, 201, "{}", made.text());
    let client = people::with_token(&operator, "root@small", "a long password");
    saved(&client, "allowed", &webhook("https://hooks.example.com/x"));
    save(&client, "other", &webhook("https://elsewhere.example.com/x")).problem(403, "denied");
    // What is done in another tenant is not told here.
    saved(&client, "heard", &json!({"type": "log"}));
    saved(&operator, "heard", &json!({"type": "log"}));
    Nifi::of(&server).bucket("ops");
    settled(&operator, "heard", 1, 0);
    assert_eq!(hook(&client, "heard")["status"], json!({"delivered": 0, "failed": 0, "waiting": 0}));
    assert_eq!(operator.get(HOOKS).json()["event_hooks"].as_array().unwrap().len(), 1);
}

#[test]
fn the_log_has_a_line_for_each_event_and_the_start_is_one() {
    let mut server = Server::start();
    saved(&server.client(), "lines", &json!({"type": "log"}));
    let bucket = Nifi::of(&server).bucket("ops");
    let line = format!("CREATE_BUCKET [BUCKET_ID={bucket}, USER=anonymous]");
    eventually("the line of the bucket", || server.output().contains(&line).then_some(()));
    assert!(!server.output().contains("REGISTRY_START"));
    assert!(server.stop().success());
    server.restart();
    eventually("the line of the start", || server.output().contains("REGISTRY_START []").then_some(()));
}

#[test]
fn a_component_is_told_and_reaches_what_it_was_granted() {
    let (url, taken) = start(ok);
    let server = setup().start();
    let client = server.client();
    let component_hook = |config: &str| json!({"type": "component", "config": {"plugin": "test-hook", "config": config}});
    let member = save(&client, "told", &component_hook("ok")).problem(400, "invalid")["member"].take();
    assert_eq!(member, "config.plugin");
    assert_eq!(client.upload(&component("test-hook"), &[("approve", "http://*:*"), ("release", "true")]).status, 201);
    let refused = save(&client, "told", &component_hook("bad")).problem(400, "invalid");
    assert!(refused["detail"].as_str().unwrap().contains("this configuration is bad"), "{refused}");
    saved(&client, "told", &component_hook(&format!("{url}/x")));
    let bucket = Nifi::of(&server).bucket("ops");
    let request = taken.next();
    let body = String::from_utf8(request.body).unwrap();
    for part in ["CREATE_BUCKET", &format!("(\"BUCKET_ID\", \"{bucket}\"), (\"USER\", \"anonymous\")")] {
        assert!(body.contains(part), "{part}: {body}");
    }
    settled(&client, "told", 1, 0);
    // It is used, so that it stays.
    client.delete("/platform/v1/plugins/test-hook").problem(409, "in-use");
    assert_eq!(client.get("/platform/v1/plugins/test-hook").json()["world"], "event-hook");
    let rule = json!({"plugin": "test-hook", "kinds": ["stream"]});
    let refused = client.put("/platform/v1/validators/r", &rule).problem(400, "invalid");
    assert!(refused["detail"].as_str().unwrap().contains("is an event-hook, not a validator"), "{refused}");
}

#[test]
fn a_component_that_misbehaves_hurts_nobody_and_is_shown() {
    let server = setup()
        .env("HEADWORKS_SANDBOX_CALL_CPU_MS", "500")
        .env("HEADWORKS_SANDBOX_CALL_WAIT_MS", "20000")
        .env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", "1000")
        .start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    assert_eq!(client.upload(&component("test-hook"), &[("approve", "http://*:*"), ("release", "true")]).status, 201);
    saved(&client, "calm", &json!({"type": "component", "config": {"plugin": "test-hook", "config": "ok"}}));
    let cases = [
        ("trap", "plugin-trap"),
        ("hang", "plugin-deadline"),
        ("grow", "plugin-limit"),
        ("huge-answer", "plugin-output"),
        ("fail", "it never will"),
    ];
    for (word, _) in cases {
        saved(&client, word, &json!({"type": "component", "config": {"plugin": "test-hook", "config": word}}));
    }
    nifi.bucket("ops");
    for (word, part) in cases {
        let status = settled(&client, word, 0, 1);
        let reason = status["last_failure"]["reason"].as_str().unwrap();
        assert!(reason.contains(part), "{word}: {reason}");
    }
    settled(&client, "calm", 1, 0);
    nifi.bucket("ops2");
    settled(&client, "calm", 2, 0);
}

#[test]
fn events_that_wait_are_told_before_the_server_ends() {
    let (url, taken) = start(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Reply::new(200, "")
    });
    let mut server = setup().start();
    saved(&server.client(), "slow", &webhook(&url));
    for index in 0..10 {
        Nifi::of(&server).bucket(&format!("b{index}"));
    }
    assert!(server.stop().success());
    for _ in 0..10 {
        taken.next();
    }
}

#[test]
fn what_cannot_be_a_hook_is_refused() {
    let server = Server::start();
    let client = server.client();
    for (hook, member) in [
        (json!({"type": "script", "config": {"path": "/bin/sh"}}), "type"),
        (json!({"type": "log", "events": ["CREATE_BUCKETS"]}), "events[0]"),
        (webhook("ftp://example.com/"), "config.url"),
        (webhook("https://user:password@example.com/"), "config.url"),
        (json!({"type": "webhook", "config": {"url": "https://a/", "headers": {"Host": "b"}}}), "config.headers.Host"),
        (json!({"type": "webhook"}), "config"),
    ] {
        assert_eq!(save(&client, "x", &hook).problem(400, "invalid")["member"], member, "{hook}");
    }
    assert_eq!(save(&client, "a%20b", &json!({"type": "log"})).problem(400, "invalid")["member"], "name");
    let answer = client.send(Method::PUT, &format!("{HOOKS}/x"), &[], Some(b"{"));
    assert_eq!(answer.problem(400, "invalid")["member"], "body");
    for index in 0..32 {
        saved(&client, &format!("h{index}"), &json!({"type": "log"}));
    }
    save(&client, "one-more", &json!({"type": "log"})).problem(429, "exhausted");
    assert_eq!(saved(&client, "h0", &json!({"type": "log"}))["revision"], 2);
    let reader = people::one(&client, "reader", &["read_acls"]);
    assert_eq!(reader.get(HOOKS).json()["event_hooks"].as_array().unwrap().len(), 32);
    save(&reader, "h0", &json!({"type": "log"})).problem(403, "denied");
    reader.delete(&format!("{HOOKS}/h0")).problem(403, "denied");
    people::one(&client, "nobody", &[]).get(HOOKS).problem(403, "denied");
    client.anonymous().get(HOOKS).problem(401, "unauthenticated");
}

//! Which tenant a credential leads to.

use crate::{USER, administrator, basic, create, login, try_create, update};
use headworks_tests::server::PASSWORD;
use headworks_tests::{Client, Server};
use serde_json::json;
use std::time::{Duration, Instant};

const ELASTIC: &str = "/api/v1/middlewares/elastic/";

/// Marks a tenant, and tells which mark a client sees.
fn mark(client: &Client, text: &str) {
    client.save_transformer("mark", text);
}

fn seen(client: &Client) -> String {
    client.get("/api/v1/transformers/mark").ok()["script"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_login_names_its_tenant_in_three_ways() {
    let server = Server::start();
    mark(&server.client(), "# default");
    mark(&create(&server, "acme", json!({"hosts": ["Logs.Acme.example"]})), "# acme");
    mark(&create(&server, "other", json!({})), "# other");
    for (user, headers, expected) in [
        ("root", &[][..], "# default"),
        ("root@acme", &[], "# acme"),
        ("root@other", &[], "# other"),
        ("root", &[("X-Headworks-Tenant", "acme")], "# acme"),
        ("root", &[("x-headworks-tenant", "default")], "# default"),
        ("root", &[("Host", "logs.acme.example")], "# acme"),
        ("root", &[("Host", "LOGS.acme.example:5080")], "# acme"),
        ("root", &[("Host", "unknown.example")], "# default"),
        ("root", &[("Host", "logs.acme.example"), ("X-Headworks-Tenant", "other")], "# other"),
    ] {
        let session = login(&server.client(), user, PASSWORD, headers).ok();
        let session = server.client().with_token(session["token"].as_str().expect("a session"));
        assert_eq!(seen(&session), expected, "{user} {headers:?}");
        assert_eq!(session.get("/api/v1/auth/whoami").ok()["user"]["name"], USER);
    }
}

#[test]
fn a_name_with_an_at_sign_that_is_no_tenant_is_a_whole_name() {
    let server = Server::start();
    let client = server.client();
    client.put("/api/v1/users/anna%40example.com", &json!({"roles": ["admin"], "password": "a"})).ok();
    login(&client, "anna@example.com", "a", &[]).ok();
    basic(&server, "anna@example.com", "a").get(ELASTIC);
}

#[test]
fn an_unknown_tenant_is_answered_as_a_wrong_password_in_the_same_time() {
    let server = Server::start();
    create(&server, "acme", json!({}));
    let client = server.client();
    let mut answers = Vec::new();
    let mut times: Vec<Duration> = Vec::new();
    for (user, headers) in [
        ("root@acme", &[][..]),
        ("root@nobody", &[]),
        ("nobody@acme", &[]),
        ("root", &[("X-Headworks-Tenant", "nobody")]),
        ("root", &[("X-Headworks-Tenant", "")]),
        ("root", &[("X-Headworks-Tenant", "ACME")]),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begin = Instant::now();
            let answer = login(&client, user, "wrong", headers);
            best = best.min(begin.elapsed());
            answers.push((answer.status, answer.text()));
        }
        times.push(best);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].0, 401);
    // The password is hashed in each case, which takes many times as long as everything else.
    assert!(times.iter().all(|time| *time * 3 > times[0]), "{times:?}");
}

#[test]
fn tokens_and_sessions_stay_in_their_tenant_whatever_a_request_names() {
    let server = Server::start();
    mark(&server.client(), "# default");
    let acme = create(&server, "acme", json!({"hosts": ["acme.example"]}));
    mark(&acme, "# acme");
    for headers in [&[("X-Headworks-Tenant", "default")][..], &[("Host", "other.example")]] {
        let answer = acme.send(http::Method::GET, "/api/v1/transformers/mark", headers, None).ok();
        assert_eq!(answer["script"], "# acme");
    }
    let host = [("Host", "acme.example")];
    let answer = server.client().send(http::Method::GET, "/api/v1/transformers/mark", &host, None).ok();
    assert_eq!(answer["script"], "# default");
}

#[test]
fn shippers_with_name_and_password_name_their_tenant_too() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({"hosts": ["acme.example"]}));
    let put = |client: &Client, headers: &[(&str, &str)]| {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        client.send(http::Method::POST, &format!("{ELASTIC}default/_doc"), &headers, Some(b"{\"a\":\"1\"}")).status
    };
    assert_eq!(put(&basic(&server, "root@acme", PASSWORD), &[]), 201);
    assert_eq!(put(&basic(&server, "root", PASSWORD), &[("X-Headworks-Tenant", "acme")]), 201);
    assert_eq!(put(&basic(&server, "root", PASSWORD), &[("Host", "acme.example")]), 201);
    assert_eq!(put(&basic(&server, "root@nobody", PASSWORD), &[]), 401);
    assert_eq!(put(&basic(&server, "root", PASSWORD), &[("X-Headworks-Tenant", "nobody")]), 401);
    assert_eq!(acme.records("default").len(), 3);
    assert_eq!(server.client().records("default").len(), 0);
}

#[test]
fn a_suspended_tenant_is_refused_until_it_is_resumed() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({}));
    mark(&acme, "# acme");
    let session = login(&server.client(), "root@acme", PASSWORD, &[]).ok()["token"].as_str().expect("a session").to_owned();
    let session = server.client().with_token(&session);
    assert_eq!(update(&server, "acme", json!({"suspended": true})).json()["state"], "suspended");
    for client in [&acme, &session] {
        let error = client.get("/api/v1/transformers").error(403, "PERMISSION_DENIED");
        assert!(error.contains("suspended"), "{error}");
        assert_eq!(client.get("/platform/v1/tenant").status, 403);
    }
    assert_eq!(basic(&server, "root@acme", PASSWORD).get(ELASTIC).status, 403);
    assert_eq!(login(&server.client(), "root@acme", PASSWORD, &[]).status, 403);
    // Whoever does not know the password learns nothing of it.
    assert_eq!(login(&server.client(), "root@acme", "wrong", &[]).status, 401);
    assert_eq!(seen(&administrator_of_default(&server)), "none");
    update(&server, "acme", json!({"suspended": false}));
    assert_eq!(seen(&acme), "# acme");
    assert_eq!(seen(&session), "# acme");
    assert_eq!(seen(&administrator(&server, "acme")), "# acme");
}

/// Others go on meanwhile.
fn administrator_of_default(server: &Server) -> Client {
    mark(&server.client(), "none");
    server.client()
}

#[test]
fn only_operators_see_and_change_tenants() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({}));
    let viewer = headworks_tests::people::one(&server.client(), "viewer", &["read_acls", "write_pipelines"]);
    for client in [&acme, &viewer] {
        for path in ["/platform/v1/tenants", "/platform/v1/tenants/acme", "/platform/v1/tenants/acme/usage"] {
            let answer = client.get(path);
            assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("denied")), "{path}");
        }
        assert_eq!(try_create(client, "mine", json!({})).status, 403);
        assert_eq!(client.put("/platform/v1/tenants/acme", &json!({})).status, 403);
        assert_eq!(client.delete("/platform/v1/tenants/acme").status, 403);
    }
    assert_eq!(server.client().anonymous().get("/platform/v1/tenants").status, 401);
    let own = acme.get("/platform/v1/tenant").json();
    assert_eq!((&own["name"], &own["state"]), (&json!("acme"), &json!("active")));
    assert!(own["limits"]["records_per_second"].as_u64().is_some_and(|limit| limit > 0));
    let own = server.client().get("/platform/v1/tenant").json();
    assert_eq!((&own["name"], &own["number"], &own["limits"]["records_per_second"]), (&json!("default"), &json!(1), &json!(0)));
}

//! How tenants come and go, also when the server is killed in the middle.

use crate::{USER, administrator, create, login, numbers_on_disk, try_create};
use headworks_tests::server::{Folder, PASSWORD};
use headworks_tests::{Client, Flow, Server, Setup, eventually};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;

fn tenants(client: &Client) -> Vec<Value> {
    let answer = client.get("/platform/v1/tenants");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["tenants"].as_array().expect("a list").clone()
}

fn names(client: &Client) -> Vec<String> {
    tenants(client).iter().filter_map(|tenant| tenant["name"].as_str().map(str::to_owned)).collect()
}

/// Whether a tenant has what a first start makes.
fn assert_whole(server: &Server, name: &str) {
    let client = administrator(server, name);
    let of = |path: &str, member: &str| client.get(path).ok()[member].clone();
    assert_eq!(of("/api/v1/pipelines", "pipelines"), json!(["default"]), "{name}");
    assert_eq!(of("/api/v1/users", "users"), json!([{"name": USER, "roles": ["admin"]}]), "{name}");
    let roles = of("/api/v1/roles", "roles");
    let roles: Vec<&str> = roles.as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(roles, ["admin", "viewer"], "{name}");
    assert_eq!(of("/api/v1/system-configuration", "configuration")["default_roles"], json!(["viewer"]), "{name}");
}

#[test]
fn a_new_tenant_has_what_a_first_start_makes() {
    let server = Server::start();
    let made = server.client().post("/platform/v1/tenants", &json!({"name": "acme", "display_name": "Acme & Söhne"}));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["tenant"]["number"], &made["tenant"]["created_by"]), (&json!(2), &json!("root")));
    assert_eq!(made["tenant"]["display_name"], "Acme & Söhne");
    let password = made["administrator"]["password"].as_str().expect("a password that was made up");
    assert!(password.len() >= 20);
    login(&server.client(), "root@acme", password, &[]).ok();
    let shown = server.client().get("/platform/v1/tenants/acme").text() + &server.output();
    assert!(!shown.contains(password), "it is told once");
    create(&server, "other", json!({}));
    assert_whole(&server, "other");
    let other = administrator(&server, "other");
    assert_eq!(other.ingest_text("default", "a line\n").processed(), 1);
}

#[test]
fn what_cannot_be_a_tenant_is_refused_with_its_member() {
    let server = Server::start();
    let client = server.client();
    create(&server, "taken", json!({"hosts": ["taken.example"]}));
    for (name, members, status, member) in [
        ("taken", json!({}), 409, "name"),
        ("default", json!({}), 409, "name"),
        ("Upper", json!({}), 400, "name"),
        ("a.b", json!({}), 400, "name"),
        ("", json!({}), 400, "name"),
        ("a", json!({"hosts": ["TAKEN.example"]}), 409, "hosts[0]"),
        ("a", json!({"hosts": ["a.example", "b.example:80"]}), 400, "hosts[1]"),
        ("a", json!({"grants": [""]}), 400, "grants[0]"),
        ("a", json!({"quotas": {"plugins": u64::MAX}}), 400, "quotas.plugins"),
        ("a", json!({"quotas": {"pluginz": 1}}), 400, "body"),
        ("a", json!({"display_name": "a\u{1b}b"}), 400, "display_name"),
        ("a", json!({"administrator": {"name": ""}}), 400, "administrator"),
        ("a", json!({"revision": 3}), 400, "revision"),
    ] {
        let answer = try_create(&client, name, members.clone());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!((answer.status, problem["member"].as_str()), (status, Some(member)), "{name} {members}: {problem}");
    }
    assert_eq!(names(&client), ["default", "taken"]);
    for (method, path, status) in
        [("DELETE", "default", 400), ("DELETE", "nobody", 404), ("GET", "nobody", 404), ("GET", "nobody/usage", 404)]
    {
        let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
        assert_eq!(client.send(method, &format!("/platform/v1/tenants/{path}"), &[], None).status, status, "{path}");
    }
    assert_eq!(client.put("/platform/v1/tenants/default", &json!({"suspended": true})).status, 400);
}

#[test]
fn a_change_on_top_of_another_one_is_refused() {
    let server = Server::start();
    create(&server, "acme", json!({}));
    let path = "/platform/v1/tenants/acme";
    let first = server.client().get(path).json()["revision"].clone();
    let put = |name: &str, revision: &Value| server.client().put(path, &json!({"display_name": name, "revision": revision}));
    assert_eq!(put("one", &first).status, 200);
    let answer = put("two", &first);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("revision-conflict")));
    assert_eq!(server.client().get(path).json()["display_name"], "one");
}

#[test]
fn a_deleted_tenant_leaves_nothing_and_its_name_starts_anew() {
    let mut server = Server::start();
    let acme = create(&server, "acme", json!({"hosts": ["acme.example"]}));
    acme.configure_stream("s", 3600, 0, &["n"]);
    acme.save_transformer("bomb", "while true {}");
    acme.save_pipeline("p", &Flow::to_stream("s"));
    let records: Vec<Value> = (0..500).map(|n| json!({"n": format!("{n}"), "secret": "of acme"})).collect();
    assert_eq!(acme.ingest("p", &json!(records)).processed(), 500);
    // A record that waits for a forwarder which nobody answers.
    let queued = json!({"forwarder": {"version": 2, "delivery": "queued", "config": {"type": "http", "url": "http://127.0.0.1:9", "headers": {}}}});
    acme.put("/api/v1/forwarders/f", &queued).ok();
    acme.save_pipeline("q", &Flow::to_forwarder("f"));
    assert_eq!(acme.ingest("q", &json!([{"n": "1"}])).processed(), 1);
    let session = login(&server.client(), "root@acme", PASSWORD, &[]).ok()["token"].as_str().expect("a session").to_owned();

    let answer = server.client().delete("/platform/v1/tenants/acme");
    assert_eq!((answer.status, answer.json()["state"].as_str()), (202, Some("deleting")));
    assert_eq!(acme.get("/api/v1/streams").status, 401);
    assert_eq!(server.client().with_token(&session).get("/api/v1/streams").status, 401);
    assert_eq!(login(&server.client(), "root@acme", PASSWORD, &[]).status, 401);
    eventually("the data are removed", || (names(&server.client()) == ["default"]).then_some(()));

    let again = create(&server, "acme", json!({"hosts": ["acme.example"]}));
    assert_eq!(tenants(&server.client())[0]["number"], 3, "numbers are not used twice");
    assert_eq!(again.get("/api/v1/pipelines").ok()["pipelines"], json!(["default"]));
    assert_eq!(again.get("/api/v1/streams").ok()["streams"], json!({}));
    assert_eq!(acme.get("/api/v1/streams").status, 401, "old tokens stay dead");
    assert!(server.stop().success());
    assert_eq!(numbers_on_disk(&server), [0, 1, 3]);
}

/// Works against a server until it is killed.
fn until_killed(server: &mut Server, after: Duration, work: impl Fn(&Client) -> bool + Send + Sync) {
    let client = server.client();
    std::thread::scope(|scope| {
        scope.spawn(|| while work(&client) {});
        std::thread::sleep(after);
        server.kill();
    });
}

#[test]
fn a_kill_in_the_middle_of_making_leaves_no_half_tenant() {
    let folder = Folder::new();
    let made = Mutex::new(Vec::new());
    for round in 0..6 {
        let mut server = Setup::new().start_on(&folder);
        let listed = names(&server.client());
        for name in made.lock().expect("names").iter() {
            assert!(listed.contains(name), "{name} was answered");
        }
        for name in listed.iter().filter(|name| *name != "default").rev().take(8) {
            assert_whole(&server, name);
        }
        let next = std::sync::atomic::AtomicU64::new(0);
        until_killed(&mut server, Duration::from_millis(130 + 97 * round), |client| {
            let name = format!("t-{round}-{}", next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            let body = json!({"name": name, "administrator": {"name": USER, "password": PASSWORD}}).to_string();
            let json = [("Content-Type", "application/json")];
            match client.try_send(http::Method::POST, "/platform/v1/tenants", &json, Some(body.as_bytes())) {
                Ok(answer) => {
                    assert_eq!(answer.status, 201, "{}", answer.text());
                    made.lock().expect("names").push(name);
                    true
                }
                Err(_) => false,
            }
        });
    }
    let mut server = Setup::new().start_on(&folder);
    let listed = tenants(&server.client());
    assert!(listed.len() > 6, "{}", listed.len());
    let mut numbers: Vec<u64> = listed.iter().filter_map(|tenant| tenant["number"].as_u64()).collect();
    numbers.sort_unstable();
    let all = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "each has a number of its own");
    assert!(server.stop().success());
    let on_disk = numbers_on_disk(&server);
    assert!(on_disk.iter().all(|number| *number == 0 || numbers.contains(number)), "{on_disk:?} {numbers:?}");
}

#[test]
fn a_kill_in_the_middle_of_deleting_is_finished_by_the_next_start() {
    let folder = Folder::new();
    let (all, deleted) = (20, Mutex::new(Vec::new()));
    let mut server = Setup::new().start_on(&folder);
    for index in 0..all {
        let client = create(&server, &format!("t{index}"), json!({}));
        assert_eq!(client.ingest_text("default", &"a line of some length\n".repeat(2000)).processed(), 2000);
    }
    let mut round = 0;
    while names(&server.client()).len() > 1 {
        until_killed(&mut server, Duration::from_millis(5 + 7 * round), |client| {
            let Some(name) =
                (0..all).map(|index| format!("t{index}")).find(|name| !deleted.lock().expect("names").contains(name))
            else {
                return false;
            };
            match client.try_send(http::Method::DELETE, &format!("/platform/v1/tenants/{name}"), &[], None) {
                Ok(answer) => {
                    assert!([202, 404].contains(&answer.status), "{}", answer.text());
                    deleted.lock().expect("names").push(name);
                    true
                }
                Err(_) => false,
            }
        });
        server = Setup::new().start_on(&folder);
        let left = names(&server.client());
        for name in deleted.lock().expect("names").iter() {
            assert!(!left.contains(name), "{name} was answered as deleted");
        }
        for name in left.iter().filter(|name| *name != "default").take(3) {
            assert_eq!(administrator(&server, name).query("default", &[]).fields().len(), 2000, "{name} is untouched");
        }
        round += 1;
        assert!(round < 50, "{left:?}");
    }
    assert!(server.stop().success());
    assert_eq!(numbers_on_disk(&server), [0, 1]);
}

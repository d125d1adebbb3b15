//! `headworks tenant`, and the commands for stopped servers that know tenants.

use crate::create;
use headworks_tests::server::{TOKEN, command};
use headworks_tests::{Flow, Server};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};

fn run(server: &Server, arguments: &[&str], input: &str) -> Output {
    let mut command = command();
    command.args(arguments).env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", TOKEN);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn succeeds(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn json_of(server: &Server, arguments: &[&str]) -> Value {
    let text = succeeds(server, &[&["--output", "json"], arguments].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn tenants_are_managed_from_the_command_line() {
    let server = Server::start();
    let made = json_of(&server, &["tenant", "create", "acme", "--host", "acme.example", "--quota", "plugins=3"]);
    assert_eq!(made["tenant"]["hosts"], json!(["acme.example"]));
    assert!(made["administrator"]["password"].as_str().is_some_and(|password| password.len() >= 20));
    let output = run(&server, &["tenant", "create", "beta", "--administrator", "boss", "--password-stdin"], "s3cret\n");
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("s3cret"));
    crate::login(&server.client(), "boss@beta", "s3cret", &[]).ok();

    let names: Vec<Value> = json_of(&server, &["tenant", "list"]).as_array().expect("a list").clone();
    let names: Vec<&str> = names.iter().filter_map(|tenant| tenant["name"].as_str()).collect();
    assert_eq!(names, ["acme", "beta", "default"]);
    assert!(succeeds(&server, &["tenant", "list"]).lines().any(|line| line.starts_with("acme\t2\tactive")));

    let changed = json_of(&server, &["tenant", "update", "acme", "--display-name", "Acme", "--quota", "stored_bytes=7"]);
    assert_eq!((&changed["display_name"], &changed["hosts"]), (&json!("Acme"), &json!(["acme.example"])));
    assert_eq!(changed["quotas"], json!({"plugins": 3, "stored_bytes": 7}));
    let changed = json_of(&server, &["tenant", "update", "acme", "--quota", "plugins=", "--host", "", "--grant", "http:*"]);
    assert_eq!(
        (&changed["quotas"], &changed["hosts"], &changed["grants"]),
        (&json!({"stored_bytes": 7}), &json!([]), &json!(["http:*"]))
    );
    assert_eq!(json_of(&server, &["tenant", "suspend", "acme"])["state"], "suspended");
    let changed = json_of(&server, &["tenant", "update", "acme", "--display-name", "A"]);
    assert_eq!((&changed["state"], &changed["quotas"]), (&json!("suspended"), &json!({"stored_bytes": 7})));
    assert_eq!(json_of(&server, &["tenant", "resume", "acme"])["state"], "active");
    let shown = succeeds(&server, &["tenant", "show", "acme"]);
    assert!(shown.contains("stored_bytes\t7\n") && shown.contains("plugins\t100 (plan)"), "{shown}");
    assert_eq!(json_of(&server, &["tenant", "usage", "acme"])["since_start"]["records"], 0);
    assert!(succeeds(&server, &["tenant", "usage", "acme", "--days", "3"]).starts_with("stored_bytes\t0"));

    let refused = run(&server, &["tenant", "delete", "acme"], "");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("--yes"));
    assert_eq!(json_of(&server, &["tenant", "delete", "acme", "--yes"])["state"], "deleting");
    let refused = run(&server, &["tenant", "update", "beta", "--host", "a b"], "");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("hosts[0]: "));
}

#[test]
fn a_login_at_the_command_line_names_its_tenant() {
    let server = Server::start();
    create(&server, "acme", json!({}));
    let password = headworks_tests::server::PASSWORD;
    let session = succeeds(&server, &["flowg", "login", "--username", "root@acme", "--password", password]);
    let client = server.client().with_token(session.trim());
    assert_eq!(client.get("/platform/v1/tenant").json()["name"], "acme");
}

#[test]
fn commands_for_a_stopped_server_read_one_tenant() {
    let mut server = Server::start();
    let acme = create(&server, "acme", json!({}));
    acme.save_transformer("only-of-acme", ".");
    acme.save_pipeline("p", &Flow::to_stream("s"));
    server.client().save_transformer("only-of-default", ".");
    assert!(server.stop().success());
    let data = server.data();
    let data = data.to_str().expect("a path");
    let list = |tenant: &[&str]| {
        let output = headworks_tests::server::run(&[&["audit", "list", "--data", data][..], tenant].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (of_default, of_acme) = (list(&[]), list(&["--tenant", "acme"]));
    assert!(of_default.contains("only-of-default") && !of_default.contains("only-of-acme"));
    assert!(of_acme.contains("only-of-acme") && !of_acme.contains("only-of-default"));
    let letters = headworks_tests::server::run(&["dead-letters", "list", "--data", data, "--tenant", "acme"]);
    assert!(letters.status.success() && String::from_utf8_lossy(&letters.stdout).contains("no dead letters"));
    let unknown = headworks_tests::server::run(&["dead-letters", "list", "--data", data, "--tenant", "nobody"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("nobody"));
}

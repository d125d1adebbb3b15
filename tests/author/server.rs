//! From the author's folder into a running server, and what comes after.

use super::{change, project, told};
use headworks_tests::Server;
use headworks_tests::server::{TOKEN, clean_command};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(server: &Server, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = clean_command();
    command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", TOKEN);
    command.current_dir(folder).args(arguments);
    command
}

fn run(server: &Server, folder: &Path, arguments: &[&str]) -> Output {
    command(server, folder, arguments).output().expect("the program starts")
}

fn ok(server: &Server, folder: &Path, arguments: &[&str]) -> String {
    let output = run(server, folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn document(server: &Server, folder: &Path, arguments: &[&str]) -> Value {
    let text = ok(server, folder, &[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn fails(server: &Server, folder: &Path, arguments: &[&str]) -> String {
    let output = run(server, folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", told(&output));
    told(&output)
}

fn import(server: &Server, folder: &Path, kind: &str, name: &str, text: &str) {
    let mut child = command(server, folder, &["flowg", kind, "import", "--name", name]).stdin(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    assert!(child.wait().expect("its end").success(), "{kind} {name}");
}

/// A pipeline that runs records through the plugin `shout`.
fn pipeline(server: &Server, folder: &Path) {
    import(server, folder, "transformer", "loud", "#!plugin shout\n{\"field\": \"level\"}\n");
    let node = |id: &str, kind: &str, data: Value| json!({"id": id, "type": kind, "position": {"x": 0, "y": 0}, "data": data});
    let edge = |id: &str, from: &str, to: &str| json!({"id": id, "source": from, "target": to});
    let flow = json!({
        "nodes": [
            node("in", "source", json!({"type": "direct"})),
            node("loud", "transform", json!({"transformer": "loud"})),
            node("out", "router", json!({"stream": "shouted"})),
        ],
        "edges": [edge("1", "in", "loud"), edge("2", "loud", "out")],
    });
    import(server, folder, "pipeline", "shouting", &flow.to_string());
}

/// Sends a record with this level.
fn send(server: &Server, level: &str) {
    let body = json!({"records": [{"level": level}]}).to_string();
    let address = format!("http://{}/api/v1/pipelines/shouting/logs/struct", server.address());
    let request = ureq::post(&address).header("Authorization", format!("Bearer {TOKEN}")).header("Content-Type", "application/json");
    request.send(body).expect("taken");
}

/// The levels of the records so far, in order.
fn levels(server: &Server, folder: &Path) -> Vec<String> {
    let text = ok(server, folder, &["flowg", "stream", "tail", "--name", "shouted", "--output", "json"]);
    let level = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        record["fields"]["level"].as_str().expect("level").to_owned()
    };
    text.lines().map(level).collect()
}

#[test]
fn a_plugin_goes_from_its_folder_into_a_pipeline_and_is_replaced_and_rolled_back() {
    let (_folder, place) = project();
    let server = Server::start();
    let pushed = ok(&server, &place, &["plugin", "push"]);
    assert!(pushed.contains("shout 0.1.0 is on the server") && pushed.contains("shout 0.1.0 is in use"), "{pushed}");
    pipeline(&server, &place);
    send(&server, "one");

    change(&place.join("src/plugin.c"), "\"0.1.0\"", "\"0.2.0\"");
    change(&place.join("src/plugin.c"), "toupper((unsigned char)text.data[at])", "(text.data[at] == 'o' ? '0' : text.data[at])");
    change(&place.join("tests.json"), "\"output\": [{ \"level\": \"INFO\"", "\"output\": [{ \"level\": \"inf0\"");
    ok(&server, &place, &["plugin", "push"]);
    send(&server, "two");
    let shown = ok(&server, &place, &["plugin", "show", "shout"]);
    assert!(shown.contains("shout (transformer), in use 0.2.0, before 0.1.0"), "{shown}");

    assert!(ok(&server, &place, &["plugin", "rollback", "shout"]).contains("shout is back at 0.1.0"));
    send(&server, "three");
    ok(&server, &place, &["plugin", "release", "shout", "0.2.0"]);
    send(&server, "four");
    assert_eq!(levels(&server, &place), ["ONE", "tw0", "THREE", "f0ur"]);

    let usage = document(&server, &place, &["plugin", "usage", "shout"]);
    assert!(usage["records_in"].as_u64().is_some_and(|records| records >= 4), "{usage}");
    assert_eq!(ok(&server, &place, &["plugin", "list"]).trim(), "shout (transformer), in use 0.2.0, before 0.1.0");
}

#[test]
fn the_same_version_with_another_component_is_refused() {
    let (_folder, place) = project();
    let server = Server::start();
    ok(&server, &place, &["plugin", "push"]);
    ok(&server, &place, &["plugin", "push"]);
    change(&place.join("src/plugin.c"), "toupper", "tolower");
    assert!(fails(&server, &place, &["plugin", "push"]).contains("raise the version"));
}

#[test]
fn what_a_version_asks_for_is_approved_by_hand() {
    let (_folder, place) = project();
    let server = Server::start();
    change(
        &place.join("src/plugin.c"),
        "    .config_schema = SCHEMA,\n",
        "    .config_schema = SCHEMA,\n    .grants = (const char *const[]){\"secret:pepper\", NULL},\n",
    );
    let pushed = ok(&server, &place, &["plugin", "push"]);
    assert!(pushed.contains("it waits: it asks for secret:pepper"), "{pushed}");
    assert!(fails(&server, &place, &["plugin", "release", "shout", "0.1.0"]).contains("secret:pepper"));
    assert_eq!(ok(&server, &place, &["plugin", "approve", "shout", "0.1.0"]).trim(), "shout 0.1.0: ready");
    ok(&server, &place, &["plugin", "release", "shout", "0.1.0"]);
}

#[test]
fn what_a_plugin_logs_is_followed() {
    let (_folder, place) = project();
    let server = Server::start();
    change(&place.join("src/plugin.c"), "    (void)error;\n", "    (void)error;\n    hw_log(HW_WARN, \"%zu here\", hw_batch_len(batch));\n");
    ok(&server, &place, &["plugin", "push"]);
    pipeline(&server, &place);
    let mut follower = command(&server, &place, &["plugin", "logs", "shout", "--follow"]).stdout(Stdio::piped()).spawn().expect("starts");
    send(&server, "one");
    let mut line = String::new();
    BufReader::new(follower.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert!(line.contains("warn") && line.contains("1 here"), "{line}");
    follower.kill().expect("ended");
    follower.wait().expect("gone");
    assert!(ok(&server, &place, &["plugin", "logs", "shout"]).contains("1 here"));
}

#[test]
fn a_plugin_in_use_is_not_deleted() {
    let (_folder, place) = project();
    let server = Server::start();
    ok(&server, &place, &["plugin", "push"]);
    pipeline(&server, &place);
    assert!(fails(&server, &place, &["plugin", "delete", "shout"]).contains("is used by the transformer"));
    ok(&server, &place, &["flowg", "pipeline", "rm", "--name", "shouting"]);
    ok(&server, &place, &["flowg", "transformer", "rm", "--name", "loud"]);
    ok(&server, &place, &["plugin", "delete", "shout"]);
    assert!(fails(&server, &place, &["plugin", "show", "shout"]).contains("no plugin \"shout\""));
}

//! What the operator sees of plugins that fail: metrics and audit entries.

use crate::pipeline_through;
use headworks_tests::server::{Setup, run};
use headworks_tests::{Server, eventually};
use serde_json::{Value, json};

/// Doubles a text until the guest has no memory left.
fn failing() -> String {
    ".big = \"0123456789abcdef\"\n".to_owned() + &".big = .big + .big\n".repeat(40)
}

fn metric(server: &Server, name: &str) -> Option<u64> {
    let text = server.management().get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))?;
    Some(line.parse::<f64>().expect("a number") as u64)
}

fn failures(server: &Server, code: &str) -> u64 {
    let name = format!("headworks_plugin_failures_total{{code=\"{code}\"}}");
    metric(server, &name).unwrap_or_else(|| panic!("no {name}"))
}

fn audit(server: &mut Server) -> Vec<Value> {
    assert!(server.stop().success(), "{}", server.output());
    let listed = run(&["audit", "list", "--data", server.data().to_str().expect("a path"), "--output", "json"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let entries: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    entries.as_array().expect("a list").clone()
}

#[test]
fn failures_of_a_plugin_are_counted_by_code_and_audited() {
    let mut server = Server::start();
    let client = server.client();
    for code in ["plugin-trap", "plugin-deadline", "plugin-limit", "plugin-output", "plugin-suspended"] {
        assert_eq!(failures(&server, code), 0);
    }
    let (pipeline, _, transformer) = pipeline_through(&client, &failing());
    for _ in 0..2 {
        client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
    }
    // An error of the script is none of the sandbox.
    let (harmless, ..) = pipeline_through(&client, "abort");
    client.ingest(&harmless, &json!([{}])).error(500, "INTERNAL");
    assert_eq!(failures(&server, "plugin-limit"), 2);
    assert_eq!(failures(&server, "plugin-trap"), 0);
    // A dry run is counted too.
    client.post("/api/v1/test/transformer", &json!({ "code": failing(), "record": {} }));
    assert_eq!(failures(&server, "plugin-limit"), 3);

    let entries = audit(&mut server);
    let failed: Vec<&Value> = entries.iter().filter(|entry| entry["action"] == "plugin-failed").collect();
    let [entry] = failed[..] else { panic!("the same failure is noted once: {failed:?}") };
    assert_eq!(entry["kind"], "pipeline");
    assert_eq!(entry["name"], pipeline);
    assert_eq!(entry["code"], "plugin-limit");
    assert_eq!(entry["author"], "");
    assert_eq!(entry["plugin_digest"].as_str().map(str::len), Some(64), "{entry}");
    let saved = |kind: &str, name: &str| {
        entries.iter().any(|entry| entry["action"] == "put" && entry["kind"] == kind && entry["name"] == name)
    };
    assert!(saved("pipeline", &pipeline) && saved("transformer", &transformer), "{entries:?}");
}

#[test]
fn audit_entries_are_bounded_and_dropped_dead_letters_are_counted() {
    let bounds = [("HEADWORKS_AUDIT_COUNT", "5"), ("HEADWORKS_DEAD_LETTER_COUNT", "2"), ("HEADWORKS_SWEEP_SECONDS", "1")];
    let setup = bounds.iter().fold(Setup::new(), |setup, (name, value)| setup.env(name, value));
    let mut server = setup.start();
    let client = server.client();
    assert_eq!(metric(&server, "headworks_dead_letters_dropped_total"), Some(0));
    let (pipeline, ..) = pipeline_through(&client, &failing());
    for _ in 0..4 {
        client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
    }
    assert_eq!(metric(&server, "headworks_dead_letters_dropped_total"), Some(2));
    for name in 0..10 {
        client.save_transformer(&format!("t{name}"), ".");
    }
    // A sweep is due every second, and tells nobody.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let entries = audit(&mut server);
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(names, ["t5", "t6", "t7", "t8", "t9"]);
    // The number outlives the process.
    server.restart();
    eventually("the metric", || metric(&server, "headworks_dead_letters_dropped_total").filter(|dropped| *dropped == 2));
}

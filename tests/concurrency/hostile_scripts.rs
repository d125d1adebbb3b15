//! Scripts that loop, take all memory or make too much hurt only their own request; their input goes to the dead letters.

use crate::pipeline_through;
use headworks_tests::server::run;
use headworks_tests::{Client, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// Nests loops over ever more elements: no limit of the language stops it, and it would take days.
const ENDLESS: &str = r#"
big = split("x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x", ",")
count = 0
for_each(big) -> |_i, _a| {
  for_each(big) -> |_j, _b| {
    for_each(big) -> |_k, _c| {
      for_each(big) -> |_l, _d| { for_each(big) -> |_m, _e| { for_each(big) -> |_n, _f| { count = count + 1 } } }
    }
  }
}
.count = count
"#;

/// Doubles a text until the guest has no memory left.
fn doubling() -> String {
    ".big = \"0123456789abcdef\"\n".to_owned() + &".big = .big + .big\n".repeat(40)
}

/// What runs beside the hostile request: other pipelines go on, and so does everything else.
fn others_go_on(client: &Client, hostile: impl FnOnce()) {
    let (pipeline, stream, _) = pipeline_through(client, ".ok = \"yes\"");
    let stop = AtomicBool::new(false);
    let sent = std::thread::scope(|threads| {
        let (other, stop) = (client.clone(), &stop);
        let pipeline = &pipeline;
        let worker = threads.spawn(move || {
            let mut sent = 0;
            while !stop.load(Ordering::Relaxed) {
                other.ingest(pipeline, &json!([{ "n": sent.to_string() }])).ok();
                other.get("/api/v1/pipelines").ok();
                sent += 1;
            }
            sent
        });
        hostile();
        stop.store(true, Ordering::Relaxed);
        worker.join().expect("the other client")
    });
    assert!(sent > 0);
    assert_eq!(client.records(&stream).len(), sent);
}

fn dead_letters(server: &mut Server) -> Vec<Value> {
    assert!(server.stop().success(), "{}", server.output());
    let listed = run(&["dead-letters", "list", "--data", server.data().to_str().expect("a path"), "--output", "json"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).expect("UTF-8");
    match serde_json::from_str(&text) {
        Ok(Value::Array(letters)) => letters,
        // One JSON document a line.
        _ => text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect(),
    }
}

/// One hostile request: it fails with this text, others go on, nothing is stored, and the dead letters hold its input.
fn hostile(script: &str, code: &str) {
    let mut server = Server::start();
    let client = server.client();
    let (pipeline, stream, _) = pipeline_through(&client, script);
    others_go_on(&client, || {
        let error = client.ingest(&pipeline, &json!([{ "input": "kept for later" }])).error(500, "INTERNAL");
        assert!(!error.is_empty(), "{error}");
    });
    assert!(client.records(&stream).is_empty());
    assert!(server.is_alive());
    let letters = dead_letters(&mut server);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = letters[0].to_string();
    assert_eq!(letters[0]["code"], code, "{letter}");
    assert_eq!(letters[0]["pipeline"], pipeline, "{letter}");
    assert!(letter.contains("kept for later"), "the input is not in {letter}");
    assert!(letters[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{letter}");
}

#[test]
fn a_script_that_loops_hurts_only_its_own_request() {
    hostile(ENDLESS, "plugin-deadline");
}

#[test]
fn a_script_that_exhausts_memory_hurts_only_its_own_request() {
    hostile(&doubling(), "plugin-limit");
}

#[test]
fn a_script_that_fails_by_itself_makes_no_dead_letter() {
    let mut server = Server::start();
    let client = server.client();
    let (pipeline, _, _) = pipeline_through(&client, "abort");
    client.ingest(&pipeline, &json!([{}])).fails(500, "INTERNAL");
    assert!(dead_letters(&mut server).is_empty());
}

#[test]
fn a_script_that_fails_again_and_again_is_suspended_and_others_go_on() {
    let server = Server::start();
    let client = server.client();
    let (pipeline, _, transformer) = pipeline_through(&client, &doubling());
    others_go_on(&client, || {
        let answers: Vec<u16> = (0..12).map(|_| client.ingest(&pipeline, &json!([{}])).status).collect();
        assert!(answers.iter().all(|status| [500, 503].contains(status)), "{answers:?}");
        assert!(answers.contains(&503), "never suspended: {answers:?}");
    });
    // A mended script is used at once.
    client.save_transformer(&transformer, ".");
    client.ingest(&pipeline, &json!([{}])).ok();
}

#[test]
fn a_hostile_script_in_a_test_or_dry_run_is_an_error_and_nothing_more() {
    let server = Server::start();
    let client = server.client();
    others_go_on(&client, || {
        let body = json!({ "code": ENDLESS, "record": {} });
        let answer = client.post("/api/v1/test/transformer", &body);
        assert!([400, 500, 504].contains(&answer.status), "{}", answer.text());
        client.save_transformer("endless", ENDLESS);
        let body = json!({ "flow": headworks_tests::Flow::through("endless", "x"), "records": [{ "a": "1" }] });
        let answer = client.post("/api/v1/test/pipeline/x", &body).ok();
        assert!(answer["error"].is_string(), "{answer}");
    });
}

#[test]
fn a_script_that_takes_for_ever_to_compile_is_bounded() {
    let server = Server::start();
    let client = server.client();
    others_go_on(&client, || {
        let nested = "(".repeat(20_000) + "1" + &")".repeat(20_000);
        let answer = client.post("/api/v1/test/transformer", &json!({ "code": format!(".a = {nested}"), "record": {} }));
        assert!((400..600).contains(&answer.status), "{}", answer.status);
    });
    client.get("/api/v1/pipelines").ok();
}

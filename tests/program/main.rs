//! The program as its operator meets it: starting, stopping, and the commands for a data folder (architecture 7).

mod backup;
mod limits;
mod tls;
mod verbose;
mod whole;

use headworks_tests::server::{Folder, Setup, run};
use headworks_tests::{Server, eventually};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("a path that is text")
}

#[test]
fn addresses_in_use_are_written_and_printed() {
    let server = Server::start();
    let addresses: Value =
        serde_json::from_slice(&fs::read(server.data().join("addresses.json")).expect("addresses.json")).expect("JSON");
    let listen = addresses["listen"][0].as_str().expect("an address").to_owned();
    let management = addresses["management"].as_str().expect("an address").to_owned();
    assert_eq!(listen, server.address());
    for address in [&listen, &management] {
        let port = address.strip_prefix("127.0.0.1:").and_then(|port| port.parse::<u16>().ok());
        assert!(port.is_some_and(|port| port > 0), "{address}");
        assert!(server.output().contains(address.as_str()), "{address} is not printed:\n{}", server.output());
    }
}

#[test]
fn several_listeners_serve_the_same() {
    let server = Setup::new().arg("--listen").arg("127.0.0.1:0").start();
    let addresses: Value =
        serde_json::from_slice(&fs::read(server.data().join("addresses.json")).expect("addresses.json")).expect("JSON");
    let listeners = addresses["listen"].as_array().expect("listeners");
    assert_eq!(listeners.len(), 2, "{addresses}");
    for listener in listeners {
        let client = headworks_tests::Client::new(&format!("http://{}", listener.as_str().expect("an address")));
        client.with_token(headworks_tests::server::TOKEN).get("/api/v1/pipelines").ok();
    }
}

#[test]
fn the_limits_are_printed_at_start() {
    let server = Server::start();
    let output = server.output();
    for limit in ["body", "headers", "memory", "connections"] {
        assert!(output.contains(limit), "no {limit} in\n{output}");
    }
}

#[test]
fn a_second_process_on_the_same_folder_exits_at_once_and_says_why() {
    let server = Server::start();
    let before = fs::read(server.data().join("addresses.json")).expect("addresses.json");
    let mut second = Setup::new()
        .command(&server.data())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let status = eventually("the second process exits", || second.try_wait().expect("its state"));
    assert!(!status.success());
    let output = second.wait_with_output().expect("its output");
    let output = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.contains(text(&server.data())) || output.contains("use"), "{output}");
    assert!(!output.contains("panicked"), "{output}");
    assert_eq!(fs::read(server.data().join("addresses.json")).expect("addresses.json"), before);
    server.client().get("/api/v1/pipelines").ok();
}

#[test]
fn sigterm_ends_with_0() {
    let mut server = Server::start();
    assert_eq!(server.stop().code(), Some(0), "{}", server.output());
}

#[test]
fn sigterm_ends_with_0_while_a_watcher_and_an_idle_connection_stay() {
    let mut server = Server::start();
    let _events = headworks_tests::events::Events::watch(&server.client(), "default", &[]);
    let _idle = std::net::TcpStream::connect(server.address()).expect("a connection");
    assert_eq!(server.stop().code(), Some(0), "{}", server.output());
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let mut server = Server::start();
    let client = server.client();
    client.save_transformer("slow", "count = 0\nfor_each(split(\"x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x\", \",\")) -> |_i, _v| { for_each(split(\"x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x\", \",\")) -> |_j, _w| { for_each(split(\"x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x\", \",\")) -> |_k, _x| { count = count + 1 } } }\n.count = count");
    client.save_pipeline("slow", &headworks_tests::Flow::through("slow", "out"));
    let records: Vec<Value> = (0..50).map(|n| json!({ "n": n.to_string() })).collect();
    std::thread::scope(|threads| {
        let request = threads.spawn(|| client.ingest("slow", &json!(records)));
        std::thread::sleep(Duration::from_millis(50));
        let status = server.stop();
        assert_eq!(status.code(), Some(0), "{}", server.output());
        let answer = request.join().expect("the request");
        assert_eq!(answer.processed(), 50);
    });
    server.restart();
    assert_eq!(server.client().records("out").len(), 50);
}

#[test]
fn verify_accepts_a_good_store_and_says_what_it_saw() {
    let mut server = Server::start();
    let records: Vec<Value> = (0..500).map(|n| json!({ "n": n.to_string(), "k": (n % 7).to_string() })).collect();
    server.client().configure_stream("default", 0, 0, &["k"]);
    server.client().ingest("default", &json!(records)).ok();
    server.kill();
    let verified = run(&["verify", "--data", text(&server.data()), "--output", "json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let report: Value = serde_json::from_slice(&verified.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&verified.stdout)));
    assert!(report.to_string().contains("500"), "the report counts the records: {report}");
    // It changed nothing.
    server.restart();
    assert_eq!(server.client().records("default").len(), 500);
}

#[test]
fn verify_of_a_folder_in_use_or_without_a_store_says_so() {
    let server = Server::start();
    let empty = tempfile::tempdir().expect("a folder");
    let verified = run(&["verify", "--data", text(empty.path())]);
    assert!(!verified.status.success());
    assert!(!String::from_utf8_lossy(&verified.stderr).contains("panicked"));
    assert_eq!(fs::read_dir(empty.path()).expect("the folder").count(), 0, "verify made files");
    server.client().get("/api/v1/pipelines").ok();
}

#[test]
fn commands_that_need_a_stopped_server_say_so_while_it_runs() {
    let server = Server::start();
    let data = server.data();
    for command in [&["verify"][..], &["dead-letters", "list"], &["audit", "list"]] {
        let refused = run(&[command, &["--data", text(&data)]].concat());
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        for part in [text(&data), "in use by another process", "stop the server"] {
            assert!(message.contains(part), "{command:?}: no {part:?} in {message}");
        }
        assert_eq!(message.trim().lines().count(), 1, "{message}");
        assert!(refused.stdout.is_empty(), "{command:?}");
        let refused = run(&[command, &["--data", text(&data), "--output", "json"]].concat());
        let error: Value = serde_json::from_slice(&refused.stderr).expect("JSON");
        assert!(error["error"].as_str().is_some_and(|error| error.contains("stop the server")), "{error}");
    }
    server.client().get("/api/v1/pipelines").ok();
}

#[test]
fn doctor_measures_and_names_what_it_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let doctor = run(&["doctor", "--data", text(folder.path()), "--output", "json"]);
    let output = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let report: Value = serde_json::from_str(&output)
        .unwrap_or_else(|error| panic!("{error}: {output} {}", String::from_utf8_lossy(&doctor.stderr)));
    let report = report.to_string().to_lowercase();
    for topic in ["sync", "file", "clock", "limit"] {
        assert!(report.contains(topic), "no {topic} in {report}");
    }
}

#[test]
fn dead_letters_of_a_fresh_server_are_none() {
    let mut server = Server::start();
    assert!(server.stop().success());
    let listed = run(&["dead-letters", "list", "--data", text(&server.data()), "--output", "json"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let output = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(output.trim().is_empty() || serde_json::from_str::<Value>(&output).is_ok_and(|value| value == json!([])), "{output}");
}

#[test]
fn wrong_arguments_and_settings_are_named() {
    let wrong = run(&["serve", "--nonsense"]);
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--nonsense"));
    let folder = Folder::new();
    let Err(refusal) = Setup::new().arg("--listen").arg("nonsense").try_start_on(&folder) else { panic!("it started") };
    assert!(refusal.output.contains("nonsense"), "{}", refusal.output);
}

#[test]
fn an_address_in_use_is_named() {
    let server = Server::start();
    let folder = Folder::new();
    let Err(refusal) = Setup::new().arg("--listen").arg(server.address()).try_start_on(&folder) else { panic!("it started") };
    assert!(refusal.output.contains(server.address()), "{}", refusal.output);
}

#[test]
fn a_cold_cache_is_filled_and_a_damaged_one_is_made_again() {
    let mut server = Setup::new().cold().start();
    server.client().ingest("default", &json!([{}])).ok();
    server.stop();
    for entry in fs::read_dir(server.data().join("cache")).expect("the cache").flatten() {
        if entry.metadata().is_ok_and(|file| file.is_file() && file.len() > 1_000_000) {
            let mut bytes = fs::read(entry.path()).expect("a compiled component");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(entry.path(), bytes).expect("a damaged one");
        }
    }
    server.restart();
    let body = json!({ "code": ".a = \"1\"", "record": {} });
    server.client().post("/api/v1/test/transformer", &body).ok();
}

#[test]
fn help_names_every_command() {
    let help = run(&["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for command in ["serve", "flowg", "verify", "doctor", "dead-letters", "audit"] {
        assert!(help.contains(command), "{help}");
    }
}

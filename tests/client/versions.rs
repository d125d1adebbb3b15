//! `headworks version`.

use headworks_tests::server::{TOKEN, clean_command};
use headworks_tests::{Flow, Server, unique};
use serde_json::{Value, json};
use std::process::Output;

fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = clean_command();
    command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", TOKEN);
    command.arg("version").args(arguments).output().expect("the program runs")
}

fn ok(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn fails(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

fn bucket(server: &Server) -> String {
    let name = unique("bucket of versions");
    let made = server.client().anonymous().post("/nifi-registry-api/buckets", &json!({ "name": name }));
    assert_eq!(made.status, 200, "{}", made.text());
    name
}

#[test]
fn an_object_is_saved_compared_and_restored() {
    let server = Server::shared();
    let (client, bucket, name) = (server.client(), bucket(&server), unique("transformer"));
    let object = |command: &'static str| [command, "--bucket", &bucket, "transformer", &name].map(str::to_owned);
    let with = |command: &'static str, more: &[&str]| {
        let mut arguments = object(command).to_vec();
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments
    };
    let texts = |arguments: &[String]| ok(&server, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    client.save_transformer(&name, ".a = 1\n.b = 1\n");
    let saved = texts(&with("save", &["-m", "first"]));
    assert!(saved.starts_with("1\t") && saved.ends_with("\troot\tfirst\n"), "{saved}");
    client.save_transformer(&name, ".a = 2\n.b = 1\n");
    assert_eq!(texts(&with("diff", &["1"])), "changed /script\n  @@ -1,2 +1,2 @@\n  -.a = 1\n  +.a = 2\n   .b = 1\n");
    assert!(texts(&with("save", &[])).starts_with("2\t"));
    assert_eq!(texts(&with("diff", &["1", "1"])), "");
    let listed = texts(&with("list", &[]));
    let numbers: Vec<_> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(numbers, ["2", "1"]);
    assert_eq!(ok(&server, &["list", "--bucket", &bucket]), format!("transformer\t{name}\t2\n"));
    let shown: Value = serde_json::from_str(&texts(&with("show", &["1", "--output", "json"]))).expect("JSON");
    assert_eq!(shown, json!({"script": ".a = 1\n.b = 1\n"}));
    assert!(texts(&with("restore", &["1"])).starts_with("1\t"));
    assert_eq!(client.get(&format!("/api/v1/transformers/{name}")).ok()["script"], ".a = 1\n.b = 1\n");
}

#[test]
fn a_secret_that_is_missing_is_taken_from_a_file() {
    let server = Server::shared();
    let (client, bucket, name) = (server.client(), bucket(&server), unique("forwarder"));
    let config = json!({"type": "splunk", "endpoint": "https://example.com/", "token": "s3cr3t"});
    client.save_forwarder(&name, &config);
    ok(&server, &["save", "--bucket", &bucket, "forwarder", &name]);
    client.delete(&format!("/api/v1/forwarders/{name}")).ok();
    let restore = ["restore", "--bucket", &bucket, "forwarder", &name, "1"];
    assert!(fails(&server, &restore).contains("/config/token"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cr3t\n").expect("a file");
    ok(&server, &[&restore[..], &["--secret", &format!("/config/token={}", file.display())]].concat());
    assert_eq!(client.get(&format!("/api/v1/forwarders/{name}")).ok()["forwarder"]["config"], config);
}

#[test]
fn what_cannot_be_done_is_said_in_the_words_of_the_server() {
    let server = Server::shared();
    let name = unique("pipeline");
    server.client().save_pipeline(&name, &Flow::to_stream("s"));
    assert!(fails(&server, &["save", "--bucket", "nowhere", "pipeline", &name]).contains("there is no bucket \"nowhere\""));
    let bucket = bucket(&server);
    assert!(fails(&server, &["list", "--bucket", &bucket, "pipeline", &name]).contains("has no versions in the bucket"));
}

//! Dead letters over the platform interface: found, looked at, replayed exactly once, discarded.

use crate::pipeline_through;
use headworks_tests::plugins::version;
use headworks_tests::server::TOKEN;
use headworks_tests::{Client, Flow, Server, people, unique};
use http::Method;
use serde_json::{Value, json};
use std::process::Output;

const PATH: &str = "/platform/v1/dead-letters";

fn letters(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("{PATH}{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["dead_letters"].as_array().expect("letters").clone()
}

fn numbers(client: &Client, query: &str) -> Vec<u64> {
    letters(client, query).iter().map(|letter| letter["number"].as_u64().expect("a number")).collect()
}

fn replay(client: &Client, number: u64, how: &Value) -> Value {
    let answer = client.post(&format!("{PATH}/{number}/replay"), how);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A server, a plugin that traps, and a pipeline and stream of it.
fn trapping() -> (Server, Client, String, String, String) {
    let server = Server::start();
    let client = server.client();
    let plugin = unique("mapper");
    client.push(&version(&plugin, "1.0.0", &["work=trap"]));
    let (pipeline, stream) = pipeline_through(&client, &format!("#!plugin {plugin}\n"));
    (server, client, plugin, pipeline, stream)
}

/// Sends a record that traps, until the plugin is called.
fn send(client: &Client, pipeline: &str, id: &str) {
    let before = letters(client, "").len();
    headworks_tests::eventually("a trap", || {
        let answer = client.ingest(pipeline, &json!([{"id": id}]));
        assert_ne!(answer.status, 200);
        (letters(client, "").len() > before).then_some(())
    });
}

#[test]
fn letters_are_listed_by_what_they_are_and_shown_with_their_records() {
    let (_server, client, _, pipeline, _) = trapping();
    for id in ["a", "b", "c"] {
        send(&client, &pipeline, id);
    }
    let all = letters(&client, "");
    let first = &all[0];
    assert_eq!((&first["pipeline"], &first["code"], &first["records"]), (&json!(pipeline), &json!("plugin-trap"), &json!(1)));
    let count = all.len();
    let digest = first["plugin_digest"].as_str().expect("a digest");
    for (query, expected) in [
        (format!("?pipeline={pipeline}"), count),
        ("?pipeline=other".to_owned(), 0),
        (format!("?plugin={}", &digest[..12]), count),
        ("?plugin=00".to_owned(), 0),
        ("?code=failed".to_owned(), 0),
        ("?to=2001-01-01T00:00:00Z".to_owned(), 0),
        ("?from=2001-01-01T00:00:00Z".to_owned(), count),
    ] {
        assert_eq!(letters(&client, &query).len(), expected, "{query}");
    }
    let page = client.get(&format!("{PATH}?limit=2")).json();
    assert_eq!((page["dead_letters"].as_array().map(Vec::len), page["next"].as_u64()), (Some(2), Some(2)));
    assert_eq!(numbers(&client, "?after=2&limit=1"), [3]);

    let letter = client.get(&format!("{PATH}/1")).json();
    assert_eq!(letter["records"][0]["fields"], json!({"id": "a"}));
    assert!(letter["backtrace"].is_string() && letter["reason"].is_string(), "{letter}");
    client.get(&format!("{PATH}/99999")).problem(404, "not-found");
    client.get(&format!("{PATH}/x")).problem(400, "invalid");
    assert_eq!(client.get(&format!("{PATH}?from=yesterday")).problem(400, "invalid")["member"], "query:from");
}

#[test]
fn after_the_plugin_is_mended_the_records_arrive_once() {
    let (_server, client, plugin, pipeline, stream) = trapping();
    send(&client, &pipeline, "a");
    let number = numbers(&client, "")[0];
    // A version that is not in use can be tried on it. One that traps too leaves the letter.
    client.upload(&version(&plugin, "1.0.1", &["work=trap"]), &[]);
    let failed = replay(&client, number, &json!({"version": "1.0.1"}));
    assert_eq!((&failed["accepted"], &failed["remaining"]), (&json!(0), &json!(1)));
    assert_eq!(failed["failure"]["code"], "plugin-trap");
    assert_eq!(client.get(&format!("{PATH}/{number}")).json()["attempt"], 2);
    client.upload(&version(&plugin, "1.1.0", &["work=tag"]), &[]);
    let done = replay(&client, number, &json!({"version": "1.1.0"}));
    assert_eq!((&done["from"], &done["accepted"], &done["remaining"]), (&json!("node"), &json!(1), &json!(0)));
    assert_eq!(client.records(&stream), [json!({"id": "a", "version": "1.1.0"})]);
    client.post(&format!("{PATH}/{number}/replay"), &json!({})).problem(404, "not-found");

    // The version in use now is what a replay takes by itself.
    let others: Vec<u64> = numbers(&client, "");
    send(&client, &pipeline, "b");
    let number = *numbers(&client, "").iter().find(|number| !others.contains(number)).expect("a new letter");
    client.push(&version(&plugin, "1.2.0", &["work=tag"]));
    replay(&client, number, &json!({}));
    assert_eq!(client.values(&stream, "id"), ["a", "b"]);
    assert_eq!(client.values(&stream, "version"), ["1.1.0", "1.2.0"]);
}

#[test]
fn two_replays_at_once_are_one() {
    let (_server, client, plugin, pipeline, stream) = trapping();
    let records: Vec<Value> = (0..20).map(|id| json!({"id": format!("{id:02}")})).collect();
    client.ingest(&pipeline, &json!(records));
    let number = numbers(&client, "")[0];
    client.push(&version(&plugin, "2.0.0", &["work=tag"]));
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let replays: Vec<_> = (0..4)
            .map(|_| {
                let client = client.clone();
                threads.spawn(move || client.send(Method::POST, &format!("{PATH}/{number}/replay"), &[], None).status)
            })
            .collect();
        replays.into_iter().map(|replay| replay.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 404, 409].contains(status)), "{statuses:?}");
    assert_eq!(client.records(&stream).len(), 20);
}

#[test]
fn a_mended_script_takes_the_records_and_another_transformer_can_stand_in() {
    let server = Server::start();
    let client = server.client();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    // Takes more memory than it may.
    client.save_transformer(&transformer, &(".big = \"0123456789abcdef\"\n".to_owned() + &".big = .big + .big\n".repeat(40)));
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    for id in ["a", "b"] {
        send(&client, &pipeline, id);
    }
    let all = numbers(&client, "");
    client.save_transformer("spare", ".by = \"spare\"");
    replay(&client, all[0], &json!({"transformer": "spare"}));
    client.save_transformer(&transformer, ".by = \"mended\"");
    replay(&client, all[1], &json!({"from": "entry"}));
    assert_eq!(client.values(&stream, "by"), ["mended", "spare"]);
    for (how, member) in [
        (json!({"transformer": "none"}), "transformer"),
        (json!({"version": "1.0.0"}), "version"),
        (json!({"plugin": "p"}), "plugin"),
        (json!({"from": "middle"}), "body"),
    ] {
        send_again(&client, &pipeline, &transformer);
        let number = *numbers(&client, "").last().expect("a letter");
        let problem = client.post(&format!("{PATH}/{number}/replay"), &how).problem(400, "invalid");
        assert_eq!(problem["member"], member, "{problem}");
    }
}

/// Leaves one more letter.
fn send_again(client: &Client, pipeline: &str, transformer: &str) {
    client.save_transformer(transformer, &(".big = \"0123456789abcdef\"\n".to_owned() + &".big = .big + .big\n".repeat(40)));
    send(client, pipeline, "again");
}

#[test]
fn letters_are_discarded_one_by_one_or_by_what_they_are() {
    let (_server, client, _, pipeline, _) = trapping();
    for id in ["a", "b", "c"] {
        send(&client, &pipeline, id);
    }
    let all = numbers(&client, "");
    assert_eq!(client.delete(&format!("{PATH}/{}", all[0])).json(), json!({"discarded": 1}));
    client.delete(&format!("{PATH}/{}", all[0])).problem(404, "not-found");
    client.delete(PATH).problem(400, "invalid");
    assert_eq!(client.delete(&format!("{PATH}?pipeline=other")).json(), json!({"discarded": 0}));
    assert_eq!(client.delete(&format!("{PATH}?pipeline={pipeline}")).json(), json!({"discarded": all.len() - 1}));
    assert_eq!(client.delete(&format!("{PATH}?all=true")).json(), json!({"discarded": 0}));
    assert!(letters(&client, "").is_empty());
}

#[test]
fn letters_are_for_those_who_may_read_and_write_pipelines() {
    let (_server, client, _, pipeline, _) = trapping();
    send(&client, &pipeline, "a");
    let number = numbers(&client, "")[0];
    let reader = people::one(&client, "letter reader", &["read_pipelines"]);
    let other = people::one(&client, "letter stranger", &["write_streams"]);
    assert_eq!(reader.get(PATH).status, 200);
    reader.post(&format!("{PATH}/{number}/replay"), &json!({})).problem(403, "denied");
    reader.delete(&format!("{PATH}/{number}")).problem(403, "denied");
    reader.delete(&format!("{PATH}?all=true")).problem(403, "denied");
    other.get(PATH).problem(403, "denied");
    other.get(&format!("{PATH}/{number}")).problem(403, "denied");
    client.anonymous().get(PATH).problem(401, "unauthenticated");
}

fn command(server: &Server, arguments: &[&str]) -> Output {
    let mut command = headworks_tests::server::clean_command();
    command.env("HEADWORKS_TOKEN", TOKEN).arg("dead-letters").args(arguments);
    if arguments[0] == "list" {
        command.args(["--api", &format!("http://{}", server.address())]);
    } else {
        command.args(["--data", server.data().to_str().expect("a path")]);
    }
    command.args(["--output", "json"]).output().expect("the program runs")
}

fn printed(server: &Server, arguments: &[&str]) -> Value {
    let output = command(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn an_operator_does_it_all_by_hand() {
    let (server, client, plugin, pipeline, stream) = trapping();
    for id in ["a", "b", "c"] {
        send(&client, &pipeline, id);
    }
    let all = numbers(&client, "");
    let listed = printed(&server, &["list", "--pipeline", &pipeline]);
    assert_eq!(listed.as_array().map(Vec::len), Some(all.len()));
    let first = all[0].to_string();
    assert_eq!(printed(&server, &["show", &first])["records"][0]["fields"]["id"], "a");
    let failed = command(&server, &["replay", &first]);
    assert_eq!(failed.status.code(), Some(1), "it traps again");
    client.upload(&version(&plugin, "1.1.0", &["work=tag"]), &[]);
    assert_eq!(printed(&server, &["replay", &first, "--with-version", "1.1.0"])[0]["accepted"], 1);
    let discarded = printed(&server, &["discard", &all[1].to_string()]);
    assert_eq!(discarded, json!({"discarded": 1}));
    client.push(&version(&plugin, "2.0.0", &["work=tag"]));
    printed(&server, &["replay", "--pipeline", &pipeline]);
    assert!(letters(&client, "").is_empty());
    assert_eq!(client.records(&stream).len(), all.len() - 1);
    let unsure = command(&server, &["discard"]);
    assert!(!unsure.status.success() && String::from_utf8_lossy(&unsure.stderr).contains("--all"));
}

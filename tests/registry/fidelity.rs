//! Flows are returned as they were saved, member for member, whatever release saved them (NiFi Registry 3 and 9.6).

use crate::calls::{API, done};
use crate::versions::Place;
use headworks_tests::Server;
use http::Method;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::Read;
use std::path::Path;

/// What a server may add to a component.
const FILLED: [&str; 3] = ["componentType", "targetUri", "targetUris"];

/// The sample flows.
fn flows() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flows");
    let mut flows: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let flow = serde_json::from_slice(&fs::read(&path).expect("a flow")).expect("JSON");
            (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), flow)
        })
        .collect();
    flows.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(flows.len(), 4);
    flows
}

/// Checks that everything that was sent is there, and nothing else but what a server fills.
#[track_caller]
fn assert_kept(sent: &Value, kept: &Value, at: &str) {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let there = kept.get(name).unwrap_or_else(|| panic!("{at}/{name} is lost"));
                let filled = value.is_null() && FILLED.contains(&name.as_str());
                if !filled {
                    assert_kept(value, there, &format!("{at}/{name}"));
                }
            }
            let more: Vec<_> = kept.keys().filter(|name| !sent.contains_key(*name) && !FILLED.contains(&name.as_str())).collect();
            assert!(more.is_empty(), "{at} has {more:?} besides");
        }
        (Value::Array(sent), Value::Array(kept)) => {
            assert_eq!(sent.len(), kept.len(), "{at}");
            for (index, (sent, kept)) in sent.iter().zip(kept).enumerate() {
                assert_kept(sent, kept, &format!("{at}/{index}"));
            }
        }
        (sent, kept) => assert_eq!(sent, kept, "{at}"),
    }
}

/// Saves a flow as the next version and reads it again.
fn round_trip(place: &Place, flow: &Value, name: &str) {
    let mut sent = flow.clone();
    sent["snapshotMetadata"] = json!({"version": -1});
    let saved = done(&place.save(&sent));
    let number = saved["snapshotMetadata"]["version"].as_u64().expect("a number");
    let read = place.read(number as u32);
    assert_eq!(read, saved, "{name}");
    for (member, value) in sent.as_object().expect("an object").iter().filter(|(member, _)| *member != "snapshotMetadata") {
        assert_kept(value, &read[member], &format!("{name}: {member}"));
    }
    let exported = done(&place.nifi.get(&place.path(&format!("/versions/{number}/export"))));
    assert_eq!(exported["flowContents"], read["flowContents"], "{name}");
}

/// A small generator that gives the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// A value that nobody expects.
    fn value(&mut self, depth: u32) -> Value {
        match self.roll(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.roll(2) == 0),
            2 => json!(i64::MIN + self.roll(1000) as i64),
            3 => json!(self.roll(1_000_000) as f64 / 1024.0),
            4 => json!("\u{1F600} \"quoted\" \\ \u{7f}\u{0001}\n\t/ä"),
            5 => json!(""),
            6 => json!(u64::MAX),
            7 => Value::Array((0..self.roll(4)).map(|_| self.value(depth - 1)).collect()),
            _ => Value::Object((0..self.roll(4)).map(|number| (format!("m{number}"), self.value(depth - 1))).collect()),
        }
    }

    /// Changes a flow here and there: unknown members, values and enumerations, nulls, moved and repeated components.
    fn change(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.change(member));
                if self.roll(3) == 0 {
                    members.insert(format!("unknown {}", self.roll(100)), self.value(3));
                }
                for (name, newer) in
                    [("scheduledState", "RUN_ONCE"), ("type", "org.example.Newer"), ("loadBalanceStrategy", "BY_MOON")]
                {
                    if members.contains_key(name) && self.roll(4) == 0 {
                        members.insert(name.to_owned(), newer.into());
                    }
                }
                if self.roll(8) == 0 {
                    members.remove("componentType");
                }
                if members.contains_key("properties") && self.roll(2) == 0 {
                    members.insert("properties".to_owned(), json!({"without value": null, "#{reference}": "#{p}", "": ""}));
                }
            }
            Value::Array(elements) => {
                elements.iter_mut().for_each(|element| self.change(element));
                if !elements.is_empty() && self.roll(6) == 0 {
                    elements.push(elements[0].clone());
                }
            }
            _ => {}
        }
    }
}

#[test]
fn real_flows_come_back_member_for_member() {
    let server = Server::start();
    let place = Place::in_server(&server);
    for (name, flow) in flows() {
        round_trip(&place, &flow, &name);
    }
}

#[test]
fn so_do_sixty_variants_of_them() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let flows = flows();
    for number in 0..60 {
        let (name, flow) = &flows[number % flows.len()];
        let mut variant = flow.clone();
        let mut dice = Dice(number as u64);
        dice.change(&mut variant["flowContents"]);
        if let Some(levels) = number.checked_sub(50) {
            // Groups in groups, deeper than anybody has them.
            for _ in 0..levels * 4 {
                variant["flowContents"] = json!({"identifier": "outer", "processGroups": [variant["flowContents"].take()]});
            }
        }
        let more: Map<String, Value> = (0..3).map(|more| (format!("later{more}"), dice.value(4))).collect();
        variant.as_object_mut().expect("an object").extend(more);
        round_trip(&place, &variant, &format!("{name}, variant {number}"));
    }
}

#[test]
fn numbers_keep_their_spelling() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let numbers = r#""numbers":[0.0,-0.0,1E400,1e-7,123456789012345678901234567890,1.7976931348623157E308,100.10]"#;
    let contents = format!(r#"{{"identifier":"g",{numbers},"componentType":"PROCESS_GROUP"}}"#);
    let body = format!(r#"{{"snapshotMetadata":{{"version":1}},"flowContents":{contents},{numbers}}}"#);
    let headers = [("Content-Type", "application/json")];
    let saved = place.nifi.send(Method::POST, &place.path("/versions"), &headers, Some(body.as_bytes()));
    assert_eq!(saved.status, 200, "{}", saved.text());
    for answer in [saved, place.nifi.get(&place.path("/versions/1"))] {
        let text = answer.text();
        assert!(text.contains(&format!("\"flowContents\":{contents}")) && text.ends_with(&format!("{numbers}}}")), "{text}");
    }
}

#[test]
fn what_a_client_leaves_out_is_filled_by_its_place() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let remote = json!({"identifier": "r", "targetUris": "http://a:1, http://b:2", "inputPorts": [{"identifier": "i"}]});
    let body = json!({"snapshotMetadata": {"version": 1}, "flowContents": {
        "identifier": "g", "processors": [{"identifier": "p"}], "outputPorts": [{"identifier": "o", "type": "OUTPUT_PORT"}],
        "inputPorts": [{"identifier": "i"}], "remoteProcessGroups": [remote],
    }});
    let contents = done(&place.save(&body))["flowContents"].take();
    let member = |pointer: &str| contents.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(member("/componentType"), "PROCESS_GROUP");
    assert_eq!(member("/processors/0/componentType"), "PROCESSOR");
    assert_eq!(member("/outputPorts/0/componentType"), "OUTPUT_PORT");
    assert_eq!(member("/inputPorts/0/componentType"), "INPUT_PORT");
    assert_eq!(member("/remoteProcessGroups/0/componentType"), "REMOTE_PROCESS_GROUP");
    assert_eq!(member("/remoteProcessGroups/0/inputPorts/0/componentType"), "REMOTE_INPUT_PORT");
    assert_eq!(member("/remoteProcessGroups/0/targetUri"), "http://a:1");
}

/// The most memory that the server held since the last call, in MiB.
fn peak(server: &Server) -> u64 {
    let pid = server.pid().expect("a running server");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the state of the server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the peak is forgotten");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[test]
fn a_snapshot_of_100_mb_takes_no_memory() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let processor = |number: usize| {
        let text = format!("{number:08x}").repeat(2000);
        json!({"identifier": number, "componentType": "PROCESSOR", "properties": {"script": text, "empty": null}}).to_string()
    };
    let processors: Vec<String> = (0..6700).map(processor).collect();
    let contents = format!(r#"{{"identifier":"g","processors":[{}],"componentType":"PROCESS_GROUP"}}"#, processors.join(","));
    drop(processors);
    let body = format!(r#"{{"flowContents":{contents},"snapshotMetadata":{{"version":-1}}}}"#);
    assert!(body.len() > 100 << 20, "{}", body.len());
    let send = |method: Method, path: &str, body: Option<&str>| {
        let headers = [("Content-Type", "application/json")];
        let path = format!("{API}{}", place.path(path));
        let mut response = place.nifi.0.open(method, &path, &headers, body.map(str::as_bytes)).expect("an answer");
        assert_eq!(response.status(), 200);
        let mut answer = Vec::with_capacity(contents.len() + 4096);
        response.body_mut().as_reader().read_to_end(&mut answer).expect("all of it");
        let tail = format!("\"flowContents\":{contents}}}");
        assert!(answer.ends_with(tail.as_bytes()));
    };
    // The first one fills what the database keeps in memory anyway.
    send(Method::POST, "/versions", Some(&body));
    peak(&server);
    let before = peak(&server);
    send(Method::POST, "/versions", Some(&body));
    send(Method::GET, "/versions/1", None);
    let after = peak(&server);
    assert!(after < before + 48, "{before} MiB before, {after} MiB at most");
}

//! Replacing what is in use loses, mixes and doubles nothing.

use headworks_tests::{Client, Flow, Server};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

const SAVES: usize = 200;

/// Sends records with numbers of their own through `pipeline` while `change` runs, and answers how many were acknowledged.
fn under_load(client: &Client, pipeline: &str, change: impl FnOnce()) -> usize {
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (client, stop) = (client.clone(), &stop);
                threads.spawn(move || {
                    let mut sent = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let records: Vec<Value> =
                            (0..3).map(|index| json!({ "id": format!("{worker}-{sent}-{index}") })).collect();
                        assert_eq!(client.ingest(pipeline, &json!(records)).processed(), 3);
                        sent += 1;
                    }
                    sent * 3
                })
            })
            .collect();
        change();
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    })
}

fn each_once(records: &[Value], expected: usize) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for fields in records {
        *seen.entry(fields["id"].as_str().expect("an id")).or_default() += 1;
    }
    assert!(seen.values().all(|count| *count == 1), "{:?}", seen.iter().find(|(_, count)| **count > 1));
    assert_eq!(seen.len(), expected);
}

#[test]
fn saving_a_transformer_200_times_under_load_loses_nothing() {
    let server = Server::start();
    let client = server.client();
    // Both fields come from one version of the script.
    let script = |version: usize| format!(".first = \"{version}\"\n.id = string!(.id)\n.second = \"{version}\"");
    client.save_transformer("changing", &script(0));
    client.save_pipeline("p", &Flow::through("changing", "out"));
    let sent = under_load(&client, "p", || {
        for version in 1..=SAVES {
            client.save_transformer("changing", &script(version));
        }
    });
    let records = client.records("out");
    each_once(&records, sent);
    assert!(records.iter().all(|fields| fields["first"] == fields["second"]), "two versions were mixed");
    client.ingest("p", &json!([{ "id": "last" }])).ok();
    assert_eq!(client.filtered("out", "id == \"last\"")[0]["first"], SAVES.to_string());
}

#[test]
fn saving_a_pipeline_200_times_under_load_loses_nothing() {
    let server = Server::start();
    let client = server.client();
    client.save_pipeline("p", &Flow::to_stream("out0"));
    let sent = under_load(&client, "p", || {
        for version in 1..=SAVES {
            client.save_pipeline("p", &Flow::to_stream(&format!("out{}", version % 3)));
        }
    });
    let records: Vec<Value> = (0..3).flat_map(|number| client.records(&format!("out{number}"))).collect();
    each_once(&records, sent);
}

#[test]
fn configuring_a_stream_under_load_loses_nothing() {
    let server = Server::start();
    let client = server.client();
    client.save_pipeline("p", &Flow::to_stream("out"));
    let sent = under_load(&client, "p", || {
        for round in 0..20 {
            client.configure_stream("out", 0, 0, if round % 2 == 0 { &["id"] } else { &[] });
        }
    });
    each_once(&client.records("out"), sent);
}

#[test]
fn sixty_four_clients_while_the_transformer_is_saved_repeatedly() {
    let server = Server::start();
    let client = server.client();
    client.save_transformer("changing", ".v = \"0\"");
    client.save_pipeline("p", &Flow::through("changing", "out"));
    std::thread::scope(|threads| {
        for owner in 0..64 {
            let client = client.clone();
            threads.spawn(move || {
                for request in 0..10 {
                    client.ingest("p", &json!([{ "id": format!("{owner}-{request}") }])).ok();
                }
            });
        }
        for version in 0..50 {
            client.save_transformer("changing", &format!(".v = \"{version}\""));
        }
    });
    each_once(&client.records("out"), 640);
}

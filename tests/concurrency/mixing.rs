//! Requests that share batches and instances never see each other's data.

use crate::pipeline_through;
use headworks_tests::Server;
use serde_json::{Value, json};

/// Every record says who sent it; the script adds its own copy of that, by ways that keep state while they run.
const SCRIPT: &str = r#"
parts = split!(.content, "|")
.owner = parts[0]
.number = parts[1]
.echo = join!(map_values(parts) -> |part| { upcase(string!(part)) }, "|")
if length(parts) > 2 { . = map_values(array!(slice!(parts, 2))) -> |part| { {"owner": parts[0], "number": parts[1], "part": part} } }
"#;

#[test]
fn eight_clients_through_one_transformer_never_see_each_others_data() {
    let server = Server::start();
    let client = server.client();
    let (pipeline, stream, _) = pipeline_through(&client, SCRIPT);
    std::thread::scope(|threads| {
        for owner in 0..8 {
            let (client, pipeline) = (client.clone(), &pipeline);
            threads.spawn(move || {
                for request in 0..60 {
                    // One to forty lines; some split into two records, some are single.
                    let lines = 1 + (request * 7 + owner) % 40;
                    let text: String = (0..lines)
                        .map(|line| {
                            let number = request * 100 + line;
                            let parts = if number % 3 == 0 { format!("|x{owner}|y{owner}") } else { String::new() };
                            format!("client{owner}|{number}{parts}\n")
                        })
                        .collect();
                    assert_eq!(client.ingest_text(pipeline, &text).processed(), lines as u64);
                }
            });
        }
    });
    let mut counts = [0; 8];
    for fields in client.records(&stream) {
        let owner = fields["owner"].as_str().expect("an owner");
        let index: usize = owner.strip_prefix("client").and_then(|digits| digits.parse().ok()).expect("a number");
        counts[index] += 1;
        match fields.get("part").and_then(Value::as_str) {
            Some(part) => assert_eq!(part[1..], index.to_string(), "{fields}"),
            None => {
                let number = fields["number"].as_str().expect("a number");
                assert_eq!(fields["content"], format!("client{index}|{number}"), "{fields}");
                assert_eq!(fields["echo"], format!("CLIENT{index}|{number}"), "{fields}");
            }
        }
    }
    let expected: Vec<usize> = (0..8)
        .map(|owner| {
            let numbers = (0..60).flat_map(|request| (0..1 + (request * 7 + owner) % 40).map(move |line| request * 100 + line));
            numbers.map(|number| if number % 3 == 0 { 2 } else { 1 }).sum()
        })
        .collect();
    assert_eq!(counts.to_vec(), expected);
}

#[test]
fn requests_that_share_a_batch_get_their_own_results() {
    let server = Server::start();
    let client = server.client();
    let (pipeline, stream, _) = pipeline_through(&client, ".n = to_int!(.n)\nif .n == 13 { abort }\nif .n == 14 { . = [] }");
    std::thread::scope(|threads| {
        for owner in 0..8 {
            let (client, pipeline) = (client.clone(), &pipeline);
            threads.spawn(move || {
                for round in 0..40 {
                    let number = (owner * 5 + round) % 20;
                    let value = if number == 15 { "bad".to_owned() } else { number.to_string() };
                    let answer = client.ingest(pipeline, &json!([{ "n": value, "owner": format!("{owner}-{round}") }]));
                    match number {
                        13 => assert!(answer.error(500, "INTERNAL").contains("abort"), "{}", answer.text()),
                        15 => assert!(answer.error(500, "INTERNAL").contains("to_int"), "{}", answer.text()),
                        _ => assert_eq!(answer.processed(), 1),
                    }
                }
            });
        }
    });
    let expected =
        (0..8).flat_map(|owner| (0..40).map(move |round| (owner * 5 + round) % 20)).filter(|n| !(13..=15).contains(n)).count();
    assert_eq!(client.records(&stream).len(), expected);
}

#[test]
fn dry_runs_and_tests_do_not_disturb_requests() {
    let server = Server::start();
    let client = server.client();
    let (pipeline, stream, transformer) = pipeline_through(&client, ".seen = .n");
    std::thread::scope(|threads| {
        let (client, pipeline, transformer) = (&client, &pipeline, &transformer);
        threads.spawn(move || {
            for n in 0..100 {
                client.ingest(pipeline, &json!([{ "n": n.to_string() }])).ok();
            }
        });
        threads.spawn(move || {
            let flow = headworks_tests::Flow::through(transformer, "nowhere");
            for n in 0..50 {
                let body = json!({ "flow": flow, "records": [{ "n": format!("dry{n}") }] });
                let answer = client.post("/api/v1/test/pipeline/x", &body).ok();
                assert!(answer.to_string().contains(&format!("dry{n}")), "{answer}");
            }
        });
        threads.spawn(move || {
            for n in 0..50 {
                let body = json!({ "code": ".seen = .n", "record": { "n": format!("test{n}") } });
                let answer = client.post("/api/v1/test/transformer", &body).ok();
                assert_eq!(answer["records"][0]["seen"], format!("test{n}"));
            }
        });
    });
    let mut expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    expected.sort();
    assert_eq!(client.values(&stream, "seen"), expected);
    assert!(client.get("/api/v1/streams").ok()["streams"].get("nowhere").is_none());
}

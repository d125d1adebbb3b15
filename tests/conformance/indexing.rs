//! Value indexes (FlowG 10.3, 10.4).

use crate::{pipeline_into_stream, shared};
use headworks_tests::client::sorted_values;
use headworks_tests::{Client, unique};
use serde_json::{Value, json};

fn indices(client: &Client, stream: &str) -> Value {
    let mut indices = client.get(&format!("/api/v1/streams/{stream}/indices")).ok()["indices"].take();
    for values in indices.as_object_mut().expect("an object").values_mut() {
        values.as_array_mut().expect("values").sort_by_key(|value| value.as_str().map(str::to_owned));
    }
    indices
}

fn indexed(client: &Client, stream: &str, indexing: &Value) -> Vec<String> {
    sorted_values(&client.query(stream, &[("indexing", &indexing.to_string())]).fields(), "n")
}

/// A stream of four records, with these indexes.
fn sample(client: &Client, indexes: &[&str]) -> (String, String) {
    let (pipeline, stream) = pipeline_into_stream(client);
    client.configure_stream(&stream, 0, 0, indexes);
    let records = json!([
        { "n": "1", "level": "error", "host": "a" },
        { "n": "2", "level": "warn", "host": "b" },
        { "n": "3", "level": "error", "host": "b" },
        { "n": "4", "host": "a" }
    ]);
    client.ingest(&pipeline, &records).ok();
    (pipeline, stream)
}

#[test]
fn values_are_ored_and_fields_are_anded() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level", "host"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error"] })), ["1", "3"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error", "warn"] })), ["1", "2", "3"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error"], "host": ["b"] })), ["3"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error", "warn"], "host": ["b", "c"] })), ["2", "3"]);
    assert_eq!(indexed(&client, &stream, &json!({})), ["1", "2", "3", "4"]);
}

#[test]
fn matches_are_exact() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level"]);
    for value in ["err", "error ", "ERROR", "errors", ""] {
        assert!(indexed(&client, &stream, &json!({ "level": [value] })).is_empty(), "{value:?}");
    }
}

#[test]
fn a_field_without_index_and_an_empty_list_match_nothing() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level"]);
    assert!(indexed(&client, &stream, &json!({ "host": ["a"] })).is_empty());
    assert!(indexed(&client, &stream, &json!({ "level": [] })).is_empty());
    assert!(indexed(&client, &stream, &json!({ "level": ["error"], "host": ["a"] })).is_empty());
}

#[test]
fn indexed_answers_come_newest_first() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["k"]);
    for number in 0..10 {
        client.ingest(&pipeline, &json!([{ "k": if number % 2 == 0 { "even" } else { "odd" }, "n": number.to_string() }])).ok();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let found = client.query(&stream, &[("indexing", "{\"k\":[\"odd\",\"even\"]}")]).fields();
    let order: Vec<&str> = found.iter().map(|record| record["n"].as_str().expect("n")).collect();
    assert_eq!(order, ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]);
}

#[test]
fn indexing_filter_and_range_work_together() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level"]);
    let found = client.query(&stream, &[("indexing", "{\"level\":[\"error\"]}"), ("filter", "host == \"b\"")]);
    assert_eq!(sorted_values(&found.fields(), "n"), ["3"]);
    let path = format!(
        "/api/v1/streams/{stream}/logs?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z&indexing=%7B%22level%22%3A%5B%22error%22%5D%7D"
    );
    assert!(client.get(&path).fields().is_empty());
}

#[test]
fn malformed_indexing_is_400() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level"]);
    for text in ["{", "[]", "{\"level\":\"error\"}", "{\"level\":[1]}", "null,"] {
        client.query(&stream, &[("indexing", text)]).fails(400, "INVALID_ARGUMENT");
    }
}

#[test]
fn an_index_made_later_covers_what_is_stored() {
    let (_server, client) = shared();
    let (pipeline, stream) = sample(&client, &[]);
    assert!(indexed(&client, &stream, &json!({ "level": ["error"] })).is_empty());
    client.configure_stream(&stream, 0, 0, &["level"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error"] })), ["1", "3"]);
    client.ingest(&pipeline, &json!([{ "n": "5", "level": "error" }])).ok();
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error"] })), ["1", "3", "5"]);
}

#[test]
fn a_dropped_index_matches_nothing_and_lists_nothing() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &["level", "host"]);
    assert_eq!(indices(&client, &stream), json!({ "level": ["error", "warn"], "host": ["a", "b"] }));
    client.configure_stream(&stream, 0, 0, &["host"]);
    assert!(indexed(&client, &stream, &json!({ "level": ["error"] })).is_empty());
    assert_eq!(indices(&client, &stream), json!({ "host": ["a", "b"] }));
    client.configure_stream(&stream, 0, 0, &["level", "host"]);
    assert_eq!(indexed(&client, &stream, &json!({ "level": ["error"] })), ["1", "3"]);
}

#[test]
fn missing_fields_are_never_indexed() {
    let (_server, client) = shared();
    let (_, stream) = sample(&client, &[]);
    client.configure_stream(&stream, 0, 0, &["level", "nowhere"]);
    assert_eq!(indices(&client, &stream), json!({ "level": ["error", "warn"] }));
    assert!(indexed(&client, &stream, &json!({ "level": [""] })).is_empty());
}

#[test]
fn an_empty_text_is_indexed() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["k"]);
    client.ingest(&pipeline, &json!([{ "k": "", "n": "1" }, { "n": "2" }])).ok();
    assert_eq!(indexed(&client, &stream, &json!({ "k": [""] })), ["1"]);
}

#[test]
fn values_of_any_text_are_told_apart() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["k", "kk", "a.b"]);
    let values = ["a", "aa", "a\u{0}", "a\u{0}a", "\u{0}", "ä", "a b", "a/b", "\u{ffff}"];
    let mut records: Vec<Value> = values.iter().enumerate().map(|(n, value)| json!({ "k": value, "n": n.to_string() })).collect();
    records.push(json!({ "kk": "a", "n": "other field" }));
    records.push(json!({ "a.b": "a", "n": "dotted field" }));
    client.ingest(&pipeline, &json!(records)).ok();
    for (n, value) in values.iter().enumerate() {
        assert_eq!(indexed(&client, &stream, &json!({ "k": [value] })), [n.to_string()], "{value:?}");
    }
    assert_eq!(indexed(&client, &stream, &json!({ "a.b": ["a"] })), ["dotted field"]);
}

#[test]
fn a_very_long_value_keeps_the_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["k"]);
    let long = "v".repeat(200_000);
    client.ingest(&pipeline, &json!([{ "k": long, "n": "1" }])).ok();
    assert_eq!(client.values(&stream, "n"), ["1"]);
    assert_eq!(client.filtered(&stream, "len(k) == 200000").len(), 1);
}

#[test]
fn indexes_do_not_change_what_a_filter_answers() {
    let (_server, client) = shared();
    let (_, plain) = sample(&client, &[]);
    let (_, with_index) = sample(&client, &["level", "host"]);
    for filter in ["level == \"error\"", "level == \"\"", "level in [\"warn\", \"x\"]", "host == \"a\" and level != \"error\""] {
        let (a, b) = (client.filtered(&plain, filter), client.filtered(&with_index, filter));
        assert_eq!(sorted_values(&a, "n"), sorted_values(&b, "n"), "{filter}");
    }
}

#[test]
fn indices_of_an_unknown_stream_are_none() {
    let (_server, client) = shared();
    assert_eq!(indices(&client, &unique("stream")), json!({}));
}

#[test]
fn an_index_built_under_load_misses_nothing() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let batch = |first: usize| -> Value {
        (first..first + 500).map(|n| json!({ "n": n.to_string(), "k": if n % 2 == 0 { "even" } else { "odd" } })).collect()
    };
    for round in 0..8 {
        client.ingest(&pipeline, &batch(round * 500)).ok();
    }
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for round in 8..24 {
                client.ingest(&pipeline, &batch(round * 500)).ok();
            }
        });
        for _ in 0..4 {
            client.configure_stream(&stream, 0, 0, &["k"]);
            client.configure_stream(&stream, 0, 0, &[]);
        }
        client.configure_stream(&stream, 0, 0, &["k"]);
    });
    assert_eq!(indexed(&client, &stream, &json!({ "k": ["even"] })).len(), 6_000);
    assert_eq!(indexed(&client, &stream, &json!({ "k": ["odd", "even"] })).len(), 12_000);
}

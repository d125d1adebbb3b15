//! clickhouse (FlowG 12.8).

use crate::capture::clickhouse::{Event, start};
use crate::capture::sockets::nobody;
use crate::{deliver_both, fail_both, shared};
use serde_json::{Value, json};
use std::collections::HashSet;

fn config(address: &str) -> Value {
    json!({ "type": "clickhouse", "address": address, "db": "db", "table": "logs", "user": "user", "pass": "secret", "tls": false })
}

#[test]
fn clickhouse_makes_its_table_at_set_up_and_inserts_a_row_for_each_record() {
    let (_server, client) = shared();
    let (address, taken) = start();
    deliver_both(&client, &config(&address), &json!({ "b": "zwei", "a": "1" }), &json!({ "a": "2" }));
    let (mut rows, mut ids) = (Vec::new(), HashSet::new());
    while rows.len() < 2 {
        match taken.next() {
            Event::Hello(database, user, password) => {
                assert_eq!((database.as_str(), user.as_str(), password.as_str()), ("db", "user", "secret"));
            }
            Event::Statement(text) if text.starts_with("CREATE") => {
                let columns = "(id UUID, timestamp DateTime64(3, 'UTC'), fields Map(String, String))";
                assert!(
                    text.starts_with(&format!("CREATE TABLE IF NOT EXISTS `db`.logs {columns} ENGINE = MergeTree")),
                    "{text}"
                );
                assert!(text.contains("PRIMARY KEY (id)"), "{text}");
            }
            Event::Statement(text) => assert_eq!(text, "INSERT INTO `db`.logs (id, timestamp, fields) VALUES"),
            Event::Row(id, milliseconds, fields) => {
                let age = headworks_core::Timestamp::now().millis() - milliseconds;
                assert!((0..60_000).contains(&age), "{age} ms old");
                assert!((id[1] >> 4, id[15] >> 6) == (4, 2) && ids.insert(id.clone()), "{id:?} is no new random UUID");
                rows.push(json!(fields));
            }
        }
    }
    assert_eq!(rows, [json!({ "a": "1", "b": "zwei" }), json!({ "a": "2" })]);
}

#[test]
fn a_server_that_does_not_answer_fails_the_set_up() {
    let (_server, client) = shared();
    let address = nobody();
    for error in fail_both(&client, &config(&address)) {
        assert!(error.contains(&address), "{error}");
    }
}

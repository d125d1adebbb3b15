//! The batch resource: columns, rows and bulk.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Batch, ErrorCode};
use headworks_sandbox::{Limits, Transformed};
use support::{batch, expected, plugin, texts};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

const RECORDS: &[&[(&str, &str)]] =
    &[&[("level", "info"), ("msg", "grüezi"), ("user", "a")], &[("level", "bad"), ("site", "south")], &[("msg", "only")]];

async fn run(work: &str, batch: Batch) -> Transformed {
    let transformer = plugin("test-columns", Limits::default()).await.open_transformer(work).await.unwrap();
    transformer.transform(batch).await.unwrap()
}

#[tokio::test]
async fn nothing_changes_unasked() {
    for work in ["pass", "read", "touch", "fields", "flat"] {
        for input in [batch(RECORDS), batch(&[&[]]), Batch::default()] {
            let answer = run(work, input.clone()).await;
            assert_eq!(answer.batch, input, "{work}");
            assert!(answer.origins.iter().copied().eq(0..input.len() as u32));
        }
    }
}

#[tokio::test]
async fn columns_are_edited() {
    let answer = run("edit", batch(RECORDS)).await;
    let wanted = expected(&[
        &[("level", "INFO"), ("msg", "grüezi"), ("site", "north")],
        &[("level", "BAD"), ("site", "north")],
        &[("msg", "only"), ("site", "north")],
    ]);
    assert_eq!(texts(&answer.batch), wanted);
}

#[tokio::test]
async fn selected_records_know_where_they_come_from() {
    let answer = run("halve", batch(RECORDS)).await;
    assert_eq!(answer.origins, [0, 0, 2, 2]);
    assert_eq!(texts(&answer.batch)[3], texts(&batch(RECORDS))[2]);
}

#[tokio::test]
async fn rejected_records_are_dropped_and_reported() {
    let answer = run("reject", batch(RECORDS)).await;
    assert_eq!(answer.origins, [0, 2]);
    assert_eq!(answer.rejected, [(1, "this level is bad".to_owned())]);
}

#[tokio::test]
async fn configurations_are_refused_in_the_plugins_own_words() {
    let plugin = plugin("test-columns", Limits::default()).await;
    assert_eq!(plugin.description().grants, ["https://example.com:443"]);
    let error = plugin.open_transformer("nonsense").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::InvalidProgram, "no such work: nonsense"));
    let error = plugin.open_transformer("broken").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Failed, "this never starts"));
}

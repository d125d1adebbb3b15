//! Queries through the engine (FlowG 10.2).

use crate::support::*;
use headworks_core::{Batch, BatchBuilder, Result, Timestamp, Value};
use headworks_pipelines::{Condition, Found};
use headworks_store::ScanRange;

async fn all(found: Result<Found>) -> Result<Vec<i64>> {
    let mut found = found?;
    let mut times = Vec::new();
    while let Some(batch) = found.next().await {
        times.extend(batch?.records().map(|record| record.time().millis()));
    }
    Ok(times)
}

fn minute(of: i64) -> Batch {
    let mut builder = BatchBuilder::default();
    for n in 0..1000 {
        let ms = of * 60_000 + n;
        builder.field("n", Value::Text(&ms.to_string()));
        builder.field("level", Value::Text(if ms % 100 == 0 { "error" } else { "info" }));
        builder.end_record(Timestamp::from_millis(ms));
    }
    builder.finish().unwrap()
}

#[tokio::test]
async fn newest_first_with_and_without_a_filter() {
    let world = World::plain();
    for of in 1..30 {
        world.store.append(TENANT, vec![("s".into(), minute(of))]).await.unwrap();
    }
    let query = |filter: &str| {
        let filter = Condition::compile_optional(filter).unwrap();
        world.engine.query(TENANT, "s", ScanRange::all(), filter)
    };
    let expected: Vec<i64> = (1..30).rev().flat_map(|of| (0..1000).rev().map(move |n| of * 60_000 + n)).collect();
    assert_eq!(all(query("").await).await.unwrap(), expected);
    let errors: Vec<i64> = expected.iter().copied().filter(|ms| ms % 100 == 0).collect();
    assert_eq!(all(query("level == 'error'").await).await.unwrap(), errors);
    let some: Vec<i64> = expected.iter().copied().filter(|ms| (120_500..=180_100).contains(ms)).collect();
    let range = ScanRange { from: Timestamp::from_millis(120_500), to: Timestamp::from_millis(180_100), indexing: Vec::new() };
    assert_eq!(all(world.engine.query(TENANT, "s", range, None).await).await.unwrap(), some);
    assert_eq!(all(world.engine.query(TENANT, "none", ScanRange::all(), None).await).await.unwrap(), Vec::<i64>::new());

    // A condition that fails on a record: what came before it, then the error, then nothing.
    let mut found = query("n == '1700000' or level == 'error' and int(level) > 1 or n >= '1000'").await.unwrap();
    let mut before = 0;
    let error = loop {
        match found.next().await.unwrap() {
            Ok(batch) => before += batch.len(),
            Err(error) => break error,
        }
    };
    assert_eq!((before, error.message.as_str()), (99, "invalid operation: int(error)"));
    assert!(found.next().await.is_none());
}

#[tokio::test]
async fn an_index_and_a_reader_that_leaves() {
    let world = World::plain();
    for of in 1..10 {
        world.store.append(TENANT, vec![("s".into(), minute(of))]).await.unwrap();
    }
    let mut config = world.store.stream_config(TENANT, "s").unwrap();
    config.indexed_fields.insert("level".into());
    world.store.configure_stream(TENANT, "s", config, "test").await.unwrap();
    let range = ScanRange { indexing: vec![("level".into(), vec!["error".into()])], ..ScanRange::all() };
    assert_eq!(all(world.engine.query(TENANT, "s", range, None).await).await.unwrap().len(), 90);
    let mut found = world.engine.query(TENANT, "s", ScanRange::all(), None).await.unwrap();
    assert!(found.next().await.unwrap().is_ok());
    drop(found);
}

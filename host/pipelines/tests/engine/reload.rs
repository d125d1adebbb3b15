//! Changes of pipelines and transformers while records run (FlowG 7.2, 7.5, acceptance check 14, 15 and 23).

use crate::support::*;
use headworks_core::ErrorCode;
use headworks_pipelines::{PIPELINE, PipelineOptions, TRANSFORMER};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn stamping() -> Arc<Native> {
    Native::new(|script, fields| {
        let mut fields = fields.clone();
        fields.insert("by".into(), script.into());
        Made::Records(vec![fields])
    })
}

fn through(stream: &str) -> serde_json::Value {
    graph(
        &[
            ("in", "source", &[]),
            ("t", "transform", &[("transformer", "t")]),
            ("m", "metric", &[("name", "kept")]),
            ("r", "router", &[("stream", stream)]),
        ],
        &["in t", "t r", "in m"],
    )
}

#[tokio::test]
async fn a_change_is_seen_by_the_next_request() {
    let world = World::new(stamping());
    world.save(TENANT, "p", &through("s")).await;
    assert_eq!(world.ingest("p", &ids(&["0"])).await.unwrap_err().message, "transformer \"t\" not found");
    for round in 0..20 {
        world.save_script(TENANT, "t", &format!("v{round}")).await;
        world.ingest("p", &ids(&[&round.to_string()])).await.unwrap();
        assert!(world.stored(TENANT, "s").contains(&record(&[("id", &round.to_string()), ("by", &format!("v{round}"))])));
    }
    // Saving the pipeline opens no transformer anew, and keeps the counters of nodes that stay.
    let opened = world.native.opened.load(Ordering::SeqCst);
    world.save(TENANT, "p", &through("other")).await;
    world.ingest("p", &ids(&["x"])).await.unwrap();
    assert_eq!(world.values("other", "id"), ["x"]);
    assert_eq!(world.native.opened.load(Ordering::SeqCst), opened);
    assert_eq!(world.counter("p", "node_kept").await, Some(21));
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(21));

    world.delete(TRANSFORMER, "t").await;
    assert_eq!(world.ingest("p", &ids(&["y"])).await.unwrap_err().message, "transformer \"t\" not found");
    world.delete(PIPELINE, "p").await;
    assert_eq!(world.ingest("p", &ids(&["y"])).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(world.engine.counters(TENANT, "p").await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn counters_go_with_their_nodes() {
    let world = World::plain();
    let with = |name: &'static str| graph(&[("in", "source", &[]), ("m", "metric", &[("name", name)])], &["in m"]);
    world.save(TENANT, "p", &with("a")).await;
    world.ingest("p", &ids(&["1"])).await.unwrap();
    world.save(TENANT, "p", &with("b")).await;
    world.ingest("p", &ids(&["1"])).await.unwrap();
    assert_eq!((world.counter("p", "node_a").await, world.counter("p", "node_b").await), (None, Some(1)));
    world.save(TENANT, "p", &with("a")).await;
    assert_eq!(world.counter("p", "node_a").await, Some(0));
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(2));
}

#[tokio::test]
async fn pipelines_share_a_transformer_that_goes_when_nobody_uses_it() {
    let world = World::new(stamping());
    world.save_script(TENANT, "t", "shared").await;
    world.save(TENANT, "p", &through("s")).await;
    world.save(TENANT, "q", &through("s")).await;
    world.ingest("p", &ids(&["1"])).await.unwrap();
    world.ingest("q", &ids(&["2"])).await.unwrap();
    assert_eq!(world.native.opened.load(Ordering::SeqCst), 1);
    // The language, the world, and the one transformer.
    let users = Arc::strong_count(&world.native);
    world.delete(PIPELINE, "p").await;
    world.delete(PIPELINE, "q").await;
    assert_eq!(world.ingest("p", &ids(&["1"])).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(Arc::strong_count(&world.native), users - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saving_under_load_loses_nothing() {
    let world = Arc::new(World::with_options(stamping(), PipelineOptions::default()));
    world.save_script(TENANT, "t", "v").await;
    world.save(TENANT, "p", &through("s")).await;
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for n in 0..100 {
                    let id = format!("{client}-{n}");
                    assert_eq!(world.ingest("p", &ids(&[&id, &format!("{id}x")])).await, Ok(2));
                }
            })
        })
        .collect();
    for round in 0..200 {
        if round % 2 == 0 {
            world.save_script(TENANT, "t", &format!("v{round}")).await;
        } else {
            world.save(TENANT, "p", &through("s")).await;
        }
    }
    for client in clients {
        client.await.unwrap();
    }
    let mut found = world.values("s", "id");
    assert_eq!(found.len(), 16 * 200);
    found.dedup();
    assert_eq!(found.len(), 16 * 200);
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(3200));
}

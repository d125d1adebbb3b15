//! Dead letters on their way back: where they go in, what of them stays, and that nothing is there twice.

use crate::support::*;
use headworks_core::ErrorCode;
use headworks_pipelines::{FORWARDER, PIPELINE, Replay, ReplayedFrom, Transform};
use headworks_sandbox::{CallFailure, Transformed};
use headworks_store::{Change, DeadLetter};
use std::sync::Arc;

/// The script `broken` traps on ids that begin with `*` and refuses those with `!`; others mark what they let through.
fn language() -> Arc<Native> {
    Native::new(|script, fields| match (script, fields["id"].as_bytes().first()) {
        ("broken", Some(b'*')) => Made::Trap,
        ("broken" | "strict", Some(b'!')) => Made::Rejected("not this one".to_owned()),
        _ => {
            let mut fields = fields.clone();
            fields.insert("by".to_owned(), script.to_owned());
            Made::Records(vec![fields])
        }
    })
}

/// A pipeline that stores in `s` behind the transformer `t`, and everything in `all`.
async fn world() -> World {
    let world = World::new(language());
    world.save_script(TENANT, "t", "broken").await;
    let nodes = [
        ("in", "source", &[("type", "direct")][..]),
        ("t", "transform", &[("transformer", "t")]),
        ("r", "router", &[("stream", "s")]),
        ("all", "router", &[("stream", "all")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in t", "t r", "in all"])).await;
    world
}

fn letters(world: &World) -> Vec<(u64, DeadLetter)> {
    world.store.dead_letters(TENANT, 0, 99).unwrap()
}

#[tokio::test]
async fn after_the_transformer_is_mended_the_records_go_on_from_its_node() {
    let world = world().await;
    assert_eq!(world.ingest("p", &ids(&["*a", "b"])).await.unwrap_err().code, ErrorCode::PluginTrap);
    let (number, letter) = letters(&world).remove(0);
    assert_eq!((letter.records.len(), letter.node.as_str()), (2, "t"));
    assert_eq!(world.values("all", "id"), ["*a"]);

    // Nothing was mended: what fails again stays, what does not is done.
    let replayed = world.engine.replay(TENANT, number, Replay::default()).await.unwrap();
    assert_eq!((replayed.accepted, replayed.remaining), (1, 1));
    assert_eq!(replayed.from, ReplayedFrom::Node("t".to_owned()));
    assert_eq!(replayed.reason.unwrap().code, ErrorCode::PluginTrap);
    assert_eq!(world.values("s", "id"), ["b"]);
    let (_, letter) = letters(&world).remove(0);
    assert_eq!((letter.attempt, letter.records.len(), letter.code.as_str()), (2, 1, "plugin-trap"));

    world.save_script(TENANT, "t", "mended").await;
    let replayed = world.engine.replay(TENANT, number, Replay::default()).await.unwrap();
    assert_eq!((replayed.accepted, replayed.remaining, replayed.reason), (1, 0, None));
    assert_eq!(world.values("s", "id"), ["*a", "b"]);
    // The other branch had its record when it came in, and does not get it again.
    assert_eq!(world.values("all", "id"), ["*a"]);
    assert_eq!(letters(&world), []);
    assert_eq!(world.engine.replay(TENANT, number, Replay::default()).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn two_replays_at_once_are_one() {
    let world = world().await;
    let many: Vec<String> = (0..50).map(|n| format!("*{n:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.ingest("p", &ids(&many)).await.unwrap_err();
    world.save_script(TENANT, "t", "mended").await;
    let replay = || world.engine.replay(TENANT, 1, Replay::default());
    let all = tokio::join!(replay(), replay(), replay());
    let (well, badly): (Vec<_>, Vec<_>) = [all.0, all.1, all.2].into_iter().partition(Result::is_ok);
    assert_eq!((well.len(), badly.len()), (1, 2));
    for error in badly {
        assert!(matches!(error.unwrap_err().code, ErrorCode::NotFound | ErrorCode::RevisionConflict));
    }
    assert_eq!(world.values("s", "id"), many);
}

#[tokio::test]
async fn a_record_is_done_in_all_branches_or_in_none() {
    let world = world().await;
    world.ingest("p", &ids(&["*a", "!b", "c"])).await.unwrap_err();
    world.save_script(TENANT, "t", "strict").await;
    let how = Replay { from_entry: true, with: None };
    let replayed = world.engine.replay(TENANT, 1, how).await.unwrap();
    assert_eq!((replayed.from, replayed.accepted, replayed.remaining), (ReplayedFrom::Entry, 2, 1));
    assert_eq!(world.values("s", "id"), ["*a", "c"]);
    // From the entry the other branch gets them again, but not the one that failed.
    assert_eq!(world.values("all", "id"), ["*a", "*a", "c"]);
    let (_, letter) = letters(&world).remove(0);
    assert_eq!((letter.code.as_str(), letter.reason.as_str(), letter.records.len()), ("failed", "not this one", 1));
}

#[tokio::test]
async fn another_transformer_can_take_the_place_of_the_one_that_failed() {
    let world = world().await;
    world.ingest("p", &ids(&["*a"])).await.unwrap_err();
    struct Other;
    impl Transform for Other {
        fn transform(&self, batch: headworks_core::Batch) -> headworks_pipelines::Boxed<'_, Result<Transformed, CallFailure>> {
            let origins = (0..batch.len() as u32).collect();
            Box::pin(async move { Ok(Transformed { batch, origins, rejected: Vec::new() }) })
        }
    }
    let replayed = world.engine.replay(TENANT, 1, Replay { from_entry: false, with: Some(Arc::new(Other)) }).await.unwrap();
    assert_eq!((replayed.accepted, replayed.remaining), (1, 0));
    assert_eq!(world.stored(TENANT, "s"), ids(&["*a"]));
    // The saved pipeline goes on with its own.
    world.ingest("p", &ids(&["*b"])).await.unwrap_err();
    assert_eq!(world.engine.script_of(TENANT, "p", "t").await.unwrap().as_deref(), Some("broken"));
    assert_eq!(world.engine.script_of(TENANT, "p", "r").await.unwrap(), None);
}

#[tokio::test]
async fn where_the_node_is_gone_records_take_the_entry_and_without_a_pipeline_they_stay() {
    let world = world().await;
    world.ingest("p", &ids(&["*a"])).await.unwrap_err();
    world.ingest("p", &ids(&["*b"])).await.unwrap_err();
    let nodes = [("in", "source", &[("type", "syslog")][..]), ("r", "router", &[("stream", "s")])];
    world.save(TENANT, "p", &graph(&nodes, &["in r"])).await;
    let replayed = world.engine.replay(TENANT, 1, Replay::default()).await.unwrap();
    assert_eq!((replayed.from, replayed.accepted), (ReplayedFrom::Entry, 1));
    assert_eq!(world.values("s", "id"), ["*a"]);
    world.delete(PIPELINE, "p").await;
    let error = world.engine.replay(TENANT, 2, Replay::default()).await.unwrap_err();
    assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("pipeline")));
    assert_eq!(letters(&world).len(), 1);
}

#[tokio::test]
async fn what_a_forwarder_did_not_take_waits_for_it_again() {
    let world = world().await;
    let letter = DeadLetter {
        pipeline: String::new(),
        node: "forwarder f".to_owned(),
        plugin_digest: String::new(),
        code: "given-up".to_owned(),
        reason: "down".to_owned(),
        backtrace: None,
        attempt: 1,
        at: headworks_core::Timestamp::now(),
        records: batch(&ids(&["a"])),
    };
    world.store.bury(TENANT, letter).await.unwrap();
    let error = world.engine.replay(TENANT, 1, Replay::default()).await.unwrap_err();
    assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("forwarder")));
    let key = headworks_core::DocumentKey::new(TENANT, FORWARDER, "f");
    let saved = r#"{"version":2,"config":{"type":"http","url":"http://x"}}"#;
    world.store.write("test", vec![Change::put(key, saved)]).await.unwrap();
    let replayed = world.engine.replay(TENANT, 1, Replay::default()).await.unwrap();
    assert_eq!((replayed.from, replayed.accepted), (ReplayedFrom::Forwarder("f".to_owned()), 1));
    assert_eq!(letters(&world), []);
    assert_eq!(world.store.queued(TENANT, "f", 0, 9).unwrap().len(), 1);
}

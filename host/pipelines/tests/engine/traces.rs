//! Dry runs (FlowG 7.4).

use crate::support::*;
use headworks_pipelines::{DryRun, Graph};
use serde_json::{Value as Json, json};

fn parts() -> std::sync::Arc<Native> {
    Native::new(|_, fields| match fields["id"].as_str() {
        "!" => Made::Rejected("refused".into()),
        id => Made::Records(id.split(',').map(|part| record(&[("id", part)])).collect()),
    })
}

async fn dry(world: &World, graph: Json, given: &[&str]) -> DryRun {
    let graph = Graph::from_json(&graph).unwrap();
    world.engine.dry_run(TENANT, "p", &graph, &batch(&ids(given))).await
}

#[tokio::test]
async fn visits_are_told_when_they_end() {
    let world = World::new(parts());
    world.save_script(TENANT, "t", "t").await;
    let nodes = [
        ("in", "source", &[][..]),
        ("t", "transform", &[("transformer", "t")]),
        ("s", "switch", &[("condition", "int(id) > 1")]),
        ("r", "router", &[("stream", "out")]),
        ("m", "metric", &[("name", "m")]),
        ("p", "pipeline", &[("pipeline", "gone")]),
    ];
    let run = dry(&world, graph(&nodes, &["in t", "in m", "t s", "s r"]), &["1,2", "!", "x"]).await;
    let record = |id: &str| json!({"id": id});
    let entry = |node: &str, input: &str, output: Json, error: Json| json!({"nodeID": node, "input": record(input), "output": output, "error": error});
    let failed = "invalid operation: int(x)";
    assert_eq!(
        serde_json::to_value(&run.trace).unwrap(),
        json!([
            entry("s", "1", Json::Null, Json::Null),
            entry("r", "2", Json::Null, Json::Null),
            entry("s", "2", json!([record("2")]), Json::Null),
            entry("t", "1,2", json!([record("1"), record("2")]), Json::Null),
            entry("m", "1,2", Json::Null, Json::Null),
            entry("in", "1,2", json!([record("1,2")]), Json::Null),
            entry("t", "!", Json::Null, json!("refused")),
            entry("m", "!", Json::Null, Json::Null),
            entry("in", "!", json!([record("!")]), json!("refused")),
            entry("s", "x", Json::Null, json!(failed)),
            entry("t", "x", json!([record("x")]), json!(failed)),
            entry("m", "x", Json::Null, Json::Null),
            entry("in", "x", json!([record("x")]), json!(failed)),
        ])
    );
    assert_eq!(run.error.as_deref(), Some(failed));
    assert!(world.store.stream_names(TENANT).is_empty());

    // A pipeline node only checks that the other one can be built.
    let run = dry(&world, graph(&nodes, &["in p"]), &["1"]).await;
    assert_eq!(run.trace[0].error.as_deref(), Some("pipeline not found: gone"));
    assert_eq!(run.error.as_deref(), Some("pipeline not found: gone"));
    world.save(TENANT, "gone", &graph(&nodes, &["in t", "t r"])).await;
    let run = dry(&world, graph(&nodes, &["in p"]), &["1"]).await;
    assert_eq!((run.trace.len(), run.error), (2, None));
    assert_eq!(world.counter("gone", "pipeline_logs_total").await, Some(0));
}

#[tokio::test]
async fn a_graph_that_cannot_be_built_has_no_trace() {
    let world = World::plain();
    let run = dry(&world, graph(&[("in", "source", &[]), ("x", "teapot", &[])], &[]), &["1"]).await;
    assert_eq!((run.trace.len(), run.error.as_deref()), (0, Some("unknown node type: teapot")));
    let run = dry(&world, graph(&[], &[]), &["1"]).await;
    assert_eq!(run.error.as_deref(), Some("invalid entrypoint: direct"));
}

#[tokio::test]
async fn the_last_failure_is_told_and_traces_are_bounded() {
    let world = World::new(parts());
    world.save_script(TENANT, "t", "t").await;
    let nodes = [("in", "source", &[][..]), ("t", "transform", &[("transformer", "t")])];
    let run = dry(&world, graph(&nodes, &["in t"]), &["!", "1"]).await;
    assert_eq!(run.error.as_deref(), Some("refused"));
    let many: Vec<&str> = std::iter::repeat_n("1", 6_000).collect();
    let run = dry(&world, graph(&nodes, &["in t"]), &many).await;
    assert_eq!(run.trace.len(), 10_000);
    assert!(run.error.unwrap().contains("send fewer records"));
}

//! The rules of building and running (FlowG 6.1, 7.1 to 7.3, 7.5).

use crate::support::*;
use headworks_core::ErrorCode;

const DIRECT: (&str, &str, &[(&str, &str)]) = ("in", "source", &[("type", "direct")]);

#[tokio::test]
async fn records_reach_the_stream_and_are_counted() {
    let world = World::plain();
    let nodes = [DIRECT, ("m", "metric", &[("name", "seen")][..]), ("r", "router", &[("stream", "out")])];
    world.save(TENANT, "p", &graph(&nodes, &["in m", "in r"])).await;
    assert_eq!(world.ingest("p", &ids(&["a", "b"])).await, Ok(2));
    assert_eq!(world.ingest("p", &[]).await, Ok(0));
    assert_eq!(world.values("out", "id"), ["a", "b"]);
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(2));
    assert_eq!(world.counter("p", "node_seen").await, Some(2));
    assert_eq!(world.engine.counters(TENANT, "nope").await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn an_unknown_pipeline_is_not_found() {
    let world = World::plain();
    for records in [ids(&["a"]), Vec::new()] {
        let error = world.ingest("nope", &records).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::NotFound, "pipeline not found: nope"));
    }
}

#[tokio::test]
async fn what_keeps_a_graph_from_being_built_is_said() {
    let world = World::plain();
    world.save_script(TENANT, "bad", "error 1").await;
    world.save_script(TENANT, "good", "x").await;
    let router: (&str, &str, &[(&str, &str)]) = ("r", "router", &[("stream", "s")]);
    let cases = [
        (graph(&[DIRECT, ("x", "teapot", &[])], &[]), "unknown node type: teapot"),
        (graph(&[DIRECT, ("x", "router", &[])], &[]), "missing data key stream for node x"),
        (graph(&[DIRECT, ("x", "transform", &[])], &[]), "missing data key transformer for node x"),
        (graph(&[DIRECT, ("x", "switch", &[])], &[]), "missing data key condition for node x"),
        (graph(&[DIRECT, ("x", "metric", &[])], &[]), "missing data key name for node x"),
        (graph(&[DIRECT, ("x", "pipeline", &[])], &[]), "missing data key pipeline for node x"),
        (graph(&[DIRECT, ("x", "forwarder", &[("forwarder", "f")])], &[]), "forwarder \"f\" not found"),
        (graph(&[DIRECT, ("x", "transform", &[("transformer", "t")])], &[]), "transformer \"t\" not found"),
        (graph(&[DIRECT, ("x", "transform", &[("transformer", "bad")])], &[]), "the report on error 1"),
        (
            graph(&[DIRECT, ("x", "switch", &[("condition", "level")])], &[]),
            "failed to compile expression: expected bool, but got unknown",
        ),
        (graph(&[DIRECT, router], &["in nowhere"]), "invalid edge: in -> nowhere"),
        (graph(&[DIRECT, router], &["nowhere r"]), "invalid edge: nowhere -> r"),
        (graph(&[DIRECT, router], &["in r", "r in"]), "invalid edge: r -> in"),
        (graph(&[DIRECT, ("m", "metric", &[("name", "n")])], &["m in"]), "invalid edge: m -> in"),
        (graph(&[DIRECT, ("p", "pipeline", &[("pipeline", "n")])], &["p in"]), "invalid edge: p -> in"),
        (
            graph(&[DIRECT, ("m", "metric", &[("name", "n")]), ("o", "metric", &[("name", "n")])], &[]),
            "failed to register metric node_n: two nodes have this name",
        ),
        (graph(&[("in", "source", &[("type", "syslog")])], &[]), "invalid entrypoint: direct"),
        (
            graph(
                &[DIRECT, ("a", "transform", &[("transformer", "good")]), ("b", "switch", &[("condition", "")]), router],
                &["in a", "a b", "b a", "b r"],
            ),
            "the edges form a cycle: a -> b -> a",
        ),
        (graph(&[DIRECT], &["in in"]), "the edges form a cycle: in -> in"),
    ];
    for (graph, cause) in cases {
        world.save(TENANT, "p", &graph).await;
        let error = world.ingest("p", &ids(&["a"])).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::BrokenPipeline, cause));
    }
}

#[tokio::test]
async fn a_graph_with_too_many_paths_is_refused() {
    let world = World::plain();
    let names: Vec<String> = (0..40).map(|at| format!("n{at}")).collect();
    let mut nodes = vec![DIRECT];
    nodes.extend(names.iter().map(|name| (name.as_str(), "switch", &[("condition", "")][..])));
    let mut edges = vec!["in n0".to_owned(), "in n1".to_owned()];
    for at in (0..38).step_by(2) {
        for (from, to) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
            edges.push(format!("n{} n{}", at + from, at + to));
        }
    }
    let edges: Vec<&str> = edges.iter().map(String::as_str).collect();
    world.save(TENANT, "p", &graph(&nodes, &edges)).await;
    let error = world.ingest("p", &ids(&["a"])).await.unwrap_err();
    assert!(error.message.contains("use fewer joins"), "{error}");
}

#[tokio::test]
async fn the_later_source_of_one_type_wins_and_an_absent_type_is_direct() {
    let world = World::plain();
    let nodes =
        [DIRECT, ("in2", "source", &[][..]), ("one", "router", &[("stream", "one")]), ("two", "router", &[("stream", "two")])];
    world.save(TENANT, "p", &graph(&nodes, &["in one", "in2 two"])).await;
    world.ingest("p", &ids(&["a"])).await.unwrap();
    assert_eq!((world.values("one", "id").len(), world.values("two", "id").len()), (0, 1));
}

#[tokio::test]
async fn joins_run_once_per_edge_and_switches_pass_what_holds() {
    let world = World::plain();
    let nodes = [
        DIRECT,
        ("x", "switch", &[("condition", "id == \"a\"")][..]),
        ("y", "switch", &[("condition", " ")]),
        ("r", "router", &[("stream", "s")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in x", "in y", "x r", "y r"])).await;
    assert_eq!(world.ingest("p", &ids(&["a", "b"])).await, Ok(2));
    assert_eq!(world.values("s", "id"), ["a", "a", "b"]);
}

/// Splits `a,b,!c` into one record per part; a part that begins with `!` is a failure of the next node.
fn splitting() -> std::sync::Arc<Native> {
    Native::new(|script, fields| {
        let id = &fields["id"];
        match script {
            "split" => Made::Records(id.split(',').filter(|part| !part.is_empty()).map(|part| record(&[("id", part)])).collect()),
            _ if id.starts_with('!') => Made::Rejected(format!("{script} refuses {id}")),
            _ => Made::Records(vec![fields.clone()]),
        }
    })
}

#[tokio::test]
async fn a_split_stops_at_the_first_part_that_fails() {
    let world = World::new(splitting());
    world.save_script(TENANT, "split", "split").await;
    world.save_script(TENANT, "check", "check").await;
    let nodes = [
        DIRECT,
        ("t", "transform", &[("transformer", "split")][..]),
        ("c", "transform", &[("transformer", "check")]),
        ("r", "router", &[("stream", "checked")]),
        ("all", "router", &[("stream", "all")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in t", "t c", "c r", "t all"])).await;
    assert_eq!(world.ingest("p", &ids(&["a,b", ""])).await, Ok(2));
    assert_eq!(world.values("checked", "id"), ["a", "b"]);
    let error = world.ingest("p", &ids(&["c,!d,e"])).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Failed, "check refuses !d"));
    assert_eq!(world.values("checked", "id"), ["a", "b", "c"]);
    // The other branch of the part that failed has run, the parts after it have not.
    assert_eq!(world.values("all", "id"), ["!d", "a", "b", "c"]);
}

#[tokio::test]
async fn the_first_failing_record_ends_the_request() {
    let world = World::new(splitting());
    world.save_script(TENANT, "one", "one").await;
    world.save_script(TENANT, "two", "two").await;
    let nodes = [
        DIRECT,
        ("a", "transform", &[("transformer", "one")][..]),
        ("b", "transform", &[("transformer", "two")]),
        ("m", "metric", &[("name", "seen")]),
        ("r", "router", &[("stream", "s")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in a", "in b", "in m", "in r"])).await;
    let error = world.ingest("p", &ids(&["1", "2", "!3", "4", "!5"])).await.unwrap_err();
    let mut causes: Vec<_> = error.message.lines().collect();
    causes.sort_unstable();
    assert_eq!(causes, ["one refuses !3", "two refuses !3"]);
    // Records before it stay, its other branches have run, later ones have not.
    assert_eq!(world.values("s", "id"), ["!3", "1", "2"]);
    assert_eq!(world.counter("p", "node_seen").await, Some(3));
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(3));
}

#[tokio::test]
async fn a_condition_that_fails_fails_its_branch() {
    let world = World::plain();
    let nodes = [
        DIRECT,
        ("x", "switch", &[("condition", "int(n) > 1")][..]),
        ("r", "router", &[("stream", "s")]),
        ("all", "router", &[("stream", "all")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in x", "x r", "in all"])).await;
    let records = [record(&[("n", "5")]), record(&[("n", "x")]), record(&[("n", "7")])];
    let error = world.ingest("p", &records).await.unwrap_err();
    assert_eq!(error.message, "invalid operation: int(x)");
    assert_eq!(world.values("s", "n"), ["5"]);
    assert_eq!(world.values("all", "n"), ["5", "x"]);
}

#[tokio::test]
async fn pipelines_call_pipelines_and_count_both() {
    let world = World::new(splitting());
    world.save_script(TENANT, "check", "check").await;
    let outer = [DIRECT, ("p", "pipeline", &[("pipeline", "inner")][..]), ("r", "router", &[("stream", "outer")])];
    world.save(TENANT, "outer", &graph(&outer, &["in p", "in r"])).await;
    let error = world.ingest("outer", &ids(&["0"])).await.unwrap_err();
    assert_eq!(error.message, "pipeline not found: inner");
    let inner = [DIRECT, ("t", "transform", &[("transformer", "check")][..]), ("r", "router", &[("stream", "inner")])];
    world.save(TENANT, "inner", &graph(&inner, &["in t", "t r"])).await;
    assert_eq!(world.ingest("outer", &ids(&["1", "2"])).await, Ok(2));
    assert_eq!(world.ingest("outer", &ids(&["3", "!4", "5"])).await.unwrap_err().message, "check refuses !4");
    assert_eq!(world.values("inner", "id"), ["1", "2", "3"]);
    assert_eq!(world.values("outer", "id"), ["!4", "0", "1", "2", "3"]);
    assert_eq!(world.counter("inner", "pipeline_logs_total").await, Some(4));
    assert_eq!(world.counter("outer", "pipeline_logs_total").await, Some(5));
}

#[tokio::test]
async fn pipelines_that_feed_each_other_end_with_an_error() {
    let world = World::plain();
    for (name, other) in [("a", "b"), ("b", "a")] {
        let twice = [DIRECT, ("x", "pipeline", &[("pipeline", other)][..]), ("r", "router", &[("stream", name)])];
        world.save(TENANT, name, &graph(&twice, &["in x", "in r"])).await;
    }
    let error = world.ingest("a", &ids(&["1"])).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::LoopDetected, "{error}");
    assert_eq!(world.stored(TENANT, "a").len() + world.stored(TENANT, "b").len(), 33);
    // Twice at each level would be 2^32 calls.
    let twice = [DIRECT, ("x", "pipeline", &[("pipeline", "c")][..]), ("y", "pipeline", &[("pipeline", "c")])];
    world.save(TENANT, "c", &graph(&twice, &["in x", "in y"])).await;
    let start = std::time::Instant::now();
    let error = world.ingest("c", &ids(&["1"])).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::LoopDetected, "{error}");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    // It may end by itself.
    let bounded = [
        DIRECT,
        ("r", "router", &[("stream", "d")][..]),
        ("t", "transform", &[("transformer", "shorten")]),
        ("x", "switch", &[("condition", "id != \"\"")]),
        ("again", "pipeline", &[("pipeline", "d")]),
    ];
    let world = World::new(Native::new(|_, fields| Made::Records(vec![record(&[("id", &fields["id"][1..])])])));
    world.save_script(TENANT, "shorten", "shorten").await;
    world.save(TENANT, "d", &graph(&bounded, &["in r", "in t", "t x", "x again"])).await;
    assert_eq!(world.ingest("d", &ids(&["xxx"])).await, Ok(1));
    assert_eq!(world.values("d", "id"), ["x", "xx", "xxx"]);
}

#[tokio::test]
async fn large_requests_reach_a_transformer_in_parts() {
    let world = World::new(splitting());
    world.save_script(TENANT, "check", "check").await;
    let nodes = [DIRECT, ("t", "transform", &[("transformer", "check")][..]), ("r", "router", &[("stream", "s")])];
    world.save(TENANT, "p", &graph(&nodes, &["in t", "t r"])).await;
    let names: Vec<String> = (0..1300).map(|at| format!("{at:04}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(world.ingest("p", &ids(&names)).await, Ok(1300));
    assert_eq!(world.values("s", "id"), names);
    assert_eq!(*world.native.calls.lock().unwrap(), [512, 512, 276]);
    names[700] = "!x";
    assert_eq!(world.ingest("p", &ids(&names)).await.unwrap_err().message, "check refuses !x");
    assert_eq!(world.stored(TENANT, "s").len(), 2000);
}

#[tokio::test]
async fn transformers_are_tested_without_a_pipeline() {
    let world = World::new(splitting());
    let made = world.engine.test_transformer(TENANT, "split", batch(&ids(&["a,b"]))).await.unwrap();
    assert_eq!(fields(&made), ids(&["a", "b"]));
    assert_eq!(
        world.engine.test_transformer(TENANT, "error", batch(&ids(&["a"]))).await.unwrap_err().code,
        ErrorCode::InvalidProgram
    );
    assert_eq!(world.engine.test_transformer(TENANT, "check", batch(&ids(&["!a"]))).await.unwrap_err().code, ErrorCode::Failed);
}

#[tokio::test]
async fn each_record_of_its_own_is_not_stopped_by_another() {
    let world = World::new(splitting());
    world.save_script(TENANT, "check", "check").await;
    let nodes = [DIRECT, ("c", "transform", &[("transformer", "check")][..]), ("r", "router", &[("stream", "out")])];
    world.save(TENANT, "p", &graph(&nodes, &["in c", "c r"])).await;
    let told = world.engine.ingest_each(TENANT, "p", "direct", batch(&ids(&["a", "!b", "c"]))).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|told| told.map_err(|error| error.message)).collect();
    assert_eq!(told, [Ok(()), Err("check refuses !b".to_owned()), Ok(())]);
    assert_eq!(world.values("out", "id"), ["a", "c"]);
    assert_eq!(*world.native.calls.lock().unwrap(), [3], "one call for all");
    assert!(world.engine.ingest_each(TENANT, "p", "direct", batch(&[])).await.unwrap().is_empty());
    let unknown = world.engine.ingest_each(TENANT, "nope", "direct", batch(&ids(&["a"]))).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_trap_costs_only_its_own_record() {
    let world = World::new(Native::new(|_, fields| match fields["id"].as_str() {
        "trap" => Made::Trap,
        _ => Made::Records(vec![fields.clone()]),
    }));
    world.save_script(TENANT, "t", "x").await;
    let nodes = [DIRECT, ("t", "transform", &[("transformer", "t")][..]), ("r", "router", &[("stream", "out")])];
    world.save(TENANT, "p", &graph(&nodes, &["in t", "t r"])).await;
    let told = world.engine.ingest_each(TENANT, "p", "direct", batch(&ids(&["a", "trap", "c"]))).await.unwrap();
    let codes: Vec<_> = told.into_iter().map(|told| told.err().map(|error| error.code)).collect();
    assert_eq!(codes, [None, Some(ErrorCode::PluginTrap), None]);
    assert_eq!(world.values("out", "id"), ["a", "c"]);
    let letters = world.store.dead_letters(TENANT, 0, 10).unwrap();
    assert_eq!(letters.iter().map(|(_, letter)| letter.records.len()).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn pipelines_are_found_by_their_sources() {
    let world = World::plain();
    let find = async |entry: &str| world.engine.with_entry(TENANT, entry).await.unwrap().to_vec();
    let syslog: NodeWords<'_> = ("in", "source", &[("type", "syslog")]);
    world.save(TENANT, "b", &graph(&[syslog], &[])).await;
    world.save(TENANT, "a", &graph(&[syslog, ("x", "source", &[])], &[])).await;
    world.save(TENANT, "c", &graph(&[DIRECT], &[])).await;
    assert_eq!(find("syslog").await, ["a", "b"]);
    assert_eq!(find("direct").await, ["a", "c"]);
    // One that cannot be built has its source all the same.
    world.save(TENANT, "c", &graph(&[syslog, ("x", "teapot", &[])], &[])).await;
    world.delete(headworks_pipelines::PIPELINE, "b").await;
    assert_eq!(find("syslog").await, ["a", "c"]);
    assert_eq!(find("carrier pigeon").await, Vec::<String>::new());
}

//! Plugins that trap, requests that share a batch, queues that are full (FlowG 6.1, design: promises 2 and 3).

use crate::support::*;
use headworks_core::ErrorCode;
use headworks_pipelines::PipelineOptions;
use std::sync::Arc;
use std::time::Duration;

/// Traps on records whose id begins with `*`, refuses those that begin with `!`.
fn trapping(pause: u64) -> Arc<Native> {
    Native::slow(Duration::from_millis(pause), |script, fields| match fields["id"].as_bytes().first() {
        Some(b'*') => Made::Trap,
        Some(b'!') => Made::Rejected(format!("{script} refuses {}", fields["id"])),
        _ => Made::Records(vec![fields.clone()]),
    })
}

async fn checking(native: Arc<Native>, options: PipelineOptions) -> Arc<World> {
    let world = World::with_options(native, options);
    world.save_script(TENANT, "check", "check").await;
    let nodes = [
        ("in", "source", &[][..]),
        ("t", "transform", &[("transformer", "check")]),
        ("r", "router", &[("stream", "s")]),
        ("all", "router", &[("stream", "all")]),
    ];
    world.save(TENANT, "p", &graph(&nodes, &["in t", "t r", "in all"])).await;
    Arc::new(world)
}

fn one_worker() -> PipelineOptions {
    PipelineOptions { workers: 1, ..PipelineOptions::default() }
}

#[tokio::test]
async fn requests_gather_while_the_worker_is_busy_and_each_gets_its_own_result() {
    let world = checking(trapping(30), one_worker()).await;
    let requests: Vec<Vec<String>> = (0..40)
        .map(|n| match n % 5 {
            0 => vec![format!("a{n}"), format!("!b{n}"), format!("c{n}")],
            _ => vec![format!("a{n}"), format!("b{n}")],
        })
        .collect();
    let mut tasks = Vec::new();
    for request in requests.clone() {
        let world = Arc::clone(&world);
        tasks.push(tokio::spawn(async move {
            world.ingest("p", &ids(&request.iter().map(String::as_str).collect::<Vec<_>>())).await
        }));
    }
    for (request, task) in requests.iter().zip(tasks) {
        match task.await.unwrap() {
            Ok(count) => assert_eq!((count, request.len()), (2, 2)),
            Err(error) => assert_eq!(error.message, format!("check refuses {}", request[1])),
        }
    }
    let calls = world.native.calls.lock().unwrap().clone();
    assert!(calls.len() < 10 && calls.iter().sum::<usize>() == 88, "{calls:?}");
    assert_eq!(world.stored(TENANT, "s").len(), 40 + 32);
    assert_eq!(world.stored(TENANT, "all").len(), 40 + 32 + 8);
    assert_eq!(world.counter("p", "pipeline_logs_total").await, Some(80));
}

#[tokio::test]
async fn only_the_guilty_request_fails_and_its_records_go_to_the_dead_letters() {
    let world = checking(trapping(20), one_worker()).await;
    let mut tasks = Vec::new();
    for n in 0..12 {
        let world = Arc::clone(&world);
        let ids = if n == 5 { vec!["g0".into(), "*g1".into(), "g2".into()] } else { vec![format!("a{n}"), format!("b{n}")] };
        tasks.push(tokio::spawn(async move {
            world.ingest("p", &crate::support::ids(&ids.iter().map(String::as_str).collect::<Vec<_>>())).await
        }));
    }
    for (n, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(count) => assert_eq!(count, 2),
            Err(error) => {
                assert_eq!(n, 5);
                assert_eq!((error.code, error.message.as_str()), (ErrorCode::PluginTrap, "the plugin trapped"));
                // Durable before the answer.
                let letters = world.store.dead_letters(TENANT, 0, 10).unwrap();
                assert_eq!(letters.len(), 1);
            }
        }
    }
    assert_eq!(world.stored(TENANT, "s").len(), 22);
    // The failing record's other branch: the whole call failed, so the first record is the one that failed.
    assert_eq!(world.stored(TENANT, "all").len(), 23);
    let letters = world.store.dead_letters(TENANT, 0, 10).unwrap();
    let (_, letter) = &letters[0];
    assert_eq!((letter.pipeline.as_str(), letter.node.as_str(), letter.code.as_str()), ("p", "t", "plugin-trap"));
    assert_eq!(fields(&letter.records), ids(&["g0", "*g1", "g2"]));
    assert!(letter.reason.contains("unreachable") && letter.backtrace.as_deref() == Some("frame 0"));
    assert_eq!(letter.plugin_digest, "07".repeat(32));
    assert!(letter.attempt == 1 || letter.attempt == 2);
}

#[tokio::test]
async fn a_full_queue_refuses_and_forgets_nothing() {
    let options = PipelineOptions { queue_records: 4, batch_records: 1, ..one_worker() };
    let world = checking(trapping(50), options).await;
    let mut tasks = Vec::new();
    for n in 0..20 {
        let world = Arc::clone(&world);
        tasks.push(tokio::spawn(async move { world.ingest("p", &ids(&[&format!("a{n}")])).await }));
    }
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(error.code, ErrorCode::Exhausted),
        }
    }
    assert!((4..20).contains(&done), "{done}");
    assert_eq!(world.stored(TENANT, "s").len(), done);
    // A request larger than the queue is taken when nothing waits.
    let names: Vec<String> = (0..9).map(|n| format!("z{n}")).collect();
    assert_eq!(world.ingest("p", &ids(&names.iter().map(String::as_str).collect::<Vec<_>>())).await, Ok(9));
}

#[tokio::test]
async fn a_request_whose_client_is_gone_is_still_run() {
    let world = checking(trapping(50), one_worker()).await;
    let request = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.ingest("p", &ids(&["a"])).await })
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    request.abort();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.values("s", "id"), ["a"]);
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    use headworks_core::TenantId;
    let world = checking(trapping(0), one_worker()).await;
    let other = TenantId(7);
    assert_eq!(world.engine.ingest(other, "p", "direct", batch(&ids(&["a"]))).await.unwrap_err().code, ErrorCode::NotFound);
    world.save_script(other, "check", "check").await;
    world
        .save(
            other,
            "p",
            &graph(
                &[("in", "source", &[]), ("t", "transform", &[("transformer", "check")]), ("r", "router", &[("stream", "s")])],
                &["in t", "t r"],
            ),
        )
        .await;
    world.engine.ingest(other, "p", "direct", batch(&ids(&["x"]))).await.unwrap();
    world.ingest("p", &ids(&["y"])).await.unwrap();
    assert_eq!(world.stored(other, "s"), ids(&["x"]));
    assert_eq!(world.stored(TENANT, "s"), ids(&["y"]));
    // Not even a transformer made from the same script.
    assert_eq!(world.native.opened.load(std::sync::atomic::Ordering::SeqCst), 2);
}

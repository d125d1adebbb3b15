//! Delivery from the durable queue: the tasks that do it come and go, and nothing is forgotten in between.

use crate::support::*;
use headworks_core::{Batch, DocumentKey, Result, TenantId};
use headworks_pipelines::{Boxed, FORWARDER, Forwarders, PipelineOptions, Saved, Target};
use headworks_sandbox::{CallFailure, Report};
use headworks_store::Change;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Takes what is delivered, in order.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<String>>>);

impl Taken {
    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many were delivered.
    async fn until(&self, count: usize) {
        let all = async {
            while self.ids().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let whole = tokio::time::timeout(Duration::from_secs(60), all).await;
        assert!(whole.is_ok(), "only {} of {count} were delivered", self.ids().len());
    }
}

impl Forwarders for Taken {
    fn open<'a>(&'a self, _: TenantId, _: &'a str, _: &'a str) -> Boxed<'a, Result<Arc<dyn Target>>> {
        Box::pin(async move { Ok(Arc::new(self.clone()) as Arc<dyn Target>) })
    }
}

impl Target for Taken {
    fn send<'a>(&'a self, batch: &'a Batch) -> Boxed<'a, Result<(usize, Report), CallFailure>> {
        Box::pin(async move {
            self.0.lock().unwrap().extend(fields(batch).into_iter().map(|fields| fields["id"].clone()));
            Ok((batch.len(), Report::default()))
        })
    }

    fn digest(&self) -> String {
        String::new()
    }
}

/// A world with a pipeline `p` into a queued forwarder whose task ends after `idle`.
async fn world(idle: Duration) -> (Arc<World>, Taken) {
    let taken = Taken::default();
    let options = PipelineOptions { workers: 1, idle, ..PipelineOptions::default() };
    let native = Native::new(|_, fields| Made::Records(vec![fields.clone()]));
    let world = World::with_forwarders(native, Arc::new(taken.clone()), options);
    let config = json!({ "type": "taken" }).as_object().unwrap().clone();
    let saved = Saved { config, queued: true };
    let key = DocumentKey::new(TENANT, FORWARDER, "f");
    world.store.write("test", vec![Change::put(key, saved.encode())]).await.unwrap();
    let nodes = [("in", "source", &[][..]), ("f", "forwarder", &[("forwarder", "f")])];
    world.save(TENANT, "p", &graph(&nodes, &["in f"])).await;
    (Arc::new(world), taken)
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until so many tasks are left.
async fn left(expected: usize) {
    let fewer = async {
        while tasks() > expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), fewer).await;
    assert!(ended.is_ok(), "{} tasks are left, and {expected} were there before", tasks());
}

#[tokio::test]
async fn the_task_of_an_empty_queue_ends_and_the_next_record_starts_another() {
    let (world, taken) = world(Duration::from_millis(200)).await;
    let before = tasks();
    for round in 1..=3 {
        world.ingest("p", &ids(&[&round.to_string()])).await.unwrap();
        taken.until(round).await;
        assert_eq!(tasks(), before + 1, "it waits for more");
        left(before).await;
    }
    assert_eq!(taken.ids(), ["1", "2", "3"]);
    assert!(world.store.queued(TENANT, "f", 0, 1).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_forgotten_when_it_comes_as_the_task_ends() {
    // The tasks end all the time: after no time at all, and about as often as records come.
    for idle in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(1)] {
        let (world, taken) = world(idle).await;
        for n in 0..1500_u32 {
            world.ingest("p", &ids(&[&n.to_string()])).await.unwrap();
            // Moments around the end of the wait, without a clock's coarse steps.
            let pause = std::time::Instant::now();
            while pause.elapsed() < Duration::from_micros(u64::from(n * 37 % 1200)) {
                tokio::task::yield_now().await;
            }
            // The last ones are not helped along by any that follow.
            if n % 50 == 0 {
                taken.until(n as usize + 1).await;
            }
        }
        taken.until(1500).await;
        assert_eq!(taken.ids(), (0..1500).map(|n| n.to_string()).collect::<Vec<_>>(), "{idle:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_send_at_once_is_delivered_once() {
    let (world, taken) = world(Duration::ZERO).await;
    let mut senders = Vec::new();
    for sender in 0..8 {
        let world = Arc::clone(&world);
        senders.push(tokio::spawn(async move {
            for n in 0..100 {
                world.ingest("p", &ids(&[&format!("{sender}-{n:03}")])).await.unwrap();
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    taken.until(800).await;
    let mut got = taken.ids();
    got.sort();
    got.dedup();
    assert_eq!((got.len(), taken.ids().len()), (800, 800));
}

//! A tenant that sends far more than it may, beside one that sends little.

use crate::create;
use headworks_tests::Server;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const QUOTA: u64 = 200;
const LASTS: Duration = Duration::from_secs(6);

#[test]
fn a_noisy_tenant_gets_its_quota_and_a_quiet_one_no_error() {
    let server = Server::start();
    let quotas = json!({"quotas": {"records_per_second": QUOTA, "burst_seconds": 1}});
    let (noisy, quiet) = (create(&server, "noisy", quotas), create(&server, "quiet", json!({})));
    // 100 records each, from 4 senders: some 100 times the quota.
    let records: Vec<Value> = (0..100).map(|n| json!({"n": format!("{n}")})).collect();
    let records = json!(records);
    let (stop, taken, sent) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = noisy.ingest("default", &records);
                    sent.fetch_add(100, Ordering::Relaxed);
                    match answer.status {
                        200 => drop(taken.fetch_add(answer.processed(), Ordering::Relaxed)),
                        _ => assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false)),
                    }
                }
            });
        }
        let mut count = 0;
        while begin.elapsed() < LASTS {
            assert_eq!(quiet.ingest("default", &json!([{"n": format!("{count}")}])).processed(), 1);
            count += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(count > 50, "{count}");
        assert_eq!(quiet.records("default").len(), count);
    });
    let (taken, sent, most) = (taken.into_inner(), sent.into_inner(), QUOTA * (begin.elapsed().as_secs() + 2) + 100);
    assert!(sent > 20 * most, "it was noisy: {sent} of {most}");
    assert!((QUOTA..=most).contains(&taken), "{taken} of {most}");
    assert_eq!(noisy.get("/platform/v1/tenant/usage").json()["since_start"]["records"], taken);
    let usage = quiet.get("/platform/v1/tenant/usage").json();
    assert_eq!(usage["since_start"]["requests_refused"], 0);
}

//! SIGKILL or SIGTERM in the middle of a restore (FlowG 14).

use crate::truth::Numbers;
use headworks_tests::backup::{Kv, file, form};
use headworks_tests::server::{self, Folder, Setup};
use serde_json::json;
use std::time::Duration;

const RECORDS: usize = 120_000;
const KILLS: usize = 6;

/// Records of several streams, each with a number.
fn backup() -> Vec<u8> {
    let mut all = vec![Kv::of(&["stream", "config", "s0"], "{\"ttl\":0,\"size\":0,\"indexed_fields\":[\"kind\"]}")];
    all.extend((0..RECORDS).map(|n| {
        let ms = format!("{:020}", 1_740_830_400_000_u64 + n as u64 / 7);
        let value = json!({ "fields": { "n": n.to_string(), "kind": (n % 5).to_string(), "text": "x".repeat(200) } });
        Kv::of(&["entry", &format!("s{}", n % 3), &ms, &format!("0b1d1c5e-7f0e-4a63-9f0a-{n:012x}")], &value.to_string())
    }));
    file(&all)
}

#[test]
fn a_restore_that_is_killed_or_stopped_is_there_as_a_whole_or_not_at_all_after_the_next_start() {
    let (kind, body) = form(&backup());
    let mut numbers = Numbers::new(0xbac);
    let mut whole = 0;
    for round in 0..KILLS {
        let folder = Folder::new();
        let mut server = Setup::new().start_on(&folder);
        let client = server.client();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                // Answered or cut off, as it happens.
                let _ = client.try_send(http::Method::POST, "/api/v1/restore/logs", &[("Content-Type", kind)], Some(&body));
            });
            // The first rounds wait until records appear, so that some kills are certainly in the middle.
            if round % 2 == 0 {
                headworks_tests::eventually("records", || client.get("/api/v1/streams").ok()["streams"].get("s1").map(|_| ()));
                std::thread::sleep(Duration::from_millis(numbers.below(40)));
            } else {
                std::thread::sleep(Duration::from_millis(numbers.below(1500)));
            }
            if round % 3 == 2 {
                assert!(server.stop().success());
            } else {
                server.kill();
            }
        });
        let mut server = Setup::new().start_on(&folder);
        let client = server.client();
        let count: usize = (0..3).map(|stream| client.records(&format!("s{stream}")).len()).sum();
        assert!(count == 0 || count == RECORDS, "{count} records are there after round {round}");
        if count > 0 {
            whole += 1;
            let indexed = client.query("s0", &[("indexing", "{\"kind\":[\"3\"]}")]).fields().len();
            assert_eq!(indexed, RECORDS / 15);
        }
        let left = std::fs::read_dir(folder.data().join("restore")).expect("the folder").count();
        assert_eq!(left, 0, "uploads are left behind");
        assert!(server.stop().success());
        let verified = server::run(&["verify", "--data", folder.data().to_str().expect("a path")]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
    assert!(whole >= KILLS / 2, "only {whole} restores had begun");
}

//! A disk whose `fsync` fails (promise 1 of the design): strace makes the system call of the running server fail.

use crate::truth::record;
use headworks_tests::{Server, eventually};
use serde_json::json;
use std::process::{Child, Command, Stdio};

/// From here on every `fdatasync` of the server fails. Ends when it is dropped, or with the server.
struct FailingDisk(Child);

impl FailingDisk {
    fn of(server: &Server) -> Self {
        let pid = server.pid().expect("a running server");
        let mut strace = Command::new("strace")
            .args(["-f", "-q", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs strace");
        eventually("strace follows every thread of the server", || {
            let ended = strace.try_wait().expect("the state of strace");
            assert!(ended.is_none(), "strace cannot follow the server; does this user have the right to?");
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the threads of the server");
            let traced = |task: std::fs::DirEntry| {
                let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
                status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|by| by.trim() != "0"))
            };
            tasks.flatten().all(traced).then_some(())
        });
        Self(strace)
    }
}

impl Drop for FailingDisk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_failed_fsync_refuses_writes_shows_on_health_and_ends_the_server() {
    let mut server = Server::start();
    let client = server.client();
    client.ingest("default", &json!([record("first")])).ok();
    let disk = FailingDisk::of(&server);

    let answer = client.ingest("default", &json!([record("second")]));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("takes no more writes"), "{}", answer.text());
    let health = server.management().get("/health");
    assert_eq!(health.status, 503);
    assert!(health.text().contains("Input/output error"), "{}", health.text());
    // By now it takes no new connections, or answers the same.
    let third = json!([record("third")]).to_string().into_bytes();
    let third = client.try_send(
        http::Method::POST,
        "/api/v1/pipelines/default/logs/struct",
        &[("Content-Type", "application/json")],
        Some(&third),
    );
    assert!(third.is_err() || third.is_ok_and(|answer| answer.status == 503));
    assert_eq!(server.wait().code(), Some(1), "{}", server.output());
    assert!(server.output().contains("Input/output error"), "{}", server.output());
    drop(disk);

    server.restart();
    let client = server.client();
    let kept = client.records("default");
    assert!(kept.iter().any(|kept| kept.to_string().contains("first")), "{kept:?}");
    assert!(!kept.iter().any(|kept| kept.to_string().contains("third")), "it was refused: {kept:?}");
    client.ingest("default", &json!([record("fourth")])).ok();
}

//! A disk that fills up: writes are refused with 507 while reads and deletes go on.

use crate::truth::{Truth, record};
use headworks_tests::server::{Folder, Setup};
use headworks_tests::{Flow, eventually, server};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const MIB: u64 = 1 << 20;

/// A small file system in memory. It is unmounted when this is dropped.
struct SmallDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: u64) -> Self {
        let folder = tempfile::TempDir::with_prefix("headworks-disk-").expect("a mount point");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output()
            .expect("the mount command");
        assert!(
            mounted.status.success(),
            "this test mounts a small tmpfs and needs the right to do so (run it as root): {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        Self { path: folder.path().to_owned(), _folder: folder }
    }

    fn free(&self) -> u64 {
        let state = rustix::fs::statvfs(&self.path).expect("the state of the disk");
        state.f_bavail * state.f_frsize
    }

    /// Takes up space until this many bytes are free.
    fn leave(&self, free: u64) {
        let ballast = self.path.join("ballast");
        let present = fs::metadata(&ballast).map_or(0, |file| file.len());
        let file = File::options().create(true).append(true).open(&ballast).expect("the ballast");
        let size = (self.free() + present).saturating_sub(free);
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size.max(1)).expect("the ballast");
    }

    fn relieve(&self) {
        fs::remove_file(self.path.join("ballast")).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// One request of about a mebibyte that has to be acknowledged or refused with 507. Answers whether it was acknowledged.
fn write(client: &headworks_tests::Client, truth: &Truth, request: usize) -> bool {
    let ids: Vec<String> = (0..4000).map(|index| format!("{request}-{index}")).collect();
    truth.sending(&ids);
    let records: Vec<Value> = ids.iter().map(|id| record(id)).collect();
    let answer = client.ingest("default", &json!(records));
    match answer.status {
        200 => {
            truth.acknowledged(&ids);
            true
        }
        507 => {
            let error = answer.json()["error"].as_str().expect("an error").to_owned();
            assert!(error.contains("disk") && error.contains("free"), "{error}");
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

#[test]
fn a_nearly_full_disk_refuses_writes_with_507_while_reads_and_deletes_work() {
    let disk = SmallDisk::mount(1024 * MIB);
    let outside = tempfile::tempdir().expect("a folder");
    let truth = Truth::new(&outside.path().join("truth"));
    let folder = Folder::at(&disk.path);
    let mut server = Setup::new().start_on(&folder);
    let client = server.client();
    client.ingest("default", &json!([record("first")])).ok();
    truth.sending(&["first".to_owned()]);
    truth.acknowledged(&["first".to_owned()]);
    let token = client.send(http::Method::POST, "/api/v1/token", &[], None).ok();

    // The server keeps 256 MiB free. From a little above that, write until it refuses.
    disk.leave(300 * MIB);
    let refused = (0..200).find(|request| !write(&client, &truth, *request));
    assert!(refused.is_some(), "nothing was refused with {} bytes free", disk.free());
    assert!(disk.free() > 200 * MIB, "{} bytes are left of the reserve", disk.free());
    let script = client.put("/api/v1/transformers/new", &json!({ "script": "." }));
    assert_eq!(script.status, 507, "{}", script.text());

    // Reads work.
    truth.check(&client.records("default"));
    assert_eq!(client.filtered("default", "id == \"first\"").len(), 1);
    client.get("/api/v1/pipelines").ok();
    // Deletes work.
    client.delete(&format!("/api/v1/tokens/{}", token["token_uuid"].as_str().expect("a uuid"))).ok();
    client.delete("/api/v1/pipelines/missing").ok();

    // So does a start after a kill.
    server.kill();
    server.restart();
    let client = server.client();
    truth.check(&client.records("default"));
    assert!(!write(&client, &truth, 1000), "accepted on a nearly full disk after a restart");
    client.delete("/api/v1/streams/default").ok();
    assert!(client.records("default").is_empty());

    // With space again, writes work without a restart.
    disk.relieve();
    eventually("writes work again", || (client.ingest("default", &json!([{ "id": "again" }])).status == 200).then_some(()));
    assert_eq!(client.values("default", "id"), ["again"]);
    assert!(server.stop().success());
    let verified = server::run(&["verify", "--data", path_text(&folder.data())]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// What a target of records has been asked, and what it answers.
#[derive(Default)]
struct Target {
    /// Requests that were refused for good.
    refused: AtomicUsize,
    /// Until this is set the target is busy.
    refuses: AtomicBool,
}

/// Starts a target. Answers its URL.
fn target() -> (String, Arc<Target>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let target = Arc::new(Target::default());
    let asked = Arc::clone(&target);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            // The head and the small body come together.
            if connection.read(&mut [0; 65_536]).is_ok_and(|len| len > 0) {
                let refuses = asked.refuses.load(Ordering::SeqCst);
                asked.refused.fetch_add(usize::from(refuses), Ordering::SeqCst);
                let status = if refuses { "400 Bad Request" } else { "503 Service Unavailable" };
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                let _ = connection.write_all(answer.as_bytes());
            }
        }
    });
    (url, target)
}

/// The dead letters of a stopped server.
fn dead_letters(data: &Path) -> Vec<Value> {
    let listed = server::run(&["dead-letters", "list", "--data", path_text(data), "--output", "json"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_queued_record_waits_on_while_its_dead_letter_cannot_be_kept() {
    let disk = SmallDisk::mount(1024 * MIB);
    let folder = Folder::at(&disk.path);
    let mut server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start_on(&folder);
    let client = server.client();
    let (url, target) = target();
    let forwarder = json!({ "forwarder": { "config": { "type": "http", "url": url }, "delivery": "queued" } });
    client.put("/api/v1/forwarders/out", &forwarder).ok();
    client.save_pipeline("out", &Flow::to_forwarder("out"));
    client.ingest("out", &json!([record("first"), record("second")])).ok();
    disk.leave(200 * MIB);
    let script = || client.put("/api/v1/transformers/new", &json!({ "script": "." }));
    eventually("the disk is full", || (script().status == 507).then_some(()));
    // From now on the target refuses every record for good, which makes dead letters of them.
    target.refuses.store(true, Ordering::SeqCst);
    let tried = || target.refused.load(Ordering::SeqCst);
    let told = |server: &headworks_tests::Server| server.output().contains("they could not be kept");
    eventually("the record is refused and its dead letter too", || told(&server).then_some(()));
    let before = tried();
    eventually("it is tried again", || (tried() > before).then_some(()));

    // Neither forgotten nor kept as a dead letter, also over a restart.
    assert!(server.stop().success(), "{}", server.output());
    assert_eq!(dead_letters(&folder.data()), Vec::<Value>::new());
    server.restart();
    let before = tried();
    eventually("it is tried again after a restart", || (tried() > before).then_some(()));

    disk.relieve();
    let letters = eventually("both records are dead letters", || {
        assert!(server.stop().success());
        let letters = dead_letters(&folder.data());
        if letters.len() < 2 {
            server.restart();
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        (letters.len() >= 2).then_some(letters)
    });
    let ids: Vec<&Value> = letters.iter().map(|letter| &letter["records"][0]["fields"]["id"]).collect();
    assert_eq!(ids, ["first", "second"]);
    // Nothing is left of them in the queue.
    let before = tried();
    server.restart();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(tried(), before);
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

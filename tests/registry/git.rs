//! Flows in a Git repository (NiFi Registry 22.1): every version a commit.

use crate::calls::{API, Nifi, done};
use headworks_tests::server::{Server, Setup};
use headworks_tests::{Answer, eventually};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Runs `git` in a folder and answers what it prints.
#[track_caller]
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = git_command(folder, arguments).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

pub(crate) fn git_command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "tester"), ("EMAIL", "tester@example.com")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

/// A folder for repositories.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::with_prefix("git-").expect("a folder"))
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server whose flows are in the repository `flows`.
    pub(crate) fn setup(&self) -> Setup {
        Setup::new().env("HEADWORKS_REGISTRY_GIT_REPOSITORY", self.at("flows").to_str().unwrap())
    }

    /// An empty repository without a work tree.
    pub(crate) fn bare(&self, name: &str) -> PathBuf {
        git(self.0.path(), &["init", "--quiet", "--bare", "--initial-branch=main", name]);
        self.at(name)
    }

    /// A repository of one commit with these files.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.at(name);
        git(self.0.path(), &["init", "--quiet", "--initial-branch=main", name]);
        for (path, content) in files {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), content).unwrap();
        }
        git(&folder, &["add", "-A"]);
        git(&folder, &["commit", "--quiet", "-m", "first"]);
        folder
    }
}

pub(crate) fn save(nifi: &Nifi, bucket: &str, flow: &str, comments: Option<&str>, name: &str) -> Answer {
    let mut body = json!({
        "snapshotMetadata": {"version": -1}, "parameterContexts": {}, "flowEncodingVersion": "1.0",
        "flowContents": {"identifier": "g", "name": name, "position": {"x": 1.0, "y": 12345678901234567890_u64}, "new": null},
    });
    if let Some(comments) = comments {
        body["snapshotMetadata"]["comments"] = json!(comments);
    }
    nifi.post(&format!("/buckets/{bucket}/flows/{flow}/versions"), &body)
}

/// Waits until the repository has so many commits and its work tree is the newest.
#[track_caller]
pub(crate) fn committed(folder: &Path, count: usize) {
    eventually("the commits are there", || {
        let output = git_command(folder, &["rev-list", "--count", "HEAD"]).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).trim() == count.to_string()).then_some(())
    });
    eventually("the work tree shows them", || git(folder, &["status", "--porcelain"]).is_empty().then_some(()));
}

#[test]
fn every_saved_version_becomes_a_commit() {
    let place = Place::new();
    let server = place.setup().env("HEADWORKS_REGISTRY_GIT_COMMITTER_ADDRESS", "flows@example.com").start();
    let (nifi, folder) = (Nifi::of(&server), place.at("flows"));
    let bucket = nifi.bucket("ops: a/b");
    let flow = nifi.flow(&bucket, "in & out");
    let first = done(&save(&nifi, &bucket, &flow, Some("what is new\nand why"), "one"));
    done(&save(&nifi, &bucket, &flow, None, "two"));
    committed(&folder, 3);
    let said = |revision: &str, format: &str| git(&folder, &["show", "-s", &format!("--format={format}"), revision]);
    assert_eq!(said("HEAD~1", "%B"), "what is new\nand why\n\nBy NiFi Registry user: anonymous");
    assert_eq!(said("HEAD", "%B"), "By NiFi Registry user: anonymous");
    let seconds = first["snapshotMetadata"]["timestamp"].as_i64().unwrap() / 1000;
    assert_eq!(said("HEAD~1", "%an|%ae|%at"), format!("anonymous|flows@example.com|{seconds}"));
    assert_eq!(said("HEAD~1", "%cn|%ce"), "Headworks|flows@example.com");
    assert_eq!(git(&folder, &["ls-files"]), "ops__a_b/bucket.yml\nops__a_b/in_&_out.snapshot");
    let file: Value = serde_json::from_str(&git(&folder, &["show", "HEAD~1:ops__a_b/in_&_out.snapshot"])).unwrap();
    assert_eq!(file["header"], json!({"dataModelVersion": "3"}));
    let snapshot = file["content"]["flowSnapshot"].as_object().unwrap();
    for member in ["flowContents", "parameterContexts", "flowEncodingVersion"] {
        assert_eq!(snapshot[member], first[member], "{member}");
    }
    assert_eq!(snapshot.len(), 3);
    let yml = git(&folder, &["show", "HEAD:ops__a_b/bucket.yml"]);
    assert!(yml.contains("layoutVer: 1") && yml.contains("ver: 2") && yml.contains(&bucket) && yml.contains(&flow), "{yml}");
    assert_eq!(server.metric("headworks_git_commits_total"), 3);
    assert_eq!(server.metric("headworks_git_failing{step=\"commit\"}"), 0);
    // Other tenants and other things in the registry are not in it.
    done(&nifi.put(&format!("/buckets/{bucket}"), &json!({"name": "ops2", "allowPublicRead": true})));
    let other = nifi.flow(&bucket, "without versions");
    done(&nifi.put(&format!("/buckets/{bucket}/flows/{flow}"), &json!({"name": "out"})));
    committed(&folder, 5);
    assert_eq!(git(&folder, &["ls-files"]), "ops2/bucket.yml\nops2/out.snapshot");
    done(&nifi.delete(&format!("/buckets/{bucket}/flows/{other}")));
    done(&nifi.delete(&format!("/buckets/{bucket}/flows/{flow}")));
    committed(&folder, 6);
    done(&nifi.delete(&format!("/buckets/{bucket}")));
    committed(&folder, 7);
    assert_eq!(
        git(&folder, &["log", "-4", "--format=%s"]).lines().collect::<Vec<_>>(),
        [
            "Deleted the bucket ops2",
            "Deleted the flow out",
            "Renamed the flow in & out to out",
            "Renamed the bucket ops: a/b to ops2",
        ]
    );
    // What is there already is not committed again, and what was deleted does not come back.
    let mut server = server;
    assert!(server.stop().success());
    server.restart();
    assert_eq!(done(&Nifi::of(&server).get("/buckets")), json!([]));
    nifi_again(&server, &folder);
}

/// One more commit is all that a start and a new bucket make.
fn nifi_again(server: &Server, folder: &Path) {
    Nifi::of(server).bucket("again");
    committed(folder, 8);
}

#[test]
fn a_server_that_is_killed_commits_each_version_once() {
    let place = Place::new();
    let mut server = place.setup().start();
    let (bucket, flow) = {
        let nifi = Nifi::of(&server);
        let bucket = nifi.bucket("ops");
        (bucket.clone(), nifi.flow(&bucket, "flow"))
    };
    let acknowledged = Arc::new(AtomicU64::new(0));
    for _ in 0..4 {
        let (client, path) = (server.client().anonymous(), format!("{API}/buckets/{bucket}/flows/{flow}/versions"));
        let known = Arc::clone(&acknowledged);
        let until = acknowledged.load(Ordering::Relaxed) + 8;
        let saving = std::thread::spawn(move || {
            let body = json!({"snapshotMetadata": {"version": -1}, "flowContents": {"identifier": "g"}}).to_string();
            while let Ok(answer) =
                client.try_send(http::Method::POST, &path, &[("content-type", "application/json")], Some(body.as_bytes()))
            {
                assert_eq!(answer.status, 200, "{}", answer.text());
                known.fetch_max(answer.json()["snapshotMetadata"]["version"].as_u64().unwrap(), Ordering::Relaxed);
            }
        });
        eventually("versions are saved", || (acknowledged.load(Ordering::Relaxed) >= until).then_some(()));
        server.kill();
        saving.join().expect("every answer was one");
        server.restart();
    }
    let path = format!("/buckets/{bucket}/flows/{flow}");
    let versions = done(&Nifi::of(&server).get(&path))["versionCount"].as_u64().unwrap();
    assert!(versions >= acknowledged.load(Ordering::Relaxed));
    committed(&place.at("flows"), versions as usize + 1);
    for number in 1..=versions {
        let back = versions - number;
        let yml = git(&place.at("flows"), &["show", &format!("HEAD~{back}:ops/bucket.yml")]);
        assert!(yml.contains(&format!("ver: {number}\n")), "{number}: {yml}");
    }
    git(&place.at("flows"), &["fsck", "--strict"]);
}

#[test]
fn a_repository_that_fails_hinders_nobody_and_is_caught_up_with() {
    let place = Place::new();
    let server = place.setup().start();
    let (nifi, folder) = (Nifi::of(&server), place.at("flows"));
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    committed(&folder, 1);
    // As a disk that is gone.
    fs::rename(folder.join(".git/objects"), place.at("objects")).unwrap();
    fs::write(folder.join(".git/objects"), "").unwrap();
    for name in ["one", "two"] {
        done(&save(&nifi, &bucket, &flow, None, name));
    }
    let told = eventually("the server says so", || {
        let ready = server.management().get("/ready");
        assert_eq!(ready.status, 200);
        ready.text().contains("not committed").then(|| ready.text())
    });
    assert!(told.starts_with("ready, but versions are saved but not committed to the Git repository"), "{told}");
    assert_eq!(server.metric("headworks_git_failing{step=\"commit\"}"), 1);
    assert!(server.output().contains("not committed to the Git repository"));
    fs::remove_file(folder.join(".git/objects")).unwrap();
    fs::rename(place.at("objects"), folder.join(".git/objects")).unwrap();
    committed(&folder, 3);
    eventually("all is well again", || (server.management().get("/ready").text() == "ready\r\n").then_some(()));
    assert_eq!(server.metric("headworks_git_failing{step=\"commit\"}"), 0);
}

#[test]
fn a_repository_without_a_work_tree_will_do() {
    let place = Place::new();
    let flows = place.bare("flows");
    let server = place.setup().start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    done(&save(&nifi, &bucket, &flow, None, "one"));
    eventually("the commits are there", || {
        let output = git_command(&flows, &["rev-list", "--count", "HEAD"]).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).trim() == "2").then_some(())
    });
    assert_eq!(git(&flows, &["ls-tree", "-r", "--name-only", "HEAD"]), "ops/bucket.yml\nops/flow.snapshot");
    assert!(!flows.join("ops").exists());
}

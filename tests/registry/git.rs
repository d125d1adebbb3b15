//! Flows in a Git repository (NiFi Registry 22.1): every version a commit, pushed, and taken over by an empty registry.

use crate::calls::{API, Nifi, done, each, text};
use crate::capture::http::{Reply, Request, start_tls};
use crate::capture::tls;
use base64::Engine;
use headworks_tests::server::{Folder, Server, Setup};
use headworks_tests::{Answer, eventually};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Runs `git` in a folder and answers what it prints.
#[track_caller]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = git_command(folder, arguments).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn git_command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "tester"), ("EMAIL", "tester@example.com")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

/// A folder for repositories.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::with_prefix("git-").expect("a folder"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server whose flows are in the repository `flows`.
    fn setup(&self) -> Setup {
        Setup::new().env("HEADWORKS_REGISTRY_GIT_REPOSITORY", self.at("flows").to_str().unwrap())
    }

    /// An empty repository without a work tree.
    fn bare(&self, name: &str) -> PathBuf {
        git(self.0.path(), &["init", "--quiet", "--bare", "--initial-branch=main", name]);
        self.at(name)
    }

    /// A repository of one commit with these files.
    fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
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

fn save(nifi: &Nifi, bucket: &str, flow: &str, comments: Option<&str>, name: &str) -> Answer {
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
fn committed(folder: &Path, count: usize) {
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
fn commits_are_pushed_and_nothing_is_forced() {
    let place = Place::new();
    let bare = place.bare("remote.git");
    let server = place.setup().env("HEADWORKS_REGISTRY_GIT_REMOTE", bare.to_str().unwrap()).start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    done(&save(&nifi, &bucket, &flow, None, "one"));
    let pushed = |count: &str| {
        let output = git_command(&bare, &["rev-list", "--count", "main"]).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).trim() == count).then_some(())
    };
    eventually("the commits are pushed", || pushed("2"));
    // Somebody else pushes too.
    git(place.0.path(), &["clone", "--quiet", bare.to_str().unwrap(), "other"]);
    fs::write(place.at("other/README"), "hello").unwrap();
    git(&place.at("other"), &["add", "-A"]);
    git(&place.at("other"), &["commit", "--quiet", "-m", "theirs"]);
    git(&place.at("other"), &["push", "--quiet"]);
    done(&save(&nifi, &bucket, &flow, None, "two"));
    let told = eventually("the server says so", || {
        let ready = server.management().get("/ready").text();
        ready.contains("not pushed").then_some(ready)
    });
    assert!(told.contains("has commits in refs/heads/main that are not here, and nothing is forced"), "{told}");
    assert_eq!(server.metric("headworks_git_failing{step=\"push\"}"), 1);
    assert_eq!(git(&bare, &["log", "-1", "--format=%s", "main"]), "theirs");
}

/// Answers as a server of Git does that asks for a password.
fn backend(root: PathBuf) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let known = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("ann:s3cret word"));
    move |request| {
        if request.header("authorization") != known {
            return Reply::new(401, "who?").header("www-authenticate", "Basic");
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut command = Command::new("git");
        command.arg("http-backend").env("GIT_PROJECT_ROOT", &root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "ann");
        command.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", &request.method);
        command.env("CONTENT_TYPE", request.header("content-type")).env("CONTENT_LENGTH", request.body.len().to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git http-backend runs");
        let (mut stdin, body) = (child.stdin.take().unwrap(), request.body.clone());
        let writing = std::thread::spawn(move || drop(stdin.write_all(&body)));
        let output = child.wait_with_output().unwrap().stdout;
        writing.join().unwrap();
        let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("headers");
        let head = String::from_utf8_lossy(&output[..end]).into_owned();
        let status = head.lines().find_map(|line| line.strip_prefix("Status: ")?.get(..3)?.parse().ok()).unwrap_or(200);
        let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap_or("text/plain");
        Reply::of(status, output[end + 4..].to_vec()).header("content-type", kind)
    }
}

#[test]
fn remotes_are_reached_over_https_with_a_password_that_is_shown_nowhere() {
    let place = Place::new();
    let bare = place.bare("remote.git");
    let (url, _requests) = start_tls(backend(place.0.path().to_owned()));
    let ca = place.at("ca.pem");
    fs::write(&ca, tls::AUTHORITY).unwrap();
    let address = format!("{}/remote.git", url.replace("127.0.0.1", "localhost"));
    let access = |setup: Setup, password: &str| {
        setup
            .env("HEADWORKS_REGISTRY_GIT_USER", "ann")
            .env("HEADWORKS_REGISTRY_GIT_PASSWORD", password)
            .env("HEADWORKS_REGISTRY_GIT_CA", ca.to_str().unwrap())
    };
    let mut server = access(place.setup(), "s3cret word").env("HEADWORKS_REGISTRY_GIT_REMOTE", &address).start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    for name in ["one", "two"] {
        done(&save(&nifi, &bucket, &flow, Some(name), name));
    }
    eventually("the commits are pushed", || {
        let output = git_command(&bare, &["rev-list", "--count", "main"]).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).trim() == "3").then_some(())
    });
    git(&bare, &["fsck", "--strict"]);
    let wanted = done(&nifi.get(&format!("/buckets/{bucket}/flows/{flow}/versions/1")));
    let config = fs::read_to_string(place.at("flows/.git/config")).unwrap();
    assert!(!config.contains("s3cret") && !server.output().contains("s3cret"), "{config}");
    assert!(server.stop().success());

    // The same way back: an empty registry clones it.
    let second = Place::new();
    let wrong = access(second.setup(), "wrong").env("HEADWORKS_REGISTRY_GIT_CLONE", &address);
    let refusal = wrong.try_start_on(&Folder::new()).unwrap_err();
    assert!(refusal.output.contains("user or password is missing or wrong"), "{}", refusal.output);
    let server = access(second.setup(), "s3cret word").env("HEADWORKS_REGISTRY_GIT_CLONE", &address).start();
    let found = done(&Nifi::of(&server).get(&format!("/buckets/{bucket}/flows/{flow}/versions/1")));
    for member in ["snapshotMetadata", "flowContents", "parameterContexts", "flowEncodingVersion"] {
        assert_eq!(found[member], wanted[member], "{member}");
    }
    assert!(!server.output().contains("s3cret"));
}

#[test]
fn an_empty_registry_takes_over_what_a_repository_holds() {
    let place = Place::new();
    let mut server = place.setup().start();
    let nifi = Nifi::of(&server);
    let described = json!({"name": "größe: 2020-01-01", "description": "of all\nthings"});
    let bucket = text(&done(&nifi.post("/buckets", &described))["identifier"]);
    let own = json!({"identifier": "123", "name": "yes", "description": "no"});
    let flow = text(&done(&nifi.post(&format!("/buckets/{bucket}/flows"), &own))["identifier"]);
    let second = nifi.flow(&bucket, "second");
    for (flow, comments) in [(&flow, Some("first")), (&second, None), (&flow, Some("")), (&flow, Some("ü: 'x' # \"y\""))] {
        done(&save(&nifi, &bucket, flow, comments, "name"));
    }
    committed(&place.at("flows"), 5);
    let lists = [format!("/buckets/{bucket}/flows/{flow}/versions"), format!("/buckets/{bucket}/flows/{second}/versions")];
    let before = lists.each_ref().map(|path| done(&nifi.get(path)));
    assert!(server.stop().success());

    let other = Place::new();
    let setup = other.setup().env("HEADWORKS_REGISTRY_GIT_CLONE", place.at("flows").to_str().unwrap());
    let mut server = setup.start();
    let nifi = Nifi::of(&server);
    let found = done(&nifi.get(&format!("/buckets/{bucket}")));
    assert_eq!((&found["name"], &found["description"]), (&described["name"], &described["description"]));
    let found = done(&nifi.get(&format!("/buckets/{bucket}/flows/{flow}")));
    assert_eq!((&found["name"], &found["description"], &found["versionCount"]), (&own["name"], &own["description"], &json!(3)));
    assert_eq!(found["createdTimestamp"], before[0][2]["timestamp"]);
    for (path, before) in lists.iter().zip(&before) {
        let after = done(&nifi.get(path));
        assert_eq!(each(&after, "author"), each(before, "author"));
        for (after, before) in after.as_array().unwrap().iter().zip(before.as_array().unwrap()) {
            for member in ["version", "timestamp", "comments"] {
                assert_eq!(after[member], before[member], "{path} {member}");
            }
        }
    }
    // It goes on from there, and nothing is taken over twice.
    done(&save(&nifi, &bucket, &flow, None, "more"));
    committed(&other.at("flows"), 6);
    assert!(server.stop().success());
    server.restart();
    assert_eq!(done(&Nifi::of(&server).get("/buckets")).as_array().unwrap().len(), 1);
    Nifi::of(&server).bucket("b");
    committed(&other.at("flows"), 7);
}

const YML: &str = "layoutVer: 1\nbucketId: b1\nflows:\n  f1: {ver: 1, file: f.snapshot, author: ann, created: 1600000000000}\n";
const SNAPSHOT: &str = r#"{"header":{"dataModelVersion":"3"},"content":{"flowSnapshot":{"flowContents":{"name":"n"}}}}"#;

#[test]
fn a_repository_of_others_is_not_touched() {
    let place = Place::new();
    let mut server = Setup::new().start();
    Nifi::of(&server).bucket("own");
    assert!(server.stop().success());
    let flows = place.repository("flows", &[("theirs/bucket.yml", YML), ("theirs/f.snapshot", SNAPSHOT)]);
    let refusal = place.setup().try_start_on(server.folder()).unwrap_err();
    assert!(refusal.output.contains("holds the bucket theirs (b1), which is not in this registry"), "{}", refusal.output);
    fs::write(flows.join("theirs/f.snapshot"), "changed").unwrap();
    let refusal = place.setup().try_start_on(&Folder::new()).unwrap_err();
    assert!(refusal.output.contains("changes that are not committed"), "{}", refusal.output);
    assert_eq!(fs::read_to_string(flows.join("theirs/f.snapshot")).unwrap(), "changed");
    assert_eq!(git(&flows, &["rev-list", "--count", "HEAD"]), "1");
    git(&flows, &["checkout", "--quiet", "."]);
    let server = place.setup().start();
    let version = done(&Nifi::of(&server).get("/buckets/b1/flows/f1/versions/1"));
    assert_eq!((&version["snapshotMetadata"]["author"], &version["flowContents"]["name"]), (&json!("ann"), &json!("n")));
}

#[test]
fn hostile_repositories_are_refused_with_a_reason() {
    let long = format!("layoutVer: 1\nbucketId: b1\nflows: {}", "[".repeat(1_000_000));
    let up = YML.replace("f.snapshot", "../../f.snapshot");
    for (files, reason) in [
        (vec![("d/bucket.yml", "layoutVer: 7\nbucketId: b1\nflows: {}")], "d/bucket.yml: it has the version 7 of the layout"),
        (vec![("d/bucket.yml", &long)], "d/bucket.yml: it cannot be read"),
        (vec![("d/bucket.yml", &up), ("f.snapshot", SNAPSHOT)], "the version 1 of the flow f1 in d is in no commit"),
        (
            vec![("d/bucket.yml", &YML.replace("ver: 1,", "ver: 2,")), ("d/f.snapshot", SNAPSHOT)],
            "the version 1 of the flow f1 in d",
        ),
        (vec![("d/bucket.yml", &YML.replace("ver: 1,", "ver: 4000000000,"))], "4000000000 versions"),
        (vec![("d/bucket.yml", YML), ("d/f.snapshot", "<xml/>")], "version 1 of the flow f of the bucket d cannot be taken over"),
        (vec![("d/bucket.yml", YML), ("e/bucket.yml", YML), ("d/f.snapshot", SNAPSHOT)], "two directories are of the bucket b1"),
    ] {
        let place = Place::new();
        let _ = place.repository("flows", &files);
        let refusal = place.setup().try_start_on(&Folder::new()).unwrap_err();
        assert!(refusal.output.contains(reason), "{reason}: {}", refusal.output);
        assert!(!refusal.status.success());
    }
    // Links lead nowhere, neither when they are read nor when they are written to.
    let place = Place::new();
    let secret = place.at("secret");
    fs::write(&secret, SNAPSHOT).unwrap();
    let flows = place.repository("flows", &[("d/bucket.yml", YML)]);
    symlink(&secret, flows.join("d/f.snapshot")).unwrap();
    git(&flows, &["add", "-A"]);
    git(&flows, &["commit", "--quiet", "-m", "a link"]);
    let refusal = place.setup().try_start_on(&Folder::new()).unwrap_err();
    assert!(refusal.output.contains("is in no commit"), "{}", refusal.output);
    git(&flows, &["rm", "--quiet", "-r", "d"]);
    symlink(place.0.path(), flows.join("ops")).unwrap();
    git(&flows, &["add", "-A"]);
    git(&flows, &["commit", "--quiet", "-m", "a link to a folder"]);
    let server = place.setup().start();
    Nifi::of(&server).bucket("ops");
    committed(&flows, 4);
    assert!(!place.at("bucket.yml").exists());
    let files = git(&flows, &["ls-files"]);
    assert!(files.contains("/bucket.yml") && files.contains("ops\n") || files.ends_with("ops"), "{files}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let place = Place::new();
    for (name, value, reason) in [
        ("REMOTE", "git@example.com:flows.git", "SSH, which is not spoken here"),
        ("REMOTE", "https://ann:s3cret@example.com/flows.git", "give user and password as settings"),
        ("REMOTE", "origin", "has no remote origin"),
        ("CLONE", "ftp://example.com/flows.git", "only https, http and folders"),
        ("CLONE", "/no/such/repository", "cannot be cloned"),
        ("USER", "ann", "need each other"),
        ("TENANT", "nobody", "there is no tenant \"nobody\""),
    ] {
        let setup = place.setup().env(&format!("HEADWORKS_REGISTRY_GIT_{name}"), value);
        let refusal = setup.try_start_on(&Folder::new()).unwrap_err();
        assert!(refusal.output.contains(reason), "{reason}: {}", refusal.output);
        assert!(!refusal.output.contains("s3cret"));
    }
    fs::create_dir_all(place.at("full")).unwrap();
    fs::write(place.at("full/file"), "x").unwrap();
    let setup = Setup::new().env("HEADWORKS_REGISTRY_GIT_REPOSITORY", place.at("full").to_str().unwrap());
    let refusal = setup.try_start_on(&Folder::new()).unwrap_err();
    assert!(refusal.output.contains("is no Git repository"), "{}", refusal.output);
}

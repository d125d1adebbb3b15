//! Remote repositories of flows: pushed to and cloned, over https with a password.

use crate::calls::{Nifi, done};
use crate::capture::http::{Reply, Request, start_tls};
use crate::capture::tls;
use crate::git::{Place, git, git_command, save};
use base64::Engine;
use headworks_tests::eventually;
use headworks_tests::server::{Folder, Setup};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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

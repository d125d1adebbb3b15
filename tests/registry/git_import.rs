//! Repositories that an empty registry takes over, and those that are refused.

use crate::calls::{Nifi, done, each, text};
use crate::git::{Place, committed, git, save};
use headworks_tests::eventually;
use headworks_tests::server::{Folder, Setup};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

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

#[test]
fn a_take_over_that_is_broken_off_goes_on_at_the_next_start() {
    let place = Place::new();
    let mut server = place.setup().start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    for number in 1..=80 {
        done(&save(&nifi, &bucket, &flow, None, &number.to_string()));
    }
    committed(&place.at("flows"), 81);
    assert!(server.stop().success());

    let (other, folder) = (Place::new(), Folder::new());
    assert!(Setup::new().start_on(&folder).stop().success());
    let setup = other.setup().env("HEADWORKS_REGISTRY_GIT_CLONE", place.at("flows").to_str().unwrap());
    let mut child = setup.command(&folder.data()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the take-over begins", || {
        fs::read_to_string(other.at("flows/.git/config")).is_ok_and(|config| config.contains("import =")).then_some(())
    });
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    let server = setup.start_on(&folder);
    let nifi = Nifi::of(&server);
    let versions = done(&nifi.get(&format!("/buckets/{bucket}/flows/{flow}/versions")));
    assert_eq!(versions.as_array().unwrap().len(), 80);
    for number in [1, 40, 80] {
        let version = done(&nifi.get(&format!("/buckets/{bucket}/flows/{flow}/versions/{number}")));
        assert_eq!(version["flowContents"]["name"], number.to_string());
    }
    done(&save(&nifi, &bucket, &flow, None, "81"));
    committed(&other.at("flows"), 82);
}

//! Coming from another NiFi Registry (22.1 and 22.2): what the original left on the disk goes into ours by a command, and by
//! the operations that the command uses.

use crate::calls::{API, Nifi, done};
use headworks_tests::migration::{answers, changes, check_same, import, imported, layouts, plain};
use headworks_tests::original::ZONE;
use headworks_tests::server::TOKEN;
use headworks_tests::{Answer, Client, Server, people};
use http::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where the operations are.
const TAKE_OVER: &str = "/platform/v1/registry/buckets";

fn path(layout: &str, name: &str) -> String {
    layouts().join(layout).join(name).to_str().expect("a path").to_owned()
}

/// What the original answered.
fn expected(layout: &str) -> Value {
    let text = std::fs::read(layouts().join(layout).join("expected.json")).expect("answers");
    let mut expected = serde_json::from_slice(&text).expect("JSON");
    plain(&mut expected);
    expected
}

/// The arguments for everything that the original kept.
fn whole(layout: &str) -> Vec<String> {
    let mut arguments = vec!["--database".to_owned(), path(layout, "dump.sql"), "--time-zone".to_owned(), ZONE.to_owned()];
    arguments.extend(["--bundles".to_owned(), path(layout, "bundles")]);
    if layout == "files" {
        arguments.extend(["--files".to_owned(), path(layout, "flows")]);
    }
    arguments
}

fn run(server: &Server, arguments: &[String], code: i32) -> Value {
    imported(server, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), code)
}

fn counts(buckets: u64, flows: u64, versions: u64, bundles: u64) -> Value {
    json!({"buckets": buckets, "flows": flows, "versions": versions, "bundles": bundles})
}

/// What was refused, and why.
fn refusals(report: &Value) -> String {
    report["refused"].to_string()
}

fn answers_of(server: &Server) -> Value {
    answers(&server.client().anonymous())
}

/// A copy of a layout that may be damaged.
fn copy(layout: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let done = std::process::Command::new("cp").arg("-r").arg(layouts().join(layout)).arg(folder.path()).status();
    assert!(done.expect("cp runs").success());
    let copy = folder.path().join(layout);
    (folder, copy)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn files_and_a_dump_are_imported_as_the_original_answered_them() {
    let server = Server::start();
    let report = run(&server, &whole("files"), 0);
    assert_eq!((&report["imported"], &report["refused"]), (&counts(3, 3, 6, 2), &json!([])));
    check_same(&expected("files"), &answers_of(&server));
}

#[test]
fn a_dump_with_contents_is_imported_as_the_original_answered_it_and_again() {
    let server = Server::start();
    assert_eq!(run(&server, &whole("database"), 0)["imported"], counts(3, 3, 6, 2));
    check_same(&expected("database"), &answers_of(&server));
    let again = run(&server, &whole("database"), 0);
    assert_eq!((&again["imported"], &again["present"]), (&counts(0, 0, 0, 0), &counts(3, 3, 6, 2)));
    check_same(&expected("database"), &answers_of(&server));
}

#[test]
fn an_import_that_broke_off_is_run_again() {
    let server = Server::start();
    let (_folder, copy) = copy("files");
    let snapshot = |number: u32| {
        let flow = walk(&copy.join("flows")).into_iter().find(|path| path.ends_with("4/4.snapshot")).expect("a snapshot");
        flow.ancestors().nth(2).expect("the flow").join(format!("{number}/{number}.snapshot"))
    };
    let whole_text = std::fs::read(snapshot(3)).expect("a snapshot");
    std::fs::write(snapshot(3), &whole_text[..100]).expect("a damaged one");
    let arguments = ["--database", text(&copy.join("dump.sql")), "--time-zone", ZONE, "--files", text(&copy.join("flows"))]
        .map(str::to_owned);
    let report = run(&server, &arguments, 1);
    assert_eq!(report["imported"], counts(3, 3, 4, 0));
    assert!(
        refusals(&report).contains("version 3 of the flow") && refusals(&report).contains("no file of a version"),
        "{report}"
    );
    std::fs::write(snapshot(3), whole_text).expect("the whole one");
    let report = run(&server, &arguments, 0);
    assert_eq!((&report["imported"], &report["present"]), (&counts(0, 0, 2, 0), &counts(3, 3, 4, 0)));
    assert_eq!(run(&server, &whole("files"), 0)["imported"], counts(0, 0, 0, 2));
    check_same(&expected("files"), &answers_of(&server));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn files_without_a_database_keep_identifiers_and_are_called_by_what_they_say() {
    let server = Server::start();
    let report =
        run(&server, &["--files", &path("files", "flows"), "--bundles", &path("files", "bundles")].map(str::to_owned), 0);
    // What has no versions and no bundles has left nothing in a folder.
    assert_eq!(report["imported"], counts(2, 2, 6, 2));
    let (here, there) = (answers_of(&server), expected("files"));
    let (mut versions, mut compared) = (0, 0);
    for (at, original) in there.as_object().expect("answers") {
        if at.contains("/versions/") && at.contains("/flows/") {
            versions += 1;
            assert_eq!(here[at]["flowContents"], original["flowContents"], "{at}");
            assert_eq!(here[at]["snapshotMetadata"]["author"], "root", "{at}");
        }
        if at.contains("/diff/") {
            assert_eq!(changes(original), changes(&here[at]), "{at}");
            compared += 1;
        }
    }
    assert_eq!((versions, compared), (6, 4));
    let names: Vec<String> = here["/items"].as_array().expect("items").iter().map(|item| item["name"].to_string()).collect();
    assert!(names.contains(&"\"number 4\"".to_owned()), "{names:?}");
    assert!(names.contains(&"\"org.apache.nifi:nifi-foo-nar\"".to_owned()), "{names:?}");
    assert!(report["notes"].to_string().contains("is called \\\"number 4\\\""), "{report}");
    assert_eq!(run(&server, &["--files", &path("files", "flows")].map(str::to_owned), 0)["imported"], counts(0, 0, 0, 0));
}

#[test]
fn a_dry_run_sends_nothing() {
    let server = Server::start();
    let mut arguments = whole("files");
    arguments.push("--dry-run".to_owned());
    let report = run(&server, &arguments, 0);
    assert_eq!((&report["found"], &report["imported"]), (&counts(3, 3, 6, 2), &counts(0, 0, 0, 0)));
    assert_eq!(done(&Nifi::of(&server).get("/buckets")), json!([]));
}

#[test]
fn a_dump_that_is_cut_off_or_is_none_imports_nothing() {
    let server = Server::start();
    let (_folder, copy) = copy("database");
    let dump = copy.join("dump.sql");
    let whole = std::fs::read_to_string(&dump).expect("a dump");
    let before_items = whole.find("INSERT INTO \"PUBLIC\".\"BUCKET_ITEM\"").expect("items");
    let cases = [
        (whole[..before_items + 100].to_owned(), "middle of a statement"),
        (
            whole[..whole.find("CREATE CACHED TABLE \"PUBLIC\".\"FLOW_SNAPSHOT\"").expect("a table")].to_owned(),
            "it has no table FLOW_SNAPSHOT",
        ),
        ("SELECT 1;".to_owned(), "it has no table BUCKET"),
        ("INSERT INTO BUCKET VALUES ('a', 'b');".to_owned(), "a row of BUCKET has 2 values"),
        (whole.replace("TIMESTAMP '20", "TIMESTAMP 'x20"), "is no time"),
        (format!("{whole}COPY public.bucket (id) FROM stdin;\n"), "pg_dump --inserts"),
    ];
    for (text_of_dump, told) in cases {
        std::fs::write(&dump, text_of_dump).expect("a dump");
        let output = import(&server, TOKEN, &["--database", text(&dump)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}: {said}");
        assert!(said.contains(told) && said.contains("dump.sql"), "{told}: {said}");
    }
    assert_eq!(done(&Nifi::of(&server).get("/buckets")), json!([]));
}

#[test]
fn names_that_lead_elsewhere_and_links_are_refused_and_the_rest_is_imported() {
    let server = Server::start();
    let (_folder, copy) = copy("files");
    let flows = copy.join("flows");
    let secret = copy.join("secret.snapshot");
    std::fs::write(&secret, r#"{"header":{"dataModelVersion":"2"},"content":{"name":"secret"}}"#).expect("a file");
    let linked = walk(&flows).into_iter().find(|path| path.ends_with("1/1.snapshot")).expect("a snapshot");
    std::fs::remove_file(&linked).expect("it goes");
    std::os::unix::fs::symlink(&secret, &linked).expect("a link");
    std::os::unix::fs::symlink(&copy, flows.join("outside")).expect("a link");
    std::fs::create_dir_all(flows.join("b/f/../../odd/f/01")).expect("a folder");
    let report = run(&server, &["--files".to_owned(), text(&flows).to_owned()], 1);
    let refused = refusals(&report);
    for told in ["1.snapshot is no file", "outside", "links are not followed", "not called as a version is"] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert!(!answers_of(&server).to_string().contains("secret"));
    let dump = copy.join("dump.sql");
    let text_of_dump = std::fs::read_to_string(&dump).expect("a dump");
    let bucket =
        flows.read_dir().expect("buckets").map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let bucket = bucket.into_iter().find(|name| name.len() == 36).expect("a bucket");
    std::fs::write(&dump, text_of_dump.replace(&bucket, "../../etc")).expect("a dump");
    let report = run(&Server::start(), &["--database", text(&dump), "--files", text(&flows)].map(str::to_owned), 1);
    assert!(refusals(&report).contains("cannot be the name of a folder"), "{report}");
}

/// A bucket, a flow and a version, taken over by the operations themselves.
struct Foreign(Client);

impl Foreign {
    fn put(&self, path: &str, body: &Value) -> Answer {
        self.0.put(&format!("{TAKE_OVER}/{path}"), body)
    }
}

#[track_caller]
fn conflict(answer: &Answer, told: &str) {
    assert_eq!((answer.status, answer.json()["code"].clone()), (409, json!("already-exists")), "{}", answer.text());
    assert!(answer.json()["detail"].as_str().expect("text").contains(told), "{}", answer.text());
}

#[test]
fn what_is_here_already_is_passed_over_and_conflicts_are_named() {
    let server = Server::start();
    let foreign = Foreign(server.client());
    let bucket = json!({"name": "B", "description": "d", "created": 5, "allow_public_read": true});
    let flow = json!({"name": "F", "created": 6, "modified": 7});
    let version = json!({"snapshotMetadata": {"author": "ann", "comments": "c", "timestamp": 8}, "flowContents": {"name": "x"}});
    for status in [201, 200] {
        for (path, body) in [("b", &bucket), ("b/flows/f", &flow), ("b/flows/f/versions/1", &version)] {
            let answer = foreign.put(path, body);
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
    let nifi = Nifi::of(&server);
    let saved = done(&nifi.get("/buckets/b/flows/f/versions/1"));
    assert_eq!(saved["snapshotMetadata"]["author"], "ann");
    assert_eq!((&saved["snapshotMetadata"]["timestamp"], &saved["snapshotMetadata"]["comments"]), (&json!(8), &json!("c")));
    assert_eq!((&saved["flow"]["createdTimestamp"], &saved["flow"]["modifiedTimestamp"]), (&json!(6), &json!(8)));
    assert_eq!((&saved["bucket"]["createdTimestamp"], &saved["bucket"]["allowPublicRead"]), (&json!(5), &json!(true)));
    conflict(&foreign.put("b", &json!({"name": "C", "description": "d", "created": 5})), "another name, allow_public_read");
    conflict(&foreign.put("c", &json!({"name": "B"})), "the name \"B\" belongs to the bucket b");
    assert_eq!(foreign.put("c", &json!({"name": "C"})).status, 201);
    conflict(&foreign.put("c/flows/f", &flow), "another bucket");
    conflict(&foreign.put("b/flows/g", &json!({"name": "F"})), "belongs to the flow f");
    let other = json!({"snapshotMetadata": {"author": "bob", "comments": "c", "timestamp": 8}, "flowContents": {"name": "y"}});
    conflict(&foreign.put("b/flows/f/versions/1", &other), "another content, author");
    let gap = foreign.put("b/flows/f/versions/3", &version);
    assert_eq!((gap.status, gap.json()["code"].clone()), (409, json!("revision-conflict")), "{}", gap.text());
    for (path, body, status) in [
        ("d", json!({"name": ""}), 400),
        ("d", json!({"name": "D", "nothing": 1}), 400),
        (&*"x".repeat(51), json!({"name": "D"}), 400),
        ("nowhere/flows/f2", json!({"name": "F"}), 404),
        ("b/flows/nowhere/versions/1", version.clone(), 404),
        ("b/flows/f/versions/0", version.clone(), 400),
        ("b/flows/f/versions/2", json!({"snapshotMetadata": {"author": "a"}}), 400),
        ("b/flows/f/versions/2", json!([1]), 400),
    ] {
        let answer = foreign.put(path, &body);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    assert_eq!(done(&nifi.get("/buckets/b/flows/f"))["versionCount"], 1);
    // It goes on as if it had been made here.
    let next = json!({"snapshotMetadata": {"bucketIdentifier": "b", "flowIdentifier": "f", "version": 2}, "flowContents": {"name": "z"}});
    done(&nifi.post("/buckets/b/flows/f/versions", &next));
    assert_eq!(foreign.put("b/flows/f", &flow).status, 200);
}

#[test]
fn bundles_come_with_identifiers_people_and_times() {
    let server = Server::start();
    let foreign = Foreign(server.client());
    assert_eq!(foreign.put("b", &json!({"name": "B"})).status, 201);
    let archive = headworks_tests::archives::nar("org.example", "example-nar", "1.0", &[]);
    let send = |path: &str, archive: &[u8]| {
        let path = format!("{TAKE_OVER}/b/bundles/{path}");
        server.client().send(Method::PUT, &path, &[("Content-Type", "application/octet-stream")], Some(archive))
    };
    let query = "type=nifi-nar&author=ann&timestamp=9&bundle_id=B1&version_id=V1";
    let to = format!("org%2Eexample/example-nar/1%2E0?{query}");
    for status in [201, 200] {
        let answer = send(&to, &archive);
        assert_eq!((answer.status, &answer.json()["id"]), (status, &json!("V1")), "{}", answer.text());
    }
    let saved = done(&Nifi::of(&server).get("/bundles/B1/versions/1.0"));
    assert_eq!((&saved["versionMetadata"]["author"], &saved["versionMetadata"]["timestamp"]), (&json!("ann"), &json!(9)));
    let other =
        headworks_tests::archives::nar("org.example", "example-nar", "1.0", &[headworks_tests::archives::entry("a", "b")]);
    conflict(&send(&to, &other), "org.example:example-nar:1.0 is here already with another content");
    let elsewhere = send(&format!("org%2Eexample/other/1%2E0?{query}"), &archive);
    assert_eq!(elsewhere.status, 400, "{}", elsewhere.text());
    assert!(elsewhere.text().contains("the archive says that it is org.example:example-nar:1.0"), "{}", elsewhere.text());
    for query in ["type=zip", "type=nifi-nar&timestamp=x", "type=nifi-nar&sha256=1", ""] {
        assert_eq!(send(&format!("g/a/1?{query}"), &archive).status, 400, "{query}");
    }
    assert_eq!(send(&format!("g/a/1?type=nifi-nar&sha256={}", "0".repeat(64)), &archive).status, 409);
}

#[test]
fn only_administrators_take_over() {
    let server = Server::start();
    let writer = people::one(&server.client(), "writer", &["write_pipelines", "write_transformers", "read_acls"]);
    for path in ["b", "b/flows/f", "b/flows/f/versions/1", "b/bundles/g/a/1?type=nifi-nar"] {
        let refused = Foreign(writer.clone()).put(path, &json!({"name": "n"}));
        assert_eq!((refused.status, refused.json()["code"].clone()), (403, json!("denied")), "{path}: {}", refused.text());
        assert_eq!(Foreign(server.client().anonymous()).put(path, &json!({"name": "n"})).status, 401, "{path}");
    }
    let output = import(&server, "pat_x", &["--database", &path("database", "dump.sql")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty() && said.contains("the import stopped at bucket"), "{said}");
    assert_eq!(server.client().anonymous().get(&format!("{API}/buckets")).json(), json!([]));
}

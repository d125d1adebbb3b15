//! `headworks backup` and `headworks restore`.

use super::text;
use headworks_tests::Server;
use headworks_tests::server::{TOKEN, command};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).env("HEADWORKS_TOKEN", TOKEN).output().expect("the program runs")
}

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_running_server_is_saved_into_a_folder_and_restored_into_another() {
    let (server, other) = (Server::start(), Server::start());
    server.client().save_transformer("t", ". = {}");
    server.client().ingest("default", &json!([{ "a": "1" }, { "a": "2" }])).ok();
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join("saved");
    let data = server.data();
    let saved = run(&["backup", "--data", text(&data), "--to", text(&folder), "--output", "json"]);
    assert!(saved.status.success(), "{saved:?}");
    let told: Value = serde_json::from_slice(&saved.stdout).expect("JSON");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON");
    assert_eq!(told["saved"], manifest["files"]);
    for (entry, kind) in manifest["files"].as_array().expect("files").iter().zip(["auth", "config", "logs"]) {
        let content = fs::read(folder.join(format!("{kind}.db"))).expect("a file");
        assert_eq!(entry["kind"], kind);
        assert_eq!(entry["bytes"], content.len());
        assert_eq!(entry["sha256"], headworks_core::Digest::of(&content).to_string());
        let mode = fs::metadata(folder.join(format!("{kind}.db"))).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = run(&["backup", "--data", text(&data), "--to", text(&folder)]);
    assert!(failure(&again).contains("exists already"));

    let api = format!("http://{}", other.address());
    let restored = run(&["restore", "--api", &api, "--from", text(&folder)]);
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(other.client().values("default", "a"), ["1", "2"]);
    other.client().get("/api/v1/transformers/t").ok();
    assert_eq!(fs::read_dir(scratch.path()).expect("the folder").count(), 1, "something is left beside the backup");
}

#[test]
fn a_damaged_folder_restores_nothing() {
    let server = Server::start();
    server.client().save_transformer("t", ". = {}");
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join("saved");
    let data = server.data();
    assert!(run(&["backup", "--data", text(&data), "--to", text(&folder)]).status.success());
    server.client().delete("/api/v1/transformers/t").ok();
    let restore = || failure(&run(&["restore", "--data", text(&data), "--from", text(&folder)]));
    let logs = folder.join("logs.db");
    let whole = fs::read(&logs).expect("the logs");
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    for damaged in [flipped, whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()] {
        fs::write(&logs, damaged).expect("a damaged file");
        assert!(restore().contains("nothing was restored"));
    }
    fs::remove_file(&logs).expect("the logs");
    assert!(restore().contains("logs.db is missing"));
    fs::write(&logs, whole).expect("the logs");
    fs::write(folder.join("manifest.json"), "{").expect("a damaged manifest");
    assert!(restore().contains("manifest.json is damaged"));
    fs::remove_file(folder.join("manifest.json")).expect("the manifest");
    assert!(restore().contains("is no backup"));
    assert_eq!(server.client().get("/api/v1/transformers/t").status, 404);
}

#[test]
fn what_keeps_a_backup_from_being_made_is_told_and_leaves_nothing() {
    let mut server = Server::start();
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join("saved");
    let api = format!("http://{}", server.address());
    let data = server.data();
    let backup = |token: &str| {
        let mut command = command();
        command.args(["backup", "--api", &api, "--to", text(&folder)]).env("HEADWORKS_TOKEN", token);
        failure(&command.output().expect("the program runs"))
    };
    assert!(backup("").contains("set HEADWORKS_TOKEN"));
    assert!(backup("pat_wrong").contains("unauthenticated: invalid token"));
    assert!(server.stop().success());
    assert!(backup(TOKEN).contains("cannot be reached"));
    assert!(failure(&run(&["backup", "--data", text(&data), "--to", text(&folder)])).contains("no server runs on"));
    assert_eq!(fs::read_dir(scratch.path()).expect("the folder").count(), 0);
}

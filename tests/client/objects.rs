//! Pipelines, transformers, forwarders, backups.

use crate::{command, fails, json, ok, ok_with, run_with};
use headworks_tests::server::TOKEN;
use headworks_tests::{Flow, Server, unique};
use serde_json::json;

#[test]
fn a_pipeline_goes_out_and_comes_back() {
    let server = Server::shared();
    let name = unique("pipe/line");
    let flow = Flow::to_stream("somewhere");
    // As it is, and as old clients wrap it.
    for input in [flow.clone(), json!({ "flow": flow }), json!({ "Flow": flow })] {
        ok_with(&server, &["pipeline", "import", "--name", &name], &input.to_string());
        let exported = json(&server, &["pipeline", "export", "--name", &name]);
        assert_eq!(exported["nodes"], flow["nodes"]);
        ok(&server, &["pipeline", "rm", "--name", &name]);
        assert_eq!(fails(&server, &["pipeline", "export", "--name", &name]), "headworks: not found\n");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flow.json");
    std::fs::write(&file, ok(&server, &["pipeline", "export", "--name", "default"])).expect("a file");
    ok(&server, &["pipeline", "import", "--name", &name, "--input", file.to_str().expect("text")]);
    assert!(ok(&server, &["pipeline", "ls"]).lines().any(|line| line == name));
    let chart = ok(&server, &["pipeline", "export", "--name", &name, "--format", "mermaid"]);
    assert!(chart.starts_with("flowchart LR\n") && chart.contains("[(\"router: default\")]"), "{chart}");
}

#[test]
fn a_pipeline_that_is_none_is_refused_with_its_place() {
    let server = Server::shared();
    let output = run_with(command(&server, TOKEN, &["pipeline", "import", "--name", "x"]), r#"{"nodes": [{}], "edges": []}"#);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.starts_with("headworks: invalid argument: validation failed\n  body: #/flow/nodes/0: "), "{error}");
    let output = run_with(command(&server, TOKEN, &["pipeline", "import", "--name", "x"]), "{");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no JSON"));
}

#[test]
fn a_transformer_goes_out_and_comes_back_byte_for_byte() {
    let server = Server::shared();
    let name = unique("transformer ä");
    let script = ".a = \"ü\"\n\n# no line feed at the end";
    ok_with(&server, &["transformer", "import", "--name", &name], script);
    assert_eq!(ok(&server, &["transformer", "cat", "--name", &name]), script);
    assert!(ok(&server, &["transformer", "ls"]).lines().any(|line| line == name));
    ok(&server, &["transformer", "rm", "--name", &name]);
    assert_eq!(fails(&server, &["transformer", "cat", "--name", &name]), "headworks: not found\n");
}

#[test]
fn a_transformer_is_changed_in_an_editor() {
    let server = Server::shared();
    let name = unique("transformer");
    let folder = tempfile::tempdir().expect("a folder");
    let editor = folder.path().join("editor");
    std::fs::write(&editor, "test \"$1\" = -w && printf '.n = 1\\n' >> \"$2\"\n").expect("a script");
    let edit = |editor: &str| {
        let mut command = command(&server, TOKEN, &["transformer", "edit", "--name", &name]);
        command.env_remove("VISUAL").env("EDITOR", editor);
        run_with(command, "")
    };
    let editor = format!("sh {} -w", editor.display());
    // One that does not exist is made, one that does is changed.
    for script in [".n = 1\n", ".n = 1\n.n = 1\n"] {
        let output = edit(&editor);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(ok(&server, &["transformer", "cat", "--name", &name]), script);
    }
    let failed = edit("false");
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("nothing was saved"));
    assert_eq!(ok(&server, &["transformer", "cat", "--name", &name]), ".n = 1\n.n = 1\n");
}

#[test]
fn a_forwarder_goes_out_and_comes_back() {
    let server = Server::shared();
    let name = unique("forwarder");
    let forwarder =
        json!({ "version": 2, "config": { "type": "http", "url": "https://example.com/in", "headers": { "X-Key": "k" } } });
    for input in [forwarder.clone(), json!({ "Forwarder": forwarder })] {
        ok_with(&server, &["forwarder", "import", "--name", &name], &input.to_string());
        let exported = json(&server, &["forwarder", "export", "--name", &name]);
        assert_eq!(exported["config"]["url"], forwarder["config"]["url"]);
        assert!(ok(&server, &["forwarder", "ls"]).lines().any(|line| line == name));
        ok(&server, &["forwarder", "rm", "--name", &name]);
    }
    assert_eq!(fails(&server, &["forwarder", "export", "--name", &name]), "headworks: not found\n");
}

#[test]
fn a_backup_is_three_files_that_bring_everything_back() {
    let server = Server::start();
    let client = server.client();
    client.save_transformer("kept", ".a = 1");
    client.ingest("default", &json!([{ "n": "1" }, { "n": "2" }])).ok();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup");
    let path = path.to_str().expect("text");
    let sizes = json(&server, &["admin", "backup", "--dest", path]);
    for name in ["auth.db", "config.db", "logs.db"] {
        let file = std::fs::metadata(folder.path().join("backup").join(name)).expect(name);
        assert_eq!(sizes[name], file.len(), "{name}");
    }
    let other = Server::start();
    ok(&other, &["admin", "restore", "--src", path]);
    assert_eq!(other.client().values("default", "n"), ["1", "2"]);
    assert_eq!(ok(&other, &["transformer", "cat", "--name", "kept"]), ".a = 1");
}

#[test]
fn a_backup_that_fails_leaves_no_file_and_names_the_one() {
    let server = Server::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        run_with(command(&server, "pat_wrong", &["admin", "backup", "--dest", folder.path().to_str().expect("text")]), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("config.db"), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
    let error = fails(&server, &["admin", "restore", "--src", folder.path().to_str().expect("text")]);
    assert!(error.contains("config.db"), "{error}");
}

//! `headworks flowg` as a person uses it, against the real server (FlowG 19).

mod access;
mod hooks;
mod objects;
mod streams;
mod versions;

use headworks_tests::Server;
use headworks_tests::server::{TOKEN, clean_command};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The command with the address and the token of a server, or another token.
fn command(server: &Server, token: &str, arguments: &[&str]) -> Command {
    let mut command = clean_command();
    command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", token);
    command.arg("flowg").args(arguments);
    command
}

/// Runs a command with a text on its standard input.
fn run_with(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // A program that fails does not wait for its input.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("its output")
}

/// Runs a command that has to succeed and answers what it prints.
fn ok_with(server: &Server, arguments: &[&str], input: &str) -> String {
    let output = run_with(command(server, TOKEN, arguments), input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that has to succeed and answers what it prints.
fn ok(server: &Server, arguments: &[&str]) -> String {
    ok_with(server, arguments, "")
}

/// Runs a command that has to succeed and answers the JSON document that it prints.
fn json(server: &Server, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output", "json"]].concat();
    let text = ok(server, &arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs a command that has to fail with status 1 and answers what it says.
fn fails(server: &Server, arguments: &[&str]) -> String {
    fails_as(server, TOKEN, arguments)
}

/// Runs a command with another token that has to fail with status 1 and answers what it says.
fn fails_as(server: &Server, token: &str, arguments: &[&str]) -> String {
    let output = run_with(command(server, token, arguments), "");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn the_address_is_an_argument_too_and_one_without_server_is_named() {
    let server = Server::shared();
    let listed = headworks_tests::server::run(&[
        "flowg",
        "pipeline",
        "ls",
        "--api",
        &format!("http://{}/", server.address()),
        "--api-token",
        TOKEN,
    ]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    assert!(String::from_utf8_lossy(&listed.stdout).lines().any(|name| name == "default"));
    for address in ["http://127.0.0.1:1", "127.0.0.1:1"] {
        let refused = headworks_tests::server::run(&["flowg", "--api", address, "pipeline", "ls"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(address), "{}", String::from_utf8_lossy(&refused.stderr));
    }
}

#[test]
fn a_mount_path_is_part_of_the_address() {
    let server = headworks_tests::Setup::new().env("HEADWORKS_HTTP_MOUNT", "/logs").start();
    let mut command = command(&server, TOKEN, &["pipeline", "ls"]);
    command.env("FLOWG_API", format!("http://{}/logs", server.address()));
    assert_eq!(String::from_utf8_lossy(&run_with(command, "").stdout), "default\n");
}

#[test]
fn failures_say_what_the_server_said() {
    let server = Server::shared();
    assert_eq!(fails_as(&server, "", &["stream", "ls"]), "headworks: unauthenticated: missing token\n");
    assert_eq!(fails_as(&server, "pat_x", &["stream", "ls"]), "headworks: unauthenticated: invalid token\n");
    assert_eq!(fails(&server, &["transformer", "cat", "--name", "none"]), "headworks: not found\n");
    let wrong = fails(&server, &["stream", "history", "--filter", "=="]);
    assert!(wrong.starts_with("headworks: invalid argument: failed to compile expression: "), "{wrong}");
    let error = fails(&server, &["transformer", "cat", "--name", "none", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&error).expect("JSON"), serde_json::json!({ "error": "not found" }));
}

#[test]
fn wrong_use_exits_with_2_and_does_not_ask_the_server() {
    let server = Server::shared();
    for arguments in [
        &["stream", "history", "--from", "yesterday"][..],
        &["stream", "tail", "--period", "15"],
        &["stream", "history", "--index", "a"],
        &["pipeline", "rm"],
        &["nonsense"],
    ] {
        let output = run_with(command(&server, TOKEN, arguments), "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_token_is_not_shown_by_the_help() {
    let server = Server::shared();
    let help = run_with(command(&server, TOKEN, &["--help"]), "");
    assert!(!String::from_utf8_lossy(&help.stdout).contains(TOKEN));
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_trusted_when_told() {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    std::fs::write(path("cert.pem"), certified.cert.pem()).expect("a file");
    std::fs::write(path("key.pem"), certified.signing_key.serialize_pem()).expect("a file");
    let server = headworks_tests::Setup::new()
        .env("HEADWORKS_HTTP_TLS_CERT", &path("cert.pem"))
        .env("HEADWORKS_HTTP_TLS_KEY", &path("key.pem"))
        .start();
    let with = |more: &[&str]| {
        let mut command = command(&server, TOKEN, &[&["pipeline", "ls"], more].concat());
        command.env("FLOWG_API", format!("https://{}", server.address()));
        run_with(command, "")
    };
    assert_eq!(String::from_utf8_lossy(&with(&["--api-ca", &path("cert.pem")]).stdout), "default\n");
    let refused = with(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).to_lowercase().contains("certificate"));
}

//! Logging in, tokens, roles, users and the system configuration.

use crate::{command, fails, fails_as, json, ok, ok_with, run_with};
use headworks_tests::Server;
use headworks_tests::server::{PASSWORD, USER};
use headworks_tests::unique;
use serde_json::json;

#[test]
fn login_prints_a_token_that_works() {
    let server = Server::shared();
    for (arguments, input) in [
        (vec!["login", "--username", USER, "--password", PASSWORD], String::new()),
        (vec!["login", "--username", USER], format!("{PASSWORD}\n")),
    ] {
        let output = run_with(command(&server, "", &arguments), &input);
        let token = String::from_utf8(output.stdout).expect("text");
        assert!(token.starts_with("jwt_") && token.ends_with('\n'), "{token}");
        let listed = run_with(command(&server, token.trim_end(), &["token", "ls"]), "");
        assert!(listed.status.success());
    }
}

#[test]
fn login_with_a_wrong_password_fails() {
    let server = Server::start();
    let error = fails_as(&server, "", &["login", "--username", USER, "--password", "wrong"]);
    assert_eq!(error, "headworks: unauthenticated: invalid credentials\n");
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let server = Server::shared();
    let made = json(&server, &["token", "create"]);
    let (token, uuid) = (made["token"].as_str().expect("a token"), made["token_uuid"].as_str().expect("a uuid"));
    assert!(ok(&server, &["token", "ls"]).lines().any(|line| line == uuid));
    assert!(run_with(command(&server, token, &["token", "ls"]), "").status.success());
    ok(&server, &["token", "revoke", "--uuid", uuid]);
    assert!(!ok(&server, &["token", "ls"]).contains(uuid));
    fails_as(&server, token, &["token", "ls"]);
    // For a script: the token alone.
    assert!(ok(&server, &["token", "create"]).trim_end().starts_with("pat_"));
}

#[test]
fn roles_are_made_changed_and_deleted() {
    let server = Server::shared();
    let role = unique("a role");
    let scopes = || {
        let roles = json(&server, &["acl", "role", "ls"]);
        let found = roles.as_array().expect("roles").iter().find(|known| known["name"] == role.as_str()).cloned();
        found.map(|mut found| found["scopes"].take())
    };
    let grant = |verb: &str, scope: &str| ok(&server, &["acl", "role", verb, "--name", &role, "--permission", scope]);
    ok(&server, &["acl", "role", "add", "--name", &role]);
    assert_eq!(scopes(), Some(json!([])));
    grant("grant", "write_streams");
    grant("grant", "send_logs");
    grant("grant", "send_logs");
    assert_eq!(scopes(), Some(json!(["send_logs", "write_streams"])));
    assert!(ok(&server, &["acl", "role", "ls"]).lines().any(|line| line == format!("{role}\tsend_logs,write_streams")));
    grant("revoke", "write_streams");
    assert_eq!(scopes(), Some(json!(["send_logs"])));
    let error = fails(&server, &["acl", "role", "grant", "--name", &role, "--permission", "nope"]);
    assert_eq!(error, "headworks: invalid argument: invalid scope: nope\n");
    ok(&server, &["acl", "role", "rm", "--name", &role]);
    assert_eq!(scopes(), None);
    assert_eq!(fails(&server, &["acl", "role", "grant", "--name", &role, "--permission", "send_logs"]), "headworks: not found\n");
}

#[test]
fn users_are_made_changed_and_deleted() {
    let server = Server::shared();
    let user = unique("user");
    ok_with(&server, &["acl", "user", "add", "--username", &user], "the password\n");
    let login = run_with(command(&server, "", &["login", "--username", &user, "--password", "the password"]), "");
    let token = String::from_utf8(login.stdout).expect("text");
    let list = |expected: bool| {
        let listed = run_with(command(&server, token.trim_end(), &["stream", "ls"]), "");
        assert_eq!(listed.status.success(), expected, "{}", String::from_utf8_lossy(&listed.stderr));
    };
    let grant = |verb: &str| ok(&server, &["acl", "user", verb, "--username", &user, "--rolename", "viewer"]);
    list(false);
    grant("grant");
    list(true);
    assert!(ok(&server, &["acl", "user", "ls"]).lines().any(|line| line == format!("{user}\tviewer")));
    grant("revoke");
    list(false);
    ok(&server, &["acl", "user", "rm", "--username", &user]);
    assert!(!ok(&server, &["acl", "user", "ls"]).contains(&user));
}

#[test]
fn the_system_configuration_is_shown_and_changed_in_part() {
    let server = Server::start();
    assert_eq!(ok(&server, &["system-config", "show"]), "syslog_allowed_origins\t\ndefault_roles\tviewer\n");
    let update = |arguments: &[&str]| ok(&server, &[&["system-config", "update"], arguments].concat());
    update(&["--syslog-allowed-origin", "10.0.0.0/8", "--syslog-allowed-origin", "::1"]);
    let expected = json!({ "syslog_allowed_origins": ["10.0.0.0/8", "::1"], "default_roles": ["viewer"] });
    assert_eq!(json(&server, &["system-config", "show"]), expected);
    update(&["--default-role", "admin", "--syslog-allow-all"]);
    let expected = json!({ "syslog_allowed_origins": [], "default_roles": ["admin"] });
    assert_eq!(json(&server, &["system-config", "show"]), expected);
    let error = fails(&server, &["system-config", "update", "--syslog-allowed-origin", "here"]);
    assert!(error.contains("#/syslog_allowed_origins/0"), "{error}");
}

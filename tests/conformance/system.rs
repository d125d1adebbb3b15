//! The system configuration (FlowG 2, 13, 15).

use crate::shared;
use headworks_tests::{Client, Server, Setup, unique};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/system-configuration";

fn configuration(client: &Client) -> Value {
    client.get(PATH).ok()["configuration"].take()
}

#[test]
fn a_fresh_server_allows_every_origin_and_offers_the_viewer_role() {
    let server = Server::start();
    assert_eq!(configuration(&server.client()), json!({ "syslog_allowed_origins": [], "default_roles": ["viewer"] }));
}

#[test]
fn the_first_start_takes_the_origins_of_the_settings_and_later_ones_do_not() {
    let folder = headworks_tests::server::Folder::new();
    let setup = |origins: &str| Setup::new().env("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", origins);
    let mut server = setup("192.0.2.7, 10.0.0.0/8").start_on(&folder);
    assert_eq!(configuration(&server.client())["syslog_allowed_origins"], json!(["192.0.2.7", "10.0.0.0/8"]));
    server.stop();
    let server = setup("::1").start_on(&folder);
    assert_eq!(configuration(&server.client())["syslog_allowed_origins"], json!(["192.0.2.7", "10.0.0.0/8"]));
}

#[test]
fn an_origin_of_the_settings_that_is_none_stops_the_start() {
    let folder = headworks_tests::server::Folder::new();
    let setup = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "everywhere");
    let Err(refusal) = setup.try_start_on(&folder) else { panic!("it started") };
    assert!(refusal.output.contains("everywhere"), "{}", refusal.output);
}

#[test]
fn an_update_replaces_the_whole_object_and_survives_a_restart() {
    let mut server = Server::start();
    let body = json!({ "syslog_allowed_origins": ["10.0.0.0/8", "::1"], "default_roles": ["b", "a"], "unknown": 1 });
    server.client().put(PATH, &body).ok();
    let expected = json!({ "syslog_allowed_origins": ["10.0.0.0/8", "::1"], "default_roles": ["b", "a"] });
    assert_eq!(configuration(&server.client()), expected);
    server.kill();
    server.restart();
    assert_eq!(configuration(&server.client()), expected);
    // What an update leaves out, or null, is empty.
    server.client().put(PATH, &json!({ "Default_Roles": null })).ok();
    assert_eq!(configuration(&server.client()), json!({ "syslog_allowed_origins": [], "default_roles": [] }));
}

#[test]
fn an_origin_that_is_neither_address_nor_block_is_named_and_nothing_changes() {
    let (_server, client) = shared();
    let before = configuration(&client);
    for wrong in ["example.com", "10.0.0.0/33", "1.2.3", "", "127.0.0.1:514"] {
        let body = client.put(PATH, &json!({ "syslog_allowed_origins": ["::1", wrong] })).fails(400, "INVALID_ARGUMENT");
        assert_eq!(body["error"], "invalid argument: validation failed");
        let message = body["context"]["body"][0].as_str().expect("a message");
        assert!(message.starts_with("#/syslog_allowed_origins/1: "), "{message}");
    }
    for body in [json!({ "default_roles": "viewer" }), json!([]), json!({ "syslog_allowed_origins": [1] })] {
        let error = client.put(PATH, &body).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{error}");
    }
    assert_eq!(configuration(&client), before);
}

#[test]
fn default_roles_are_an_offer_of_forms_and_the_server_gives_them_to_nobody() {
    let (_server, client) = shared();
    let path = format!("/api/v1/users/{}", unique("user"));
    client.put(&path, &json!({ "roles": null, "password": "x" })).ok();
    assert_eq!(client.get(&path).ok()["user"]["roles"], json!([]));
}

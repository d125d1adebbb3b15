//! Allowed origins (FlowG 13).

use crate::{contents, dropped, send_tcp, send_udp};
use headworks_core::{DocumentKey, TenantId};
use headworks_store::{Change, Store, StoreOptions};
use headworks_tests::server::Folder;
use headworks_tests::{Setup, eventually};

#[test]
fn others_than_the_allowed_origins_are_dropped_and_counted() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "192.0.2.7,10.0.0.0/8,2001:db8::/32").start();
    send_udp(&server, &["<13>one", "<13>two"]);
    send_tcp(&server, "<13>three\n");
    eventually("all are counted", || (dropped(&server, "origin") == 3).then_some(()));
    assert!(server.client().records("default").is_empty());
}

#[test]
fn an_address_or_a_block_of_the_list_may_send() {
    for origins in ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "::1/128,127.0.0.1/32"] {
        let server = Setup::new().env("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", origins).start();
        send_udp(&server, &["<13>udp"]);
        send_tcp(&server, "<13>tcp\n");
        assert_eq!(contents(&server, "default", 2), ["tcp", "udp"], "{origins}");
    }
}

/// Puts a list into the system configuration of a server that does not run.
fn configure(folder: &Folder, origins: &[&str]) {
    std::fs::create_dir_all(folder.data()).expect("the data folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(StoreOptions { path: folder.data().join("db"), ..StoreOptions::default() }).expect("the store");
        let body = serde_json::json!({ "syslog_allowed_origins": origins, "default_roles": ["viewer"] });
        let key = DocumentKey::new(TenantId::DEFAULT, "system-configuration", "system");
        store.write("test", vec![Change::put(key, body.to_string())]).await.expect("the document");
        store.close().await;
    });
}

#[test]
fn the_system_configuration_comes_before_the_setting() {
    let folder = Folder::new();
    configure(&folder, &["192.0.2.0/24"]);
    let server = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "127.0.0.1").start_on(&folder);
    send_udp(&server, &["<13>one"]);
    eventually("it is counted", || (dropped(&server, "origin") == 1).then_some(()));
    drop(server);
    configure(&folder, &[]);
    let server = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "192.0.2.1").start_on(&folder);
    send_udp(&server, &["<13>two"]);
    assert_eq!(contents(&server, "default", 1), ["two"]);
}

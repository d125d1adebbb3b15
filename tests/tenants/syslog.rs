//! Whose pipelines get syslog messages.

use crate::{create, send_syslog};
use headworks_tests::server::Folder;
use headworks_tests::{Flow, Setup, eventually};
use serde_json::json;

#[test]
fn messages_go_to_the_tenant_of_the_settings() {
    let folder = Folder::new();
    let setup = Setup::new().env("HEADWORKS_SYSLOG_TENANT", "acme");
    let refused = setup.try_start_on(&folder).expect_err("there is no such tenant");
    assert!(refused.output.contains("syslog_tenant"), "{}", refused.output);

    let mut server = Setup::new().start_on(&folder);
    create(&server, "acme", json!({}));
    assert!(server.stop().success());
    let server = setup.start_on(&folder);
    let acme = crate::administrator(&server, "acme");
    send_syslog(&server, b"<13>Oct 11 22:14:15 host app: hello\n");
    eventually("the message is stored", || (acme.records("default").len() == 1).then_some(()));
    assert!(server.client().records("default").is_empty());
}

#[test]
fn messages_over_the_quota_are_dropped_and_counted_by_tenant() {
    let folder = Folder::new();
    let mut server = Setup::new().start_on(&folder);
    create(&server, "acme", json!({"quotas": {"records_per_second": 1, "burst_seconds": 5}}));
    assert!(server.stop().success());
    let server = Setup::new().env("HEADWORKS_SYSLOG_TENANT", "acme").start_on(&folder);
    let acme = crate::administrator(&server, "acme");
    acme.save_pipeline("default", &Flow::syslog_to_stream("s"));
    for _ in 0..60 {
        send_syslog(&server, b"<13>Oct 11 22:14:15 host app: hello\n");
    }
    let dropped = || server.metric("headworks_syslog_dropped_total{reason=\"quota\",tenant=\"2\"}");
    eventually("all are stored or counted", || (acme.records("s").len() as u64 + dropped() == 60).then_some(()));
    assert!(dropped() > 0 && acme.records("s").len() >= 5, "{} dropped", dropped());
}

//! Transformers, forwarders, storage, uploads and the system configuration: listed, made, tried, changed, deleted.

use crate::browser::{button, field};
use crate::logged_in;
use headworks_tests::eventually;
use serde_json::json;

const RESULT: &str = "//*[@aria-label='Result']";

#[test]
fn a_transformer_is_made_tried_saved_and_deleted() {
    let Some((_server, client, browser)) = logged_in("transformers") else { return };
    browser.press("New");
    browser.enter("Name", "parse/it");
    browser.press("Create");
    browser.shows("(not saved yet)");
    browser.enter("Script", ".method = split!(.content, \" \")[0]\ndel(.content)");
    browser.enter("Value", "GET /cart");
    browser.press("Run");
    assert_eq!(browser.text(&format!("{RESULT}//tr[th='method']/td")), "GET");
    assert_eq!(browser.count(&format!("{RESULT}//tr")), 1);
    let call = browser.text("//pre[contains(@class, 'colours')]/span[contains(@class, 'call')][1]");
    assert_eq!(call, "split!", "VRL in colours");

    browser.press("Save");
    browser.lacks("//small[contains(., 'not saved')]");
    browser.waits_for_enabled("Save", false);
    assert_eq!(
        client.get("/api/v1/transformers/parse%2Fit").ok()["script"],
        ".method = split!(.content, \" \")[0]\ndel(.content)"
    );
    assert_eq!(browser.path(), "transformers/parse%2Fit");

    browser.enter("Script", ". = ");
    browser.waits_for_enabled("Save", true);
    browser.press("Run");
    assert!(browser.text(&format!("{RESULT}//pre")).contains("Failed to compile VRL script"));
    // What is not saved is not lost without a question.
    browser.back();
    browser.press("Cancel");
    browser.lacks("//dialog");
    assert_eq!(browser.path(), "transformers/parse%2Fit");
    browser.follow("Home");
    browser.press("Cancel");
    browser.lacks("//dialog");
    assert_eq!(browser.value("Script"), ". = ");
    browser.follow("Home");
    browser.press("Discard changes");
    browser.click("//a[contains(@class, 'card')][span='Transformers']");
    browser.follow("parse/it");
    assert!(browser.value("Script").starts_with(".method"));

    browser.press("Delete");
    browser.press("Delete");
    browser.shows("There is none yet.");
    assert_eq!(client.get("/api/v1/transformers").ok()["transformers"], json!([]));
    browser.is_content();
}

#[test]
fn a_forwarder_has_a_form_of_its_type_with_texts_and_expressions() {
    let Some((_server, client, browser)) = logged_in("forwarders") else { return };
    browser.press("New");
    browser.enter("Name", "siem");
    browser.press("Create");
    // The form says what is missing before the server is asked.
    browser.press("Save");
    assert_eq!(client.get("/api/v1/forwarders").ok()["forwarders"], json!([]));
    browser.enter("URL", "https://example.com/in");
    browser.choose("Type", "Syslog");
    browser.enter("Address", "collector.example.com");
    browser.press("Save");
    browser.enter("Address", "127.0.0.1:1");
    browser.choose("Transport", "tcp");
    browser.enter("Tag", "web");
    browser.choose("Kind of Severity", "Expression");
    browser.enter("Severity", "log.level");
    browser.choose("Facility", "local0");
    browser.choose("Delivery", "From a durable queue");
    browser.press("Save");
    browser.lacks("//small[contains(., 'not saved')]");
    let saved = client.get("/api/v1/forwarders/siem").ok()["forwarder"].take();
    let config = json!({
        "type": "syslog", "network": "tcp", "address": "127.0.0.1:1", "tag": "web", "severity": "@expr:log.level",
        "facility": "local0", "message": "",
    });
    assert_eq!((&saved["config"], &saved["delivery"]), (&config, &json!("queued")));

    browser.go("forwarders/siem");
    assert_eq!((browser.value("Severity").as_str(), browser.value("Kind of Severity").as_str()), ("log.level", "expression"));
    browser.choose("Delivery", "At once: the sender waits");
    browser.press("Send");
    browser.shows("Save first");
    browser.press("Save");
    browser.waits_for_enabled("Save", false);
    browser.press("Send");
    let told = browser.text(&format!("{RESULT}//pre"));
    assert!(told.contains("127.0.0.1"), "{told}");
    browser.is_content();
}

#[test]
fn every_type_of_forwarder_can_be_filled_in_and_saved() {
    let Some((_server, client, browser)) = logged_in("forwarders") else { return };
    let types: [(&str, &[(&str, &str)]); 11] = [
        ("HTTP", &[("URL", "https://example.com/in")]),
        ("Syslog", &[("Address", "127.0.0.1:514")]),
        ("Datadog", &[("URL", "https://example.com/in"), ("API key", "k")]),
        ("AMQP", &[("URL", "amqp://mq.example.com/"), ("Exchange", "logs")]),
        ("Splunk", &[("URL", "https://example.com/in"), ("Token", "t")]),
        ("OpenTelemetry", &[("URL", "https://example.com/in")]),
        (
            "Elasticsearch",
            &[("Index", "i"), ("User", "u"), ("Password", "p"), ("URLs of the nodes, one a line", "https://example.com")],
        ),
        ("ClickHouse", &[("Address", "ch:9000"), ("Database", "d"), ("Table", "t"), ("User", "u"), ("Password", "p")]),
        ("AWS CloudWatch", &[("URL", "https://example.com/"), ("Log group", "g"), ("Log stream", "s")]),
        ("Google Cloud Logging", &[("Project", "p"), ("Log", "l")]),
        (
            "Azure Monitor",
            &[
                ("URL", "https://example.com/"),
                ("Token", "t"),
                ("End of the token (RFC 3339)", "2030-01-01T00:00:00Z"),
                ("Rule", "r"),
                ("Stream", "s"),
            ],
        ),
    ];
    for (title, fields) in types {
        browser.press("New");
        browser.enter("Name", title);
        browser.press("Create");
        browser.shows("(not saved yet)");
        browser.choose("Type", title);
        for (label, text) in fields {
            browser.enter(label, text);
        }
        browser.press("Save");
        browser.lacks("//small[contains(., 'not saved')]");
    }
    assert_eq!(client.get("/api/v1/forwarders").ok()["forwarders"].as_array().map(Vec::len), Some(11));
    browser.is_content();
}

#[test]
fn a_stream_is_made_configured_and_purged() {
    let Some((_server, client, browser)) = logged_in("storage") else { return };
    browser.press("New");
    browser.enter("Name", "web errors");
    browser.press("Create");
    browser.enter("Seconds to keep a record", "604800");
    browser.enter("Most MiB to keep", "10");
    browser.enter("Indexed fields", "path\nhost\n");
    browser.press("Save");
    browser.lacks("//small[contains(., 'not saved')]");
    let config = json!({ "ttl": 604_800, "size": 10, "indexed_fields": ["host", "path"] });
    assert_eq!(client.get("/api/v1/streams").ok()["streams"]["web errors"], config);
    browser.shows("Space used: 0 byte");
    browser.press("Delete");
    browser.press("Delete");
    browser.shows("There is none yet.");
    assert_eq!(client.get("/api/v1/streams").ok()["streams"], json!({}));
    browser.is_content();
}

#[test]
fn a_file_is_sent_line_by_line() {
    let Some((_server, client, browser)) = logged_in("upload") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lines.log");
    std::fs::write(&file, "one\ntwo, é\n\n").expect("a file");
    assert_eq!(browser.value("Pipeline"), "default");
    browser.keys(&field("File of text"), file.to_str().expect("a path"));
    browser.press("Send");
    browser.shows("Records taken: 2");
    assert_eq!(client.values("default", "content"), ["one", "two, é"]);
    browser.is_content();
}

#[test]
fn the_system_configuration_is_changed() {
    let Some((_server, client, browser)) = logged_in("system-configuration") else { return };
    browser.waits_for_enabled("Save", false);
    browser.enter("Senders of syslog messages", "nonsense");
    browser.press("Save");
    browser.shows("nonsense");
    browser.enter("Senders of syslog messages", "10.0.0.0/8\n127.0.0.1");
    browser.click(&field("viewer"));
    browser.press("Save");
    browser.waits_for_enabled("Save", false);
    let said = eventually("the configuration", || {
        let said = client.get("/api/v1/system-configuration").ok()["configuration"].take();
        (said["default_roles"] == json!([])).then_some(said)
    });
    assert_eq!(said["syslog_allowed_origins"], json!(["10.0.0.0/8", "127.0.0.1"]));
    assert_eq!(browser.count(&button("Delete")), 0);
    browser.is_content();
}

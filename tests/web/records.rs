//! The page of streams: finding records and following them.

use crate::browser::{field, quoted};
use crate::logged_in;
use headworks_tests::eventually;
use serde_json::json;

const ROWS: &str = "//tbody/tr";

#[test]
fn records_are_found_by_filter_window_and_ticked_values() {
    let Some((_server, client, browser)) = logged_in("") else { return };
    client.configure_stream("default", 0, 0, &["level"]);
    let markup = "<img src=x onerror=alert(1)>";
    let records = json!([
        { "level": "info", "message": "started", "code": "1" },
        { "level": "error", "message": markup },
        { "level": "fatal", "message": "gone" },
    ]);
    client.ingest("default", &records).ok();
    browser.follow("Streams");
    browser.follow("default");
    browser.shows("Records over time: 3");
    assert_eq!(browser.text("//thead/tr"), "Time code level message", "one column for each field");
    assert_eq!(browser.count("//*[local-name()='rect']"), 1, "records of one moment are one bar");
    // What a record holds is shown, whatever it is.
    browser.shows(markup);
    assert_eq!(browser.count("//img"), 0);

    browser.enter("Filter", "level == \"error\"");
    browser.press("Search");
    browser.shows("Records over time: 1");
    browser.double_click(&format!("//td[.={}]", quoted(markup)));
    let json: serde_json::Value = serde_json::from_str(&browser.text("//pre")).expect("JSON");
    assert_eq!(json["fields"], json!({ "level": "error", "message": markup }));
    browser.press("Close");

    browser.enter("Filter", "level ==");
    browser.press("Search");
    browser.shows("failed to compile expression");
    browser.enter("Filter", " ");
    browser.press("Search");
    browser.lacks("//*[@role='alert']");

    browser.click(&field("error"));
    browser.shows("Records over time: 1");
    browser.click(&field("fatal"));
    browser.shows("Records over time: 2");

    browser.choose("Window", "From … to …");
    let set = |label: &str, text: &str| {
        let found = format!("document.querySelector('[aria-label={label}]').value = '{text}'");
        browser.script(&found);
    };
    set("From", "2001-01-01T00:00:00");
    set("To", "2001-01-02T00:00:00");
    browser.press("Search");
    browser.shows("No records.");
    set("To", "2199-01-02T00:00:00");
    browser.press("Search");
    browser.shows("Records over time: 2");
    browser.is_content();
}

#[test]
fn new_records_appear_while_a_stream_is_followed() {
    let Some((server, client, browser)) = logged_in("") else { return };
    client.ingest("default", &json!([{ "n": "old" }])).ok();
    browser.go("streams/default");
    browser.shows("old");
    browser.enter("Filter", "n != \"hidden\"");
    browser.press("Watch");
    browser.text("//button[@aria-pressed='true']");
    client.ingest("default", &json!([{ "n": "hidden" }, { "n": "first" }])).ok();
    browser.shows("first");
    client.ingest("default", &json!([{ "n": "second", "more": "é\u{2028}x" }])).ok();
    browser.shows("second");
    assert_eq!(browser.text("//thead/tr"), "Time more n", "a new field gets its column");
    let shown: Vec<String> = (1..=3).map(|at| browser.text(&format!("({ROWS})[{at}]/td[3]"))).collect();
    assert_eq!((shown, browser.count(ROWS)), (vec!["second".into(), "first".into(), "old".into()], 3));

    browser.press("Watch");
    browser.text("//button[@aria-pressed='false']");
    // Leaving the page ends the request too.
    browser.press("Watch");
    browser.text("//button[@aria-pressed='true']");
    let watched = || server.metric("headworks_http_connections");
    let during = watched();
    browser.follow("Home");
    browser.shows("Transformers");
    eventually("the request ended", || (watched() < during).then_some(()));
    browser.is_content();
}

#[test]
fn many_records_are_shown_in_parts() {
    let Some((_server, client, browser)) = logged_in("") else { return };
    let records: Vec<_> = (0..1200).map(|n| json!({ "n": n.to_string() })).collect();
    client.ingest("default", &json!(records)).ok();
    browser.go("streams/default");
    browser.shows("Records over time: 1,200");
    let rows = || browser.script("return document.querySelectorAll('tbody tr').length");
    assert_eq!(rows(), json!(500));
    browser.press("Show more (700 left)");
    browser.press("Show more (200 left)");
    assert_eq!(rows(), json!(1200));
    browser.is_content();
}

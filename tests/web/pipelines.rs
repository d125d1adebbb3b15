//! The editor of pipelines: a graph is built with the mouse, tried, saved, and used.

use crate::browser::{Browser, quoted};
use crate::logged_in;
use headworks_tests::Flow;
use serde_json::{Value, json};

const CANVAS: &str = "//*[contains(@class, 'canvas')]";

fn node(label: &str) -> String {
    format!("//*[contains(concat(' ', @class, ' '), ' node ')][@aria-label={}]", quoted(label))
}

fn item(label: &str) -> String {
    format!("//button[@aria-label={}]", quoted(&format!("Add {label}")))
}

/// Drags from the output of one node to the input of another.
fn connect(browser: &Browser, from: &str, to: &str) {
    let [from, to] = [node(from), node(to)];
    browser.drag(&format!("{from}//button[contains(@class, 'out')]"), &format!("{to}//button[contains(@class, 'in')]"), (0, 0));
}

fn saved(flow: &Value) -> (Vec<(&str, &Value)>, usize) {
    let nodes = flow["nodes"].as_array().expect("nodes");
    let nodes = nodes.iter().map(|node| (node["type"].as_str().expect("a type"), &node["data"])).collect();
    (nodes, flow["edges"].as_array().map_or(0, Vec::len))
}

#[test]
fn a_pipeline_is_built_with_the_mouse_tried_saved_and_used() {
    let Some((_server, client, browser)) = logged_in("") else { return };
    client.save_transformer("parse", ".level = upcase!(.content)");
    browser.follow("Pipelines");
    browser.press("New");
    browser.enter("Name", "built");
    browser.press("Create");
    browser.click("(//summary[.='1 known'])[1]");
    browser.drag(&item("Transformer parse"), CANVAS, (-100, -150));
    browser.drag(&item("Switch"), CANVAS, (-100, 50));
    browser.enter("Condition", "level == \"ERROR\"");
    browser.drag(&item("Stream"), CANVAS, (200, -100));
    browser.enter("Name of the stream", "errors");
    connect(&browser, "Source direct", "Transformer parse");
    connect(&browser, "Transformer parse", "Switch level == \"ERROR\"");
    connect(&browser, "Switch level == \"ERROR\"", "Stream errors");
    // What cannot be is not made.
    connect(&browser, "Switch level == \"ERROR\"", "Transformer parse");
    browser.shows("Records would go in a circle.");
    assert_eq!(browser.count(&format!("{}//button[.='✕']", node("Source direct"))), 0, "sources stay");

    browser.click("//summary[.='Test']");
    browser.enter("Value", "error");
    browser.press("Run");
    browser.shows("Visits of nodes: 4");
    browser.press("Trace of Transformer parse");
    assert_eq!(browser.text("//table//td"), "error");
    browser.shows("ERROR");
    browser.press("Close");
    assert_eq!(client.get("/api/v1/streams").ok()["streams"], json!({}), "nothing was stored");

    browser.press("Save");
    browser.lacks("//small[contains(., 'not saved')]");
    let flow = client.get("/api/v1/pipelines/built").ok()["flow"].take();
    let (nodes, edges) = saved(&flow);
    let expected = [
        ("source", &json!({ "type": "direct" })),
        ("source", &json!({ "type": "syslog" })),
        ("transform", &json!({ "transformer": "parse" })),
        ("switch", &json!({ "condition": "level == \"ERROR\"" })),
        ("router", &json!({ "stream": "errors" })),
    ];
    assert_eq!((nodes.as_slice(), edges, &flow["hasLayout"]), (expected.as_slice(), 3, &json!(true)));

    client.ingest("built", &json!([{ "content": "error" }, { "content": "info" }])).ok();
    browser.follow("Streams");
    browser.follow("errors");
    browser.shows("Records over time: 1");
    browser.shows("ERROR");
    browser.is_content();
}

#[test]
fn the_object_behind_a_node_is_made_and_changed_in_place() {
    let Some((_server, client, browser)) = logged_in("pipelines/default") else { return };
    browser.press("Add Transformer");
    browser.enter("Name of the transformer", "fresh");
    browser.click(&format!("{}//button[@aria-label='Edit Transformer']", node("Transformer fresh")));
    browser.enter("Script", ". = ");
    browser.press("Run");
    browser.shows("Failed to compile");
    browser.enter("Script", ".a = 1");
    browser.press("Save");
    browser.closes();
    assert_eq!(client.get("/api/v1/transformers/fresh").ok()["script"], ".a = 1");

    browser.click(&format!("{}//button[@aria-label='Edit Stream']", node("Stream default")));
    browser.enter("Seconds to keep a record", "60");
    browser.press("Save");
    browser.closes();
    assert_eq!(client.get("/api/v1/streams").ok()["streams"]["default"]["ttl"], 60);

    // A connection can be made with two clicks as well, and removed; a node with the key Delete.
    browser.click(&format!("{}//button[contains(@class, 'out')]", node("Source direct")));
    browser.click(&format!("{}//button[contains(@class, 'in')]", node("Transformer fresh")));
    let edge = "//*[@aria-label='Connection from Source direct to Transformer fresh']";
    browser.text(edge);
    browser.keys("//*[@aria-label='Connection from Source syslog to Stream default']", "\u{E017}");
    browser.press("Save");
    browser.waits_for_enabled("Save", false);
    assert_eq!(saved(&client.get("/api/v1/pipelines/default").ok()["flow"]).1, 2);
    browser.keys(&node("Transformer fresh"), "\u{E017}");
    browser.lacks(&node("Transformer fresh"));
    browser.press("Save");
    browser.waits_for_enabled("Save", false);
    assert_eq!(
        saved(&client.get("/api/v1/pipelines/default").ok()["flow"]),
        (
            vec![
                ("source", &json!({ "type": "direct" })),
                ("source", &json!({ "type": "syslog" })),
                ("router", &json!({ "stream": "default" })),
            ],
            1
        )
    );
    browser.is_content();
}

#[test]
fn a_graph_without_places_is_arranged_and_nodes_are_moved() {
    let Some((_server, client, browser)) = logged_in("") else { return };
    // A name is any text, and is shown as it is.
    let name = "<i>given</i>/& \"x\" %41";
    client.save_pipeline(name, &Flow::through("absent", "out"));
    browser.follow("Pipelines");
    browser.follow(name);
    assert_eq!(browser.text("//h2"), name);
    assert_eq!(
        (browser.count("//i"), browser.path()),
        (0, "pipelines/%3Ci%3Egiven%3C%2Fi%3E%2F%26%20%22x%22%20%2541".to_owned())
    );
    browser.waits_for_enabled("Save", false);
    let place = |label: &str| {
        browser.script(&format!(
            "const box = document.querySelector('.node[aria-label=\"{label}\"]').getBoundingClientRect(); return [box.x, box.y]"
        ))
    };
    browser.text(&node("Stream out"));
    let columns = ["Source direct", "Transformer absent", "Stream out"].map(|label| place(label)[0].as_f64().expect("a place"));
    assert!(columns.windows(2).all(|pair| pair[1] - pair[0] > 100.0), "{columns:?}");

    browser.drag(&format!("{}/header/span", node("Stream out")), CANVAS, (0, 200));
    browser.press("Save");
    browser.waits_for_enabled("Save", false);
    let moved = place("Stream out");
    browser.press("Fit");
    browser.press("Arrange");
    assert_ne!(place("Stream out"), moved);

    // A test says what is wrong with a graph.
    browser.click("//summary[.='Test']");
    browser.press("Run");
    browser.shows("transformer \"absent\" not found");
    browser.press("Delete");
    browser.press("Delete");
    browser.closes();
    browser.lacks(&format!("//a[.={}]", quoted(name)));
    assert_eq!(client.get("/api/v1/pipelines").ok()["pipelines"], json!(["default"]));
    browser.is_content();
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use serde_json::{Value, json};

fn aliases() -> Aliases {
    Aliases::new(vec![("INSIDE".to_owned(), "http://outside".to_owned())]).unwrap()
}

fn taken(document: &str) -> Result<(Found, String)> {
    let mut kept = Vec::new();
    let found = take_in(document.as_bytes(), &mut kept, &aliases())?;
    Ok((found, String::from_utf8(kept).unwrap()))
}

fn kept(document: &Value) -> Value {
    serde_json::from_str(&taken(&document.to_string()).unwrap().1).unwrap()
}

/// A flow whose components say what they are.
fn complete() -> Value {
    json!({"flowContents": {
        "identifier": "root", "componentType": "PROCESS_GROUP", "unknown": {"a": [null, {"b": null}]}, "variables": {},
        "processors": [{"identifier": "p", "componentType": "NEWER_KIND", "properties": {"x": null, "y": "ü\n\"\\\u{1F600}"}}],
        "inputPorts": [], "processGroups": [{"componentType": "PROCESS_GROUP", "scheduledState": "ENABLED", "labels": null}],
        "remoteProcessGroups": [{"componentType": "REMOTE_PROCESS_GROUP", "targetUri": null, "targetUris": null}],
    }})
}

#[test]
fn what_says_everything_arrives_member_for_member() {
    assert_eq!(kept(&complete()), complete());
    let extra = json!({"flowContents": {"componentType": "x"}, "parameterContexts": {"c": null}, "later": [1, {"deep": []}], "none": null});
    assert_eq!(kept(&extra), extra);
}

#[test]
fn numbers_keep_their_spelling() {
    let numbers = r#"[0.0,-0,1E400,1e-7,123456789012345678901234567890,1.7976931348623157E308,100.10]"#;
    let document = format!(r#"{{"flowContents":{{"componentType":"x","n":{numbers}}},"n":{numbers}}}"#);
    assert_eq!(taken(&document).unwrap().1, document);
}

#[test]
fn types_are_filled_by_position() {
    let sent = json!({"flowContents": {
        "processors": [{}], "connections": [{}], "labels": [{}], "funnels": [{"componentType": null}], "controllerServices": [{}],
        "inputPorts": [{}, {"type": "OUTPUT_PORT"}], "outputPorts": [{"type": "OUTPUT_PORT"}, {"type": "INPUT_PORT"}],
        "remoteProcessGroups": [{"inputPorts": [{}], "outputPorts": [{"componentType": "REMOTE_OUTPUT_PORT"}, {}]}],
        "processGroups": [{"processors": [{"processors": [{}]}]}], "other": [{}],
    }});
    let kept = kept(&sent)["flowContents"].take();
    let kind = |pointer: &str| kept.pointer(pointer).and_then(|one| one.get("componentType")).cloned().unwrap_or_default();
    for (pointer, expected) in [
        ("", "PROCESS_GROUP"),
        ("/processors/0", "PROCESSOR"),
        ("/connections/0", "CONNECTION"),
        ("/labels/0", "LABEL"),
        ("/funnels/0", "FUNNEL"),
        ("/controllerServices/0", "CONTROLLER_SERVICE"),
        ("/inputPorts/0", "INPUT_PORT"),
        ("/inputPorts/1", "OUTPUT_PORT"),
        ("/outputPorts/0", "OUTPUT_PORT"),
        ("/outputPorts/1", "INPUT_PORT"),
        ("/remoteProcessGroups/0", "REMOTE_PROCESS_GROUP"),
        ("/remoteProcessGroups/0/inputPorts/0", "REMOTE_INPUT_PORT"),
        ("/remoteProcessGroups/0/outputPorts/0", "REMOTE_OUTPUT_PORT"),
        ("/remoteProcessGroups/0/outputPorts/1", "REMOTE_OUTPUT_PORT"),
        ("/processGroups/0/processors/0", "PROCESSOR"),
    ] {
        assert_eq!(kind(pointer), expected, "{pointer}");
    }
    assert_eq!(kind("/other/0"), Value::Null);
    assert_eq!(kind("/processGroups/0/processors/0/processors/0"), Value::Null);
}

#[test]
fn one_address_of_a_remote_group_is_derived_from_the_other() {
    let remote = |sent: Value| {
        kept(&json!({"flowContents": {"remoteProcessGroups": [sent]}}))
            .pointer("/flowContents/remoteProcessGroups/0")
            .unwrap()
            .clone()
    };
    let both = |uri: &str, uris: &str| json!({"componentType": "REMOTE_PROCESS_GROUP", "targetUri": uri, "targetUris": uris});
    assert_eq!(remote(json!({"targetUris": "http://a, http://b"})), both("http://a", "http://a, http://b"));
    assert_eq!(remote(json!({"targetUri": "http://a", "targetUris": null})), both("http://a", "http://a"));
    assert_eq!(remote(json!({"targetUri": "http://a", "targetUris": "http://b"})), both("http://a", "http://b"));
    assert_eq!(remote(json!({"targetUri": 5})), json!({"componentType": "REMOTE_PROCESS_GROUP", "targetUri": 5}));
}

#[test]
fn addresses_of_registries_are_replaced_both_ways() {
    let flow = |address: &str| {
        let coordinates = json!({"registryUrl": address, "version": 1});
        let inner = json!({"componentType": "PROCESS_GROUP", "versionedFlowCoordinates": coordinates});
        let processor = json!({"componentType": "PROCESSOR", "properties": {"registryUrl": "http://outside"}});
        json!({"flowContents": {"componentType": "PROCESS_GROUP", "processGroups": [inner], "processors": [processor]}})
    };
    let (found, stored) = taken(&flow("http://outside/api").to_string()).unwrap();
    assert!(found.addresses);
    assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), flow("INSIDE/api"));
    let mut shown = Vec::new();
    give_out(stored.as_bytes(), &mut shown, &aliases()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap(), flow("http://outside/api"));
    assert!(!taken(&complete().to_string()).unwrap().0.addresses);
}

#[test]
fn what_the_server_owns_is_left_out_and_metadata_is_read() {
    let sent = json!({
        "snapshotMetadata": {"version": -1, "comments": "c", "author": "a", "timestamp": 5, "bucketIdentifier": "b", "other": [1]},
        "bucket": {"x": 1}, "flow": [[]], "latest": true, "link": "l", "flowContents": {"componentType": "x"},
    });
    let (found, stored) = taken(&sent.to_string()).unwrap();
    assert_eq!(stored, r#"{"flowContents":{"componentType":"x"}}"#);
    let metadata = found.metadata.unwrap();
    assert_eq!((metadata.version, metadata.comments.as_deref()), (Some(-1), Some("c")));
    assert_eq!((metadata.author.as_deref(), metadata.timestamp), (Some("a"), Some(5)));
    assert_eq!(metadata.bucket_identifier.as_deref(), Some("b"));
}

#[test]
fn what_contents_are_is_told() {
    let contents = |document: &str| taken(document).unwrap().0.contents;
    assert_eq!(contents("{}"), Contents::Missing);
    assert_eq!(contents(r#"{"flowContents":null}"#), Contents::Missing);
    assert_eq!(contents(r#"{"flowContents":[]}"#), Contents::Wrong);
    assert_eq!(contents(r#" {"flowContents":{}} "#), Contents::Object);
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let depth = |levels: usize| format!(r#"{{"flowContents":{{"a":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    taken(&depth(900)).unwrap();
    let documents = [
        "",
        "{",
        "[]",
        "null",
        "1",
        r#"{"flowContents":{}"#,
        r#"{"flowContents":{}} x"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":01}"#,
        r#"{"snapshotMetadata":{"version":"one"}}"#,
        r#"{"snapshotMetadata":{"version":3000000000}}"#,
        "{\"a\":\"\u{1}\"}",
    ];
    for document in documents.map(str::to_owned).into_iter().chain([depth(1100)]) {
        let error = taken(&document).unwrap_err();
        assert_eq!(error.code, headworks_core::ErrorCode::Invalid, "{document}");
        assert!(!error.message.contains('\n'));
    }
    let mut invalid = br#"{"a":"x"}"#.to_vec();
    invalid[6] = 0xff;
    assert!(take_in(invalid.as_slice(), &mut Vec::new(), &aliases()).is_err());
}

#[test]
fn nothing_that_has_to_be_held_is_longer_than_a_mebibyte() {
    let long = "x".repeat(2 << 20);
    for document in [
        format!(r#"{{"{long}":1}}"#),
        format!(r#"{{"flowContents":{{"{long}":1}}}}"#),
        format!(r#"{{"flowContents":{{"a":{}}}}}"#, "1".repeat(2 << 20)),
        format!(r#"{{{}"a":1}}"#, " ".repeat(2 << 20)),
        format!(r#"{{"flowContents":{{"inputPorts":[{{"type":"{long}"}}]}}}}"#),
        format!(r#"{{"flowContents":{{"versionedFlowCoordinates":{{"registryUrl":"{long}"}}}}}}"#),
        format!(r#"{{"snapshotMetadata":{{"comments":"{}"}}}}"#, "c".repeat(5 << 20)),
    ] {
        assert_eq!(taken(&document).unwrap_err().code, headworks_core::ErrorCode::Invalid);
    }
    let text = format!(r#"{{"flowContents":{{"componentType":"x","a":"{long}"}}}}"#);
    assert_eq!(taken(&text).unwrap().1, text);
}

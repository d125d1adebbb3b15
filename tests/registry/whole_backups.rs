//! What a backup of a whole server brings back of the registry: its contents byte for byte.

use crate::calls::{Nifi, done, text};
use crate::uploads::real;
use headworks_core::Digest;
use headworks_tests::archives::{entry, nar};
use headworks_tests::server::{Folder, Setup, TOKEN, command};
use headworks_tests::{Answer, Server};
use serde_json::{Value, json};
use std::path::Path;

fn run(arguments: &[&str]) {
    let output = command().args(arguments).env("HEADWORKS_TOKEN", TOKEN).output().expect("the program runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// An archive of several MiB that does not pack: it is kept in many pieces.
fn large() -> Vec<u8> {
    let mut state = 1_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(5 << 20)
    .collect();
    nar("g", "large", "1", &[entry("lib/large.jar", bytes)])
}

fn bundle(uploaded: &Value) -> String {
    text(&uploaded["bundle"]["identifier"])
}

fn body(answer: Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

#[test]
fn bundles_and_flow_versions_come_back_byte_for_byte() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let archives = [real("nifi-foo-nar-1.0.0.nar"), large()];
    let bundles: Vec<String> = archives.iter().map(|archive| bundle(&done(&nifi.upload(&bucket, archive)))).collect();
    let versions = ["1.0.0", "1"];
    let flow = nifi.flow(&bucket, "flow");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flows/write-to-file.json");
    let shipped: Value = serde_json::from_slice(&std::fs::read(file).expect("a flow")).expect("JSON");
    let flows = format!("/buckets/{bucket}/flows/{flow}/versions");
    // The second one is of the size that NiFi makes of a large canvas.
    let mut grown = shipped["flowContents"].clone();
    grown["comments"] = "ü €".repeat(200_000).into();
    for (number, contents) in [(1, &shipped["flowContents"]), (2, &grown)] {
        assert!(contents.is_object(), "the flow has contents");
        done(&nifi.post(&flows, &json!({"snapshotMetadata": {"version": number}, "flowContents": contents})));
    }
    let shown = |nifi: &Nifi| {
        let mut shown: Vec<(String, Vec<u8>)> = Vec::new();
        let mut look = |path: String| shown.push((path.clone(), body(nifi.get(&path))));
        for (bundle, version) in bundles.iter().zip(versions) {
            look(format!("/bundles/{bundle}/versions/{version}/content"));
            look(format!("/bundles/{bundle}/versions/{version}"));
        }
        for number in [1, 2] {
            look(format!("{flows}/{number}"));
            look(format!("{flows}/{number}/export"));
        }
        look(flows.clone());
        look("/items".to_owned());
        shown
    };
    let before = shown(&nifi);
    assert_eq!((&before[0].1, &before[2].1), (&archives[0], &archives[1]));

    let scratch = Folder::new();
    let saved = scratch.data().with_file_name("saved");
    run(&["backup", "--whole", "--data", path(&server.data()), "--to", path(&saved)]);
    // What comes after it is not part of it.
    done(&nifi.post(&flows, &json!({"snapshotMetadata": {"version": 3}, "flowContents": shipped["flowContents"]})));
    let key = server.data().join("secrets.key");
    run(&["restore", "--from", path(&saved), "--into", path(&scratch.data()), "--secrets-key", path(&key)]);
    run(&["verify", "--data", path(&scratch.data())]);

    let other = Setup::new().start_on(&scratch);
    let restored = Nifi::of(&other);
    for ((path, expected), (_, found)) in before.iter().zip(shown(&restored)) {
        assert!(*expected == found, "{path}: {} bytes, and {} came back", expected.len(), found.len());
    }
    assert_eq!(restored.get(&format!("{flows}/3")).status, 404);
    // What was restored is in use like anything else: it is compared, added to and deleted.
    assert_eq!(restored.upload(&bucket, &archives[1]).status, 409, "this version is there");
    let more = nar("g", "large", "2", &[]);
    done(&restored.upload(&bucket, &more));
    let content = body(restored.get(&format!("/bundles/{}/versions/2/content", bundles[1])));
    assert_eq!(Digest::of(&content), Digest::of(&more));
    done(&restored.delete(&format!("/bundles/{}", bundles[1])));
    assert_eq!(body(restored.get(&before[0].0)), archives[0], "the other one stays");
}

//! What is made from a plugin by the coordinates of a bundle runs one version for good.

use crate::calls::{Nifi, done};
use crate::secure::Secure;
use headworks_tests::plugins::{component, version};
use headworks_tests::server::{TOKEN, clean_command};
use headworks_tests::{Answer, Client, Flow, Server, people};
use serde_json::{Value, json};

const PLUGINS: &str = "/platform/v1/plugins";
const SCHEMA: &str = r#"schema={"type":"object","properties":{"mark":{"type":"string"}}}"#;

/// Publishes a version of `tag`, which writes its version into records, and answers the coordinates and the pinned form of them.
fn published(client: &Client, bucket: &str, number: &str) -> (String, String) {
    let digest = client.push(&version("tag", number, &["work=tag", SCHEMA]))["sha256"].clone();
    let answer = client.post(&format!("{PLUGINS}/tag/versions/{number}/publish"), &json!({"bucket": bucket}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let coordinates = format!("{bucket}/headworks:tag:{number}");
    let pinned = format!("{coordinates}@sha256:{}", digest.as_str().expect("a digest"));
    (coordinates, pinned)
}

fn save(client: &Client, name: &str, plugin: &str) -> Answer {
    client.put(&format!("/platform/v1/transformers/{name}"), &json!({"plugin": plugin, "config": {}}))
}

/// Saves what has to be made from this.
#[track_caller]
fn saved(client: &Client, name: &str, plugin: &str, pinned: &str) {
    let answer = save(client, name, plugin);
    assert_eq!((answer.status, &answer.json()["plugin"]), (200, &json!(pinned)), "{}", answer.text());
}

/// A refusal that blames the member `plugin`.
#[track_caller]
fn blamed(answer: &Answer, status: u16, code: &str, part: &str) {
    let problem = answer.problem(status, code);
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(problem["member"] == "plugin" && detail.contains(part), "{problem}");
}

/// The versions that wrote the records of a stream.
fn versions(client: &Client, stream: &str) -> Vec<String> {
    client.values(stream, "version")
}

#[test]
fn a_transformer_stays_on_the_version_of_its_coordinates() {
    let mut server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let bucket = nifi.bucket("ops");
    let (one, pinned) = published(&client, "ops", "1.0.0");
    client.delete(&format!("{PLUGINS}/tag"));
    // It is not here any more, and comes from the bucket.
    saved(&client, "stays", &one, &pinned);
    assert_eq!(client.get("/platform/v1/transformers/stays").json()["plugin"], pinned);
    let script = client.get("/api/v1/transformers/stays").ok()["script"].clone();
    assert_eq!(script, format!("#!plugin {pinned}\n{{}}"));
    assert_eq!(client.released("tag")["active"], Value::Null, "it is not released for others");
    client.save_pipeline("stays", &Flow::through("stays", "stays"));
    client.ingest("stays", &json!([{"a": "1"}])).ok();
    assert_eq!(versions(&client, "stays"), ["1.0.0"]);

    // Whatever becomes of the plugin and of the bundle.
    client.push(&version("tag", "2.0.0", &["work=tag", SCHEMA]));
    save(&client, "follows", "tag");
    client.save_pipeline("follows", &Flow::through("follows", "follows"));
    client.ingest("stays", &json!([{"a": "2"}])).ok();
    client.ingest("follows", &json!([{"a": "2"}])).ok();
    client.push(&version("tag", "2.1.0", &["work=tag", SCHEMA]));
    client.release("tag", "2.0.0", json!({"canary_percent": 99}));
    assert_eq!(nifi.delete(&format!("/buckets/{bucket}")).status, 200);
    client.ingest("stays", &json!([{"a": "3"}])).ok();
    assert_eq!(versions(&client, "stays"), ["1.0.0"; 3]);
    assert_eq!(versions(&client, "follows"), ["2.0.0"]);
    client.release("tag", "2.1.0", json!({}));
    client.ingest("follows", &json!([{"a": "3"}])).ok();
    assert_eq!(versions(&client, "follows"), ["2.0.0", "2.1.0"]);

    // What was read can be saved again.
    saved(&client, "stays", &pinned, &pinned);
    server.kill();
    server.restart();
    let client = server.client();
    client.ingest("stays", &json!([{"a": "4"}])).ok();
    assert_eq!(versions(&client, "stays"), ["1.0.0"; 4]);
    assert_eq!(client.post("/platform/v1/plugins/tag/rollback", &json!({})).status, 200);
    client.ingest("stays", &json!([{"a": "5"}])).ok();
    assert_eq!(versions(&client, "stays"), ["1.0.0"; 5]);
}

#[test]
fn a_release_does_not_ask_what_stays_on_another_version() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    let (one, _) = published(&client, "ops", "1.0.0");
    let body = json!({"plugin": one, "config": {"mark": "x"}});
    assert_eq!(client.put("/platform/v1/transformers/t", &body).status, 200);
    let strict = r#"schema={"type":"object","additionalProperties":false}"#;
    client.push(&version("tag", "2.0.0", &["work=tag", strict]));
    assert_eq!(client.released("tag")["active"], "2.0.0");
    // The configuration is checked against the version that runs.
    assert_eq!(client.put("/platform/v1/transformers/t", &body).status, 200);
    let wrong = client.put("/platform/v1/transformers/t", &json!({"plugin": one, "config": {"mark": 5}}));
    assert_eq!(wrong.problem(400, "invalid-program")["member"], "config.mark");
}

#[test]
fn a_version_that_something_stays_on_is_not_deleted() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    let (one, pinned) = published(&client, "ops", "1.0.0");
    saved(&client, "t", &one, &pinned);
    client.push(&version("tag", "2.0.0", &["work=tag"]));
    for path in [format!("{PLUGINS}/tag/versions/1.0.0"), format!("{PLUGINS}/tag")] {
        let problem = client.delete(&path).problem(409, "in-use");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("the transformer \"t\"")), "{problem}");
    }
    assert_eq!(client.delete("/platform/v1/transformers/t").status, 204);
    assert_eq!(client.delete(&format!("{PLUGINS}/tag/versions/1.0.0")).status, 204);
}

#[test]
fn what_cannot_be_found_or_used_is_refused_and_named() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let bucket = nifi.bucket("ops");
    let (one, _) = published(&client, "ops", "1.0.0");
    let other = format!("{one}@sha256:{}", "0".repeat(64));
    nifi.uploaded(&bucket, "g", "nar", "1");
    for (plugin, part) in [
        ("none/headworks:tag:1.0.0", "no bucket \"none\""),
        ("ops/headworks:tag:9.9.9", "no headworks:tag:9.9.9 in the bucket ops"),
        ("ops/g:nar:1", "g:nar holds no plugins"),
        ("ops/headworks:tag", "BUCKET/GROUP:ARTIFACT:VERSION"),
        (&other, "now instead of 0000"),
        ("ops/headworks:tag:1.0.0@sha256:12", "64 hexadecimal digits"),
    ] {
        blamed(&save(&client, "t", plugin), 400, "invalid", part);
    }
    // A forwarder is no transformer, and nothing is installed of what is refused.
    let syslog: [(&str, &[u8]); 4] =
        [("groupId", b"g"), ("artifactId", b"syslog"), ("version", b"1"), ("file", &component("forwarder-syslog"))];
    done(&nifi.send_form(&bucket, "headworks-plugin", &syslog));
    blamed(&save(&client, "t", "ops/g:syslog:1"), 400, "invalid-program", "a forwarder, not a transformer");
    let forwarder = client.put("/platform/v1/forwarders/f", &json!({"plugin": one}));
    blamed(&forwarder, 400, "invalid-program", "a transformer, not a forwarder");
    let plugins = client.get(PLUGINS).json()["plugins"].clone();
    assert_eq!((plugins.as_array().map(Vec::len), &plugins[0]["name"]), (Some(1), &json!("tag")));
    assert_eq!(client.get("/platform/v1/transformers/t").status, 404);
    // Other bytes under the version that the component says it has.
    client.delete(&format!("{PLUGINS}/tag"));
    client.push(&version("tag", "1.0.0", &["work=mark"]));
    blamed(&save(&client, "t", &one), 409, "already-exists", "raise the version");
    // Rules follow releases.
    let version = client.get(&format!("{PLUGINS}/tag/versions/1.0.0")).json();
    let rule = json!({"plugin": format!("{one}@sha256:{}", version["sha256"].as_str().expect("a digest")), "kinds": ["role"]});
    blamed(&client.put("/platform/v1/validators/v", &rule), 400, "invalid", "only transformers and forwarders");
    // Saved by an older client it is not looked up, and does not run.
    client.save_transformer("raw", &format!("#!plugin {one}\n{{}}"));
    client.save_pipeline("raw", &Flow::through("raw", "raw"));
    let failed = client.ingest("raw", &json!([{"a": "1"}]));
    assert!(failed.status == 500 && failed.text().contains("not pinned to a digest"), "{}", failed.text());
}

#[test]
fn a_version_that_asks_for_grants_waits_before_anything_is_made_from_it() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let bucket = nifi.bucket("ops");
    let component = component("forwarder-syslog");
    let parts: [(&str, &[u8]); 4] =
        [("groupId", b"g"), ("artifactId", b"other-name"), ("version", b"7-SNAPSHOT"), ("file", &component)];
    let digest = done(&nifi.send_form(&bucket, "headworks-plugin", &parts))["versionMetadata"]["sha256"].clone();
    let config = json!({"type": "syslog", "network": "udp", "address": "127.0.0.1:9", "tag": "t", "severity": "info", "facility": "user", "message": "plain"});
    let body = json!({"plugin": "ops/g:other-name:7-SNAPSHOT", "config": config});
    let save = || client.put("/platform/v1/forwarders/f", &body);
    blamed(&save(), 409, "not-approved", "waits for the approval");
    let plugin = client.get(PLUGINS).json()["plugins"][0]["name"].clone();
    let own = format!("{PLUGINS}/{}/versions", plugin.as_str().expect("a name"));
    let waiting = client.get(&own).json()["versions"][0].clone();
    assert_eq!((&waiting["status"], &waiting["sha256"]), (&json!("waiting"), &digest));
    let approve = format!("{own}/{}/approve", waiting["version"].as_str().expect("a version"));
    assert_eq!(client.post(&approve, &json!({"grants": waiting["grants"]})).status, 200);
    let answer = save();
    let pinned = format!("ops/g:other-name:7-SNAPSHOT@sha256:{}", digest.as_str().expect("a digest"));
    assert_eq!((answer.status, &answer.json()["plugin"]), (200, &json!(pinned)), "{}", answer.text());
    assert_eq!(client.get("/platform/v1/forwarders/f").json()["config"], config);
    client.delete(&format!("{own}/{}", waiting["version"].as_str().expect("a version"))).problem(409, "in-use");
}

#[test]
fn a_version_of_a_transformer_finds_its_plugin_in_another_tenant() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    let (one, pinned) = published(&client, "ops", "1.0.0");
    saved(&client, "t", &one, &pinned);
    let path = "/platform/v1/versions/ops/transformer/t";
    assert_eq!(client.post(path, &json!({})).status, 201);
    let document = client.get(&format!("{path}/1")).json()["document"].clone();
    assert_eq!(document["script"], format!("#!plugin {pinned}\n{{}}"));
    // Restored where the plugin was deleted meanwhile.
    client.delete("/platform/v1/transformers/t");
    assert_eq!(client.delete(&format!("{PLUGINS}/tag")).status, 204);
    assert_eq!(client.post(&format!("{path}/1/restore"), &json!({})).status, 200);
    assert_eq!(client.get("/platform/v1/transformers/t").json()["plugin"], pinned);
    assert_eq!(client.get(&format!("{PLUGINS}/tag/versions/1.0.0")).status, 200);

    // On another server the document finds the same bundle in a bucket of that name.
    let other = Server::start();
    let (there, registry) = (other.client(), Nifi::of(&other));
    let bucket = registry.bucket("ops");
    let refused = there.put("/platform/v1/transformers/t", &document);
    blamed(&refused, 400, "invalid", "no headworks:tag:1.0.0 in the bucket ops");
    let content = nifi.get("/extension-repository/ops/headworks/tag/1.0.0/content").body;
    let send = |file: &[u8]| {
        let parts: [(&str, &[u8]); 4] =
            [("groupId", b"headworks"), ("artifactId", b"tag"), ("version", b"1.0.0"), ("file", file)];
        done(&registry.send_form(&bucket, "headworks-plugin", &parts))
    };
    let wrong = send(&version("tag", "1.0.0", &["work=mark"]));
    blamed(&there.put("/platform/v1/transformers/t", &document), 400, "invalid", "now instead of");
    registry.delete(&format!("/bundles/{}", wrong["bundle"]["identifier"].as_str().expect("an identifier")));
    send(&content);
    let answer = there.put("/platform/v1/transformers/t", &document);
    assert_eq!((answer.status, &answer.json()["plugin"]), (200, &json!(pinned)), "{}", answer.text());
}

#[test]
fn only_who_may_read_a_bucket_takes_plugins_from_it() {
    let secure = Secure::start();
    let admin = secure.client().with_token(TOKEN);
    let nifi = secure.admin();
    let (bucket, target) = (nifi.bucket("ops"), nifi.bucket("target"));
    let (one, pinned) = published(&admin, "ops", "1.0.0");
    admin.delete(&format!("{PLUGINS}/tag"));
    let eva = people::one(&admin, "eva", &["write_transformers", "write_forwarders"]);
    let fred = people::one(&admin, "fred", &["write_forwarders", "read_transformers"]);
    let named = |name: &str| {
        let users = done(&nifi.get("/tenants/users"));
        let user = users.as_array().expect("users").iter().find(|user| user["identity"] == name).expect(name).clone();
        user["identifier"].as_str().expect("an identifier").to_owned()
    };
    let (eva_id, fred_id) = (named("eva"), named("fred"));
    let view = format!("Unable to view Bucket with ID {bucket}.");
    blamed(&save(&eva, "t", &one), 403, "denied", &view);
    let problem = eva.upload(&[], &[("from", &one)]).problem(403, "denied");
    assert!(problem["member"] == "from" && problem["detail"].as_str().is_some_and(|text| text.contains(&view)), "{problem}");
    nifi.permit("read", &format!("/buckets/{bucket}"), &[&eva_id, &fred_id]);
    // Installing takes the scope of installing.
    let forwarder = fred.put("/platform/v1/forwarders/f", &json!({"plugin": one}));
    assert!(forwarder.problem(403, "denied")["detail"].as_str().is_some_and(|text| text.contains("write_transformers")));
    saved(&eva, "t", &one, &pinned);
    assert_eq!(eva.upload(&[], &[("from", &one)]).status, 201);

    // Publishing takes the right to write.
    let publish = || eva.post(&format!("{PLUGINS}/tag/versions/1.0.0/publish"), &json!({"bucket": "target"}));
    let problem = publish().problem(403, "denied");
    let modify = format!("Unable to modify Bucket with ID {target}.");
    assert!(problem["member"] == "bucket" && problem["detail"].as_str().is_some_and(|text| text.contains(&modify)), "{problem}");
    nifi.permit("write", &format!("/buckets/{target}"), &[&eva_id]);
    assert_eq!(publish().status, 201);
    // Everybody may read what is public.
    let gus = people::one(&admin, "gus", &["write_transformers"]);
    assert_eq!(gus.upload(&[], &[("from", &one)]).status, 403);
    assert_eq!(done(&nifi.put(&format!("/buckets/{bucket}"), &json!({"allowPublicRead": true})))["allowPublicRead"], true);
    assert_eq!(gus.upload(&[], &[("from", &one)]).status, 201);
}

#[test]
fn in_an_open_registry_nobody_is_asked() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    let (one, pinned) = published(&client, "ops", "1.0.0");
    let eva = people::one(&client, "eva", &["write_transformers"]);
    saved(&eva, "t", &one, &pinned);
    assert_eq!(eva.upload(&[], &[("from", &one)]).status, 201);
    nifi.bucket("target");
    assert_eq!(eva.post(&format!("{PLUGINS}/tag/versions/1.0.0/publish"), &json!({"bucket": "target"})).status, 201);
}

#[test]
fn the_command_line_names_plugins_by_coordinates() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    let (one, pinned) = published(&client, "ops", "1.0.0");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    let run = |arguments: &[&str], text: &str| {
        std::fs::write(&file, text).expect("a file");
        let mut command = clean_command();
        command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", TOKEN);
        command.arg("flowg").args(arguments).args(["--input", file.to_str().expect("text")]);
        let output = command.output().expect("the program runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let shown = |path: &str| client.get(&format!("/platform/v1/{path}")).json();
    assert_eq!(run(&["transformer", "import", "--name", "a", "--plugin", &one], r#"{"mark": "x"}"#), (true, String::new()));
    assert_eq!((&shown("transformers/a")["plugin"], &shown("transformers/a")["config"]), (&json!(pinned), &json!({"mark": "x"})));
    assert!(run(&["transformer", "import", "--name", "b"], &format!("#!plugin {one}\n")).0);
    assert_eq!(shown("transformers/b")["plugin"], pinned);
    let (succeeded, told) = run(&["transformer", "import", "--name", "c", "--plugin", "none/g:a:1"], "");
    assert!(!succeeded && told.contains("no bucket"), "{told}");
    let (succeeded, told) = run(&["forwarder", "import", "--name", "f", "--plugin", &one], "{}");
    assert!(!succeeded && told.contains("a transformer, not a forwarder"), "{told}");
}

#[test]
fn records_that_failed_there_are_taken_by_another_version() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("ops");
    client.push(&version("tag", "1.0.0", &["work=trap"]));
    assert_eq!(client.post(&format!("{PLUGINS}/tag/versions/1.0.0/publish"), &json!({"bucket": "ops"})).status, 201);
    assert_eq!(save(&client, "t", "ops/headworks:tag:1.0.0").status, 200);
    client.save_pipeline("p", &Flow::through("t", "s"));
    // A release mends others only.
    client.push(&version("tag", "1.1.0", &["work=tag"]));
    assert_eq!(client.ingest("p", &json!([{"a": "1"}])).status, 500);
    let letter = client.get("/platform/v1/dead-letters").json()["dead_letters"][0]["number"].clone();
    let path = format!("/platform/v1/dead-letters/{letter}/replay");
    assert_eq!(client.post(&path, &json!({})).json()["failure"]["code"], "plugin-trap");
    assert_eq!(client.post(&path, &json!({"version": "1.1.0"})).json()["accepted"], 1);
    assert_eq!(versions(&client, "s"), ["1.1.0"]);
}

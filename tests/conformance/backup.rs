//! Backup and restore (FlowG 14, 16, 24.19).

use headworks_tests::backup::{Kv, download, file, form, parse, upload};
use headworks_tests::server::{PASSWORD, Setup, USER};
use headworks_tests::{Client, Flow, Server, eventually, people};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

const KINDS: [&str; 3] = ["auth", "config", "logs"];
const UUID: &str = "0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a11";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

fn login(client: &Client, user: &str, password: &str) -> u16 {
    client.anonymous().post("/api/v1/auth/login", &json!({ "username": user, "password": password })).status
}

fn restore_all(client: &Client, files: &[Vec<u8>]) {
    for (kind, file) in KINDS.iter().zip(files) {
        upload(client, kind, file).ok();
    }
}

/// Users, objects and records, some of them under names that are hard to keep apart.
fn filled() -> (Server, String) {
    let server = Server::start();
    let client = server.client();
    let person = people::one(&client, "role:a user", &["read_streams"]);
    let token = person.post("/api/v1/token", &json!({})).ok()["token"].as_str().expect("a token").to_owned();
    client.save_transformer("a:b \u{1b} é/", ".seen = \"yes\"");
    client.save_pipeline("p:1", &Flow::through("a:b \u{1b} é/", "s:1"));
    let forwarder = json!({ "forwarder": { "config": { "type": "http", "url": "http://127.0.0.1:9/" }, "delivery": "queued" } });
    client.put("/api/v1/forwarders/f%3A1", &forwarder).ok();
    client.configure_stream("s:1", 3600, 7, &["level", "a\u{1b}b"]);
    for part in 0..5 {
        let level = |n: u64| if n.is_multiple_of(2) { "info" } else { "warn" };
        let record = |n: u64| json!({ "level": level(n), "n": format!("{part}-{n}"), "a\u{1b}b": "x:y", "": "" });
        client.ingest("p:1", &(0..700).map(record).collect()).ok();
    }
    client.ingest("default", &json!([{ "multi": "line\n\"quoted\" é" }])).ok();
    (server, token)
}

/// What a client sees of the streams, the timestamps included.
fn shown(client: &Client) -> Value {
    let streams = client.get("/api/v1/streams").ok();
    let records: Vec<Value> = ["s:1", "default"].iter().map(|stream| client.query(stream, &[]).ok()).collect();
    let warn = client.query("s:1", &[("indexing", "{\"level\":[\"warn\"]}")]).ok();
    let fields = client.get("/api/v1/streams/s%3A1/fields").ok();
    let indices = client.get("/api/v1/streams/s%3A1/indices").ok();
    let transformers = client.get("/api/v1/transformers").ok();
    let script = client.get("/api/v1/transformers/a%3Ab%20%1b%20%C3%A9%2F").ok();
    let pipeline = client.get("/api/v1/pipelines/p%3A1").ok();
    let forwarder = client.get("/api/v1/forwarders/f%3A1").ok();
    json!([streams, records, warn, fields, indices, transformers, script, pipeline, forwarder])
}

#[test]
fn everything_comes_back_into_an_empty_server_and_is_there_once_however_often_it_is_restored() {
    let (server, token) = filled();
    let client = server.client();
    let before = shown(&client);
    assert_eq!(before[1][0]["records"].as_array().expect("records").len(), 3500);
    let files: Vec<Vec<u8>> = KINDS.iter().map(|kind| download(&client, kind)).collect();

    let empty = Setup::new().env("HEADWORKS_BOOTSTRAP_PASSWORD", "another one").start();
    let other = empty.client();
    assert_eq!(other.with_token(&token).get("/api/v1/auth/whoami").status, 401);
    for _ in 0..2 {
        restore_all(&other, &files);
        restore_all(&client, &files);
    }
    assert_eq!(shown(&other), before);
    assert_eq!(shown(&client), before, "a restore into its own server changes nothing");
    let caller = other.with_token(&token);
    assert_eq!(caller.get("/api/v1/auth/whoami").ok()["user"]["name"], "role:a user");
    assert_eq!(caller.get("/api/v1/streams").status, 200);
    assert_eq!(caller.get("/api/v1/pipelines").status, 403);
    assert_eq!(login(&other, USER, PASSWORD), 200);
    assert_eq!(login(&other, USER, "another one"), 401);
    assert_eq!(login(&other, "role:a user", "role:a user"), 200);
    other.ingest("p:1", &json!([{ "n": "new" }])).ok();
    assert_eq!(other.filtered("s:1", "n == \"new\"")[0]["seen"], "yes", "the restored pipeline runs");
    // The way back: names of records survive both directions.
    let back = download(&other, "logs");
    upload(&client, "logs", &back).ok();
    assert_eq!(client.records("s:1").len(), 3501);
    let (mut empty, mut server) = (empty, server);
    for stopped in [&mut server, &mut empty] {
        assert!(stopped.stop().success());
        let verified = headworks_tests::server::run(&["verify", "--data", stopped.data().to_str().expect("a path")]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn backups_are_attachments_that_hold_the_listed_keys_and_nothing_else() {
    let key = "the-key-that-signs-all-sessions";
    let server = Setup::new().env("HEADWORKS_SECRET_KEY", key).start();
    let client = server.client();
    client.configure_stream("default", 600, 0, &["level"]);
    client.ingest("default", &json!([{ "level": "a value" }])).ok();
    let token = client.post("/api/v1/token", &json!({})).ok()["token"].as_str().expect("a token").to_owned();
    for kind in KINDS {
        let answer = client.get(&format!("/api/v1/backup/{kind}"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename={kind}.db"));
        assert_eq!(answer.header("cache-control"), "no-cache");
        for secret in [key, PASSWORD, &token] {
            assert!(!answer.text().contains(secret), "{kind} holds a secret");
        }
        for kv in parse(&answer.body) {
            let segments = kv.segments();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            let known = match (kind, segments.as_slice()) {
                (_, ["__meta__", "migration", "key_separator"]) => true,
                ("auth", ["index", "role" | "user" | "pat", _] | ["role", _, _] | ["user", _, "role", _] | ["pat", _, _]) => true,
                ("auth", ["user", _, "password"]) => kv.value.starts_with(b"$argon2id$"),
                ("config", ["transformer" | "pipeline" | "forwarder", _] | ["system", "config"]) => true,
                ("logs", ["stream", "config", _] | ["stream", "field", _, _]) => true,
                ("logs", ["entry", "default", ms, uuid]) => {
                    let record: Value = serde_json::from_slice(&kv.value).expect("JSON");
                    assert_eq!(record["fields"], json!({ "level": "a value" }));
                    assert!(record["timestamp"].is_string());
                    let second = ms.parse::<u64>().expect("milliseconds") / 1000;
                    assert!((second + 600..=second + 601).contains(&kv.expires_at), "{} {second}", kv.expires_at);
                    ms.len() == 20 && uuid.len() == 36
                }
                ("logs", ["index", "default", "field", "level", "YSB2YWx1ZQ==", "entry", "default", _, _]) => kv.expires_at > 0,
                _ => false,
            };
            assert!(known, "{kind}: {segments:?}");
        }
    }
    let pat: Vec<Kv> = parse(&download(&client, "auth")).into_iter().filter(|kv| kv.key.starts_with(b"pat")).collect();
    assert_eq!(pat.len(), 2);
    assert!(pat.iter().all(|kv| kv.value.len() == 64 && kv.version > 0));
}

#[test]
fn backups_and_restores_need_all_their_scopes() {
    let server = Server::start();
    let config_read: &[&str] = &["read_pipelines", "read_transformers", "read_forwarders"];
    let config_write: &[&str] = &["write_pipelines", "write_transformers", "write_forwarders"];
    let wanted: Vec<(&str, &[&str])> = vec![
        ("nobody", &[]),
        ("read_acls", &["read_acls"]),
        ("write_acls", &["write_acls"]),
        ("read_streams", &["read_streams"]),
        ("write_streams", &["write_streams"]),
        ("reads config", config_read),
        ("writes config", config_write),
        ("reads some", &config_read[..2]),
        ("writes some", &["write_pipelines", "write_transformers", "read_forwarders"]),
    ];
    let clients = people::add(&server.client(), &wanted);
    let allowed = |operation: &str| -> BTreeSet<&str> {
        match operation {
            "backup/auth" => ["read_acls", "write_acls"].into(),
            "restore/auth" => ["write_acls"].into(),
            "backup/logs" => ["read_streams", "write_streams"].into(),
            "restore/logs" => ["write_streams"].into(),
            "backup/config" => ["reads config", "writes config", "writes some"].into(),
            _ => ["writes config"].into(),
        }
    };
    for kind in KINDS {
        assert_eq!(server.client().anonymous().get(&format!("/api/v1/backup/{kind}")).status, 401);
        assert_eq!(upload(&server.client().anonymous(), kind, &[]).status, 401);
        for ((user, _), client) in wanted.iter().zip(&clients) {
            let backup = client.get(&format!("/api/v1/backup/{kind}"));
            let restore = upload(client, kind, &[]);
            for (operation, answer) in [("backup", backup), ("restore", restore)] {
                let expected = if allowed(&format!("{operation}/{kind}")).contains(user) { 200 } else { 403 };
                assert_eq!(answer.status, expected, "{operation} {kind} as {user}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_restored_changes_nothing_and_is_told_why() {
    let (server, _) = filled();
    let client = server.client();
    let files: Vec<Vec<u8>> = KINDS.iter().map(|kind| download(&client, kind)).collect();
    let other = Server::start();
    let there = other.client();
    there.configure_stream("s:1", 1, 0, &[]);
    let states = || -> Vec<Vec<Kv>> { KINDS.iter().map(|kind| parse(&download(&there, kind))).collect() };
    let before = states();
    let bad = |kind: &str, content: &[u8], cause: &str| {
        let text = upload(&there, kind, content).error(400, "INVALID_ARGUMENT");
        assert!(text.contains(cause), "{kind}: {text}");
    };
    for (kind, whole) in KINDS.iter().zip(&files) {
        bad(kind, &whole[..whole.len() - 1], "damaged: the block at byte");
        bad(kind, &whole[..5], "ends before its length");
        bad(kind, &[whole, &b"more"[..]].concat(), "ends before its length");
        bad(kind, b"{\"this\": \"is no backup\"}", "damaged");
        bad(kind, &[&u64::MAX.to_le_bytes()[..], whole].concat(), "says it has 18446744073709551615 bytes");
        for (other, file) in KINDS.iter().zip(&files).filter(|(other, _)| *other != kind) {
            let text = upload(&there, kind, file).error(400, "INVALID_ARGUMENT");
            assert!(text.contains("another kind of backup"), "{other} as {kind}: {text}");
        }
        bad(kind, &file(&[Kv::of(&["__meta__", "x"], ""), Kv::of(&["surprise"], "")]), "\"surprise\"");
    }
    let good_entry = Kv::of(&["entry", "new", "00000000000000001000", UUID], "{\"fields\":{\"a\":\"b\"}}");
    for (kind, key, value, cause) in [
        ("logs", vec!["entry", "new", "00000000000000001000", UUID], "{\"fields\":{\"a\":1}}", "no record"),
        ("logs", vec!["entry", "new", "00000000000000001000", UUID], "{", "no record"),
        ("logs", vec!["entry", "new", "x", UUID], "{}", "names no record"),
        ("logs", vec!["stream", "config", "new"], "[]", "the settings of the stream"),
        ("logs", vec!["stream", "config", "new"], "{\"ttl\":-1,\"size\":0}", "the settings of the stream"),
        ("auth", vec!["user", "u", "password"], "plain", "no PHC string"),
        ("auth", vec!["pat", "root", UUID], "plain", "no SHA-256"),
        ("auth", vec!["pat", "root", "x"], "", "UUID"),
        ("auth", vec!["provider", "x"], "{}", "provider \"x\""),
        ("config", vec!["pipeline", "new"], "{\"nodes\": 1}", "the pipeline \"new\""),
        ("config", vec!["forwarder", "new"], "{}", "the forwarder \"new\""),
        ("config", vec!["system", "config"], "1", "system configuration"),
    ] {
        let first = match kind {
            "logs" => good_entry.clone(),
            "auth" => Kv::of(&["index", "role", "new"], ""),
            _ => Kv::of(&["transformer", "new"], "."),
        };
        bad(kind, &file(&[first, Kv::of(&key, value)]), cause);
    }
    assert_eq!(before, states());
}

#[test]
fn a_request_without_the_file_part_is_told_so() {
    let server = Server::start();
    let client = server.client();
    for kind in KINDS {
        let path = format!("/api/v1/restore/{kind}");
        let kind = "multipart/form-data; boundary=b";
        for body in ["--b--\r\n", "--b\r\nContent-Disposition: form-data; name=\"other\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n"] {
            let answer = client.post_bytes(&path, kind, body.as_bytes()).fails(400, "INVALID_ARGUMENT");
            assert_eq!(answer["context"]["body"][0], "#: missing file part: \"backup\"");
        }
        client.post_bytes(&path, kind, b"").fails(400, "INVALID_ARGUMENT");
        client
            .post_bytes(&path, kind, b"--b\r\nContent-Disposition: form-data; name=\"backup\"; filename=\"x\"\r\n\r\nx")
            .fails(400, "INVALID_ARGUMENT");
        client.post_bytes(&path, "application/octet-stream", b"x").fails(400, "INVALID_ARGUMENT");
    }
    assert_eq!(std::fs::read_dir(server.data().join("restore")).expect("the folder").count(), 0, "uploads are left behind");
}

#[test]
fn files_of_older_servers_are_restored_with_their_hashes_expiries_and_deletions() {
    let server = Server::start();
    let client = server.client();
    client.configure_stream("old", 0, 0, &["level"]);
    let of = |segments: &[&str], value: &str| Kv::joined(segments, ":", value);
    let entry = |uuid: &str, second: u64, value: &str| {
        let value =
            json!({ "timestamp": format!("2025-03-01T12:00:0{second}.123456789Z"), "fields": { "level": value, "n": uuid } });
        of(&["entry", "old", &format!("{:020}", 1_740_830_400_123_u64 + second * 1000), uuid], &value.to_string())
    };
    let uuids: Vec<String> = (0..6).map(|n| format!("0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a1{n}")).collect();
    let logs = [
        of(&["stream", "config", "old"], "{\"ttl\":9,\"size\":0,\"indexed_fields\":[\"level\"]}"),
        of(&["stream", "config", "empty"], ""),
        of(&["stream", "field", "old", "once:seen"], ""),
        entry(&uuids[0], 0, "info"),
        entry(&uuids[1], 1, "warn"),
        entry(&uuids[2], 2, "warn").until(now() - 1),
        entry(&uuids[3], 3, "warn").until(now() + 3),
        entry(&uuids[4], 4, "warn").deleted(),
        of(&["index", "old", "field", "level", "d2Fybg==", "entry", "old", "00000001740830401123", &uuids[1]], ""),
    ];
    upload(&client, "logs", &file(&logs)).ok();
    upload(&client, "logs", &file(&logs)).ok();
    let answer = client.query("old", &[]).ok();
    let times: Vec<&str> =
        answer["records"].as_array().expect("records").iter().filter_map(|record| record["timestamp"].as_str()).collect();
    assert_eq!(times, ["2025-03-01T12:00:03.123456789Z", "2025-03-01T12:00:01.123456789Z", "2025-03-01T12:00:00.123456789Z"]);
    assert_eq!(client.query("old", &[("indexing", "{\"level\":[\"warn\"]}")]).fields().len(), 2);
    assert_eq!(client.get("/api/v1/streams/old/fields").ok()["fields"], json!(["level", "n", "once:seen"]));
    assert_eq!(client.get("/api/v1/streams").ok()["streams"]["empty"], json!({ "ttl": 0, "size": 0, "indexed_fields": [] }));
    eventually("the record's time to be over", || (client.records("old").len() == 2).then_some(()));
    upload(&client, "logs", &file(&[entry(&uuids[0], 0, "").deleted()])).ok();
    assert_eq!(client.values("old", "n"), [uuids[1].clone()]);
    assert!(client.query("old", &[("indexing", "{\"level\":[\"info\"]}")]).fields().is_empty());

    let token = "pat_seedseedseedseedseedseedseedseed";
    let hash = headworks_core::Digest::of(token.as_bytes()).to_string();
    // Argon2id of "seed secret" at 1 KiB and one pass, as the first generation made it.
    let phc = "$argon2id$v=19$m=1024,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$lxIzkFhIBEM7ssytBalUIOd0RL08WoF1pPmZCthBTN4";
    let auth = [
        of(&["index", "role", "viewers"], ""),
        of(&["role", "viewers", "read_streams"], ""),
        of(&["index", "user", "ann"], ""),
        of(&["user", "ann", "role", "viewers"], ""),
        of(&["user", "ann", "password"], phc),
        of(&["pat", "ann", UUID], &hash),
        of(&["pat", "nobody", UUID], &hash.replace('a', "b")),
        of(&["index", "pat", &hash], "ann"),
    ];
    upload(&client, "auth", &file(&auth)).ok();
    let ann = client.with_token(token);
    assert_eq!((login(&client, "ann", "seed secret"), login(&client, "ann", "root")), (200, 401));
    assert_eq!(ann.get("/api/v1/streams").status, 200);
    assert_eq!(ann.get("/api/v1/transformers").status, 403);
    upload(&client, "auth", &file(&[of(&["role", "viewers", "read_transformers"], "")])).ok();
    assert_eq!(ann.get("/api/v1/streams").status, 200, "what a backup does not mention stays");
    assert_eq!(ann.get("/api/v1/transformers").status, 200, "roles take effect at once");
    upload(&client, "auth", &file(&[of(&["role", "viewers", "read_streams"], "").deleted()])).ok();
    assert_eq!(ann.get("/api/v1/streams").status, 403);
    upload(&client, "auth", &file(&[of(&["index", "user", "ann"], "").deleted()])).ok();
    assert_eq!(ann.get("/api/v1/auth/whoami").status, 401);
    upload(&client, "auth", &file(&[of(&["index", "user", "ann"], "")])).ok();
    assert_eq!(ann.get("/api/v1/auth/whoami").status, 401, "tokens go with their user");
}

#[test]
fn a_restored_object_wins_and_takes_effect_at_once() {
    let server = Server::start();
    let client = server.client();
    client.save_transformer("t", ".version = \"1\"");
    client.save_pipeline("p", &Flow::through("t", "first"));
    client.ingest("p", &json!([{}])).ok();
    let saved = download(&client, "config");
    client.save_transformer("t", ".version = \"2\"");
    client.save_pipeline("p", &Flow::through("t", "second"));
    client.save_transformer("later", ".");
    client.ingest("p", &json!([{}])).ok();
    upload(&client, "config", &saved).ok();
    client.ingest("p", &json!([{}])).ok();
    assert_eq!(client.records("first"), [json!({ "version": "1" }), json!({ "version": "1" })]);
    assert_eq!(client.records("second"), [json!({ "version": "2" })]);
    assert_eq!(client.get("/api/v1/transformers").ok()["transformers"], json!(["later", "t"]));
    upload(&client, "config", &file(&[Kv::of(&["pipeline", "p"], "").deleted()])).ok();
    assert_eq!(client.ingest("p", &json!([{}])).status, 404);
}

#[test]
fn providers_and_the_system_configuration_come_back_too() {
    let server = Server::start();
    let client = server.client();
    let system = "{\"syslog_allowed_origins\":[\"10.0.0.0/8\"],\"default_roles\":null}";
    let provider = json!({
        "name": "sso", "display_name": "Sign in", "config": { "type": "saml", "idp_metadata_url": "https://idp.example/" },
    });
    upload(&client, "config", &file(&[Kv::of(&["system", "config"], system)])).ok();
    upload(&client, "auth", &file(&[Kv::of(&["provider", "sso"], &provider.to_string())])).ok();
    let value = |kind: &str, key: &[&str]| {
        let found = parse(&download(&client, kind)).into_iter().find(|kv| kv.segments() == key);
        found.map(|kv| serde_json::from_slice::<Value>(&kv.value).expect("JSON"))
    };
    let expected = json!({ "syslog_allowed_origins": ["10.0.0.0/8"], "default_roles": [] });
    assert_eq!(value("config", &["system", "config"]), Some(expected));
    assert_eq!(value("auth", &["provider", "sso"]), Some(provider));
    upload(&client, "auth", &file(&[Kv::of(&["provider", "sso"], "").deleted()])).ok();
    assert_eq!(value("auth", &["provider", "sso"]), None);
}

#[test]
fn the_tarball_of_the_first_generation_is_restored() {
    let archive = |files: &[(&str, &str)]| {
        let mut tar = Vec::new();
        for (name, content) in files {
            let mut head = [0_u8; 512];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[100..108].copy_from_slice(b"0000644\0");
            head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            head[136..148].copy_from_slice(b"00000000000\0");
            head[148..156].copy_from_slice(b"        ");
            head[156] = b'0';
            head[257..265].copy_from_slice(b"ustar\x0000");
            let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
            head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            tar.extend_from_slice(&head);
            tar.extend_from_slice(content.as_bytes());
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, &tar).expect("gzip");
        gzip.finish().expect("gzip")
    };
    let server = Server::start();
    let client = server.client();
    let pipeline = Flow::through("t one", "out").to_string();
    // {"version":1,"url":"http://127.0.0.1:9/","headers":{}}
    let forwarder = "eyJ2ZXJzaW9uIjoxLCJ1cmwiOiJodHRwOi8vMTI3LjAuMC4xOjkvIiwiaGVhZGVycyI6e319\n";
    let whole = archive(&[
        ("transformers/t one.vrl", ".a = \"b\""),
        ("pipelines/p.json", &pipeline),
        ("forwarders/f.json.b64", forwarder),
    ]);
    upload(&client, "config", &whole).ok();
    client.ingest("p", &json!([{}])).ok();
    assert_eq!(client.records("out"), [json!({ "a": "b" })]);
    assert_eq!(client.get("/api/v1/forwarders/f").ok()["forwarder"]["config"]["url"], "http://127.0.0.1:9/");
    for (bad, cause) in [
        (whole[..whole.len() - 9].to_vec(), "archive"),
        (archive(&[("transformers/new.vrl", "."), ("../../etc/passwd", "x")]), "../../etc/passwd"),
        (archive(&[("transformers/new.vrl", "."), ("pipelines/new.json", "{")]), "the pipeline \"new\""),
        (archive(&[("transformers/new.vrl", "."), ("forwarders/new.json.b64", "!")]), "no base64"),
    ] {
        let text = upload(&client, "config", &bad).error(400, "INVALID_ARGUMENT");
        assert!(text.contains(cause), "{text}");
    }
    assert_eq!(client.get("/api/v1/transformers").ok()["transformers"], json!(["t one"]));
}

#[test]
fn a_backup_is_one_moment_of_a_server_that_goes_on_writing() {
    let server = Server::start();
    let client = server.client();
    let flow = Flow::direct().router("a", "one").router("b", "two").edge("in", "a").edge("in", "b").build();
    client.save_pipeline("both", &flow);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let counts: Vec<(usize, usize)> = std::thread::scope(|threads| {
        for writer in 0..3 {
            let (client, stop) = (&client, &stop);
            threads.spawn(move || {
                for request in 0.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    client.ingest("both", &(0..20).map(|n| json!({ "n": format!("{writer}-{request}-{n}") })).collect()).ok();
                }
            });
        }
        eventually("records", || (!client.records("two").is_empty()).then_some(()));
        let counts = (0..10).map(|_| {
            let all = parse(&download(&client, "logs"));
            let count = |stream: &str| {
                all.iter().filter(|kv| kv.segments().starts_with(&["entry".to_owned(), stream.to_owned()])).count()
            };
            (count("one"), count("two"))
        });
        let counts = counts.collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        counts
    });
    assert!(counts.iter().all(|(one, two)| one == two && one % 20 == 0), "{counts:?}");
    assert!(counts.first() < counts.last(), "nothing was written meanwhile: {counts:?}");
}

#[test]
fn an_upload_may_be_larger_than_other_bodies_but_not_than_its_own_limit() {
    let setup = Setup::new().env("HEADWORKS_HTTP_BODY_BYTES", "1000").env("HEADWORKS_HTTP_BUFFERED_BYTES", "1100000");
    let entry = |n: usize| {
        let value = json!({ "fields": { "text": "x".repeat(1000) } }).to_string();
        Kv::of(&["entry", "s", &format!("{:020}", 1_740_830_400_000_u64 + n as u64), UUID], &value)
    };
    let large = file(&(0..2000).map(entry).collect::<Vec<_>>());
    let server = setup.start();
    upload(&server.client(), "logs", &large).ok();
    assert_eq!(server.client().records("s").len(), 2000);
    let server = setup.env("HEADWORKS_HTTP_UPLOAD_BYTES", "500000").start();
    let (kind, body) = form(&large);
    let answer = server.client().post_bytes("/api/v1/restore/logs", kind, &body);
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(server.client().records("s").is_empty());
}

//! Bundles and their versions (NiFi Registry 12).

use crate::calls::{Nifi, done, each, refused, text};
use crate::uploads::{real, salted};
use headworks_core::Digest;
use headworks_tests::Server;
use headworks_tests::archives::{descriptor, entry, nar, stored, zip};
use headworks_tests::server::Setup;
use http::Method;
use serde_json::{Value, json};

const OTHER_BYTES: &str =
    "Found existing extension bundle with same group, artifact, and version, but different SHA-256 checksums";
const EXISTS: &str = "The specified version already exists for the given extension bundle";
const NO_BUNDLE: &str = "The specified extension bundle ID does not exist.";
const NO_VERSION: &str = "The specified extension bundle version does not exist.";

fn redeploy(nifi: &Nifi, bucket: &str, allow: bool) {
    done(&nifi.put(&format!("/buckets/{bucket}"), &json!({"allowBundleRedeploy": allow})));
}

fn id(uploaded: &Value) -> String {
    text(&uploaded["bundle"]["identifier"])
}

#[test]
fn an_upload_answers_what_is_read_later() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let archive = real("nifi-foo-nar-1.0.0.nar");
    let uploaded = done(&nifi.upload(&bucket, &archive));
    let (bundle, version) = (&uploaded["bundle"], &uploaded["versionMetadata"]);
    let (id, created) = (id(&uploaded), &bundle["createdTimestamp"]);
    let all = json!({"canRead": true, "canWrite": true, "canDelete": true});
    let expected = json!({
        "artifactId": "nifi-foo-nar", "bucketIdentifier": bucket, "bucketName": "ops", "bundleType": "nifi-nar",
        "createdTimestamp": created, "groupId": "org.apache.nifi", "identifier": id,
        "link": {"href": format!("bundles/{id}"), "params": {"rel": "self"}}, "modifiedTimestamp": created,
        "name": "org.apache.nifi:nifi-foo-nar", "permissions": all, "type": "Bundle", "versionCount": 1,
    });
    assert_eq!(bundle, &expected);
    let expected = json!({
        "artifactId": "nifi-foo-nar", "author": "anonymous", "bucketId": bucket, "bundleId": id, "contentSize": archive.len(),
        "buildInfo": {
            "buildBranch": "N/A", "buildFlags": "N/A", "buildRevision": "N/A", "buildTag": "N/A", "buildTool": "1.8.0_162",
            "built": 1_540_913_037_000_i64, "builtBy": "bbende",
        },
        "groupId": "org.apache.nifi", "id": version["id"],
        "link": {"href": format!("bundles/{id}/versions/1.0.0"), "params": {"rel": "self"}},
        "sha256": Digest::of(&archive).to_string(), "sha256Supplied": false, "systemApiVersion": "1.8.0",
        "timestamp": created, "version": "1.0.0",
    });
    assert_eq!(version, &expected);
    let needs = json!([{"groupId": "org.apache.nifi", "artifactId": "nifi-test-api-nar", "version": "1.0.0"}]);
    assert_eq!(uploaded["dependencies"], needs);
    assert_eq!(uploaded["bucket"], done(&nifi.get(&format!("/buckets/{bucket}"))));

    assert_eq!(done(&nifi.get(&format!("/bundles/{id}"))), *bundle);
    assert_eq!(done(&nifi.get(&format!("/bundles/{id}/versions"))), json!([version]));
    let read = done(&nifi.get(&format!("/bundles/{id}/versions/1.0.0")));
    for member in ["bucket", "bundle", "dependencies", "versionMetadata"] {
        assert_eq!(read[member], uploaded[member], "{member}");
    }
    assert_eq!(read["link"], json!({"href": format!("bundles/{id}/versions/1.0.0/content"), "params": {"rel": "self"}}));
    assert_eq!(read["filename"], "nifi-foo-nar-1.0.0.nar");
    assert_eq!(done(&nifi.get("/items")), json!([bundle]));
}

#[test]
fn what_an_archive_does_not_say_reads_not_available() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let bare = nifi.uploaded(&bucket, "g", "a", "1");
    assert_eq!(bare["versionMetadata"]["systemApiVersion"], "N/A", "it has no descriptor");
    let build = &bare["versionMetadata"]["buildInfo"];
    assert_eq!((&build["buildTag"], &build["builtBy"], &build["built"]), (&json!("N/A"), &json!("N/A"), &json!(0)));
    assert_eq!(bare["dependencies"], json!([]));
}

#[test]
fn parts_come_in_any_order_and_others_are_passed_over() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let archive = nar("g", "a", "1-SNAPSHOT", &[]);
    let digest = Digest::of(&archive).to_string().to_uppercase();
    let (file, sha256, other) = (("file", archive.as_slice()), ("sha256", digest.as_bytes()), ("other", b"anything".as_slice()));
    for parts in [[file, sha256, other], [sha256, other, file], [other, file, sha256]] {
        let uploaded = done(&nifi.send_form(&bucket, "nifi-nar", &parts));
        let version = &uploaded["versionMetadata"];
        assert_eq!((&version["sha256Supplied"], &version["sha256"]), (&json!(true), &json!(digest.to_lowercase())));
    }
    // Of two files the first counts, and an empty digest is none.
    let second = ("file", b"no archive".as_slice());
    let uploaded = done(&nifi.send_form(&bucket, "nifi-nar", &[file, second, ("sha256", b"")]));
    assert_eq!(uploaded["versionMetadata"]["sha256Supplied"], false);
}

#[test]
fn uploads_that_cannot_be_used_are_refused_and_leave_nothing() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let archive = nar("g", "a", "1", &[]);
    let file = ("file", archive.as_slice());
    let other = Digest::of(b"other").to_string();
    refused(
        &nifi.send_form(&bucket, "nifi-nar", &[("sha256", other.as_bytes()), file]),
        409,
        "The SHA-256 of the received extension bundle does not match the SHA-256 provided by the client",
    );
    assert_eq!(nifi.send_form(&bucket, "nifi-nar", &[("sha256", b"12"), file]).status, 400);
    assert_eq!(nifi.send_form(&bucket, "nifi-nar", &[("sha256", other.as_bytes())]).status, 400);
    assert_eq!(nifi.send_form(&bucket, "jar", &[file]).status, 400);
    assert_eq!(nifi.send_form(&bucket, "nifi-nar", &[("sha256", &[0xff])]).status, 400);
    assert_eq!(nifi.upload(&bucket, b"no archive").status, 400);
    assert_eq!(nifi.upload(&bucket, b"").status, 400);
    assert_eq!(nifi.upload(&bucket, &real("nifi-test-nar-2.0.0-missing-manifest.nar")).status, 400);
    let without = nifi.upload(&bucket, &zip(&[entry("META-INF/MANIFEST.MF", "Nar-Group: g\nNar-Id: a\n")]));
    assert_eq!(without.status, 400);
    assert!(without.text().contains("Nar-Version"), "{}", without.text());
    assert_eq!(without.header("content-type"), "text/plain");
    assert_eq!(nifi.upload(&bucket, &nar("g", &"a".repeat(501), "1", &[])).status, 400);
    assert_eq!(nifi.upload(&bucket, &nar(&"g".repeat(500), &"a".repeat(500), "1", &[])).status, 400, "a name of 1001");
    refused(&nifi.upload("unknown", &archive), 404, "The specified bucket ID does not exist in this registry.");
    let path = format!("/buckets/{bucket}/bundles/nifi-nar");
    assert_eq!(nifi.post(&path, &json!({})).status, 415);
    let broken = nifi.send(Method::POST, &path, &[("Content-Type", "multipart/form-data")], Some(b"x"));
    assert_eq!(broken.status, 400, "no boundary");
    assert_eq!(done(&nifi.get("/items")), json!([]));
    let usage = server.client().get("/platform/v1/tenant/usage").json();
    assert!(usage["stored_bytes"].as_u64() < Some(archive.len() as u64 * 12), "{usage}");
}

#[test]
fn a_release_is_replaced_only_where_the_bucket_allows_it() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let (first, second) = (salted("g", "a", "1", "x"), salted("g", "a", "1", "y"));
    let uploaded = done(&nifi.upload(&bucket, &first));
    refused(&nifi.upload(&bucket, &first), 409, EXISTS);
    refused(&nifi.upload(&bucket, &second), 409, OTHER_BYTES);
    redeploy(&nifi, &bucket, true);
    for archive in [&first, &second] {
        let again = done(&nifi.upload(&bucket, archive));
        assert_eq!(again["versionMetadata"]["sha256"], Digest::of(archive).to_string());
        assert_ne!(again["versionMetadata"]["id"], uploaded["versionMetadata"]["id"]);
        assert!(again["versionMetadata"]["timestamp"].as_i64() >= uploaded["versionMetadata"]["timestamp"].as_i64());
        assert_eq!((&again["bundle"]["versionCount"], id(&again)), (&json!(1), id(&uploaded)));
        let read = nifi.get(&format!("/bundles/{}/versions/1/content", id(&uploaded)));
        assert!(read.body == *archive);
    }
    redeploy(&nifi, &bucket, false);
    refused(&nifi.upload(&bucket, &second), 409, EXISTS);
}

#[test]
fn a_snapshot_is_replaced_at_any_time_with_all_that_belongs_to_it() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let page = "META-INF/docs/additional-details/x.One/additionalDetails.html";
    let with = |name: &str| descriptor(&format!("<extension><name>{name}</name><type>PROCESSOR</type></extension>"));
    let first = done(&nifi.upload(&bucket, &nar("g", "a", "1-SNAPSHOT", &[with("x.One"), entry(page, "<p>one</p>")])));
    let before = server.client().get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64();
    for _ in 0..3 {
        let archive = nar("g", "a", "1-SNAPSHOT", &[with("x.Two")]);
        let again = done(&nifi.upload(&bucket, &archive));
        assert_eq!((id(&again), &again["bundle"]["versionCount"]), (id(&first), &json!(1)));
        assert!(nifi.get(&format!("/bundles/{}/versions/1-SNAPSHOT/content", id(&first))).body == archive);
    }
    let after = server.client().get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64();
    assert!(after < before, "what was replaced is gone: {before:?} {after:?}");
    nifi.uploaded(&bucket, "g", "a", "1-snapshot");
    refused(&nifi.upload(&bucket, &nar("g", "a", "1-snapshot", &[])), 409, EXISTS);
}

#[test]
fn the_same_coordinates_have_the_same_bytes_in_every_bucket() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (one, other) = (nifi.bucket("one"), nifi.bucket("other"));
    let (first, second) = (salted("g", "a", "1", "x"), salted("g", "a", "1", "y"));
    let uploaded = done(&nifi.upload(&one, &first));
    refused(&nifi.upload(&other, &second), 409, OTHER_BYTES);
    let there = done(&nifi.upload(&other, &first));
    assert_ne!(id(&there), id(&uploaded), "each bucket has a bundle of its own");
    redeploy(&nifi, &one, true);
    refused(&nifi.upload(&one, &second), 409, OTHER_BYTES);
    assert_eq!(nifi.delete(&format!("/bundles/{}", id(&there))).status, 200);
    assert_eq!(nifi.upload(&one, &second).status, 200);
    // Snapshots are everybody's own.
    done(&nifi.upload(&one, &salted("g", "a", "2-SNAPSHOT", "x")));
    done(&nifi.upload(&other, &salted("g", "a", "2-SNAPSHOT", "y")));
}

#[test]
fn of_uploads_of_one_version_at_the_same_time_one_is_taken() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let buckets = [nifi.bucket("one"), nifi.bucket("other")];
    for round in 0..8 {
        let statuses: Vec<u16> = std::thread::scope(|threads| {
            let upload = |number: usize| {
                let (nifi, bucket) = (&nifi, &buckets[number % 2]);
                move || nifi.upload(bucket, &salted("g", "a", &format!("1.{round}"), &number.to_string())).status
            };
            let running: Vec<_> = (0..4).map(|number| threads.spawn(upload(number))).collect();
            running.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
    }
    let counts = done(&nifi.get("/bundles"));
    let counts: u64 = counts.as_array().expect("a list").iter().map(|one| one["versionCount"].as_u64().expect("a count")).sum();
    assert_eq!(counts, 8);
}

#[test]
fn a_bundle_keeps_its_type() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    nifi.uploaded(&bucket, "g", "a", "1");
    let text = "A bundle already exists with the same group id and artifact id, but a different bundle type";
    refused(&nifi.send_form(&bucket, "minifi-cpp", &[("file", &nar("g", "a", "2", &[]))]), 409, text);
    // Group and artifact are told apart, whatever is in them.
    nifi.uploaded(&bucket, "g:a", "b", "1");
    let other = nifi.send_form(&bucket, "minifi-cpp", &[("file", &nar("g", "a:b", "1", &[]))]);
    assert_eq!(done(&other)["bundle"]["bundleType"], "minifi-cpp");
}

#[test]
fn types_are_spelled_as_the_client_reads_them() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let uploaded = done(&nifi.send_form(&bucket, "NIFI_NAR", &[("file", &nar("g", "a", "1", &[]))]));
    assert_eq!(uploaded["bundle"]["bundleType"], "nifi-nar");
    done(&nifi.send_form(&bucket, "MINIFI_CPP", &[("file", &nar("g", "c", "1", &[]))]));
    for (agent, expected) in [
        ("Apache-HttpClient/4.5 (Java/11)", ["nifi-nar", "minifi-cpp"]),
        ("Swagger-Codegen/1.0.0/python", ["NIFI_NAR", "MINIFI_CPP"]),
        ("OpenAPI-Generator/1.0.0/python", ["NIFI_NAR", "MINIFI_CPP"]),
    ] {
        for path in ["/bundles", "/items"] {
            let list = nifi.send(Method::GET, path, &[("User-Agent", agent)], None);
            assert_eq!(each(&done(&list), "bundleType"), expected, "{agent}");
        }
    }
}

#[test]
fn types_are_in_upper_case_for_all_where_the_operator_says_so() {
    let server = Setup::new().env("HEADWORKS_REGISTRY_UPPER_CASE_BUNDLE_TYPES", "true").start();
    let nifi = Nifi::of(&server);
    let uploaded = nifi.uploaded(&nifi.bucket("b"), "g", "a", "1");
    assert_eq!(uploaded["bundle"]["bundleType"], "NIFI_NAR");
}

#[test]
fn archives_of_minifi_are_like_those_of_nifi_or_say_nothing() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let send = |parts: &[(&str, &[u8])]| nifi.send_form(&bucket, "minifi-cpp", parts);
    let like = done(&send(&[("file", &nar("g", "like", "1", &[]))]));
    assert_eq!(like["bundle"]["name"], "g:like");
    let library = b"\x7fELF no archive at all".as_slice();
    let coordinates: [(&str, &[u8]); 3] = [("groupId", b"g"), ("artifactId", b"extension"), ("version", b"2")];
    let native = done(&send(&[&coordinates[..], &[("file", library)]].concat()));
    let version = &native["versionMetadata"];
    assert_eq!((&native["bundle"]["name"], &version["version"]), (&json!("g:extension"), &json!("2")));
    assert_eq!((&version["buildInfo"]["builtBy"], &version["buildInfo"]["built"]), (&json!("N/A"), &json!(0)));
    assert_eq!(native["filename"], "extension-2");
    let content = nifi.get(&format!("/bundles/{}/versions/2/content", id(&native)));
    assert_eq!(content.header("content-disposition"), "attachment; filename = extension-2");
    assert!(content.body == library);
    for missing in 0..3 {
        let mut parts = vec![("file", library)];
        parts.extend(coordinates.iter().enumerate().filter(|(number, _)| *number != missing).map(|(_, part)| *part));
        assert_eq!(send(&parts).status, 400);
    }
    refused(&send(&[&coordinates[..], &[("file", b"other".as_slice())]].concat()), 409, OTHER_BYTES);
}

#[test]
fn lists_are_filtered_and_in_order() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (one, other) = (nifi.bucket("one bucket"), nifi.bucket("other_bucket"));
    assert_eq!(done(&nifi.get("/bundles")), json!([]));
    for (bucket, group, artifact, version) in [
        (&other, "org.b", "x-nar", "1"),
        (&one, "org.b", "a-nar", "2"),
        (&one, "org.b", "a-nar", "10"),
        (&one, "org.b", "a-nar", "1.5"),
        (&one, "org.a", "z-nar", "1"),
        (&other, "org.a", "z-nar", "1"),
    ] {
        nifi.uploaded(bucket, group, artifact, version);
    }
    let names = |query: &str| each(&done(&nifi.get(&format!("/bundles{query}"))), "name");
    assert_eq!(names(""), ["org.a:z-nar", "org.a:z-nar", "org.b:a-nar", "org.b:x-nar"]);
    assert_eq!(names("?bucketName=one%20bucket"), ["org.a:z-nar", "org.b:a-nar"]);
    assert_eq!(names("?bucketName=other_bucket&groupId=org.b"), ["org.b:x-nar"]);
    assert_eq!(names("?groupId=ORG.b"), Vec::<String>::new());
    assert_eq!(names("?groupId=org.%25&artifactId=_-nar"), ["org.a:z-nar", "org.a:z-nar", "org.b:a-nar", "org.b:x-nar"]);
    assert_eq!(names("?artifactId=%25a%25&groupId=%25b"), ["org.b:a-nar", "org.b:x-nar"]);
    assert_eq!(names("?groupId=&limit=1&offset=3"), ["org.b:x-nar"]);
    assert_eq!(each(&done(&nifi.get(&format!("/buckets/{one}/bundles"))), "name"), ["org.a:z-nar", "org.b:a-nar"]);
    refused(&nifi.get("/buckets/unknown/bundles"), 404, "The specified bucket ID does not exist in this registry.");

    let bundle = text(&done(&nifi.get("/bundles?artifactId=a-nar"))[0]["identifier"]);
    assert_eq!(each(&done(&nifi.get(&format!("/bundles/{bundle}/versions"))), "version"), ["2", "10", "1.5"]);
    let versions = |query: &str| {
        let found = done(&nifi.get(&format!("/bundles/versions{query}")));
        each(&found, "bundleId").into_iter().zip(each(&found, "version")).collect::<Vec<_>>()
    };
    let all = versions("");
    assert!(all.is_sorted() && all.len() == 6, "{all:?}");
    let of = |version: &str| (bundle.clone(), version.to_owned());
    assert_eq!(versions("?artifactId=a-nar"), [of("1.5"), of("10"), of("2")]);
    assert_eq!(versions("?version=1_5"), [of("1.5")]);
    assert_eq!(versions("?groupId=org.b&version=1%25").len(), 3);
    assert_eq!(versions("?version=3"), []);
}

#[test]
fn an_archive_is_downloaded_as_it_was_uploaded() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let mut state = 7u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let noise: Vec<u8> = noise.take((2 << 20) + 99).collect();
    let archive = nar("g", "a", "1+b 2", &[stored("lib", noise)]);
    let bundle = id(&done(&nifi.upload(&bucket, &archive)));
    let path = format!("/bundles/{bundle}/versions/1+b%202/content");
    let whole = nifi.get(&path);
    assert_eq!((whole.status, whole.header("content-disposition")), (200, "attachment; filename = a-1+b 2.nar"));
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert_eq!(whole.header("content-length"), archive.len().to_string());
    assert!(whole.body == archive);

    let tag = whole.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", Digest::of(&archive)));
    let with = |headers: &[(&str, &str)]| nifi.send(Method::GET, &path, headers, None);
    let same = with(&[("If-None-Match", &format!("\"x\", W/{tag}"))]);
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, tag.as_str()));
    assert_eq!(with(&[("If-None-Match", "\"x\"")]).status, 200);

    let len = archive.len();
    for (asked, from, until) in [("bytes=0-0", 0, 1), ("bytes=1048570-1048590", 1_048_570, 1_048_591), ("bytes=-5", len - 5, len)]
    {
        let part = with(&[("Range", asked)]);
        assert_eq!(part.status, 206, "{asked}");
        assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{len}", until - 1));
        assert!(part.body == archive[from..until], "{asked}");
    }
    let beyond = with(&[("Range", &format!("bytes={len}-"))]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{len}").as_str()));
    assert_eq!(with(&[("Range", "bytes=0-0"), ("If-Range", "\"x\"")]).status, 200);
    assert_eq!(with(&[("Range", "bytes=0-0"), ("If-Range", &tag)]).status, 206);
    let head = nifi.send(Method::HEAD, &path, &[], None);
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, len.to_string().as_str(), 0));
}

#[test]
fn what_is_deleted_is_gone_with_its_content() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let stored = || server.client().get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64();
    let empty = stored();
    let uploaded = nifi.uploaded(&bucket, "g", "a", "1");
    let bundle = id(&uploaded);
    nifi.uploaded(&bucket, "g", "a", "2");
    let gone = done(&nifi.delete(&format!("/bundles/{bundle}/versions/1")));
    assert_eq!(gone["versionMetadata"], uploaded["versionMetadata"]);
    assert_eq!(gone["link"]["href"], format!("bundles/{bundle}/versions/1/content"));
    for path in ["", "/content"] {
        refused(&nifi.get(&format!("/bundles/{bundle}/versions/1{path}")), 404, NO_VERSION);
    }
    refused(&nifi.delete(&format!("/bundles/{bundle}/versions/1")), 404, NO_VERSION);
    assert_eq!(done(&nifi.get(&format!("/bundles/{bundle}")))["versionCount"], 1);
    done(&nifi.delete(&format!("/bundles/{bundle}/versions/2")));
    assert_eq!(done(&nifi.get(&format!("/bundles/{bundle}")))["versionCount"], 0);
    assert_eq!(done(&nifi.get(&format!("/bundles/{bundle}/versions"))), json!([]));
    assert_eq!(stored(), empty);

    // It may come again, and go as a whole; no revision is asked for.
    nifi.uploaded(&bucket, "g", "a", "1");
    assert_eq!(id(&nifi.uploaded(&bucket, "g", "a", "2")), bundle);
    let gone = done(&nifi.delete(&format!("/bundles/{bundle}?version=7")));
    assert_eq!((&gone["identifier"], &gone["versionCount"]), (&json!(bundle), &json!(2)));
    assert_eq!((&gone["link"]["href"], &gone["permissions"]["canDelete"]), (&json!(format!("bundles/{bundle}")), &json!(true)));
    for path in ["", "/versions", "/versions/1", "/versions/1/content"] {
        refused(&nifi.get(&format!("/bundles/{bundle}{path}")), 404, NO_BUNDLE);
    }
    refused(&nifi.delete(&format!("/bundles/{bundle}")), 404, NO_BUNDLE);
    refused(&nifi.delete(&format!("/bundles/{bundle}/versions/1")), 404, NO_BUNDLE);
    assert_eq!((done(&nifi.get("/items")), stored()), (json!([]), empty));
}

#[test]
fn a_bucket_takes_its_bundles_with_it() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (going, staying) = (nifi.bucket("going"), nifi.bucket("staying"));
    let bundles: Vec<String> = (0..70).map(|number| id(&nifi.uploaded(&going, "g", &format!("a{number}"), "1"))).collect();
    let stays = nifi.uploaded(&staying, "g", "a0", "1");
    let size = stays["versionMetadata"]["contentSize"].as_u64();
    assert_eq!(nifi.delete(&format!("/buckets/{going}")).status, 200);
    for bundle in bundles {
        refused(&nifi.get(&format!("/bundles/{bundle}")), 404, NO_BUNDLE);
    }
    assert_eq!(each(&done(&nifi.get("/bundles")), "identifier"), [id(&stays)]);
    assert_eq!(server.client().get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64(), size);
}

#[test]
fn uploads_count_against_what_the_tenant_may_store() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let admin = server.client();
    let tenant = admin.get("/platform/v1/tenants/default").json();
    let body = json!({
        "display_name": tenant["display_name"], "hosts": tenant["hosts"], "suspended": false, "grants": tenant["grants"],
        "quotas": {"stored_bytes": 5000},
    });
    let limited = admin.put("/platform/v1/tenants/default", &body);
    assert_eq!(limited.status, 200, "{}", limited.text());
    nifi.uploaded(&bucket, "g", "a", "1");
    let large = nar("g", "b", "1", &[stored("x", vec![b'x'; 10_000])]);
    let full = nifi.upload(&bucket, &large);
    assert_eq!(full.status, 429, "{}", full.text());
    assert_eq!(each(&done(&nifi.get("/bundles")), "name"), ["g:a"]);
}

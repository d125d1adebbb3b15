//! What a server that asks who calls refuses, and how (NiFi Registry 4.1, 17 and 19.10).

use crate::calls::{Nifi, done, each, refused};
use crate::secure::Secure;
use headworks_tests::Answer;
use http::Method;
use serde_json::{Value, json};

const ADMINISTRATOR: &str = "Contact the system administrator.";

/// Checks a refusal by its explanation.
#[track_caller]
fn explained(answer: &Answer, status: u16, explanation: &str) {
    refused(answer, status, &format!("{explanation} {ADMINISTRATOR}"));
}

#[test]
fn each_group_of_operations_needs_its_right() {
    let secure = Secure::start();
    let admin = secure.admin();
    admin.user("CN=anna");
    let anna = secure.named("anna");
    let bucket = admin.bucket("ops");
    let flow = admin.flow(&bucket, "f");
    let (own, flows) = (format!("/buckets/{bucket}"), format!("/buckets/{bucket}/flows"));
    let view = format!("Unable to view Bucket with ID {bucket}.");
    let modify = format!("Unable to modify Bucket with ID {bucket}.");
    for path in [&own, &flows, &format!("{flows}/{flow}"), &format!("/flows/{flow}"), &format!("/items/{bucket}")] {
        explained(&anna.get(path), 403, &view);
    }
    explained(&anna.put(&own, &json!({"name": "x"})), 403, &modify);
    explained(&anna.post(&flows, &json!({"name": "x"})), 403, &modify);
    explained(&anna.delete(&format!("{flows}/{flow}")), 403, &modify);
    explained(&anna.delete(&own), 403, &modify);
    explained(&anna.post("/buckets", &json!({"name": "x"})), 403, "Unable to modify buckets.");
    for path in ["/tenants/users", "/tenants/users/x", "/tenants/user-groups", "/tenants/user-groups/x"] {
        explained(&anna.get(path), 403, "Unable to view users/user groups.");
        if path.ends_with('x') {
            explained(&anna.delete(path), 403, "Unable to modify users/user groups.");
            explained(&anna.put(path, &json!({"identity": "x"})), 403, "Unable to modify users/user groups.");
        } else {
            explained(&anna.post(path, &json!({"identity": "x"})), 403, "Unable to modify users/user groups.");
        }
    }
    for path in ["/policies", "/policies/x", "/policies/read/buckets", "/policies/resources"] {
        explained(&anna.get(path), 403, "Unable to view policies.");
    }
    explained(&anna.post("/policies", &json!({"action": "read", "resource": "/x"})), 403, "Unable to modify policies.");
    explained(&anna.put("/policies/x", &json!({})), 403, "Unable to modify policies.");
    explained(&anna.delete("/policies/x"), 403, "Unable to modify policies.");
    assert_eq!(anna.get("/config").status, 403);
    for path in ["/buckets", "/items"] {
        assert_eq!(done(&anna.get(path)), json!([]), "{path}");
    }
    for path in ["/buckets/fields", "/flows/fields", "/items/fields"] {
        assert_eq!(anna.get(path).status, 200, "{path}");
    }
    // The syntax of a body comes before the right, the right before what is there.
    assert_eq!(anna.send(Method::POST, "/policies", &[("Content-Type", "application/json")], Some(b"{")).status, 400);
}

#[test]
fn nobody_gets_the_same_answers_with_another_status() {
    let secure = Secure::start();
    let bucket = secure.admin().bucket("ops");
    let nobody = secure.anonymous();
    let unknown = "Unknown user with identity 'anonymous'.";
    explained(&nobody.get(&format!("/buckets/{bucket}")), 401, unknown);
    explained(&nobody.get("/tenants/users"), 401, unknown);
    explained(&nobody.post("/buckets", &json!({"name": "x"})), 401, unknown);
    explained(&nobody.get("/config"), 401, unknown);
    for path in ["/buckets", "/items"] {
        assert_eq!(done(&nobody.get(path)), json!([]), "{path}");
    }
    assert_eq!(nobody.get("/about").status, 200);
    assert_eq!(nobody.get("/buckets/fields").status, 200);
    assert_eq!(nobody.get("/access").header("strict-transport-security"), "max-age=31540000");
}

#[test]
fn where_no_policy_applies_that_is_the_reason() {
    let secure = Secure::start();
    let admin = secure.admin();
    let bucket = admin.bucket("ops");
    let policy = done(&admin.get("/policies/delete/buckets"));
    done(&admin.delete(&format!("/policies/{}", crate::calls::text(&policy["identifier"]))));
    explained(&admin.delete(&format!("/buckets/{bucket}")), 403, "No applicable policies could be found.");
    explained(&secure.anonymous().delete(&format!("/buckets/{bucket}")), 401, "No applicable policies could be found.");
    admin.permit("delete", &format!("/buckets/{bucket}"), &[]);
    explained(&admin.delete(&format!("/buckets/{bucket}")), 403, &format!("Unable to modify Bucket with ID {bucket}."));
}

#[test]
fn rights_on_all_buckets_add_to_those_on_one() {
    let secure = Secure::start();
    let admin = secure.admin();
    let user = admin.user("CN=anna");
    let anna = secure.named("anna");
    let (one, other) = (admin.bucket("one"), admin.bucket("other"));
    admin.permit("read", &format!("/buckets/{one}"), &[&user]);
    assert_eq!(each(&done(&anna.get("/buckets")), "name"), ["one"]);
    assert_eq!(anna.put(&format!("/buckets/{one}"), &json!({"description": "x"})).status, 403, "no action implies another");
    admin.permit_too("write", "/buckets", &user);
    assert_eq!(anna.put(&format!("/buckets/{one}"), &json!({"description": "x"})).status, 200);
    assert_eq!(anna.get(&format!("/buckets/{other}")).status, 403);
    admin.permit("read", &format!("/buckets/{other}"), &[]);
    admin.permit_too("read", "/buckets", &user);
    assert_eq!(each(&done(&anna.get("/buckets")), "name"), ["one", "other"], "a policy of a bucket takes nothing away");
    let all = json!({"canDelete": false, "canRead": true, "canWrite": true});
    assert_eq!(done(&anna.get(&format!("/buckets/{other}")))["permissions"], all);
    assert_eq!(anna.get("/policies").status, 403);
}

#[test]
fn a_bucket_that_is_not_there_is_missing_to_those_with_a_right_on_all() {
    let secure = Secure::start();
    let admin = secure.admin();
    admin.user("CN=anna");
    refused(&admin.get("/buckets/nothing"), 404, "The specified bucket ID does not exist in this registry.");
    explained(&secure.named("anna").get("/buckets/nothing"), 403, "Unable to view Bucket with ID nothing.");
    explained(&secure.anonymous().get("/buckets/nothing"), 401, "Unknown user with identity 'anonymous'.");
    refused(&secure.named("anna").get("/flows/nothing"), 404, "The specified flow ID does not exist.");
}

#[test]
fn a_public_bucket_is_read_by_everybody_and_written_by_nobody_else() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (public, _private) = (admin.bucket("public"), admin.bucket("private"));
    admin.flow(&public, "f");
    done(&admin.put(&format!("/buckets/{public}"), &json!({"allowPublicRead": true})));
    let read = json!({"canDelete": false, "canRead": true, "canWrite": false});
    for who in [secure.anonymous(), secure.named("no user")] {
        let buckets = done(&who.get("/buckets"));
        assert_eq!((each(&buckets, "name"), &buckets[0]["permissions"]), (vec!["public".to_owned()], &read));
        assert_eq!(each(&done(&who.get(&format!("/buckets/{public}/flows"))), "name"), ["f"]);
        assert_eq!(each(&done(&who.get("/items")), "name"), ["f"]);
    }
    let unknown = "Unknown user with identity 'anonymous'.";
    explained(&secure.anonymous().post(&format!("/buckets/{public}/flows"), &json!({"name": "g"})), 401, unknown);
}

#[test]
fn the_author_is_who_called() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_REVISIONS", "true"));
    let answer = secure.admin().post("/buckets", &json!({"name": "ops", "revision": {"version": 0, "clientId": "c"}}));
    assert_eq!(done(&answer)["revision"], json!({"version": 1, "clientId": "c", "lastModifier": "root"}));
}

#[test]
fn the_configuration_shows_what_a_caller_may_know() {
    let secure = Secure::start();
    let admin = secure.admin();
    let flags = |who: &Nifi| {
        let config = done(&who.get("/config"));
        let of = |name: &str| config[name] == Value::Bool(true);
        [of("supportsManagedAuthorizer"), of("supportsConfigurableAuthorizer"), of("supportsConfigurableUsersAndGroups")]
    };
    assert_eq!(flags(&admin), [true; 3]);
    let (anna, bert) = (admin.user("CN=anna"), admin.user("CN=bert"));
    admin.permit_too("read", "/policies", &anna);
    admin.permit_too("read", "/tenants", &bert);
    assert_eq!(flags(&secure.named("anna")), [true, true, false]);
    assert_eq!(flags(&secure.named("bert")), [false, false, true]);
}

#[test]
fn the_filter_guards_its_addresses_by_method() {
    let secure = Secure::start();
    let admin = secure.admin();
    let user = admin.user("CN=anna");
    let anna = secure.named("anna");
    for (path, name) in [("/actuator/health", "actuator"), ("/swagger/swagger.json", "swagger"), ("/swagger/ui.html", "swagger")]
    {
        let text = |why: &str| format!("Access is denied due to: {why} {ADMINISTRATOR}\n");
        refused(&secure.anonymous().get(path), 401, &text("Unknown user with identity 'anonymous'."));
        refused(&anna.get(path), 403, &text(&format!("Unable to view {name}.")));
        refused(&anna.post(path, &json!({})), 403, &text(&format!("Unable to modify {name}.")));
        refused(&anna.delete(path), 403, &text(&format!("Unable to modify {name}.")));
        assert_eq!(admin.get(path).status, 200);
        refused(&admin.delete(path), 405, "HTTP 405 Method Not Allowed");
    }
    admin.permit_too("read", "/actuator", &user);
    assert_eq!(anna.get("/actuator/health").status, 200);
    refused(&anna.get("/actuator/nowhere"), 404, "HTTP 404 Not Found");
    assert_eq!(anna.get("/swagger/swagger.json").status, 403);
}

#[test]
fn a_server_can_be_told_to_ask_nobody() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_SECURITY", "open"));
    let status = done(&secure.named("anna").get("/access"));
    assert_eq!((&status["identity"], &status["anonymous"]), (&json!("anonymous"), &json!(true)));
    assert_eq!(secure.login("root", headworks_tests::server::PASSWORD).status, 409);
    secure.anonymous().bucket("ops");
}

#[test]
fn foreign_names_and_times_are_kept_for_those_only_who_may_write_all_buckets() {
    let secure = Secure::start();
    let admin = secure.admin();
    let user = admin.user("CN=anna");
    let anna = secure.named("anna");
    let bucket = admin.bucket("ops");
    let flow = admin.flow(&bucket, "f");
    admin.permit("read", &format!("/buckets/{bucket}"), &[&user]);
    admin.permit("write", &format!("/buckets/{bucket}"), &[&user]);
    let version = |who: &Nifi, number: i64, query: &str| {
        let metadata = json!({"version": number, "author": "somebody else", "timestamp": 1_600_000_000_000_i64});
        let body = json!({"snapshotMetadata": metadata, "flowContents": {"identifier": "g", "name": "g"}});
        who.post(&format!("/buckets/{bucket}/flows/{flow}/versions{query}"), &body)
    };
    const PRESERVE: &str = "?preserveSourceProperties=true";
    explained(&version(&anna, 1, PRESERVE), 403, "Unable to modify buckets.");
    explained(&version(&secure.anonymous(), 1, PRESERVE), 401, "Unknown user with identity 'anonymous'.");
    let own = done(&version(&anna, 1, ""))["snapshotMetadata"].clone();
    assert_eq!(own["author"], anna.identity());
    assert_ne!(own["timestamp"], 1_600_000_000_000_i64);
    let kept = done(&version(&admin, 2, PRESERVE))["snapshotMetadata"].clone();
    assert_eq!((&kept["author"], &kept["timestamp"]), (&json!("somebody else"), &json!(1_600_000_000_000_i64)));
    let moved = json!({"name": "moved", "identifier": "11111111-2222-3333-4444-555555555555", "createdTimestamp": 1});
    explained(&anna.post(&format!("/buckets{PRESERVE}"), &moved), 403, "Unable to modify buckets.");
    admin.permit_too("write", "/buckets", &user);
    assert_eq!(done(&anna.post(&format!("/buckets{PRESERVE}"), &moved))["createdTimestamp"], 1);
    assert_eq!(done(&version(&anna, 3, PRESERVE))["snapshotMetadata"]["author"], "somebody else");
}

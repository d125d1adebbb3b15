//! Policies (NiFi Registry 17.5).

use crate::calls::{API, done, each, refused, text};
use crate::secure::{Secure, made};
use http::Method;
use serde_json::{Value, json};

#[test]
fn a_policy_is_looked_up_made_and_found() {
    let secure = Secure::start();
    let admin = secure.admin();
    let user = admin.user("alice");
    let bucket = admin.bucket("ops");
    let none = format!("No policy found for action='read', resource='/buckets/{bucket}'");
    refused(&admin.get(&format!("/policies/read/buckets%2F{bucket}")), 404, &none);
    refused(&admin.get(&format!("/policies/READ/buckets/{bucket}")), 404, &none);
    let body = json!({
        "action": "read", "resource": format!("/buckets/{bucket}"), "users": [{"identifier": user, "identity": "ignored"}],
        "userGroups": [], "configurable": false,
    });
    let (policy, location) = made(&admin.post("/policies", &body));
    let id = text(&policy["identifier"]);
    assert_eq!(location, format!("https://{}{API}/policies/{id}", secure.server.address()));
    let expected = json!({
        "action": "read", "configurable": true, "identifier": id, "resource": format!("/buckets/{bucket}"),
        "revision": {"version": 0}, "userGroups": [],
        "users": [{"configurable": true, "identifier": user, "identity": "alice"}],
    });
    assert_eq!(policy, expected);
    for path in [
        format!("/policies/{id}"),
        format!("/policies/read/buckets/{bucket}"),
        format!("/policies/Read/buckets%2F{bucket}"),
        format!("/policies/read/%2Fbuckets%2F{bucket}"),
        format!("/policies/read//buckets/{bucket}"),
    ] {
        assert_eq!(done(&admin.get(&path)), expected, "{path}");
    }
    let again = admin.post("/policies", &body);
    refused(&again, 409, &format!("Found multiple policies for '/buckets/{bucket}' with 'read'."));
}

#[test]
fn what_cannot_be_a_policy_is_refused() {
    let secure = Secure::start();
    let admin = secure.admin();
    let post = |body: Value| admin.post("/policies", &body);
    let unknown = "Action 'fly' is invalid. Must be one of [read, write, delete]";
    refused(&post(json!({"action": "fly", "resource": "/buckets"})), 400, unknown);
    refused(&admin.get("/policies/fly/buckets"), 400, unknown);
    refused(&post(json!({"resource": "/x"})), 400, "Cannot create Access Policy - action must not be blank");
    let both = "Cannot create Access Policy - action must not be blank, resource must not be blank";
    refused(&post(json!({"action": "", "resource": " "})), 400, both);
    let long = json!({"action": "read", "resource": format!("/{}", "r".repeat(1000))});
    refused(&post(long), 400, "Cannot create Access Policy - resource must not have more than 1000 characters");
    let member = json!({"action": "read", "resource": "/x", "users": [{"identifier": "u".repeat(51)}]});
    refused(&post(member), 400, "Cannot create Access Policy - identifier must not have more than 50 characters");
    let given = "Access policy identifier cannot be specified when creating a new access policy.";
    refused(&post(json!({"identifier": "mine", "action": "read", "resource": "/x"})), 400, given);
    refused(&post(Value::Null), 400, "Access policy cannot be null");
    assert_eq!(post(json!({"action": 1})).status, 400);
    let text = admin.send(Method::POST, "/policies", &[("Content-Type", "text/plain")], Some(b"{}"));
    assert_eq!(text.status, 415);
    for path in ["/policies/nothing", "/policies/00000000-0000-0000-0000-000000000000"] {
        let none = "The specified policy does not exist in this registry.";
        refused(&admin.get(path), 404, none);
        refused(&admin.put(path, &json!({})), 404, none);
        refused(&admin.delete(path), 404, none);
    }
}

#[test]
fn a_change_replaces_the_members_and_nothing_else() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (anna, bert) = (admin.user("anna"), admin.user("bert"));
    let group = admin.group("ops", &[&anna]);
    let id = admin.permit("write", "/anything/at all", &[&anna]);
    let path = format!("/policies/{id}");
    let changed = done(&admin.put(
        &path,
        &json!({
            "identifier": id, "action": "read", "resource": "/other", "users": [{"identifier": bert}, {"identifier": "unknown"}],
            "userGroups": [{"identifier": group}, {"identifier": bert}],
        }),
    ));
    assert_eq!((&changed["action"], &changed["resource"]), (&json!("write"), &json!("/anything/at all")));
    assert_eq!(each(&changed["users"], "identity"), ["bert"], "unknown members are not shown");
    assert_eq!(each(&changed["userGroups"], "identity"), ["ops"]);
    assert_eq!(done(&admin.get(&path)), changed);
    let emptied = done(&admin.put(&path, &json!({})));
    assert_eq!((&emptied["users"], &emptied["userGroups"]), (&json!([]), &json!([])));
    let other = admin.put(&path, &json!({"identifier": "other"}));
    let text =
        format!("The policy id in the request body (other) does not equal the policy id of the requested resource ({id}).");
    refused(&other, 400, &text);
    let gone = done(&admin.delete(&format!("{path}?version=7&clientId=x")));
    assert_eq!(gone.get("revision"), None);
    assert_eq!(gone["identifier"], json!(id));
    assert_eq!(admin.get(&path).status, 404);
}

#[test]
fn policies_are_in_force_at_once() {
    let secure = Secure::start();
    let admin = secure.admin();
    let anna = secure.named("anna");
    let user = admin.user("CN=anna");
    let bucket = admin.bucket("ops");
    let read = || anna.get(&format!("/buckets/{bucket}")).status;
    assert_eq!(read(), 403);
    let id = admin.permit("read", &format!("/buckets/{bucket}"), &[&user]);
    assert_eq!(read(), 200);
    done(&admin.put(&format!("/policies/{id}"), &json!({"users": []})));
    assert_eq!(read(), 403);
    let group = admin.group("readers", &[&user]);
    done(&admin.put(&format!("/policies/{id}"), &json!({"userGroups": [{"identifier": group}]})));
    assert_eq!(read(), 200, "through a group");
    done(&admin.put(&format!("/tenants/user-groups/{group}"), &json!({"identity": "readers", "users": []})));
    assert_eq!(read(), 403);
    done(&admin.put(&format!("/tenants/user-groups/{group}"), &json!({"identity": "others", "users": [{"identifier": user}]})));
    assert_eq!(read(), 200, "whatever the group is called");
    done(&admin.delete(&format!("/policies/{id}")));
    assert_eq!(read(), 403);
}

#[test]
fn policies_survive_a_restart_and_the_first_ones_are_not_made_again() {
    let mut secure = Secure::start();
    let user = secure.admin().user("anna");
    secure.admin().permit("read", "/buckets/x", &[&user]);
    let actuator = done(&secure.admin().get("/policies/read/actuator"));
    done(&secure.admin().delete(&format!("/policies/{}", text(&actuator["identifier"]))));
    let before = done(&secure.admin().get("/policies"));
    secure.server.kill();
    secure.server.restart();
    assert_eq!(done(&secure.admin().get("/policies")), before);
    assert_eq!(secure.admin().get("/actuator/health").status, 403);
}

#[test]
fn the_first_user_has_every_right_and_the_list_is_in_order() {
    let secure = Secure::start();
    let policies = done(&secure.admin().get("/policies"));
    let all: Vec<String> = policies
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| {
            assert_eq!(each(&policy["users"], "identity"), ["root"]);
            format!("{} {}", text(&policy["resource"]), text(&policy["action"]))
        })
        .collect();
    let mut expected = Vec::new();
    for resource in ["actuator", "buckets", "policies", "proxy", "swagger", "tenants"] {
        for action in ["delete", "read", "write"] {
            expected.push(format!("/{resource} {action}"));
        }
    }
    assert_eq!(all, expected);
}

#[test]
fn the_operator_names_who_else_has_rights_from_the_beginning() {
    let secure = Secure::with(|setup| {
        setup
            .env("HEADWORKS_REGISTRY_INITIAL_ADMIN", "CN=boss, OU=ops")
            .env("HEADWORKS_REGISTRY_NIFI_IDENTITIES", "CN=nifi1, OU=nifi; CN=nifi2, OU=nifi")
            .env("HEADWORKS_REGISTRY_NIFI_GROUP", "nifis")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_PATTERN", "CN=(.*?), OU=(.*?)")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_VALUE", "$1@$2")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_TRANSFORM", "UPPER")
    });
    let admin = secure.admin();
    let users = done(&admin.get("/tenants/users"));
    assert_eq!(each(&users, "identity"), ["BOSS@OPS", "NIFI1@NIFI", "NIFI2@NIFI", "root"]);
    let boss = &users[0];
    // What Java's UUID.nameUUIDFromBytes makes of the name.
    assert_eq!(boss["identifier"], "358e9a84-5d20-3ebc-b63c-3e2f06c27888");
    assert_eq!(boss["resourcePermissions"]["anyTopLevelResource"], json!({"canDelete": true, "canRead": true, "canWrite": true}));
    let nifi = users[1]["resourcePermissions"].clone();
    assert_eq!(nifi["buckets"], json!({"canDelete": false, "canRead": true, "canWrite": false}));
    assert_eq!(nifi["proxy"], json!({"canDelete": true, "canRead": true, "canWrite": true}));
    assert_eq!(nifi["tenants"], json!({"canDelete": false, "canRead": false, "canWrite": false}));
    let group = done(&admin.get("/policies/delete/proxy"));
    assert_eq!(each(&group["userGroups"], "identity"), ["nifis"]);
    assert_eq!(each(&group["users"], "identity"), ["BOSS@OPS", "NIFI1@NIFI", "NIFI2@NIFI", "root"]);
    use rcgen::DnType::{CommonName, OrganizationalUnitName};
    let boss = secure.holder(&[(OrganizationalUnitName, "ops"), (CommonName, "boss")]);
    assert_eq!(boss.identity(), "BOSS@OPS");
    assert_eq!(boss.get("/policies").status, 200);
}

#[test]
fn what_policies_can_be_about_is_listed() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (second, first) = (admin.bucket("zeta"), admin.bucket("alpha"));
    let expected = json!([
        {"identifier": "/policies", "name": "Access Policies"},
        {"identifier": "/tenants", "name": "Tenants"},
        {"identifier": "/proxy", "name": "Proxy User Requests"},
        {"identifier": "/actuator", "name": "Actuator"},
        {"identifier": "/swagger", "name": "Swagger"},
        {"identifier": "/buckets", "name": "Buckets"},
        {"identifier": format!("/buckets/{first}"), "name": "alpha"},
        {"identifier": format!("/buckets/{second}"), "name": "zeta"},
    ]);
    assert_eq!(done(&admin.get("/policies/resources")), expected);
}

#[test]
fn policies_go_with_their_bucket_and_their_members() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (anna, bert) = (admin.user("anna"), admin.user("bert"));
    let group = admin.group("ops", &[&bert]);
    let (bucket, other) = (admin.bucket("ops"), admin.bucket("other"));
    let gone = [
        admin.permit("read", &format!("/buckets/{bucket}"), &[&anna]),
        admin.permit("write", &format!("/buckets/{bucket}"), &[]),
    ];
    let stays = admin.permit("read", &format!("/buckets/{other}"), &[&anna, &bert]);
    let members = json!({"users": [{"identifier": anna}, {"identifier": bert}], "userGroups": [{"identifier": group}]});
    done(&admin.put(&format!("/policies/{stays}"), &members));
    done(&admin.delete(&format!("/buckets/{bucket}")));
    for id in gone {
        assert_eq!(admin.get(&format!("/policies/{id}")).status, 404);
    }
    done(&admin.delete(&format!("/tenants/users/{anna}")));
    done(&admin.delete(&format!("/tenants/user-groups/{group}")));
    let policy = done(&admin.get(&format!("/policies/{stays}")));
    assert_eq!((each(&policy["users"], "identity"), &policy["userGroups"]), (vec!["bert".to_owned()], &json!([])));
    // One of the same name is another.
    admin.user("anna");
    admin.group("ops", &[]);
    assert_eq!(done(&admin.get(&format!("/policies/{stays}"))), policy);
}

#[test]
fn policies_that_are_not_configurable_are_only_read() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_CONFIGURABLE_POLICIES", "false"));
    let admin = secure.admin();
    let fixed = "This NiFi Registry is not configured to allow configurable policies. Please contact your system administrator.";
    let policy = done(&admin.get("/policies/read/buckets"));
    assert_eq!(policy["configurable"], json!(false));
    let path = format!("/policies/{}", text(&policy["identifier"]));
    refused(&admin.post("/policies", &json!({"action": "read", "resource": "/x"})), 409, fixed);
    refused(&admin.put(&path, &policy), 409, fixed);
    refused(&admin.delete(&path), 409, fixed);
    // Before rights are asked about.
    refused(&secure.anonymous().delete(&path), 409, fixed);
    admin.user("anna");
    let config = done(&admin.get("/config"));
    assert_eq!(config["supportsConfigurableAuthorizer"], json!(false));
    assert_eq!(
        (&config["supportsManagedAuthorizer"], &config["supportsConfigurableUsersAndGroups"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn revisions_of_policies_are_checked_where_they_are_on() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_REVISIONS", "true"));
    let admin = secure.admin();
    let post = |body: Value| admin.post("/policies", &body);
    let missing = "A revision of 0 must be specified when creating a new Access Policy.";
    refused(&post(json!({"action": "read", "resource": "/x"})), 400, missing);
    let (policy, _) = made(&post(json!({"action": "read", "resource": "/x", "revision": {"version": 0, "clientId": "c"}})));
    assert_eq!(policy["revision"], json!({"version": 1, "clientId": "c", "lastModifier": "root"}));
    let id = text(&policy["identifier"]);
    let path = format!("/policies/{id}");
    assert_eq!(done(&admin.get(&path))["revision"], json!({"version": 1, "clientId": "c"}));
    refused(&admin.put(&path, &json!({})), 400, "Revision info must be specified.");
    let stale = |verb: &str| {
        format!(
            "The Access Policy you attempted to {verb} with id '{id}' is out of date with the server. You may need to refresh \
             your client and try again."
        )
    };
    refused(&admin.put(&path, &json!({"revision": {"version": 0}})), 400, &stale("update"));
    let next = done(&admin.put(&path, &json!({"revision": {"version": 1, "clientId": "d"}})));
    assert_eq!(next["revision"], json!({"version": 2, "clientId": "d", "lastModifier": "root"}));
    refused(&admin.delete(&path), 400, "Revision info must be specified.");
    refused(&admin.delete(&format!("{path}?version=1")), 400, &stale("delete"));
    refused(&admin.delete(&format!("{path}?version=abc")), 400, "Invalid value for version");
    done(&admin.delete(&format!("{path}?version=2")));
    refused(&admin.delete(&format!("{path}?version=2")), 404, "The specified policy does not exist in this registry.");
}

//! Groups, which are the roles of everywhere else (NiFi Registry 18).

use crate::calls::{API, done, each, refused, text};
use crate::secure::{Secure, made};
use headworks_tests::server::TOKEN;
use serde_json::{Value, json};

#[test]
fn a_group_is_made_with_its_members() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (anna, bert) = (admin.user("anna"), admin.user("bert"));
    let body = json!({"identity": "ops", "users": [{"identifier": bert}, {"identifier": anna, "identity": "ignored"}]});
    let (group, location) = made(&admin.post("/tenants/user-groups", &body));
    let id = text(&group["identifier"]);
    assert_eq!(location, format!("https://{}{API}/tenants/user-groups/{id}", secure.server.address()));
    let no = json!({"canDelete": false, "canRead": false, "canWrite": false});
    let expected = json!({
        "accessPolicies": [], "configurable": true, "identifier": id, "identity": "ops",
        "resourcePermissions": {"anyTopLevelResource": no, "buckets": no, "policies": no, "proxy": no, "tenants": no},
        "revision": {"version": 0},
        "users": [{"configurable": true, "identifier": anna, "identity": "anna"},
                  {"configurable": true, "identifier": bert, "identity": "bert"}],
    });
    assert_eq!(group, expected);
    assert_eq!(done(&admin.get(&format!("/tenants/user-groups/{id}"))), expected);
    assert_eq!(each(&done(&admin.get("/tenants/user-groups")), "identity"), ["admin", "ops", "viewer"]);
    assert_eq!(done(&admin.get(&format!("/tenants/users/{anna}")))["userGroups"][0]["identity"], "ops");
}

#[test]
fn what_cannot_be_a_group_is_refused() {
    let secure = Secure::start();
    let admin = secure.admin();
    let post = |body: Value| admin.post("/tenants/user-groups", &body);
    refused(&post(json!({})), 400, "Cannot create User Group - identity must not be blank");
    let given = "User group identifier cannot be specified when creating a new user group.";
    refused(&post(json!({"identity": "x", "identifier": "mine"})), 400, given);
    refused(&post(json!({"identity": "viewer"})), 409, "User group already exists with the identity 'viewer'.");
    let missing = "Cannot create group 'x' with users that don't exist.";
    refused(&post(json!({"identity": "x", "users": [{"identifier": "nobody"}]})), 409, missing);
    refused(&post(Value::Null), 400, "User group cannot be null");
    made(&post(json!({"identity": "root"})));
    let none = "The specified user group ID does not exist in this registry.";
    refused(&admin.get("/tenants/user-groups/unknown"), 404, none);
    refused(&admin.put("/tenants/user-groups/unknown", &json!({"identity": "x"})), 404, none);
    refused(&admin.delete("/tenants/user-groups/unknown"), 404, none);
}

#[test]
fn a_change_replaces_name_and_members() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (anna, bert) = (admin.user("anna"), admin.user("bert"));
    let id = admin.group("ops", &[&anna]);
    let path = format!("/tenants/user-groups/{id}");
    let put = |body: Value| admin.put(&path, &body);
    let changed = done(&put(json!({"identifier": id, "identity": "operators", "users": [{"identifier": bert}]})));
    assert_eq!((&changed["identity"], each(&changed["users"], "identity")), (&json!("operators"), vec!["bert".to_owned()]));
    assert_eq!(done(&admin.get(&format!("/tenants/users/{anna}")))["userGroups"], json!([]));
    let missing = "Cannot update group 'operators' to add users that don't exist.";
    refused(&put(json!({"identity": "operators", "users": [{"identifier": "nobody"}]})), 409, missing);
    refused(&put(json!({"identity": "viewer"})), 409, "User group already exists with the identity 'viewer'.");
    let other =
        format!("The user group id in the request body (x) does not equal the user group id of the requested resource ({id}).");
    refused(&put(json!({"identifier": "x", "identity": "y"})), 400, &other);
    assert_eq!(done(&admin.get(&path)), changed, "what was refused changed nothing");
    assert_eq!(done(&put(json!({"identity": "operators"})))["users"], json!([]));
}

#[test]
fn a_group_that_goes_leaves_its_members() {
    let secure = Secure::start();
    let admin = secure.admin();
    let anna = admin.user("anna");
    let id = admin.group("ops", &[&anna]);
    let gone = done(&admin.delete(&format!("/tenants/user-groups/{id}")));
    assert_eq!((each(&gone["users"], "identity"), gone.get("revision")), (vec!["anna".to_owned()], None));
    assert_eq!(done(&admin.get(&format!("/tenants/users/{anna}")))["userGroups"], json!([]));
    admin.group("ops", &[]);
    assert_eq!(done(&admin.get(&format!("/tenants/users/{anna}")))["userGroups"], json!([]), "a later one begins empty");
}

#[test]
fn they_are_the_roles_of_everywhere_else() {
    let secure = Secure::start();
    let (admin, root) = (secure.admin(), secure.client().with_token(TOKEN));
    let anna = admin.user("anna");
    let id = admin.group("ops", &[&anna]);
    let roles = root.get("/api/v1/roles").ok();
    assert!(roles.to_string().contains("\"ops\""), "{roles}");
    // Scopes come and go elsewhere; who is in it and what policies know it by stays.
    root.put("/api/v1/roles/ops", &json!({"scopes": ["read_streams"]})).ok();
    let group = done(&admin.get(&format!("/tenants/user-groups/{id}")));
    assert_eq!((&group["identity"], each(&group["users"], "identity")), (&json!("ops"), vec!["anna".to_owned()]));
    done(&admin.put(&format!("/tenants/user-groups/{id}"), &json!({"identity": "watch", "users": [{"identifier": anna}]})));
    let role = root.get("/api/v1/roles/watch").ok();
    assert!(role.to_string().contains("read_streams"), "{role}");
}

#[test]
fn who_lacks_a_roles_rights_does_not_say_who_has_them() {
    let secure = Secure::start();
    let (admin, root) = (secure.admin(), secure.client().with_token(TOKEN));
    let id = admin.user("CN=manager");
    for action in ["read", "write", "delete"] {
        admin.permit_too(action, "/tenants", &id);
    }
    let manager = secure.named("manager");
    let groups = done(&manager.get("/tenants/user-groups"));
    let path = format!("/tenants/user-groups/{}", text(&groups[0]["identifier"]));
    assert_eq!(groups[0]["identity"], "admin");
    let mut users = groups[0]["users"].as_array().unwrap().clone();
    users.push(json!({"identifier": id}));
    let reason = "Unable to modify users/user groups. 'admin' grants rights of this server";
    for answer in [
        manager.put(&path, &json!({"identity": "admin", "users": users})),
        manager.put(&path, &json!({"identity": "admin", "users": []})),
        manager.put(&path, &json!({"identity": "other", "users": groups[0]["users"]})),
        manager.delete(&path),
    ] {
        assert_eq!(answer.status, 403);
        assert!(answer.text().starts_with(reason), "{}", answer.text());
    }
    assert_eq!(done(&manager.get("/tenants/user-groups")), groups);
    // A group without such rights is his to change, and so is one whose rights he holds.
    let own = manager.group("ops", &[&id]);
    done(&manager.put(&format!("/tenants/user-groups/{own}"), &json!({"identity": "ops", "users": []})));
    done(&admin.put(&path, &json!({"identity": "admin", "users": users})));
    root.put("/api/v1/roles/ops", &json!({"scopes": ["read_streams"]})).ok();
    done(&manager.put(&format!("/tenants/user-groups/{own}"), &json!({"identity": "ops", "users": [{"identifier": id}]})));
}

#[test]
fn changes_at_the_same_time_all_count() {
    let secure = Secure::start();
    let admin = secure.admin();
    let anna = admin.user("anna");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (admin, anna) = (&admin, &anna);
            scope.spawn(move || admin.group(&format!("group {n}"), &[anna]));
        }
    });
    assert_eq!(done(&admin.get(&format!("/tenants/users/{anna}")))["userGroups"].as_array().map(Vec::len), Some(8));
}

//! Users (NiFi Registry 18).

use crate::calls::{API, done, each, refused, text};
use crate::secure::{Secure, made};
use headworks_tests::server::TOKEN;
use serde_json::{Value, json};

#[test]
fn a_user_is_made_with_everything_the_contract_says() {
    let secure = Secure::start();
    let admin = secure.admin();
    let body = json!({"identity": "CN=anna, OU=ops", "userGroups": [{"identifier": "x"}], "accessPolicies": [], "unknown": 1});
    let (user, location) = made(&admin.post("/tenants/users", &body));
    let id = text(&user["identifier"]);
    assert_eq!(id.len(), 36);
    assert_eq!(location, format!("https://{}{API}/tenants/users/{id}", secure.server.address()));
    let no = json!({"canDelete": false, "canRead": false, "canWrite": false});
    let expected = json!({
        "accessPolicies": [], "configurable": true, "identifier": id, "identity": "CN=anna, OU=ops",
        "resourcePermissions": {"anyTopLevelResource": no, "buckets": no, "policies": no, "proxy": no, "tenants": no},
        "revision": {"version": 0}, "userGroups": [],
    });
    assert_eq!(user, expected);
    assert_eq!(done(&admin.get(&format!("/tenants/users/{id}"))), expected);
    assert_eq!(each(&done(&admin.get("/tenants/users")), "identity"), ["CN=anna, OU=ops", "root"]);
}

#[test]
fn what_cannot_be_a_user_is_refused() {
    let secure = Secure::start();
    let admin = secure.admin();
    let post = |body: Value| admin.post("/tenants/users", &body);
    refused(&post(json!({})), 400, "Cannot create User - identity must not be blank");
    refused(&post(json!({"identity": " "})), 400, "Cannot create User - identity must not be blank");
    let long = "Cannot create User - identity must not have more than 4096 characters";
    refused(&post(json!({"identity": "u".repeat(4097)})), 400, long);
    made(&post(json!({"identity": "u".repeat(4096)})));
    let given = "User identifier cannot be specified when creating a new user.";
    refused(&post(json!({"identity": "x", "identifier": "mine"})), 400, given);
    refused(&post(Value::Null), 400, "User cannot be null");
    refused(&post(json!({"identity": "root"})), 409, "User already exists with the identity 'root'.");
    made(&post(json!({"identity": "Root"})));
    for path in ["/tenants/users/unknown", "/tenants/users/00000000-0000-0000-0000-000000000000"] {
        let none = "The specified user ID does not exist in this registry.";
        refused(&admin.get(path), 404, none);
        refused(&admin.put(path, &json!({"identity": "x"})), 404, none);
        refused(&admin.delete(path), 404, none);
    }
}

#[test]
fn a_user_may_be_called_otherwise_and_stays_who_he_is() {
    let secure = Secure::start();
    let admin = secure.admin();
    let id = admin.user("anna");
    admin.group("ops", &[&id]);
    let path = format!("/tenants/users/{id}");
    let renamed = done(&admin.put(&path, &json!({"identifier": id, "identity": "annette"})));
    assert_eq!((&renamed["identity"], &renamed["identifier"]), (&json!("annette"), &json!(id)));
    assert_eq!(each(&renamed["userGroups"], "identity"), ["ops"]);
    assert_eq!(done(&admin.get(&path)), renamed);
    refused(&admin.put(&path, &json!({"identity": "root"})), 409, "User already exists with the identity 'root'.");
    refused(&admin.put(&path, &json!({"identity": ""})), 400, "Cannot update User - identity must not be blank");
    let other =
        "The user id in the request body (x) does not equal the user id of the requested resource (".to_owned() + &id + ").";
    refused(&admin.put(&path, &json!({"identifier": "x", "identity": "y"})), 400, &other);
    done(&admin.put(&path, &json!({"identity": "annette"})));
    made(&admin.post("/tenants/users", &json!({"identity": "anna"})));
}

#[test]
fn personal_access_tokens_go_along_with_a_new_name() {
    let secure = Secure::start();
    let root = secure.client().with_token(TOKEN);
    let anna = headworks_tests::people::one(&root, "anna", &["read_streams"]);
    let users = done(&secure.admin().get("/tenants/users"));
    let id = text(&users[0]["identifier"]);
    assert_eq!(users[0]["identity"], "anna");
    done(&secure.admin().put(&format!("/tenants/users/{id}"), &json!({"identity": "annette"})));
    assert_eq!(anna.get("/api/v1/auth/whoami").ok()["user"]["name"], "annette");
    done(&secure.admin().delete(&format!("/tenants/users/{id}")));
    assert_eq!(anna.get("/api/v1/auth/whoami").status, 401);
}

#[test]
fn a_user_shows_what_policies_say_of_him() {
    let secure = Secure::start();
    let admin = secure.admin();
    let id = admin.user("anna");
    let group = admin.group("ops", &[&id]);
    let direct = admin.permit("write", "/x", &[&id]);
    admin.permit_too("read", "/tenants", &id);
    let policy = json!({"action": "delete", "resource": "/x", "userGroups": [{"identifier": group}]});
    let through = text(&made(&admin.post("/policies", &policy)).0["identifier"]);
    let user = done(&admin.get(&format!("/tenants/users/{id}")));
    let policies: Vec<Value> = user["accessPolicies"].as_array().unwrap().clone();
    assert_eq!(policies.len(), 3);
    assert!(policies.contains(&json!({
        "action": "write", "configurable": true, "identifier": direct, "resource": "/x", "revision": {"version": 0},
    })));
    assert!(policies.iter().any(|policy| policy["identifier"] == json!(through)));
    assert_eq!(user["userGroups"], json!([{"configurable": true, "identifier": group, "identity": "ops"}]));
    let read = json!({"canDelete": false, "canRead": true, "canWrite": false});
    assert_eq!((&user["resourcePermissions"]["tenants"], &user["resourcePermissions"]["anyTopLevelResource"]), (&read, &read));
    let group = done(&admin.get(&format!("/tenants/user-groups/{group}")));
    assert_eq!(each(&group["accessPolicies"], "identifier"), [through]);
}

#[test]
fn a_user_that_goes_leaves_its_groups() {
    let secure = Secure::start();
    let admin = secure.admin();
    let (anna, bert) = (admin.user("anna"), admin.user("bert"));
    let group = admin.group("ops", &[&anna, &bert]);
    let before = done(&admin.get(&format!("/tenants/users/{anna}")));
    let mut gone = done(&admin.delete(&format!("/tenants/users/{anna}?version=0&clientId=x")));
    assert_eq!(gone.get("revision"), None);
    gone["revision"] = json!({"version": 0});
    assert_eq!(gone, before);
    assert_eq!(each(&done(&admin.get(&format!("/tenants/user-groups/{group}")))["users"], "identity"), ["bert"]);
    admin.user("anna");
    assert_eq!(each(&done(&admin.get(&format!("/tenants/user-groups/{group}")))["users"], "identity"), ["bert"]);
}

#[test]
fn they_are_the_users_of_everywhere_else() {
    let secure = Secure::start();
    let (admin, root) = (secure.admin(), secure.client().with_token(TOKEN));
    admin.user("made here");
    root.put("/api/v1/users/made%20there", &json!({"roles": ["viewer"], "password": "x"})).ok();
    assert_eq!(each(&done(&admin.get("/tenants/users")), "identity"), ["made here", "made there", "root"]);
    let users = root.get("/api/v1/users").ok();
    assert!(users.to_string().contains("made here"), "{users}");
    // A change of roles and password elsewhere keeps who he is here.
    let id = text(&done(&admin.get("/tenants/users"))[1]["identifier"]);
    root.put("/api/v1/users/made%20there", &json!({"roles": [], "password": "y"})).ok();
    let user = done(&admin.get(&format!("/tenants/users/{id}")));
    assert_eq!((&user["identity"], &user["userGroups"]), (&json!("made there"), &json!([])));
    root.delete("/api/v1/users/made%20here").ok();
    assert_eq!(each(&done(&admin.get("/tenants/users")), "identity"), ["made there", "root"]);
}

#[test]
fn who_lacks_a_users_rights_does_not_touch_him() {
    let secure = Secure::start();
    let admin = secure.admin();
    let id = admin.user("CN=manager");
    for action in ["read", "write", "delete"] {
        admin.permit_too(action, "/tenants", &id);
    }
    let manager = secure.named("manager");
    let root = text(&done(&manager.get("/tenants/users"))[1]["identifier"]);
    for answer in [
        manager.delete(&format!("/tenants/users/{root}")),
        manager.put(&format!("/tenants/users/{root}"), &json!({"identity": "other"})),
    ] {
        assert_eq!(answer.status, 403);
        assert!(answer.text().starts_with("Unable to modify users/user groups. 'admin' grants"), "{}", answer.text());
        assert!(answer.text().ends_with("Contact the system administrator."), "{}", answer.text());
    }
    let other = manager.user("other");
    done(&manager.delete(&format!("/tenants/users/{other}")));
}

#[test]
fn tenants_that_are_not_configurable_are_only_read() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_CONFIGURABLE_TENANTS", "false"));
    let admin = secure.admin();
    let fixed =
        "This NiFi Registry is not configured to allow configurable users and groups. Please contact your system administrator.";
    for kind in ["users", "user-groups"] {
        let list = done(&admin.get(&format!("/tenants/{kind}")));
        assert_eq!(list[0]["configurable"], json!(false));
        let path = format!("/tenants/{kind}/{}", text(&list[0]["identifier"]));
        assert_eq!(done(&admin.get(&path)), list[0]);
        refused(&admin.post(&format!("/tenants/{kind}"), &json!({"identity": "x"})), 409, fixed);
        refused(&admin.put(&path, &json!({"identity": "x"})), 409, fixed);
        refused(&secure.anonymous().delete(&path), 409, fixed);
    }
    let config = done(&admin.get("/config"));
    assert_eq!(config["supportsConfigurableUsersAndGroups"], json!(false));
    assert_eq!(config["supportsConfigurableAuthorizer"], json!(true));
}

#[test]
fn revisions_of_users_are_checked_where_they_are_on() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_REVISIONS", "true"));
    let admin = secure.admin();
    refused(
        &admin.post("/tenants/users", &json!({"identity": "anna"})),
        400,
        "A revision of 0 must be specified when creating a new User.",
    );
    let (user, _) = made(&admin.post("/tenants/users", &json!({"identity": "anna", "revision": {"version": 0}})));
    assert_eq!(user["revision"], json!({"version": 1, "lastModifier": "root"}));
    let id = text(&user["identifier"]);
    let path = format!("/tenants/users/{id}");
    let put = |name: &str, version: i64| admin.put(&path, &json!({"identity": name, "revision": {"version": version}}));
    assert_eq!(done(&put("annette", 1))["revision"]["version"], json!(2));
    let stale = format!(
        "The User you attempted to update with id '{id}' is out of date with the server. You may need to refresh your client \
         and try again."
    );
    refused(&put("anne", 1), 400, &stale);
    assert_eq!(done(&admin.get(&path))["revision"], json!({"version": 2}));
    done(&admin.delete(&format!("{path}?version=2")));
}

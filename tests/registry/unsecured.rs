//! Without TLS nobody is asked who he is (NiFi Registry 20).

use crate::calls::{Nifi, done, each, refused};
use headworks_tests::{Server, Setup};
use http::Method;
use serde_json::json;

const UNMANAGED: &str = "This NiFi Registry is not configured to internally manage users, groups, or policies. Please contact \
                         your system administrator.";

#[test]
fn everybody_is_anonymous_and_may_do_everything() {
    let server = Server::start();
    let all = json!({"canDelete": true, "canRead": true, "canWrite": true});
    let expected = json!({
        "anonymous": true, "identity": "anonymous", "loginSupported": false, "oidcloginSupported": false,
        "resourcePermissions": {"anyTopLevelResource": all, "buckets": all, "policies": all, "proxy": all, "tenants": all},
    });
    assert_eq!(done(&Nifi::of(&server).get("/access")), expected);
    // Credentials are not looked at, good or bad.
    for header in ["Bearer nonsense", "Basic cm9vdDpyb290", &format!("Bearer {}", headworks_tests::server::TOKEN)] {
        assert_eq!(done(&Nifi(server.client().with_authorization(header)).get("/access")), expected, "{header}");
    }
    let chain = [("X-ProxiedEntitiesChain", "<root>"), ("X-Headworks-Tenant", "other")];
    assert_eq!(done(&Nifi::of(&server).send(Method::GET, "/access", &chain, None)), expected);
}

#[test]
fn nobody_signs_in_or_out() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    for path in ["", "/login", "/kerberos", "/identity-provider", "/identity-provider/test"] {
        let answer = nifi.send(Method::POST, &format!("/access/token{path}"), &[], None);
        refused(&answer, 409, "Access tokens are only issued over HTTPS");
    }
    let only = "User authentication/authorization is only supported when running over HTTPS.";
    refused(&nifi.delete("/access/logout"), 409, only);
    refused(&nifi.get("/access/logout/complete"), 409, only);
    for path in ["request", "callback", "logout", "logout/callback"] {
        refused(&nifi.get(&format!("/access/oidc/{path}")), 409, only);
    }
    refused(&nifi.delete("/access/oidc/logout"), 409, only);
    refused(&nifi.send(Method::POST, "/access/oidc/exchange", &[], None), 409, only);
}

#[test]
fn there_are_no_users_groups_and_policies() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    for path in ["/tenants/users", "/tenants/user-groups", "/policies"] {
        refused(&nifi.get(path), 409, UNMANAGED);
        refused(&nifi.get(&format!("{path}/x")), 409, UNMANAGED);
        refused(&nifi.post(path, &json!({"identity": "x"})), 409, UNMANAGED);
        refused(&nifi.put(&format!("{path}/x"), &json!({"identity": "x"})), 409, UNMANAGED);
        refused(&nifi.delete(&format!("{path}/x")), 409, UNMANAGED);
    }
    refused(&nifi.get("/policies/read/buckets"), 409, UNMANAGED);
    nifi.bucket("ops");
    let resources = done(&nifi.get("/policies/resources"));
    assert_eq!(each(&resources, "name")[..2], ["Access Policies", "Tenants"]);
    assert_eq!(resources.as_array().map(Vec::len), Some(7));
    let config = json!({
        "supportsConfigurableAuthorizer": false, "supportsConfigurableUsersAndGroups": false,
        "supportsManagedAuthorizer": false,
    });
    assert_eq!(done(&nifi.get("/config")), config);
}

#[test]
fn the_guarded_addresses_are_open() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/actuator/health")), json!({"status": "UP"}));
    assert!(done(&nifi.get("/actuator"))["_links"]["health"]["href"].as_str().unwrap().ends_with("/actuator/health"));
    refused(&nifi.get("/actuator/nowhere"), 404, "HTTP 404 Not Found");
    refused(&nifi.post("/actuator/health", &json!({})), 405, "HTTP 405 Method Not Allowed");
    let document = done(&nifi.get("/swagger/swagger.json"));
    assert_eq!(document["info"]["version"], "0.8.0");
    assert!(document["paths"].as_object().unwrap().len() > 60);
    assert_eq!(nifi.get("/swagger/ui.html").status, 200);
    refused(&nifi.get("/swagger/nowhere"), 404, "HTTP 404 Not Found");
}

#[test]
fn what_is_answered_about_people_is_kept_by_nobody() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    for path in ["/access", "/policies/resources", "/policies", "/tenants/users"] {
        assert_eq!(nifi.get(path).header("cache-control"), "private, no-cache, no-store, no-transform", "{path}");
    }
    assert_eq!(nifi.get("/access").header("strict-transport-security"), "");
}

#[test]
fn a_server_behind_a_proxy_that_ends_tls_can_ask_all_the_same() {
    let server = Setup::new().env("HEADWORKS_REGISTRY_SECURITY", "secured").start();
    let anonymous = Nifi::of(&server);
    let status = done(&anonymous.get("/access"));
    assert_eq!((&status["anonymous"], &status["loginSupported"]), (&json!(true), &json!(true)));
    refused(&anonymous.get("/policies"), 401, "Unknown user with identity 'anonymous'. Contact the system administrator.");
    assert_eq!(anonymous.get("/access").header("strict-transport-security"), "max-age=31540000");
    let root = Nifi(server.client());
    assert_eq!(done(&root.get("/access"))["identity"], "root");
    let made = root.post("/tenants/users", &json!({"identity": "anna"}));
    assert!(made.header("location").starts_with("https://"), "{}", made.header("location"));
    let proxied = root.send(Method::GET, "/access", &[("X-ProxiedEntitiesChain", "<anna>")], None);
    assert_eq!(done(&proxied)["identity"], "root", "a chain counts together with a client certificate only");
}

#[test]
fn the_operator_is_warned_where_strangers_may_reach_it() {
    let warning = "the registry asks nobody here who they are";
    let open = Setup::new().arg("--listen").arg("0.0.0.0:0");
    assert!(open.start().output().contains(warning));
    assert!(!open.env("HEADWORKS_REGISTRY_SECURITY", "secured").start().output().contains(warning));
    assert!(!Server::start().output().contains(warning));
}

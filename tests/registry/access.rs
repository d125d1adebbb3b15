//! Signing in and out (NiFi Registry 19.4, 19.5 and 19.9).

use crate::calls::{API, done, refused};
use crate::secure::{BAD_TOKEN, Secure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use http::Method;
use serde_json::{Value, json};

const MISSING: &str = "Client credentials are missing or invalid according to all configured identity providers.";

/// What a token says.
pub(crate) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a token of three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON")
}

#[test]
fn the_status_tells_who_calls_and_what_he_may_do() {
    let secure = Secure::start();
    let all = json!({"canDelete": true, "canRead": true, "canWrite": true});
    let none = json!({"canDelete": false, "canRead": false, "canWrite": false});
    let rights = |one: &Value| json!({"anyTopLevelResource": one, "buckets": one, "policies": one, "proxy": one, "tenants": one});
    let status = done(&secure.anonymous().get("/access"));
    let expected = json!({
        "anonymous": true, "identity": "anonymous", "loginSupported": true, "oidcloginSupported": false,
        "resourcePermissions": rights(&none),
    });
    assert_eq!(status, expected);
    let status = done(&secure.admin().get("/access"));
    let expected = json!({
        "anonymous": false, "identity": "root", "loginSupported": true, "oidcloginSupported": false,
        "resourcePermissions": rights(&all),
    });
    assert_eq!(status, expected);
    let reader = secure.admin().user("CN=reader");
    secure.admin().permit_too("read", "/tenants", &reader);
    let status = done(&secure.named("reader").get("/access"))["resourcePermissions"].clone();
    assert_eq!(status["tenants"], json!({"canDelete": false, "canRead": true, "canWrite": false}));
    assert_eq!(status["anyTopLevelResource"], status["tenants"]);
    assert_eq!(status["policies"], none);
}

#[test]
fn a_password_is_traded_for_a_token_that_says_how() {
    let secure = Secure::start();
    let answer = secure.login(USER, PASSWORD);
    assert_eq!((answer.status, answer.header("content-type")), (201, "text/plain"));
    let base = format!("https://{}{API}", secure.server.address());
    assert_eq!(answer.header("location"), format!("{base}/access/token"));
    assert_eq!(answer.header("cache-control"), "private, no-cache, no-store, no-transform");
    let token = answer.text();
    let said = claims(&token);
    assert_eq!((said["sub"].as_str(), said["preferred_username"].as_str()), (Some("root"), Some("root")));
    assert_eq!(said["iss"], said["aud"]);
    assert_eq!(said["kid"].as_str().map(str::len), Some(36));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 12 * 3600);
    assert_eq!(secure.token(&token).identity(), "root");
    assert_eq!(done(&secure.token(&token).get("/tenants/users")).as_array().map(Vec::len), Some(1));
    let any = secure.log_in_at("/access/token", USER, PASSWORD);
    assert_eq!(any.status, 201, "{}", any.text());
    assert_eq!(claims(&any.text())["kid"], said["kid"], "one key for all tokens of a user");
}

#[test]
fn credentials_that_are_missing_or_wrong_are_refused_without_a_dialogue() {
    let secure = Secure::start();
    let login = "/access/token/login";
    let none = secure.anonymous().send(Method::POST, login, &[], None);
    refused(&none, 401, "The client credentials are missing from the request.");
    refused(&secure.anonymous().send(Method::POST, "/access/token", &[], None), 401, MISSING);
    for (user, password) in [(USER, "wrong"), ("nobody", PASSWORD), (USER, "")] {
        let answer = secure.login(user, password);
        refused(&answer, 401, "The supplied client credentials are not valid.");
        assert_eq!(answer.header("www-authenticate"), "");
        let answer = secure.log_in_at("/access/token", user, password);
        refused(&answer, 401, MISSING);
        assert_eq!(answer.header("www-authenticate"), "");
    }
    let garbled = secure.anonymous().send(Method::POST, login, &[("Authorization", "Basic ?")], None);
    refused(&garbled, 401, "The supplied client credentials are not valid.");
    // Name and password count where tokens are made only.
    let client = crate::calls::Nifi(secure.client().with_authorization("Basic cm9vdDpyb290"));
    assert_eq!(client.identity(), "anonymous");
}

#[test]
fn who_guesses_passwords_is_slowed_down() {
    let secure = Secure::start();
    let answers: Vec<u16> = (0..12).map(|n| secure.login(USER, &format!("guess {n}")).status).collect();
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 10, "{answers:?}");
    let slowed = secure.login(USER, PASSWORD);
    assert_eq!(slowed.status, 429);
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[test]
fn signing_out_ends_every_token_of_the_user_and_nothing_else() {
    let secure = Secure::start();
    let (one, other) = (secure.signed_in(), secure.signed_in());
    let out = secure.token(&one).sign_out();
    assert_eq!((out.status, out.text().as_str()), (200, ""));
    for token in [&one, &other] {
        refused(&secure.token(token).get("/access"), 401, BAD_TOKEN);
        refused(&secure.token(token).get("/buckets"), 401, BAD_TOKEN);
    }
    assert_eq!(secure.admin().identity(), "root");
    let again = secure.signed_in();
    assert_eq!(secure.token(&again).identity(), "root");
    assert_ne!(claims(&again)["kid"], claims(&one)["kid"]);
    assert_eq!(secure.anonymous().sign_out().status, 401);
    let complete = secure.token(&again).get("/access/logout/complete");
    let home = format!("https://{}/nifi-registry", secure.server.address());
    assert_eq!((complete.status, complete.header("location")), (302, home.as_str()));
}

#[test]
fn tokens_survive_a_restart() {
    let mut secure = Secure::start();
    let token = secure.signed_in();
    secure.server.kill();
    secure.server.restart();
    assert_eq!(secure.token(&token).identity(), "root");
}

#[test]
fn lifetimes_are_between_a_minute_and_twelve_hours() {
    for (seconds, lifetime) in [("1", 60), ("3600", 3600), ("999999", 43_200)] {
        let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_TOKEN_SECONDS", seconds));
        let said = claims(&secure.signed_in());
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), lifetime, "{seconds}");
    }
}

#[test]
fn a_token_that_nobody_signed_is_refused_everywhere() {
    let secure = Secure::start();
    let anna = secure.admin().user("anna");
    let token = secure.signed_in();
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut other = claims(&token);
    other["sub"] = json!("anna");
    let unsigned = format!("{}.{}.", encode(&json!({"alg": "none", "typ": "JWT"})), parts[1]);
    let of_another = format!("{}.{}.{}", parts[0], encode(&other), parts[2]);
    let cut = token[..token.len() - 4].to_owned();
    let mut unknown = claims(&token);
    unknown["kid"] = json!(anna);
    let of_no_key = format!("{}.{}.{}", parts[0], encode(&unknown), parts[2]);
    for forged in [unsigned.as_str(), &of_another, &cut, &of_no_key, "a.b.c", "x", "pat_0123456789abcdefghijABCDEFGHIJ99"] {
        refused(&secure.token(forged).get("/access"), 401, BAD_TOKEN);
        // Not even where nobody would have to say who he is.
        refused(&secure.token(forged).get("/buckets/fields"), 401, BAD_TOKEN);
    }
}

#[test]
fn a_token_ends_with_its_user_or_with_the_users_name() {
    let secure = Secure::start();
    let root = secure.client().with_token(TOKEN);
    for name in ["anna", "bert"] {
        root.put(&format!("/api/v1/users/{name}"), &json!({"roles": [], "password": "secret"})).ok();
    }
    let id = |name: &str| {
        let users = done(&secure.admin().get("/tenants/users"));
        let user = users.as_array().unwrap().iter().find(|user| user["identity"] == name).expect("the user").clone();
        crate::calls::text(&user["identifier"])
    };
    let (anna, bert) = (secure.login("anna", "secret").text(), secure.login("bert", "secret").text());
    assert_eq!(secure.token(&anna).identity(), "anna");
    done(&secure.admin().put(&format!("/tenants/users/{}", id("anna")), &json!({"identity": "annette"})));
    done(&secure.admin().delete(&format!("/tenants/users/{}", id("bert"))));
    for token in [&anna, &bert] {
        refused(&secure.token(token).get("/access"), 401, BAD_TOKEN);
    }
    assert_eq!(secure.login("annette", "secret").status, 201, "the password goes along");
}

#[test]
fn who_was_made_here_has_no_password_until_he_is_given_one() {
    let secure = Secure::start();
    let id = secure.admin().user("anna");
    for password in ["", "anna"] {
        assert_eq!(secure.login("anna", password).status, 401);
    }
    let root = secure.client().with_token(TOKEN);
    root.put("/api/v1/users/anna", &json!({"roles": [], "password": "secret"})).ok();
    assert_eq!(secure.login("anna", "secret").status, 201);
    assert_eq!(done(&secure.admin().get(&format!("/tenants/users/{id}")))["identity"], "anna", "the identifier stays");
}

#[test]
fn every_kind_of_token_of_this_server_is_taken() {
    let secure = Secure::start();
    let body = json!({"username": USER, "password": PASSWORD});
    let session = secure.client().post("/api/v1/auth/login", &body).ok();
    assert_eq!(secure.token(session["token"].as_str().unwrap()).identity(), "root");
    assert_eq!(secure.token(TOKEN).identity(), "root");
}

#[test]
fn a_certificate_is_traded_for_a_token_too() {
    let secure = Secure::start();
    let holder = secure.named("anna");
    let answer = holder.send(Method::POST, "/access/token", &[], None);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(claims(&answer.text())["sub"], "CN=anna");
    assert_eq!(secure.token(&answer.text()).identity(), "CN=anna");
    let proxied = holder.send(Method::POST, "/access/token", &[("X-ProxiedEntitiesChain", "<root>")], None);
    refused(&proxied, 401, MISSING);
}

#[test]
fn ways_in_that_are_not_configured_say_so() {
    let secure = Secure::with(|setup| setup.env("HEADWORKS_REGISTRY_PASSWORD_LOGIN", "false"));
    let post = |path: &str| secure.anonymous().send(Method::POST, path, &[], None);
    let no_login = "Username/Password login not supported by this NiFi. Contact System Administrator.";
    refused(&secure.login(USER, PASSWORD), 409, no_login);
    refused(&secure.log_in_at("/access/token", USER, PASSWORD), 401, MISSING);
    let status = done(&secure.anonymous().get("/access"));
    assert_eq!((&status["loginSupported"], &status["oidcloginSupported"]), (&json!(false), &json!(false)));
    refused(&post("/access/token/kerberos"), 409, "Kerberos service ticket login not supported by this NiFi Registry");
    let custom = "Custom login not supported by this NiFi Registry";
    refused(&post("/access/token/identity-provider"), 409, custom);
    refused(&post("/access/token/identity-provider/test"), 409, custom);
    refused(&secure.anonymous().get("/access/token/identity-provider/usage"), 409, custom);
    let oidc = "OpenId Connect is not configured.";
    refused(&secure.anonymous().get("/access/oidc/request"), 409, oidc);
    refused(&secure.anonymous().get("/access/oidc/callback"), 409, oidc);
    refused(&post("/access/oidc/exchange"), 409, oidc);
    refused(&secure.admin().delete("/access/oidc/logout"), 409, oidc);
    refused(&secure.admin().get("/access/oidc/logout"), 409, oidc);
}

#[test]
fn a_token_leads_to_the_tenant_of_its_user() {
    let secure = Secure::start();
    let root = secure.client().with_token(TOKEN);
    let tenant = json!({"name": "acme", "administrator": {"name": "boss", "password": "secret"}});
    let answer = root.post("/platform/v1/tenants", &tenant);
    assert_eq!(answer.status, 201, "{}", answer.text());
    secure.admin().bucket("ours");
    let token = secure.login("boss@acme", "secret").text();
    assert_eq!(claims(&token)["preferred_username"], "boss@acme");
    let boss = secure.token(&token);
    assert_eq!(boss.identity(), "boss");
    assert_eq!(done(&boss.get("/buckets")), json!([]));
    boss.bucket("theirs");
    assert_eq!(crate::calls::each(&done(&boss.get("/tenants/users")), "identity"), ["boss"]);
    assert_eq!(crate::calls::each(&done(&secure.admin().get("/buckets")), "name"), ["ours"]);
    assert_eq!(secure.login("boss", "secret").status, 401);
}

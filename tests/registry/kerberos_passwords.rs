//! Signing in with the password of a principal of a real KDC (NiFi Registry 19.5 to 19.7).

use crate::access::claims;
use crate::calls::{done, refused};
use crate::kerberos::{REALM, Realm};
use crate::secure::Secure;
use headworks_tests::server::{Folder, PASSWORD, USER};
use headworks_tests::{Answer, Setup};
use serde_json::json;
use std::net::TcpListener;

const WRONG: &str = "The supplied client credentials are not valid.";
const LATER: &str = "What knows the passwords cannot be asked at the moment: try again later.";

/// Settings of a registry that asks this KDC, and does not check who it is.
fn trusting(setup: Setup, kdc: &str) -> Setup {
    setup.env("HEADWORKS_REGISTRY_KERBEROS_DEFAULT_REALM", REALM).env("HEADWORKS_REGISTRY_KERBEROS_KDCS", kdc)
}

/// A registry that asks the KDC of a realm, and checks with a keytab who it is.
fn guarded(realm: &Realm) -> Secure {
    Secure::with(|setup| trusting(realm.settings(setup, "HTTP/localhost"), &realm.kdc()))
}

fn sure(secure: &Secure, answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{} {}", answer.text(), secure.server.output());
    claims(&answer.text())["sub"].as_str().expect("a name").to_owned()
}

#[test]
fn a_password_of_the_realm_is_traded_for_a_token() {
    let Some(realm) = Realm::start() else { return };
    let secure = guarded(&realm);
    let answer = secure.login("anna", "secret");
    let name = format!("anna@{REALM}");
    assert_eq!(sure(&secure, &answer), name);
    let said = claims(&answer.text());
    assert_eq!(
        (&said["preferred_username"], &said["iss"], &said["aud"]),
        (&json!("anna"), &json!("kerberos"), &json!("kerberos"))
    );
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 12 * 3600);
    let anna = secure.token(&answer.text());
    assert_eq!((anna.identity(), anna.get("/tenants/users").status), (name.clone(), 403));
    let id = secure.admin().user(&name);
    secure.admin().permit_too("read", "/tenants", &id);
    assert_eq!(anna.get("/tenants/users").status, 200);
    assert_eq!(done(&secure.anonymous().get("/access"))["loginSupported"], true);
    assert_eq!(sure(&secure, &secure.log_in_at("/access/token", "anna", "secret")), name);
    assert_eq!(sure(&secure, &secure.login(&name, "secret")), name);
}

#[test]
fn whoever_the_realm_does_not_know_gets_no_token() {
    let Some(realm) = Realm::start() else { return };
    realm.change("addprinc -pw late -pwexpire 2020-01-01 late");
    realm.change("addprinc -pw locked -allow_tix locked");
    let secure = guarded(&realm);
    for (user, password) in [
        ("anna", "wrong"),
        ("anna", ""),
        ("nobody", "secret"),
        ("", "secret"),
        ("anna@OTHER.TEST", "secret"),
        ("anna@", "secret"),
        ("/anna", "secret"),
        ("anna\\@x", "secret"),
        ("an\nna", "secret"),
        ("late", "late"),
        ("locked", "locked"),
        (USER, PASSWORD),
    ] {
        refused(&secure.login(user, password), 401, WRONG);
    }
    let output = secure.server.output();
    assert!(output.contains("the password has expired") && output.contains("the principal is locked"), "{output}");
}

#[test]
fn keys_of_every_form_are_made() {
    let Some(realm) = Realm::start() else { return };
    for (name, options) in [
        ("short", "-e aes128-cts-hmac-sha1-96:normal"),
        ("short-proven", "-e aes128-cts-hmac-sha1-96:normal +requires_preauth"),
        ("proven", "+requires_preauth"),
        ("salted", "-e aes256-cts-hmac-sha1-96:onlyrealm +requires_preauth"),
        ("bert/admin", "+requires_preauth"),
    ] {
        realm.change(&format!("addprinc -pw pässword {options} {name}"));
        let secure = guarded(&realm);
        assert_eq!(sure(&secure, &secure.login(name, "pässword")), format!("{name}@{REALM}"));
        refused(&secure.login(name, "password"), 401, WRONG);
    }
}

#[test]
fn mappings_rewrite_names_and_tokens_end() {
    let Some(realm) = Realm::start() else { return };
    let secure = Secure::with(|setup| {
        trusting(realm.settings(setup, "HTTP/localhost"), &realm.kdc())
            .env("HEADWORKS_REGISTRY_KERBEROS_EXPIRATION_SECONDS", "90")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_KERB_PATTERN", "(.*?)@(.*?)")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_KERB_VALUE", "$1")
    });
    let answer = secure.login("anna", "secret");
    assert_eq!(sure(&secure, &answer), "anna");
    let said = claims(&answer.text());
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 90);
    secure.admin().user("anna");
    let session = secure.client().post("/api/v1/auth/login", &json!({"username": "anna", "password": "secret"}));
    assert_eq!(session.status, 200, "{}", session.text());
}

#[test]
fn whatever_plays_the_kdc_lets_nobody_in() {
    let (Some(own), Some(other)) = (Realm::start(), Realm::start()) else { return };
    other.change("cpw -pw of-the-other anna");
    let secure = Secure::with(|setup| trusting(own.settings(setup, "HTTP/localhost"), &other.kdc()));
    refused(&secure.login("anna", "of-the-other"), 503, LATER);
    assert!(secure.server.output().contains("does not fit the keytab"), "{}", secure.server.output());
    // Without a keytab nobody can tell, and the start says so.
    let blind = Secure::with(|setup| trusting(setup, &other.kdc()));
    assert_eq!(sure(&blind, &blind.login("anna", "of-the-other")), format!("anna@{REALM}"));
    assert!(blind.server.output().contains("whoever answers in the place of the KDC"), "{}", blind.server.output());
    assert!(!guarded(&own).server.output().contains("in the place of the KDC"));
}

#[test]
fn a_kdc_that_is_down_or_slow_or_wrong_about_the_time_is_no_wrong_password() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let slow = silent.local_addr().expect("its address").to_string();
    let secure = Secure::with(|setup| trusting(setup, &slow).env("HEADWORKS_REGISTRY_KERBEROS_TIMEOUT_MS", "400"));
    refused(&secure.login("anna", "secret"), 503, LATER);
    assert!(secure.server.output().contains("does not answer within 400ms"), "{}", secure.server.output());
    drop(silent);
    for _ in 0..12 {
        refused(&secure.login("anna", "secret"), 503, LATER);
    }
    let Some(realm) = Realm::of_the_past("11m") else { return };
    realm.change("addprinc -pw secret +requires_preauth bert");
    let secure = Secure::with(|setup| trusting(setup, &format!("{slow},{}", realm.kdc())));
    refused(&secure.login("bert", "secret"), 503, LATER);
    assert!(secure.server.output().contains("clocks of the KDC and of this server"), "{}", secure.server.output());
}

#[test]
fn the_configuration_of_the_system_says_where_the_kdc_is() {
    let Some(realm) = Realm::start() else { return };
    let secure = Secure::with(|setup| {
        realm
            .settings(setup, "HTTP/localhost")
            .env("HEADWORKS_REGISTRY_KERBEROS_DEFAULT_REALM", REALM)
            .env("HEADWORKS_REGISTRY_KERBEROS_KRB5_CONF", &realm.path("krb5.conf"))
    });
    assert_eq!(sure(&secure, &secure.login("anna", "secret")), format!("anna@{REALM}"));
    for (name, value, part) in [
        ("DEFAULT_REALM", "OTHER.TEST", "registry.kerberos.kdcs"),
        ("KRB5_CONF", "/nowhere", "registry.kerberos.kdcs"),
        ("KDCS", "http://kdc", "registry.kerberos.kdcs"),
        ("DEFAULT_REALM", "a@b", "registry.kerberos.default_realm"),
        ("SERVICE_PRINCIPAL", "HTTP/nobody", "registry.kerberos.service_principal"),
    ] {
        let setup = realm
            .settings(Setup::new(), "HTTP/localhost")
            .env("HEADWORKS_REGISTRY_KERBEROS_DEFAULT_REALM", REALM)
            .env("HEADWORKS_REGISTRY_KERBEROS_KRB5_CONF", &realm.path("krb5.conf"))
            .env(&format!("HEADWORKS_REGISTRY_KERBEROS_{name}"), value);
        let refusal = setup.try_start_on(&Folder::new()).expect_err("no start");
        assert!(refusal.output.contains(part), "{name}={value}: {}", refusal.output);
    }
}

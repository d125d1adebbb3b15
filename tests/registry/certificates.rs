//! Client certificates (NiFi Registry 19.2 and 19.7).

use crate::calls::{Nifi, done, refused};
use crate::secure::Secure;
use headworks_tests::server::{Folder, TOKEN};
use headworks_tests::{Authority, Client, Setup};
use http::Method;
use rcgen::DnType;
use serde_json::json;

#[test]
fn the_identity_is_the_subject_most_particular_part_first() {
    let secure = Secure::start();
    let (cn, ou, o) = (DnType::CommonName, DnType::OrganizationalUnitName, DnType::OrganizationName);
    for (subject, identity) in [
        (vec![(o.clone(), "Acme"), (ou.clone(), "nifi"), (cn.clone(), "user")], "CN=user, OU=nifi, O=Acme"),
        (vec![(DnType::CountryName, "NO"), (DnType::StateOrProvinceName, "Oslo"), (cn.clone(), "x")], "CN=x, ST=Oslo, C=NO"),
        (vec![(o, "Acme, Inc."), (cn.clone(), "Zoë + #1")], "CN=Zoë \\+ #1, O=Acme\\, Inc."),
        (vec![(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]), "u1"), (cn.clone(), "x")], "CN=x, UID=u1"),
        (vec![(DnType::CustomDnType(vec![1, 2, 3, 4]), "odd"), (cn, "x")], "CN=x, OID.1.2.3.4=odd"),
    ] {
        assert_eq!(secure.holder(&subject).identity(), identity);
    }
}

#[test]
fn a_token_beside_a_certificate_is_not_looked_at() {
    let secure = Secure::start();
    let holder = secure.named("anna");
    for token in [TOKEN, "nonsense"] {
        assert_eq!(Nifi(holder.0.with_token(token)).identity(), "CN=anna");
    }
}

#[test]
fn a_certificate_has_to_come_from_the_authority() {
    let secure = Secure::start();
    let stranger = Authority::new();
    let (own, key) = stranger.give(&[(DnType::CommonName, "root")]);
    let base = format!("https://{}", secure.server.address());
    let client = Client::identified(&base, &secure.authority.pem, &own, &key);
    let answer = client.try_send(Method::GET, "/nifi-registry-api/access", &[], None);
    // With TLS 1.3 the client has finished before the server refuses.
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(secure.anonymous().identity(), "anonymous");
}

#[test]
fn a_listener_asks_for_certificates_demands_them_or_does_not() {
    let off = Secure::with(|setup| setup.env("HEADWORKS_HTTP_TLS_CLIENT_AUTH", "off"));
    assert_eq!(off.named("anna").identity(), "anonymous");
    let required = Secure::with(|setup| setup.env("HEADWORKS_HTTP_TLS_CLIENT_AUTH", "required"));
    assert_eq!(required.named("anna").identity(), "CN=anna");
    let answer = required.client().try_send(Method::GET, "/nifi-registry-api/access", &[], None);
    assert!(answer.is_err(), "{answer:?}");
    let optional = Secure::with(|setup| setup.env("HEADWORKS_HTTP_TLS_CLIENT_AUTH", "optional"));
    assert_eq!((optional.named("anna").identity(), optional.anonymous().identity()), ("CN=anna".into(), "anonymous".into()));
}

#[test]
fn authorities_that_are_missing_stop_the_start() {
    let authority = Authority::new();
    let setup = Setup::new()
        .env("HEADWORKS_HTTP_TLS_CERT", &authority.path("server.pem"))
        .env("HEADWORKS_HTTP_TLS_KEY", &authority.path("server.key"));
    let fails = |setup: Setup| match setup.try_start_on(&Folder::new()) {
        Ok(_) => panic!("it started"),
        Err(refusal) => refusal.output,
    };
    let output = fails(setup.clone().env("HEADWORKS_HTTP_TLS_CLIENT_AUTH", "required"));
    assert!(output.contains("http.tls.client_ca"), "{output}");
    let output = fails(setup.clone().env("HEADWORKS_HTTP_TLS_CLIENT_CA", &authority.path("missing.pem")));
    assert!(output.contains("missing.pem"), "{output}");
    let output = fails(setup.clone().env("HEADWORKS_HTTP_TLS_CLIENT_CA", &authority.path("server.key")));
    assert!(output.contains("client authorities"), "{output}");
    let output = fails(setup.env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_PATTERN", "("));
    assert!(output.contains("identity_mapping"), "{output}");
}

#[test]
fn names_are_mapped_in_the_order_of_the_rules() {
    let secure = Secure::with(|setup| {
        setup
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_A_PATTERN", "CN=(.*?), OU=nifi")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_A_VALUE", "$1")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_A_TRANSFORM", "LOWER")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_B_PATTERN", "CN=(.*)")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_B_VALUE", "other $1")
    });
    let ou = |unit: &'static str| secure.holder(&[(DnType::OrganizationalUnitName, unit), (DnType::CommonName, "Root")]);
    assert_eq!(ou("nifi").identity(), "root");
    assert_eq!(done(&ou("nifi").get("/access"))["resourcePermissions"]["policies"]["canWrite"], json!(true));
    assert_eq!(ou("ops").identity(), "other Root, OU=ops");
    assert_eq!(secure.holder(&[(DnType::OrganizationName, "none")]).identity(), "O=none");
    // Names of tokens are users' names already.
    assert_eq!(secure.admin().identity(), "root");
}

#[test]
fn who_is_no_user_here_is_told_so() {
    let secure = Secure::start();
    let unknown = "Unknown user with identity 'CN=anna'. Contact the system administrator.";
    refused(&secure.named("anna").get("/tenants/users"), 403, unknown);
}

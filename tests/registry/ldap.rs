//! Signing in with a name and a password that a real directory knows (NiFi Registry 19.5 to 19.7).

mod slapd;

use crate::access::claims;
use crate::calls::{API, done, refused};
use crate::secure::Secure;
use headworks_tests::server::{Folder, PASSWORD, TOKEN, USER};
use headworks_tests::{Authority, Setup};
use http::Method;
use serde_json::json;
use slapd::{Demands, READERS_PASSWORD, SUFFIX, Slapd, as_reader, free_port, person, settings};
use std::net::TcpListener;

const MISSING: &str = "Client credentials are missing or invalid according to all configured identity providers.";
const WRONG: &str = "The supplied client credentials are not valid.";
const LATER: &str = "What knows the passwords cannot be asked at the moment: try again later.";

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{SUFFIX}")
}

/// A directory that anybody may look up names in, and a registry that asks it.
fn usual(further: impl FnOnce(Setup) -> Setup) -> Option<(Slapd, Secure)> {
    let slapd = Slapd::start(Demands::default())?;
    let secure = Secure::with(|setup| further(slapd.settings(setup, "LDAPS", &slapd.tls())));
    Some((slapd, secure))
}

/// The name that a registry gives to somebody who signs in.
fn name(secure: &Secure, user: &str, password: &str) -> String {
    let answer = secure.login(user, password);
    assert_eq!(answer.status, 201, "{user}: {} {}", answer.text(), secure.server.output());
    secure.token(&answer.text()).identity()
}

#[test]
fn a_password_of_the_directory_is_traded_for_a_token() {
    let Some((_slapd, secure)) = usual(|setup| setup) else { return };
    let answer = secure.login("anna", "secret-anna");
    assert_eq!((answer.status, answer.header("content-type")), (201, "text/plain"), "{}", answer.text());
    assert_eq!(answer.header("location"), format!("https://{}{API}/access/token", secure.server.address()));
    let said = claims(&answer.text());
    assert_eq!((&said["sub"], &said["preferred_username"]), (&json!(dn("anna")), &json!("anna")));
    assert_eq!((&said["iss"], &said["aud"]), (&json!("ldap"), &json!("ldap")));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 12 * 3600);
    let anna = secure.token(&answer.text());
    assert_eq!(anna.identity(), dn("anna"));
    let unknown = anna.get("/tenants/users");
    assert_eq!(unknown.status, 403, "{}", unknown.text());
    let id = secure.admin().user(&dn("anna"));
    secure.admin().permit_too("read", "/tenants", &id);
    assert_eq!(anna.get("/tenants/users").status, 200);
    let status = done(&secure.anonymous().get("/access"));
    assert_eq!((&status["loginSupported"], &status["oidcloginSupported"]), (&json!(true), &json!(false)));
    assert_eq!(secure.log_in_at("/access/token", "anna", "secret-anna").status, 201);
}

#[test]
fn whoever_the_directory_does_not_know_gets_no_token() {
    let Some((_slapd, secure)) = usual(|setup| setup) else { return };
    for (user, password) in [
        ("anna", "secret-bert"),
        ("anna", ""),
        ("nobody", "secret-anna"),
        ("nobody", ""),
        ("", "secret-anna"),
        ("", ""),
        (" ", "x"),
        (USER, PASSWORD),
    ] {
        refused(&secure.login(user, password), 401, WRONG);
        let answer = secure.log_in_at("/access/token", user, password);
        refused(&answer, 401, MISSING);
        assert_eq!(answer.header("www-authenticate"), "", "no dialogue of browsers");
    }
    let missing = secure.anonymous().send(Method::POST, "/access/token/login", &[], None);
    refused(&missing, 401, "The client credentials are missing from the request.");
}

#[test]
fn no_name_changes_what_is_asked() {
    let Some((_slapd, secure)) = usual(|setup| setup) else { return };
    for user in ["*", "an*", "*)(uid=*", "anna)(objectClass=*", "x)(|(uid=anna", "\\61nna", "anna\0"] {
        refused(&secure.login(user, "secret-anna"), 401, WRONG);
    }
    assert_eq!(name(&secure, "o*(k)", "secret-o*(k)"), dn("o*(k)"), "such letters may be part of a name");
}

#[test]
fn more_than_one_entry_is_none() {
    let both = "(|(uid={0})(cn={0}))";
    let Some((_slapd, secure)) = usual(|setup| setup.env("HEADWORKS_REGISTRY_LDAP_SEARCH_FILTER", both)) else { return };
    assert_eq!(name(&secure, "anna", "secret-anna"), dn("anna"));
    for password in ["secret-bert", "secret-carl"] {
        refused(&secure.login("double", password), 401, WRONG);
    }
    assert!(secure.server.output().contains("more than one entry of the directory has the name"), "{}", secure.server.output());
}

#[test]
fn the_directory_is_reached_in_every_way() {
    let open = Demands::default();
    let Some(slapd) = Slapd::start(Demands { reader: true, ..open }) else { return };
    let url = slapd.plain();
    let simple = Secure::with(|setup| as_reader(slapd.settings(setup, "simple", &url)));
    assert_eq!(name(&simple, "anna", "secret-anna"), dn("anna"));
    assert!(simple.server.output().contains("passwords go to the directory unencrypted"), "{}", simple.server.output());
    let anonymous = Secure::with(|setup| slapd.settings(setup, "ANONYMOUS", &url));
    assert_ne!(anonymous.login("anna", "secret-anna").status, 201, "nobody but the reader may look up names");
    let slapd = Slapd::start(open).expect("slapd");
    let anonymous = Secure::with(|setup| slapd.settings(setup, "ANONYMOUS", &slapd.plain()));
    assert_eq!(name(&anonymous, "anna", "secret-anna"), dn("anna"));

    let slapd = Slapd::start(Demands { reader: true, tls: true, ..open }).expect("slapd");
    let url = slapd.plain().replace("127.0.0.1", "localhost");
    let begun = Secure::with(|setup| as_reader(slapd.settings(setup, "START_TLS", &url)));
    assert_eq!(name(&begun, "anna", "secret-anna"), dn("anna"));
    assert!(!begun.server.output().contains("unencrypted"), "{}", begun.server.output());
    let plain = Secure::with(|setup| as_reader(slapd.settings(setup, "SIMPLE", &url)));
    refused(&plain.login("anna", "secret-anna"), 503, LATER);

    let slapd = Slapd::start(Demands { tls: true, certificate: true, ..open }).expect("slapd");
    let shown = |setup: Setup| {
        setup
            .env("HEADWORKS_REGISTRY_LDAP_TLS_CERT", &slapd.file("server.pem"))
            .env("HEADWORKS_REGISTRY_LDAP_TLS_KEY", &slapd.file("server.key"))
    };
    for url in [slapd.tls(), slapd.tls().replace("localhost", "127.0.0.1")] {
        let certified = Secure::with(|setup| shown(slapd.settings(setup, "LDAPS", &url)));
        assert_eq!(name(&certified, "anna", "secret-anna"), dn("anna"), "{url}");
    }
    let without = Secure::with(|setup| slapd.settings(setup, "LDAPS", &slapd.tls()));
    refused(&without.login("anna", "secret-anna"), 503, LATER);
}

#[test]
fn a_directory_that_nobody_vouches_for_gets_no_password() {
    let Some(slapd) = Slapd::start(Demands::default()) else { return };
    let stranger = Authority::new();
    let plain = slapd.plain().replace("127.0.0.1", "localhost");
    for (strategy, url) in [("LDAPS", slapd.tls()), ("START_TLS", plain)] {
        let setup = |setup: Setup| settings(setup, strategy, &url);
        let strangers = Secure::with(|setup_| setup(setup_).env("HEADWORKS_REGISTRY_LDAP_TLS_CA", &stranger.path("ca.pem")));
        refused(&strangers.login("anna", "secret-anna"), 503, LATER);
        assert!(strangers.server.output().contains("TLS: "), "{}", strangers.server.output());
        refused(&Secure::with(setup).login("anna", "secret-anna"), 503, LATER);
    }
}

#[test]
fn people_are_called_as_the_directory_or_as_they_do_and_mappings_rewrite_that() {
    let mapped = |setup: Setup, pattern: &str| {
        setup
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_LDAP_PATTERN", pattern)
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_LDAP_VALUE", "$1@home")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_LDAP_TRANSFORM", "UPPER")
    };
    let entered = |setup: Setup| setup.env("HEADWORKS_REGISTRY_LDAP_IDENTITY", "USE_USERNAME");
    let Some((slapd, secure)) = usual(entered) else { return };
    assert_eq!(name(&secure, "anna", "secret-anna"), "anna");
    let with = |further: &dyn Fn(Setup) -> Setup| {
        Secure::with(|setup| {
            further(slapd.settings(setup, "LDAPS", &slapd.tls())).env("HEADWORKS_REGISTRY_LDAP_EXPIRATION_SECONDS", "1")
        })
    };
    let secure = with(&|setup| mapped(entered(setup), "(a.*)"));
    assert_eq!(name(&secure, "anna", "secret-anna"), "ANNA@HOME");
    let secure = with(&|setup| mapped(setup, "uid=(.*?),.*"));
    let answer = secure.login("anna", "secret-anna");
    let said = claims(&answer.text());
    assert_eq!((&said["sub"], &said["preferred_username"]), (&json!("ANNA@HOME"), &json!("anna")));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 60, "a minute at least");
}

#[test]
fn a_directory_that_is_down_or_slow_is_no_wrong_password() {
    let down = format!("ldap://127.0.0.1:{}", free_port());
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let slow = format!("ldap://{}", silent.local_addr().expect("its address"));
    let quick = |setup: Setup| {
        setup.env("HEADWORKS_REGISTRY_LDAP_CONNECT_TIMEOUT_MS", "400").env("HEADWORKS_REGISTRY_LDAP_READ_TIMEOUT_MS", "400")
    };
    let secure = Secure::with(|setup| quick(settings(setup, "ANONYMOUS", &down)));
    for _ in 0..15 {
        refused(&secure.login("anna", "secret-anna"), 503, LATER);
    }
    refused(&secure.log_in_at("/access/token", "anna", "secret-anna"), 503, LATER);
    let output = secure.server.output();
    assert!(output.contains("nobody can sign in with a password") && output.contains("cannot be reached"), "{output}");
    assert!(!output.contains("secret-anna"), "{output}");
    for strategy in ["ANONYMOUS", "START_TLS"] {
        let secure = Secure::with(|setup| quick(settings(setup, strategy, &slow)));
        refused(&secure.login("anna", "secret-anna"), 503, LATER);
        assert!(secure.server.output().contains("400ms"), "{}", secure.server.output());
    }
    let Some(slapd) = Slapd::start(Demands::default()) else { return };
    let both = format!("{down}, {}", slapd.plain());
    let secure = Secure::with(|setup| slapd.settings(setup, "ANONYMOUS", &both));
    assert_eq!(name(&secure, "anna", "secret-anna"), dn("anna"), "the next one is asked");
    let wrong = Secure::with(|setup| {
        as_reader(slapd.settings(setup, "LDAPS", &slapd.tls())).env("HEADWORKS_REGISTRY_LDAP_MANAGER_PASSWORD", "never-right")
    });
    refused(&wrong.login("anna", "secret-anna"), 503, LATER);
    let output = wrong.server.output();
    assert!(output.contains("manager_dn with its password") && !output.contains("never-right"), "{output}");
}

#[test]
fn few_passwords_are_judged_at_a_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let slow = format!("ldap://{}", silent.local_addr().expect("its address"));
    let secure =
        Secure::with(|setup| settings(setup, "ANONYMOUS", &slow).env("HEADWORKS_REGISTRY_LDAP_READ_TIMEOUT_MS", "20000"));
    let statuses = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..18)
            .map(|user| {
                scope.spawn({
                    let secure = &secure;
                    move || secure.login(&format!("user-{user}"), "x").status
                })
            })
            .collect();
        logins.into_iter().map(|login| login.join().expect("an answer")).collect::<Vec<_>>()
    });
    let of = |status: u16| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((of(503), of(429)), (16, 2), "{statuses:?}");
}

#[test]
fn guessing_is_slowed_down_however_the_name_is_written() {
    let Some((_slapd, secure)) = usual(|setup| setup) else { return };
    for user in ["anna", "ANNA", " anna", "Anna", "aNNa", "anNa", "annA", "anna ", "ANna", "anNA"] {
        refused(&secure.login(user, "guess"), 401, WRONG);
    }
    let slowed = secure.login("AnnA", "secret-anna");
    assert_eq!(slowed.status, 429, "{}", slowed.text());
    assert!(!slowed.header("retry-after").is_empty());
    assert_eq!(secure.login("bert", "secret-bert").status, 201);
}

#[test]
fn referrals_are_followed_ignored_or_end_the_login() {
    let Some(other) = Slapd::with(Demands { reader: true, ..Demands::default() }, &person("zoe", "Zoe")) else { return };
    let referral = format!(
        "dn: ou=far,ou=people,{SUFFIX}\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\nref: {}/ou=people,{SUFFIX}\n\n",
        other.plain()
    );
    let slapd = Slapd::with(Demands { reader: true, ..Demands::default() }, &referral).expect("slapd");
    let with = |referrals: &str| {
        Secure::with(|setup| {
            as_reader(slapd.settings(setup, "SIMPLE", &slapd.plain())).env("HEADWORKS_REGISTRY_LDAP_REFERRALS", referrals)
        })
    };
    let follow = with("FOLLOW");
    assert_eq!(name(&follow, "zoe", "secret-zoe"), dn("zoe"));
    refused(&follow.login("zoe", "secret-anna"), 401, WRONG);
    refused(&follow.login("anna", "secret-anna"), 401, WRONG);
    let ignore = with("IGNORE");
    refused(&ignore.login("zoe", "secret-zoe"), 401, WRONG);
    assert_eq!(name(&ignore, "anna", "secret-anna"), dn("anna"));
    refused(&with("THROW").login("anna", "secret-anna"), 503, LATER);
}

#[test]
fn people_of_the_directory_sign_in_to_the_rest_of_headworks_as_its_users() {
    let entered = |setup: Setup| {
        setup
            .env("HEADWORKS_REGISTRY_LDAP_IDENTITY", "use_username")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_CARL_PATTERN", "carl")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_CARL_VALUE", USER)
    };
    let Some((slapd, secure)) = usual(entered) else { return };
    let sign_in =
        |user: &str, password: &str| secure.client().post("/api/v1/auth/login", &json!({"username": user, "password": password}));
    assert_eq!(sign_in("anna", "secret-anna").status, 401, "she is no user yet");
    secure.admin().user("anna");
    let session = sign_in("anna", "secret-anna");
    assert_eq!(session.status, 200, "{}", session.text());
    let token = session.json()["token"].as_str().expect("a token").to_owned();
    let whoami = secure.client().with_token(&token).get("/api/v1/auth/whoami").json();
    assert_eq!(whoami["user"]["name"], "anna");
    // Whoever has a password here is nobody of the directory's, whatever that calls its people.
    for (user, password) in [("anna", "secret-bert"), ("anna", ""), ("*", "secret-anna"), ("carl", "secret-carl"), (USER, "root")]
    {
        assert_eq!(sign_in(user, password).status, 401, "{user} {password}");
    }
    drop(slapd);
    assert_eq!(sign_in("anna", "secret-anna").status, 503);
    assert_eq!(sign_in(USER, PASSWORD).status, 200, "who has a password here needs no directory");
}

#[test]
fn users_of_other_tenants_keep_their_passwords() {
    let Some((_slapd, secure)) = usual(|setup| setup) else { return };
    let tenant = json!({"name": "acme", "administrator": {"name": "boss", "password": "of-acme"}});
    let made = secure.client().with_token(TOKEN).post("/platform/v1/tenants", &tenant);
    assert_eq!(made.status, 201, "{}", made.text());
    let answer = secure.login("boss@acme", "of-acme");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(claims(&answer.text())["iss"], "headworks");
    refused(&secure.login("anna@acme", "secret-anna"), 401, WRONG);
}

#[test]
fn what_cannot_be_used_stops_the_start_and_is_named() {
    let ldap = |setup: Setup| settings(setup, "ANONYMOUS", "ldap://127.0.0.1:1");
    let refusal = |setup: Setup| setup.try_start_on(&Folder::new()).expect_err("no start").output;
    let realm = |setup: Setup| {
        setup.env("HEADWORKS_REGISTRY_KERBEROS_DEFAULT_REALM", "A.B").env("HEADWORKS_REGISTRY_KERBEROS_KDCS", "127.0.0.1:1")
    };
    let oidc = |setup: Setup| {
        setup.env("HEADWORKS_REGISTRY_OIDC_DISCOVERY_URL", "http://127.0.0.1:1/").env("HEADWORKS_REGISTRY_OIDC_CLIENT_ID", "a")
    };
    let own = |setup: Setup| setup.env("HEADWORKS_REGISTRY_PASSWORD_LOGIN", "true");
    for (setup, first, second) in [
        (realm(ldap(Setup::new())), "registry.ldap.urls", "registry.kerberos.default_realm"),
        (oidc(ldap(Setup::new())), "registry.oidc.discovery_url", "registry.ldap.urls"),
        (oidc(realm(Setup::new())), "registry.oidc.discovery_url", "registry.kerberos.default_realm"),
        (own(ldap(Setup::new())), "registry.ldap.urls", "registry.password_login"),
        (own(oidc(Setup::new())), "registry.oidc.discovery_url", "registry.password_login"),
    ] {
        let output = refusal(setup);
        let text = format!("{first} and {second}");
        assert!(output.contains(&text) && output.contains("exclude each other"), "{text}: {output}");
    }
    for (name, value, part) in [
        ("URLS", "http://127.0.0.1", "registry.ldap.urls"),
        ("URLS", "ldap://127.0.0.1/dc=x", "registry.ldap.urls"),
        ("STRATEGY", "LDAPS", "registry.ldap.urls"),
        ("STRATEGY", "SIMPLE", "registry.ldap.manager_dn"),
        ("STRATEGY", "kerberos", "strategy"),
        ("MANAGER_DN", "cn=x", "registry.ldap.manager_dn"),
        ("MANAGER_PASSWORD", READERS_PASSWORD, "registry.ldap.manager_dn"),
        ("SEARCH_FILTER", "(uid=anna)", "registry.ldap.search_filter"),
        ("SEARCH_FILTER", "(uid={0}", "registry.ldap.search_filter"),
        ("SEARCH_BASE", "", "registry.ldap.search_base"),
        ("TLS_CA", "/nowhere", "registry.ldap.tls_ca"),
        ("TLS_CERT", "/nowhere", "registry.ldap.tls_key"),
        ("REFERRALS", "sometimes", "referrals"),
        ("IDENTITY", "cn", "identity"),
    ] {
        let output = refusal(ldap(Setup::new()).env(&format!("HEADWORKS_REGISTRY_LDAP_{name}"), value));
        assert!(output.contains(part), "{name}={value}: {output}");
        assert!(!output.contains(READERS_PASSWORD), "{output}");
    }
}

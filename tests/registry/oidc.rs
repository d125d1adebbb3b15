//! Signing in through a real OpenID Connect provider: the certified `oidc-provider` of npm, in a process of its own, with a
//! browser that is made of plain requests (NiFi Registry 19.8, 23.5).
//!
//! The provider is in the folder `oidc` of the build folder, where `tools/setup.sh tests` puts it.

use crate::access::claims;
use crate::calls::{API, refused};
use crate::secure::Secure;
use headworks_tests::server::{Folder, Setup};
use headworks_tests::{Answer, Authority, Client, found};
use http::Method;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SECRET: &str = "a secret of more than sixty-four characters, as the longest of the HMACs wants it to be";
const COOKIE: &str = "oidc-request-identifier";

/// A provider that runs until it is dropped.
struct Provider {
    child: Child,
    address: String,
}

impl Provider {
    /// Starts it; `None` where it is not installed.
    fn start(variant: &str) -> Option<Self> {
        let target = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("oidc"));
        let folder: PathBuf = std::env::var_os("HEADWORKS_OIDC").map(PathBuf::from).or_else(target)?;
        if !found("the OpenID Connect provider", folder.join("node_modules/oidc-provider").is_dir()) {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry/oidc/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(folder).arg(variant).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the provider starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines.map(|line| line.expect("a line")).find(|line| line.starts_with("http://"));
        Some(Self { child, address: address.expect("the address of the provider") })
    }

    fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.address)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings of a registry that people sign in to at this discovery document as this client.
fn settings(setup: Setup, discovery: &str, client: &str) -> Setup {
    let algorithm = if client == "basic" { "RS256" } else { client };
    setup
        .env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.1")
        .env("HEADWORKS_REGISTRY_OIDC_DISCOVERY_URL", discovery)
        .env("HEADWORKS_REGISTRY_OIDC_CLIENT_ID", client)
        .env("HEADWORKS_REGISTRY_OIDC_CLIENT_SECRET", SECRET)
        .env("HEADWORKS_REGISTRY_OIDC_ALGORITHM", algorithm)
}

fn registry(discovery: &str, client: &str) -> Secure {
    Secure::with(|setup| settings(setup, discovery, client))
}

/// A browser: it keeps the cookies of the provider and of the registry, and follows nothing by itself.
struct Browser {
    registry: Client,
    provider: Client,
    origin: String,
    cookies: HashMap<&'static str, HashMap<String, String>>,
}

impl Browser {
    fn new(secure: &Secure, provider: &Provider) -> Self {
        let origin = provider.address.clone();
        Self { registry: secure.client(), provider: Client::new(&origin), origin, cookies: HashMap::new() }
    }

    fn send(&mut self, whom: &'static str, method: Method, address: &str, form: Option<&str>) -> Answer {
        let cookies = self.cookies.entry(whom).or_default();
        let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = cookie.join("; ");
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        if !cookie.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        let client = if whom == "provider" { &self.provider } else { &self.registry };
        let path = address.strip_prefix(&self.origin).unwrap_or(address);
        let answer = client.send(method, path, &headers, form.map(str::as_bytes));
        for set in answer.headers.get_all("set-cookie") {
            let text = set.to_str().expect("a cookie");
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a name and a value");
            match value {
                "" => cookies.remove(name),
                value => cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    fn registry(&mut self, method: Method, path: &str) -> Answer {
        self.send("registry", method, &format!("{API}/access/oidc/{path}"), None)
    }

    /// Begins a login: the address at the provider.
    fn begin(&mut self) -> String {
        let answer = self.registry(Method::GET, "request");
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// What a person does at the provider; answers where the browser is sent then: the path of the callback.
    fn approve(&mut self, address: &str, user: &str) -> String {
        let mut next = address.to_owned();
        for _ in 0..12 {
            let mut answer = self.send("provider", Method::GET, &next, None);
            if answer.status == 200 {
                let form = if answer.text().contains("name=\"login\"") {
                    format!("prompt=login&login={user}&password=any")
                } else {
                    "prompt=consent".to_owned()
                };
                answer = self.send("provider", Method::POST, &next, Some(&form));
            }
            assert!((300..400).contains(&answer.status), "{next}: {} {}", answer.status, answer.text());
            next = answer.header("location").to_owned();
            if let Some(at) = next.find(API) {
                return next[at..].to_owned();
            }
        }
        panic!("the provider does not send the browser back")
    }

    fn call_back(&mut self, path: &str) -> Answer {
        self.send("registry", Method::GET, path, None)
    }

    /// A whole login; answers the token.
    fn sign_in(&mut self, user: &str) -> String {
        let address = self.begin();
        let back = self.approve(&address, user);
        let answer = self.call_back(&back);
        assert_eq!(answer.status, 302, "{}", answer.text());
        let answer = self.registry(Method::POST, "exchange");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }
}

fn parameter(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').expect("a query");
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    percent_encoding::percent_decode_str(found.unwrap_or_default()).decode_utf8_lossy().into_owned()
}

#[test]
fn a_person_signs_in_once_with_the_cookie_of_the_login() {
    let Some(provider) = Provider::start("usual") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let mut browser = Browser::new(&secure, &provider);
    let home = format!("https://{}/nifi-registry", secure.server.address());

    let answer = browser.registry(Method::GET, "request");
    let cookie = answer.header("set-cookie").to_owned();
    let id =
        cookie.strip_prefix(&format!("{COOKIE}=")).and_then(|rest| rest.strip_suffix("; Path=/; HttpOnly; Secure; Max-Age=60"));
    let id = id.unwrap_or_else(|| panic!("{cookie}"));
    assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id} is no random UUID");
    assert_eq!(answer.status, 302);
    let address = answer.header("location").to_owned();
    assert!(address.starts_with(&format!("{}/auth?", provider.address)), "{address}");
    for (name, value) in [
        ("client_id", "RS256"),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("redirect_uri", &format!("https://{}{API}/access/oidc/callback", secure.server.address())),
    ] {
        assert_eq!(parameter(&address, name), value, "{name}");
    }
    assert!(parameter(&address, "state").len() >= 22, "at least 128 bits: {address}");

    let back = browser.approve(&address, "anna");
    let answer = browser.call_back(&back);
    assert_eq!((answer.status, answer.header("location")), (302, home.as_str()), "{}", answer.text());
    let again = browser.call_back(&back);
    assert_eq!(again.status, 409, "a code and a state count once: {}", again.text());
    // That answer took the cookie away; the token still waits for it.
    browser.cookies.entry("registry").or_default().insert(COOKIE.to_owned(), id.to_owned());
    let answer = browser.registry(Method::POST, "exchange");
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain"));
    assert_eq!(answer.header("set-cookie"), format!("{COOKIE}=; Path=/; HttpOnly; Secure; Max-Age=0"));
    let said = claims(&answer.text());
    assert_eq!((&said["sub"], &said["preferred_username"]), (&"anna@people.example".into(), &"anna@people.example".into()));
    assert_eq!((&said["iss"], &said["aud"]), (&provider.address.as_str().into(), &provider.address.as_str().into()));
    let lifetime = said["exp"].as_i64().expect("a time") - said["iat"].as_i64().expect("a time");
    assert!((840..=900).contains(&lifetime), "as long as the ID token: {lifetime} s");

    browser.cookies.entry("registry").or_default().insert(COOKIE.to_owned(), id.to_owned());
    let second = browser.registry(Method::POST, "exchange");
    let text = "A JWT for this login request identifier could not be found. Unable to continue.";
    assert_eq!((second.status, second.text().as_str()), (400, text));
    let without = browser.registry(Method::POST, "exchange");
    let text = "The login request identifier was not found in the request. Unable to continue.";
    assert_eq!((without.status, without.text().as_str()), (400, text));
}

#[test]
fn only_what_belongs_to_the_login_is_taken() {
    let Some(provider) = Provider::start("usual") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let refused = |browser: &mut Browser, path: &str, part: &str| {
        let answer = browser.call_back(path);
        assert_eq!((answer.status, answer.header("content-type")), (409, "text/plain"), "{}", answer.text());
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
        answer.header("set-cookie").to_owned()
    };
    let cleared = format!("{COOKIE}=; Path=/; HttpOnly; Secure; Max-Age=0");

    let mut browser = Browser::new(&secure, &provider);
    let address = browser.begin();
    let back = browser.approve(&address, "anna");
    let state = parameter(&back, "state");
    // Somebody else's browser.
    let mut other = Browser::new(&secure, &provider);
    assert_eq!(refused(&mut other, &back, "login request identifier was not found"), "");
    other.begin();
    assert_eq!(refused(&mut other, &back, "state"), cleared);
    let wrong = back.replace(&state, &"x".repeat(43));
    assert_eq!(refused(&mut browser, &wrong, "state"), cleared);

    let path = |query: &str| format!("{API}/access/oidc/callback?{query}");
    browser.begin();
    refused(&mut browser, &path("code=abc"), "state");
    let state = parameter(&browser.begin(), "state");
    assert_eq!(refused(&mut browser, &path(&format!("state={state}")), "code"), cleared);
    let state = parameter(&browser.begin(), "state");
    let made_up = path(&format!("state={state}&code=made-up"));
    assert_eq!(
        refused(&mut browser, &made_up, "Unable to exchange the authorization code for an ID token: invalid_grant"),
        cleared
    );
    let state = parameter(&browser.begin(), "state");
    refused(&mut browser, &path(&format!("state={state}&error=access_denied&error_description=no")), "access_denied: no");
    let state = parameter(&browser.begin(), "state");
    refused(&mut browser, &path(&format!("state={state}&code=a&iss=https://other")), "another");
    browser.cookies.entry("registry").or_default().insert(COOKIE.to_owned(), "nonsense".to_owned());
    refused(&mut browser, &path("state=a&code=b"), "expired");
    assert_eq!(browser.registry(Method::POST, "exchange").status, 400);
}

#[test]
fn a_person_who_refuses_at_the_provider_does_not_get_in() {
    let Some(provider) = Provider::start("usual") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let mut browser = Browser::new(&secure, &provider);
    let address = browser.begin();
    let page = browser.send("provider", Method::GET, &address, None).header("location").to_owned();
    browser.send("provider", Method::GET, &page, None);
    let resume = browser.send("provider", Method::GET, &format!("{page}/abort"), None).header("location").to_owned();
    let back = browser.send("provider", Method::GET, &resume, None).header("location").to_owned();
    let answer = browser.call_back(&back[back.find(API).expect("the callback")..]);
    assert_eq!(answer.status, 409);
    assert!(answer.text().starts_with("Unsuccessful login attempt: access_denied"), "{}", answer.text());
}

#[test]
fn every_way_to_sign_and_to_prove_oneself() {
    let Some(provider) = Provider::start("plain") else { return };
    for client in ["RS256", "PS384", "ES256", "EdDSA", "HS256", "HS512", "basic"] {
        let secure = registry(&provider.discovery(), client);
        let token = Browser::new(&secure, &provider).sign_in("bert");
        assert_eq!(claims(&token)["sub"], "bert@people.example", "{client}");
    }
    // The provider signs with ES256 for this client.
    let other = |setup: Setup| setup.env("HEADWORKS_REGISTRY_OIDC_ALGORITHM", "RS256");
    let secure = Secure::with(|setup| other(settings(setup, &provider.discovery(), "ES256")));
    let mut browser = Browser::new(&secure, &provider);
    let address = browser.begin();
    let back = browser.approve(&address, "bert");
    let answer = browser.call_back(&back);
    assert!(answer.status == 409 && answer.text().contains("ES256"), "{}", answer.text());
    assert_eq!(browser.registry(Method::POST, "exchange").status, 400);
}

#[test]
fn another_claim_names_the_user_and_mappings_rewrite_it() {
    let Some(provider) = Provider::start("plain") else { return };
    let secure = Secure::with(|setup| {
        settings(setup, &provider.discovery(), "RS256")
            .env("HEADWORKS_REGISTRY_OIDC_CLAIM", "login")
            .env("HEADWORKS_REGISTRY_OIDC_SCOPES", "profile")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_CALLED_PATTERN", "the (.*)")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_CALLED_VALUE", "$1")
    });
    let mut browser = Browser::new(&secure, &provider);
    let address = browser.begin();
    assert_eq!(parameter(&address, "scope"), "openid email profile");
    let back = browser.approve(&address, "carl");
    assert_eq!(browser.call_back(&back).status, 302);
    let said = claims(&browser.registry(Method::POST, "exchange").text());
    assert_eq!((&said["sub"], &said["preferred_username"]), (&"carl".into(), &"the carl".into()));
}

#[test]
fn a_token_of_somebody_unknown_is_known_but_has_no_rights() {
    let Some(provider) = Provider::start("usual") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let token = Browser::new(&secure, &provider).sign_in("dora");
    let client = secure.client().with_token(&token);
    let status = client.get(&format!("{API}/access")).json();
    assert_eq!((&status["identity"], &status["anonymous"]), (&"dora@people.example".into(), &false.into()));
    assert_eq!((&status["oidcloginSupported"], &status["loginSupported"]), (&true.into(), &false.into()), "{status}");
    let refused = client.get(&format!("{API}/tenants/users"));
    let text = "Unknown user with identity 'dora@people.example'. Contact the system administrator.";
    assert_eq!((refused.status, refused.text().as_str()), (403, text));
}

#[test]
fn signing_out_ends_the_tokens_and_the_session_at_the_provider() {
    let Some(provider) = Provider::start("usual") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let mut browser = Browser::new(&secure, &provider);
    let home = format!("https://{}/nifi-registry", secure.server.address());
    let end = format!("{}/session/end?post_logout_redirect_uri={}", provider.address, headworks_tests::client::segment(&home));
    let path = format!("{API}/access/oidc/logout");
    for method in [Method::DELETE, Method::GET] {
        let token = browser.sign_in("anna");
        let client = secure.client().with_token(&token);
        assert_eq!(client.get(&format!("{API}/access")).status, 200);
        let answer = client.send(method, &path, &[], None);
        assert_eq!(answer.status, 302, "{}", answer.text());
        let location = answer.header("location").replace("%2E", ".").replace("%2D", "-");
        assert!(location.starts_with(&end.replace("%2E", ".").replace("%2D", "-")), "{location}");
        assert_eq!(client.get(&format!("{API}/access")).status, 401, "the token is dead");
        let page = browser.send("provider", Method::GET, answer.header("location"), None);
        assert!(page.status == 200 && page.text().contains("logout"), "{} {}", page.status, page.text());
    }
    let nobody = secure.client();
    assert_eq!(nobody.delete(&path).status, 401);
    assert_eq!(nobody.get(&path).status, 302, "a browser that is sent here carries no token");
    for path in ["access/oidc/logout/callback", "access/logout/complete"] {
        let answer = nobody.get(&format!("{API}/{path}"));
        assert_eq!((answer.status, answer.header("location")), (302, home.as_str()), "{path}");
    }
}

#[test]
fn a_provider_without_an_address_to_sign_out_at_is_left_alone() {
    let Some(provider) = Provider::start("plain") else { return };
    let secure = registry(&provider.discovery(), "RS256");
    let token = Browser::new(&secure, &provider).sign_in("anna");
    let client = secure.client().with_token(&token);
    let answer = client.delete(&format!("{API}/access/oidc/logout"));
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(client.get(&format!("{API}/access")).status, 401);
}

#[test]
fn a_provider_that_is_down_is_named_and_the_registry_works_on() {
    let Some(mut provider) = Provider::start("usual") else { return };
    let discovery = provider.discovery();
    let secure = registry(&discovery, "RS256");
    let mut browser = Browser::new(&secure, &provider);
    let address = browser.begin();
    let back = browser.approve(&address, "anna");
    provider.child.kill().expect("the end of the provider");
    provider.child.wait().expect("the end of the provider");
    let answer = browser.call_back(&back);
    assert!(answer.status == 409 && answer.text().contains("cannot be used"), "{} {}", answer.status, answer.text());

    let secure = registry(&discovery, "RS256");
    let answer = secure.client().get(&format!("{API}/access/oidc/request"));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("The OpenId Connect Provider cannot be used") && !answer.text().contains(SECRET));
    assert_eq!(secure.client().get(&format!("{API}/about")).status, 200);
}

#[test]
fn without_a_provider_or_without_encryption_nobody_signs_in() {
    let operations = [
        (Method::GET, "request"),
        (Method::GET, "callback"),
        (Method::POST, "exchange"),
        (Method::DELETE, "logout"),
        (Method::GET, "logout"),
    ];
    let plain = settings(Setup::new(), "https://localhost:1/discovery", "RS256").start();
    let open = Client::new(&format!("http://{}", plain.address()));
    let secure = Secure::start();
    for (method, operation) in operations {
        let path = format!("{API}/access/oidc/{operation}");
        let answer = open.send(method.clone(), &path, &[], None);
        refused(&answer, 409, "User authentication/authorization is only supported when running over HTTPS.");
        let answer = secure.client().send(method, &path, &[], None);
        refused(&answer, 409, "OpenId Connect is not configured.");
    }
}

#[test]
fn settings_that_cannot_be_used_stop_the_start_and_are_named() {
    let authority = Authority::new();
    for (name, value) in [("ALGORITHM", "RS1"), ("DISCOVERY_URL", "nowhere"), ("CLIENT_SECRET", "")] {
        let variable = format!("HEADWORKS_REGISTRY_OIDC_{name}");
        let mut setup = settings(authority.setup(), "https://localhost/discovery", "RS256");
        setup = if value.is_empty() { setup.without(&variable) } else { setup.env(&variable, value) };
        let refusal = setup.try_start_on(&Folder::new()).expect_err("no start");
        let named = format!("registry.oidc.{}", name.to_lowercase());
        assert!(refusal.output.contains(&named) && !refusal.output.contains(SECRET), "{named}: {}", refusal.output);
    }
}

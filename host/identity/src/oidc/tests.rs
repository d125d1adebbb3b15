//! Logins through a provider that is made of answers. The tests of the program use a real one.

use super::*;
use headworks_core::time::ManualClock;
use headworks_sandbox::outbound::{Connection, NetworkError, Pending, Place, Request, Response, Tls};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex as Lock;

const NOW: i64 = 1_767_322_985;
const CALLBACK: &str = "https://us/callback";

/// A provider that answers what it was told to, by path.
#[derive(Default)]
struct Answers {
    answers: Lock<HashMap<String, (u16, Value)>>,
    seen: Lock<Vec<Request>>,
}

impl Answers {
    fn set(&self, path: &str, status: u16, body: Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body));
    }

    fn asked(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|request| request.url.path() == path).count()
    }
}

impl Network for Answers {
    fn exchange(&self, request: Request) -> Pending<'_, Result<Response, NetworkError>> {
        let answer = self.answers.lock().unwrap().get(request.url.path()).cloned();
        self.seen.lock().unwrap().push(request);
        Box::pin(async move {
            let (status, body) = answer.ok_or_else(|| NetworkError::Unreachable("nobody answers".to_owned()))?;
            Ok(Response { status, body: body.to_string().into_bytes(), ..Response::default() })
        })
    }

    fn connect<'a>(&'a self, _: &'a Place, _: Option<Tls>) -> Pending<'a, Result<Box<dyn Connection>, NetworkError>> {
        unreachable!("only requests are sent")
    }

    fn datagram<'a>(&'a self, _: &'a Place, _: &'a [u8]) -> Pending<'a, Result<(), NetworkError>> {
        unreachable!("only requests are sent")
    }
}

struct World {
    oidc: Oidc,
    answers: Arc<Answers>,
    clock: Arc<ManualClock>,
}

/// A key of the provider: the seed is this byte, and so is its name.
fn key(seed: u8) -> EncodingKey {
    const PREFIX: [u8; 35] = [
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    EncodingKey::from_ec_der(&[PREFIX.as_slice(), &[seed; 32]].concat())
}

fn public(seed: u8) -> Value {
    let mut jwk = Jwk::from_encoding_key(&key(seed), Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(seed.to_string());
    serde_json::to_value(jwk).unwrap()
}

fn world() -> World {
    let (answers, clock) = (Arc::new(Answers::default()), Arc::new(ManualClock::new(Timestamp::from_millis(NOW * 1000))));
    answers.set("/discovery", 200, discovery(&[]));
    answers.set("/keys", 200, json!({"keys": [{"kty": "unheard of"}, public(1)]}));
    let options = OidcOptions {
        discovery: "https://op/discovery".to_owned(),
        client_id: "us".to_owned(),
        client_secret: "s&cret".to_owned(),
        algorithm: IdTokenAlgorithm::Signed(Algorithm::ES256),
        scopes: vec!["groups".to_owned()],
        claim: "login".to_owned(),
        patience: Duration::from_secs(1),
    };
    let oidc = Oidc::new(options, Arc::clone(&answers) as Arc<dyn Network>, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    World { oidc, answers, clock }
}

fn discovery(more: &[(&str, Value)]) -> Value {
    let mut document = json!({
        "issuer": "https://op", "authorization_endpoint": "https://op/authorize?tenant=1", "token_endpoint": "https://op/token",
        "jwks_uri": "https://op/keys", "userinfo_endpoint": "https://op/me", "end_session_endpoint": "https://op/end",
    });
    for (name, value) in more {
        document[*name] = value.clone();
    }
    document
}

fn parameters(address: &str) -> HashMap<String, String> {
    let (_, query) = address.split_once('?').unwrap();
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    query.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), decode(value))).collect()
}

impl World {
    /// A login that began, and what was sent with it.
    async fn begin(&self) -> (Uuid, HashMap<String, String>) {
        let begun = self.oidc.begin(CALLBACK).await.unwrap();
        (begun.login, parameters(&begun.address))
    }

    /// What the token endpoint answers: a token signed with this key.
    fn grant(&self, seed: u8, nonce: &str, more: Value) {
        let mut claims = json!({"iss": "https://op", "aud": "us", "sub": "1", "nonce": nonce, "exp": NOW + 600, "login": "anna"});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = Header { kid: Some(seed.to_string()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &key(seed)).unwrap();
        self.answers.set("/token", 200, json!({"id_token": token, "access_token": "opaque"}));
    }

    async fn finish(&self, login: Uuid, state: &str) -> Result<Vouched> {
        let returned = Returned { state: Some(state), code: Some("a code"), ..Returned::default() };
        self.oidc.finish(login, returned).await
    }

    /// A login from its beginning to its end.
    async fn login(&self, more: Value) -> Result<Vouched> {
        let (login, sent) = self.begin().await;
        self.grant(1, &sent["nonce"], more);
        self.finish(login, &sent["state"]).await
    }
}

#[tokio::test]
async fn a_login_from_its_beginning_to_its_end() {
    let world = world();
    let (login, sent) = world.begin().await;
    assert_eq!((sent["tenant"].as_str(), sent["client_id"].as_str(), sent["response_type"].as_str()), ("1", "us", "code"));
    assert_eq!((sent["scope"].as_str(), sent["redirect_uri"].as_str()), ("openid email groups", CALLBACK));
    assert!(sent["state"].len() >= 43 && sent["nonce"].len() >= 43 && sent["state"] != sent["nonce"]);
    assert!(!sent.contains_key("code_challenge"), "a provider that does not know challenges gets none");
    world.grant(1, &sent["nonce"], json!({}));
    let vouched = world.finish(login, &sent["state"]).await.unwrap();
    let expected = Vouched { name: "anna".into(), issuer: "https://op".into(), lifetime: Duration::from_secs(600) };
    assert_eq!(vouched, expected);
    let again = world.finish(login, &sent["state"]).await.unwrap_err();
    assert_eq!((again.code, world.answers.asked("/token")), (ErrorCode::Unauthenticated, 1));
}

#[tokio::test]
async fn the_client_proves_itself_as_the_provider_wants() {
    let world = world();
    world.login(json!({})).await.unwrap();
    let basic = world.answers.seen.lock().unwrap().pop().unwrap();
    let header = basic.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    // us:s%26cret
    assert_eq!(header.1, "Basic dXM6cyUyNmNyZXQ=");
    assert!(!String::from_utf8_lossy(&basic.body).contains("cret"));

    let methods = json!(["private_key_jwt", "client_secret_post"]);
    let more = [("token_endpoint_auth_methods_supported", methods), ("code_challenge_methods_supported", json!(["S256"]))];
    world.answers.set("/discovery", 200, discovery(&more));
    world.clock.set(Timestamp::from_millis((NOW + 600) * 1000));
    let (login, sent) = world.begin().await;
    world.grant(1, &sent["nonce"], json!({"exp": NOW + 1200}));
    world.finish(login, &sent["state"]).await.unwrap();
    let post = world.answers.seen.lock().unwrap().pop().unwrap();
    assert!(!post.headers.iter().any(|(name, _)| name == "authorization"));
    let form = parameters(&format!("?{}", String::from_utf8(post.body).unwrap()));
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("us", "s&cret"));
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "a code"));
    assert_eq!(form["redirect_uri"], CALLBACK);
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])), sent["code_challenge"]);
}

#[tokio::test]
async fn what_comes_back_has_to_belong_to_the_login() {
    let world = world();
    for (returned, part) in [
        (Returned { code: Some("c"), ..Returned::default() }, "state"),
        (Returned { code: Some("c"), state: Some("another"), ..Returned::default() }, "state"),
    ] {
        let (login, sent) = world.begin().await;
        assert!(world.oidc.finish(login, returned).await.unwrap_err().message.contains(part));
        let again = world.finish(login, &sent["state"]).await.unwrap_err();
        assert!(again.message.contains("was not found"), "a failed login is over: {again}");
    }
    for (issuer, error, code, part) in [
        (Some("https://evil"), None, Some("c"), "another OpenId Connect Provider"),
        (None, Some("access_denied"), None, "access_denied: by the\u{20}user"),
        (Some("https://op"), None, None, "code is missing"),
    ] {
        let (login, sent) = world.begin().await;
        let returned = Returned { state: Some(&sent["state"]), code, issuer, error, description: Some("by the\nuser") };
        let why = world.oidc.finish(login, returned).await.unwrap_err().message;
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(world.answers.asked("/token"), 0, "no code is traded before all of that is right");
    world.finish(Uuid::new_v4(), "any").await.unwrap_err();
}

#[tokio::test]
async fn logins_and_tokens_expire() {
    let world = world();
    let (login, sent) = world.begin().await;
    world.grant(1, &sent["nonce"], json!({}));
    world.clock.set(Timestamp::from_millis((NOW + 60) * 1000));
    assert!(world.finish(login, &sent["state"]).await.unwrap_err().message.contains("expired"));
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    world.oidc.keep(one, "first".to_owned());
    world.oidc.keep(two, "second".to_owned());
    assert_eq!(world.oidc.pick_up(&one).as_deref(), Some("first"));
    assert_eq!(world.oidc.pick_up(&one), None);
    world.clock.set(Timestamp::from_millis((NOW + 120) * 1000));
    assert_eq!(world.oidc.pick_up(&two), None);
}

#[tokio::test]
async fn a_token_of_another_login_or_another_key_names_nobody() {
    let world = world();
    for more in [json!({"nonce": "another"}), json!({"aud": "them"}), json!({"exp": NOW - 100}), json!({"iss": "https://evil"})] {
        let error = world.login(more.clone()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated, "{more}");
        assert!(error.message.starts_with("The ID token cannot be accepted: "), "{error}");
    }
    let (login, sent) = world.begin().await;
    world.grant(2, &sent["nonce"], json!({}));
    let error = world.finish(login, &sent["state"]).await.unwrap_err();
    assert!(error.message.contains("no key of this name"), "{error}");
}

#[tokio::test]
async fn new_keys_of_the_provider_are_found() {
    let world = world();
    world.login(json!({})).await.unwrap();
    world.answers.set("/keys", 200, json!({"keys": [public(2)]}));
    world.clock.set(Timestamp::from_millis((NOW + 11) * 1000));
    let (login, sent) = world.begin().await;
    world.grant(2, &sent["nonce"], json!({}));
    world.finish(login, &sent["state"]).await.unwrap();
    assert_eq!(world.answers.asked("/keys"), 2);
}

#[tokio::test]
async fn the_provider_is_asked_for_a_name_that_the_token_lacks() {
    let world = world();
    let nameless = json!({"login": null, "email": null});
    world.answers.set("/me", 200, json!({"sub": "1", "login": "bert"}));
    assert_eq!(world.login(nameless.clone()).await.unwrap().name, "bert");
    let asked = world.answers.seen.lock().unwrap().pop().unwrap();
    assert!(asked.headers.contains(&("authorization".to_owned(), "Bearer opaque".to_owned())));
    assert_eq!(world.login(json!({"login": null, "email": "a@b"})).await.unwrap().name, "a@b");
    world.answers.set("/me", 200, json!({"sub": "2", "login": "bert"}));
    assert!(world.login(nameless.clone()).await.unwrap_err().message.contains("another user"));
    world.answers.set("/me", 200, json!({"sub": "1"}));
    assert!(world.login(nameless).await.unwrap_err().message.contains("names the user with login"));
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_again_at_once() {
    let world = world();
    world.answers.set("/discovery", 503, json!({}));
    for _ in 0..3 {
        let error = world.oidc.begin(CALLBACK).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains("discovery document: it answered with the status 503"), "{error}");
    }
    assert_eq!(world.answers.asked("/discovery"), 1);
    world.answers.set("/discovery", 200, discovery(&[]));
    world.clock.set(Timestamp::from_millis((NOW + 5) * 1000));
    let (login, sent) = world.begin().await;
    let error = world.finish(login, &sent["state"]).await.unwrap_err();
    assert!(error.code == ErrorCode::Unavailable && error.message.contains("nobody answers"), "{error}");
    let (login, sent) = world.begin().await;
    world.answers.set("/token", 400, json!({"error": "invalid_grant", "error_description": "too late"}));
    let error = world.finish(login, &sent["state"]).await.unwrap_err();
    assert!(error.message.ends_with("ID token: invalid_grant: too late"), "{error}");
}

#[tokio::test]
async fn signing_out_leads_to_the_provider_where_it_can() {
    let world = world();
    let end = world.oidc.end("https://us/home").await.unwrap();
    assert_eq!(end.as_deref(), Some("https://op/end?post_logout_redirect_uri=https%3A%2F%2Fus%2Fhome&client_id=us"));
    world.answers.set("/discovery", 200, discovery(&[("end_session_endpoint", Value::Null)]));
    world.clock.set(Timestamp::from_millis((NOW + 600) * 1000));
    assert_eq!(world.oidc.end("https://us/home").await.unwrap(), None);
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let World { oidc, answers, clock } = world();
    let fails = |change: fn(&mut OidcOptions)| {
        let mut options = oidc.0.options.clone();
        change(&mut options);
        let made = Oidc::new(options, Arc::clone(&answers) as Arc<dyn Network>, Arc::clone(&clock) as Arc<dyn Clock>);
        made.map(drop).unwrap_err().member.unwrap()
    };
    assert_eq!(fails(|options| options.discovery = "op/discovery".to_owned()), "discovery_url");
    assert_eq!(fails(|options| options.client_secret.clear()), "client_secret");
    let unsigned = |options: &mut OidcOptions| {
        options.algorithm = IdTokenAlgorithm::None;
        options.discovery = "http://op/discovery".to_owned();
    };
    assert_eq!(fails(unsigned), "discovery_url");
}

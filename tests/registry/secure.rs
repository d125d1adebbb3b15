//! A server that asks who calls: TLS with certificates of an authority of the test's own.

use crate::calls::{API, Nifi, text};
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Answer, Client, Server, Setup};
use http::Method;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The text of every refused token.
pub(crate) const BAD_TOKEN: &str = "Unable to validate the access token. Contact the system administrator.\n";

/// Whom certificates come from.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let authority = Self { pem, issuer: Issuer::new(params, key), folder: tempfile::tempdir().expect("a folder") };
        let (certificate, key) = authority.give(&[(DnType::CommonName, "server")]);
        for (file, content) in [("ca.pem", &authority.pem), ("server.pem", &certificate), ("server.key", &key)] {
            std::fs::write(authority.folder.path().join(file), content).expect("a file");
        }
        authority
    }

    /// A certificate for this machine and the key of it, as PEM.
    pub(crate) fn give(&self, subject: &[(DnType, &str)]) -> (String, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().expect("a path that is text").to_owned()
    }

    /// The settings of a server with TLS, which takes certificates of this authority.
    pub(crate) fn setup(&self) -> Setup {
        Setup::new()
            .env("HEADWORKS_HTTP_TLS_CERT", &self.path("server.pem"))
            .env("HEADWORKS_HTTP_TLS_KEY", &self.path("server.key"))
            .env("HEADWORKS_HTTP_TLS_CLIENT_CA", &self.path("ca.pem"))
    }
}

/// A server with TLS.
pub(crate) struct Secure {
    pub(crate) server: Server,
    pub(crate) authority: Authority,
}

impl Secure {
    pub(crate) fn start() -> Self {
        Self::with(|setup| setup)
    }

    /// With further settings.
    pub(crate) fn with(settings: impl FnOnce(Setup) -> Setup) -> Self {
        let authority = Authority::new();
        Self { server: settings(authority.setup()).start(), authority }
    }

    pub(crate) fn client(&self) -> Client {
        Client::trusting(&self.base(), &self.authority.pem)
    }

    fn base(&self) -> String {
        format!("https://{}", self.server.address())
    }

    pub(crate) fn anonymous(&self) -> Nifi {
        Nifi(self.client())
    }

    /// The first user.
    pub(crate) fn admin(&self) -> Nifi {
        self.token(TOKEN)
    }

    pub(crate) fn token(&self, token: &str) -> Nifi {
        Nifi(self.client().with_token(token))
    }

    /// Somebody with a certificate of the authority.
    pub(crate) fn holder(&self, subject: &[(DnType, &str)]) -> Nifi {
        let (own, key) = self.authority.give(subject);
        Nifi(Client::identified(&self.base(), &self.authority.pem, &own, &key))
    }

    /// Somebody whose certificate names nothing but this.
    pub(crate) fn named(&self, name: &str) -> Nifi {
        self.holder(&[(DnType::CommonName, name)])
    }

    /// Signs in with a password.
    pub(crate) fn login(&self, user: &str, password: &str) -> Answer {
        self.log_in_at("/access/token/login", user, password)
    }

    pub(crate) fn log_in_at(&self, path: &str, user: &str, password: &str) -> Answer {
        use base64::Engine;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let client = Nifi(self.client().with_authorization(&format!("Basic {basic}")));
        client.send(Method::POST, path, &[], None)
    }

    /// A token of the first user.
    pub(crate) fn signed_in(&self) -> String {
        let answer = self.login(USER, PASSWORD);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.text()
    }
}

/// The body of an answer that has to be 201, and where it says that the thing is.
pub(crate) fn made(answer: &Answer) -> (Value, String) {
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    (answer.json(), answer.header("location").to_owned())
}

impl Nifi {
    /// Makes a user and answers its identifier.
    pub(crate) fn user(&self, name: &str) -> String {
        text(&made(&self.post("/tenants/users", &json!({"identity": name}))).0["identifier"])
    }

    /// Makes a group and answers its identifier.
    pub(crate) fn group(&self, name: &str, users: &[&str]) -> String {
        let users: Vec<Value> = users.iter().map(|id| json!({"identifier": id})).collect();
        text(&made(&self.post("/tenants/user-groups", &json!({"identity": name, "users": users}))).0["identifier"])
    }

    /// Makes a policy for users and answers its identifier.
    pub(crate) fn permit(&self, action: &str, resource: &str, users: &[&str]) -> String {
        let users: Vec<Value> = users.iter().map(|id| json!({"identifier": id})).collect();
        let policy = json!({"action": action, "resource": resource, "users": users});
        text(&made(&self.post("/policies", &policy)).0["identifier"])
    }

    /// Adds users to a policy that is there, as clients of the registry do.
    pub(crate) fn permit_too(&self, action: &str, resource: &str, user: &str) {
        let mut policy = self.get(&format!("/policies/{action}{resource}")).json();
        policy["users"].as_array_mut().expect("users").push(json!({"identifier": user}));
        let id = text(&policy["identifier"]);
        assert_eq!(self.put(&format!("/policies/{id}"), &policy).status, 200);
    }

    /// The identity that the server takes this caller for.
    pub(crate) fn identity(&self) -> String {
        text(&crate::calls::done(&self.get("/access"))["identity"])
    }

    /// DELETE with an empty answer.
    pub(crate) fn sign_out(&self) -> Answer {
        self.0.delete(&format!("{API}/access/logout"))
    }
}

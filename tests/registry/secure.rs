//! A server that asks who calls: TLS with certificates of an authority of the test's own.

use crate::calls::{API, Nifi, text};
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Answer, Authority, Client, Server, Setup};
use http::Method;
use rcgen::DnType;
use serde_json::{Value, json};

/// The text of every refused token.
pub(crate) const BAD_TOKEN: &str = "Unable to validate the access token. Contact the system administrator.\n";

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

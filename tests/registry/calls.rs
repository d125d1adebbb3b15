//! What the tests of this folder share: the registry's calls and what they have to answer.

use headworks_tests::{Answer, Client, Server};
use http::Method;
use serde_json::{Value, json};

/// Where the dialect is.
pub(crate) const API: &str = "/nifi-registry-api";

/// Whoever calls an open registry.
pub(crate) struct Nifi(pub(crate) Client);

impl Nifi {
    pub(crate) fn of(server: &Server) -> Self {
        Self(server.client().anonymous())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.0.get(&format!("{API}{path}"))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.0.post(&format!("{API}{path}"), body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.0.put(&format!("{API}{path}"), body)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.0.delete(&format!("{API}{path}"))
    }

    pub(crate) fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.0.send(method, &format!("{API}{path}"), headers, body)
    }

    /// Makes a bucket and answers its identifier.
    pub(crate) fn bucket(&self, name: &str) -> String {
        text(&done(&self.post("/buckets", &json!({"name": name})))["identifier"])
    }

    /// Makes a flow and answers its identifier.
    pub(crate) fn flow(&self, bucket: &str, name: &str) -> String {
        text(&done(&self.post(&format!("/buckets/{bucket}/flows"), &json!({"name": name})))["identifier"])
    }
}

/// The body of an answer that has to be 200.
pub(crate) fn done(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

/// Checks that an answer is a refusal with exactly this text.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, text));
    assert_eq!(answer.header("content-type"), "text/plain");
}

/// A member that has to be text.
pub(crate) fn text(member: &Value) -> String {
    member.as_str().unwrap_or_else(|| panic!("{member} is no text")).to_owned()
}

/// The member `name` of every element.
pub(crate) fn each(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|one| text(&one[member])).collect()
}

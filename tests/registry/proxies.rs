//! Requests through proxies (NiFi Registry 17.4 and 19.3).

use crate::calls::{Nifi, done, each, refused, text};
use crate::secure::Secure;
use headworks_tests::Answer;
use http::Method;
use serde_json::json;

const CHAIN: &str = "X-ProxiedEntitiesChain";

impl Nifi {
    fn through(&self, chain: &str, method: Method, path: &str) -> Answer {
        let body = b"{\"name\": \"made\"}".as_slice();
        let body = (method == Method::POST).then_some(body);
        self.send(method, path, &[(CHAIN, chain), ("Content-Type", "application/json")], body)
    }

    fn seen(&self, chain: &str) -> String {
        text(&done(&self.through(chain, Method::GET, "/access"))["identity"])
    }
}

#[test]
fn the_end_user_counts_and_every_proxy_needs_the_same_action() {
    let secure = Secure::start();
    let admin = secure.admin();
    let bucket = admin.bucket("ops");
    let (nifi, anna) = (admin.user("CN=nifi"), admin.user("anna"));
    let proxy = secure.named("nifi");
    assert_eq!(proxy.seen("<anna>"), "anna");
    let path = format!("/buckets/{bucket}");
    let get = |chain: &str| proxy.through(chain, Method::GET, &path);
    refused(&get("<root>"), 403, "Untrusted proxy [CN=nifi] for read operation.");
    admin.permit_too("read", "/proxy", &nifi);
    assert_eq!(get("<root>").status, 200);
    refused(&get("<anna>"), 403, &format!("Unable to view Bucket with ID {bucket}. Contact the system administrator."));
    admin.permit("read", &path, &[&anna]);
    assert_eq!(done(&get("<anna>"))["permissions"], json!({"canDelete": false, "canRead": true, "canWrite": false}));
    // Reading for others is not writing for them, and the proxy's own rights are nobody else's.
    let post = |chain: &str| proxy.through(chain, Method::POST, &format!("{path}/flows"));
    refused(&post("<root>"), 403, "Untrusted proxy [CN=nifi] for write operation.");
    admin.permit_too("write", "/proxy", &nifi);
    assert_eq!(post("<root>").status, 200);
    refused(&proxy.through("<root>", Method::DELETE, &path), 403, "Untrusted proxy [CN=nifi] for delete operation.");
}

#[test]
fn a_chain_of_two_needs_both() {
    let secure = Secure::start();
    let admin = secure.admin();
    let bucket = admin.bucket("ops");
    let (nifi, gateway) = (admin.user("CN=nifi"), admin.user("CN=gateway"));
    let last = secure.named("gateway");
    let path = format!("/buckets/{bucket}");
    let get = || last.through("<root><CN=nifi>", Method::GET, &path);
    refused(&get(), 403, "Untrusted proxy [CN=nifi] for read operation.");
    admin.permit_too("read", "/proxy", &nifi);
    refused(&get(), 403, "Untrusted proxy [CN=gateway] for read operation.");
    admin.permit_too("read", "/proxy", &gateway);
    assert_eq!(done(&get())["name"], "ops");
    refused(
        &last.through("<root><CN=stranger><CN=nifi>", Method::GET, &path),
        403,
        "Untrusted proxy [CN=stranger] for read operation.",
    );
}

#[test]
fn the_end_user_may_be_nobody() {
    let secure = Secure::start();
    let admin = secure.admin();
    let nifi = admin.user("CN=nifi");
    let bucket = admin.bucket("ops");
    let path = format!("/buckets/{bucket}");
    let proxy = secure.named("nifi");
    assert_eq!(proxy.seen("<>"), "anonymous");
    refused(&proxy.through("<>", Method::GET, &path), 403, "Untrusted proxy [CN=nifi] for read operation.");
    admin.permit_too("read", "/proxy", &nifi);
    let unknown = "Unknown user with identity 'anonymous'. Contact the system administrator.";
    refused(&proxy.through("<>", Method::GET, &path), 401, unknown);
    // What everybody may read needs no proxy's right either.
    done(&admin.put(&path, &json!({"allowPublicRead": true})));
    let stranger = secure.named("stranger");
    assert_eq!(stranger.through("<>", Method::GET, &path).status, 200);
    assert_eq!(each(&done(&stranger.through("<>", Method::GET, "/buckets")), "name"), ["ops"]);
}

#[test]
fn names_in_chains_are_escaped_encoded_and_mapped() {
    let secure = Secure::with(|setup| {
        setup
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_PATTERN", "CN=(.*?), OU=.*")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_VALUE", "$1")
    });
    let proxy = secure.named("nifi");
    for (chain, identity) in [
        ("<anna>", "anna"),
        ("<CN=anna, OU=x><p>", "anna"),
        (r"<a\<b\>>", "a<b>"),
        ("<<Wm/Dqw==>><p>", "Zoë"),
        (" <anna> ", "anna"),
    ] {
        assert_eq!(proxy.seen(chain), identity, "{chain}");
    }
    for chain in ["anna", "<anna", "<a><b", "<a<b>", "<<!>>"] {
        let answer = proxy.through(chain, Method::GET, "/access");
        assert_eq!((answer.status, answer.header("content-type")), (400, "text/plain"), "{chain}");
    }
    assert_eq!(proxy.send(Method::GET, "/access", &[(CHAIN, "")], None).status, 200);
    let twice = [(CHAIN, "<root>"), (CHAIN, "<anna>")];
    assert_eq!(proxy.send(Method::GET, "/access", &twice, None).status, 400, "nobody knows which one a proxy wrote");
}

#[test]
fn the_header_counts_together_with_a_certificate_only() {
    let secure = Secure::start();
    assert_eq!(secure.anonymous().seen("<root>"), "anonymous");
    let admin = secure.admin();
    admin.user("anna");
    assert_eq!(admin.seen("<anna>"), "root");
}

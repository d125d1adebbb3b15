//! How the web interface is served (FlowG 20). What it does in a browser is tested in `tests/web`.

use crate::shared;
use headworks_tests::{Answer, Client, Setup};
use http::Method;
use std::collections::BTreeSet;
use std::io::Read;

/// The page at a path.
fn page(client: &Client, path: &str) -> String {
    let answer = client.get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
    answer.text()
}

/// The paths that the page names, relative to its base.
fn named(page: &str) -> BTreeSet<String> {
    let named = page.split(['"', '\'']).filter(|text| text.starts_with("assets/"));
    named.map(str::to_owned).collect()
}

fn encoded(client: &Client, path: &str, accepted: &str) -> Answer {
    client.send(Method::GET, path, &[("Accept-Encoding", accepted)], None)
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut content).expect("gzip");
    content
}

#[test]
fn the_root_leads_to_the_interface_for_good() {
    let (_server, client) = shared();
    let client = client.anonymous();
    for path in ["/", "/web"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (308, "/web/"), "{path}");
    }
}

#[test]
fn a_path_that_is_no_file_shows_the_page() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let expected = page(&client, "/web/");
    for path in [
        "/web/streams",
        "/web/pipelines/a%2Fb",
        "/web/login?next=x",
        "/web/assets/none/main.js",
        "/web/assets/",
        "/web/..%2F..%2Fetc%2Fpasswd",
        "/web/%2e%2e/%2e%2e/etc/passwd",
        "/web//etc/passwd",
        "/web/%00",
        "/web/%ff",
        "/web/page.html",
    ] {
        assert_eq!(page(&client, path), expected, "{path}");
    }
    assert_eq!(client.get("/webs").status, 404);
    assert_eq!(client.send(Method::POST, "/web/", &[], Some(b"x")).status, 405);
}

#[test]
fn the_page_names_its_base_and_that_it_is_no_demonstration() {
    let (_server, client) = shared();
    let page = page(&client.anonymous(), "/web/");
    assert!(page.contains(r#"<base href="/web/">"#), "{page}");
    assert!(page.contains(r#"<meta name="X-FlowG-DemoMode" content="false">"#), "{page}");
}

#[test]
fn a_demonstration_says_so_and_a_mount_path_moves_everything() {
    let server = Setup::new().env("FLOWG_HTTP_MOUNT_PATH", "/some/where").env("FLOWG_DEMO_MODE", "true").start();
    assert_eq!(server.client().get("/web/").status, 404);
    let client = Client::new(&format!("http://{}/some/where", server.address()));
    for path in ["", "/", "/web"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (308, "/some/where/web/"), "{path:?}");
    }
    let page = page(&client, "/web/streams/x");
    assert!(page.contains(r#"<base href="/some/where/web/">"#), "{page}");
    assert!(page.contains(r#"<meta name="X-FlowG-DemoMode" content="true">"#), "{page}");
    for path in named(&page) {
        assert!(client.get(&format!("/web/{path}")).header("content-type").len() > 1, "{path}");
    }
}

#[test]
fn files_are_kept_for_a_day_and_the_page_is_asked_for_each_time() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let answer = client.get("/web/");
    assert_eq!(answer.header("cache-control"), "no-cache");
    let paths = named(&answer.text());
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        let path = format!("/web/{path}");
        let answer = client.get(&path);
        let kind = match path.rsplit_once('.').expect("an ending").1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=86400", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let known = client.send(Method::GET, &path, &[("If-None-Match", answer.header("etag"))], None);
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        let other = client.send(Method::GET, &path, &[("If-None-Match", "\"another\"")], None);
        assert_eq!((other.status, other.body), (200, answer.body), "{path}");
    }
}

#[test]
fn gzip_is_sent_to_those_who_take_it_and_the_plain_form_to_all_others() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let script = named(&page(&client, "/web/")).into_iter().find(|path| path.ends_with("main.js")).expect("a script");
    for path in ["/web/".to_owned(), format!("/web/{script}")] {
        let plain = encoded(&client, &path, "identity");
        assert_eq!((plain.status, plain.header("content-encoding"), plain.header("vary")), (200, "", "Accept-Encoding"));
        assert!(plain.text().contains("main.js") || plain.text().contains("import"), "{path}");
        for accepted in ["br", "gzip;q=0", "identity;q=0", ""] {
            let answer = encoded(&client, &path, accepted);
            assert_eq!((answer.status, answer.header("content-encoding")), (200, ""), "{path} {accepted:?}");
            assert_eq!(answer.body, plain.body, "{path} {accepted:?}");
        }
        for accepted in ["gzip", "br, gzip;q=0.5", "*"] {
            let answer = encoded(&client, &path, accepted);
            assert_eq!((answer.status, answer.header("content-encoding")), (200, "gzip"), "{path} {accepted:?}");
            assert_eq!(answer.header("vary"), "Accept-Encoding");
            assert!(answer.body.len() < plain.body.len(), "{path}");
            assert_eq!(unpacked(&answer), plain.body, "{path} {accepted:?}");
        }
    }
    let head = client.send(Method::HEAD, "/web/", &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn nothing_of_another_host_is_used_and_no_text_becomes_markup() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let answer = client.get("/web/streams");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for part in ["script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
        assert!(policy.split("; ").any(|said| said == part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for path in named(&answer.text()) {
        let text = client.get(&format!("/web/{path}")).text();
        let mut imported = text.split(" from \"").skip(1);
        assert!(imported.all(|module| module.starts_with("./") || module.starts_with("../")), "{path} imports from elsewhere");
        for word in ["import(", "@import"] {
            assert!(!text.contains(word), "{path} uses {word}");
        }
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text.contains(word), "{path} uses {word}");
        }
    }
}

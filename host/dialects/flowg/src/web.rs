//! The web interface below `/web/` (FlowG 20): a page and the files it uses, all of them in the program.
//!
//! What must stay true: a path that names no file is answered with the page, whose script reads the path; files lie below a
//! folder named after their content, so that a browser that keeps them for a day never mixes two versions; every client gets
//! an answer it can read, with or without gzip.

use crate::App;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

const PAGE: &str = include_str!("../web/page.html");

/// Nothing but what this server sends itself may run or be asked, and no text may become markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'self'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

macro_rules! files {
    ($($kind:ident $name:literal),* $(,)?) => {
        &[$(($name, $kind, include_bytes!(concat!("../web/", $name)))),*]
    };
}

/// Name, type and content of each file.
const FILES: &[(&str, &str, &[u8])] = files![
    IMAGE "icon.svg",
    STYLE "style.css",
    STYLE "parts.css",
    STYLE "graph.css",
    SCRIPT "main.js",
    SCRIPT "api.js",
    SCRIPT "dom.js",
    SCRIPT "events.js",
    SCRIPT "navigation.js",
    SCRIPT "session.js",
    SCRIPT "shell.js",
    SCRIPT "texts.js",
    SCRIPT "german.js",
    SCRIPT "parts/chart.js",
    SCRIPT "parts/code.js",
    SCRIPT "parts/dialogs.js",
    SCRIPT "parts/fields.js",
    SCRIPT "parts/question.js",
    SCRIPT "parts/records.js",
    SCRIPT "parts/vrl.js",
    SCRIPT "parts/workbench.js",
    SCRIPT "editors/forwarder.js",
    SCRIPT "editors/forwarder-types.js",
    SCRIPT "editors/stream.js",
    SCRIPT "editors/transformer.js",
    SCRIPT "graph/canvas.js",
    SCRIPT "graph/edge.js",
    SCRIPT "graph/editor.js",
    SCRIPT "graph/layout.js",
    SCRIPT "graph/model.js",
    SCRIPT "graph/node.js",
    SCRIPT "graph/palette.js",
    SCRIPT "graph/pointer.js",
    SCRIPT "graph/trace.js",
    SCRIPT "graph/view.js",
    SCRIPT "pages/account.js",
    SCRIPT "pages/admin.js",
    SCRIPT "pages/forwarders.js",
    SCRIPT "pages/home.js",
    SCRIPT "pages/login.js",
    SCRIPT "pages/pipelines.js",
    SCRIPT "pages/storage.js",
    SCRIPT "pages/streams.js",
    SCRIPT "pages/system.js",
    SCRIPT "pages/transformers.js",
    SCRIPT "pages/upload.js",
];

/// Routes of the interface below a mount path, which is empty or such as `/logs`. `demo` makes the page show how to log in.
pub(crate) fn router(mount: &str, demo: bool) -> Router<App> {
    let site = Arc::new(Site::new(mount, demo));
    let served = get(move |uri: Uri, headers: HeaderMap| async move { site.answer(uri.path(), &headers) });
    let home = home(mount);
    Router::new().route("/web", get(move || async move { home })).route("/web/", served.clone()).route("/web/{*path}", served)
}

/// Where the root of the service leads (FlowG 17).
pub(crate) fn home(mount: &str) -> Redirect {
    Redirect::permanent(&format!("{mount}/web/"))
}

/// The page and its files.
struct Site {
    page: File,
    /// By path: the folder named after the content, and the name.
    files: HashMap<String, File>,
}

impl Site {
    fn new(mount: &str, demo: bool) -> Self {
        let version = version();
        let folder = format!("assets/{version}/");
        let mut scripts = String::new();
        for (name, ..) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            // Writing to memory does not fail.
            let _ = writeln!(scripts, "<link rel=\"modulepreload\" href=\"{folder}{name}\">");
        }
        let page = PAGE
            .replace("{base}", &format!("{mount}/web/"))
            .replace("{demo}", if demo { "true" } else { "false" })
            .replace("{scripts}", scripts.trim_end())
            .replace("{folder}", &folder);
        let files = FILES.iter().map(|(name, kind, content)| {
            let file = File::new(kind, content, "public, max-age=86400", &version);
            (format!("/web/{folder}{name}"), file)
        });
        Self { page: File::new(HTML, page.as_bytes(), "no-cache", &version_of([page.as_bytes()])), files: files.collect() }
    }

    fn answer(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        self.files.get(path).unwrap_or(&self.page).answer(headers)
    }
}

/// A short text that is another one for other files.
fn version() -> String {
    version_of(FILES.iter().flat_map(|(name, _, content)| [name.as_bytes(), content]))
}

fn version_of<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for content in contents {
        digest.update(content.len().to_be_bytes());
        digest.update(content);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What is sent for a path.
struct File {
    headers: HeaderMap,
    plain: Bytes,
    /// The same by gzip.
    packed: Bytes,
}

impl File {
    fn new(kind: &'static str, content: &[u8], cache: &'static str, version: &str) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, cache),
            (header::VARY, "Accept-Encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        // Weak, because it is that of both forms. Hexadecimal digits are a header's value.
        if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
            headers.insert(header::ETAG, tag);
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let packed = gzip.write_all(content).and_then(|()| gzip.finish()).unwrap_or_default();
        Self { headers, plain: Bytes::copy_from_slice(content), packed: packed.into() }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.headers.clone();
        if self.is_known(asked) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if takes_gzip(asked) && !self.packed.is_empty() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(self.packed.clone());
        } else {
            *response.body_mut() = Body::from(self.plain.clone());
        }
        response
    }

    /// Whether the client says that it has this very content.
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let Some(tag) = self.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let tags = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        tags.flat_map(|tags| tags.split(',')).any(|one| opaque(one) == opaque(tag))
    }
}

/// Whether `Accept-Encoding` names gzip with a weight other than 0 (RFC 9110 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let weight = |coding: &str| {
        let lists = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
        lists.flat_map(|list| list.split(',')).find_map(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = || parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
            name.trim().eq_ignore_ascii_case(coding).then(|| weight().unwrap_or(1.0))
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn text(name: &str) -> &'static str {
        let (.., content) = FILES.iter().find(|(known, ..)| *known == name).unwrap();
        std::str::from_utf8(content).unwrap()
    }

    /// The texts in double quotes that follow `before` in a file.
    fn quoted(text: &'static str, before: &'static str) -> impl Iterator<Item = &'static str> {
        // `at("` is another function than `t("`.
        let starts_word =
            |at: &usize| !text.get(..*at).unwrap().ends_with(|before: char| before.is_alphanumeric() || before == '.');
        text.match_indices(before).map(|(at, _)| at).filter(starts_word).map(move |at| {
            let rest = text.get(at + before.len()..).unwrap();
            let end = rest.match_indices('"').find(|(at, _)| !rest.get(..*at).unwrap().ends_with('\\')).unwrap().0;
            rest.get(..end).unwrap()
        })
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        fn walk(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        walk(&root, &root, &mut found);
        let mut served: BTreeSet<String> = FILES.iter().map(|(name, ..)| (*name).to_owned()).collect();
        served.insert("page.html".to_owned());
        assert_eq!(found, served);
    }

    #[test]
    fn every_text_has_a_translation_and_every_translation_a_text() {
        let scripts = FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT).map(|(name, ..)| text(name));
        let used: BTreeSet<&str> = scripts.flat_map(|script| quoted(script, "t(\"")).collect();
        let known: BTreeSet<&str> = quoted(text("german.js"), "\n  \"").collect();
        let missing: Vec<_> = used.difference(&known).collect();
        let unused: Vec<_> = known.difference(&used).collect();
        assert!(missing.is_empty() && unused.is_empty() && used.len() > 100, "missing {missing:#?}, unused {unused:#?}");
    }

    #[test]
    fn gzip_is_for_those_who_name_it() {
        for (asked, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("deflate", false),
            ("gzip;q=0, *", false),
            ("gzip; q=0.0", false),
            ("identity;q=0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, asked.parse().unwrap());
            assert_eq!(takes_gzip(&headers), expected, "{asked}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}

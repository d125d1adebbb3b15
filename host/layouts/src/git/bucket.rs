//! `bucket.yml`: what a repository says of a bucket and of the newest version of each of its flows (NiFi Registry 22.1).
//!
//! What must stay true: the reference reads what is written here, so every text is quoted: it takes a bare `2020-01-01` for a
//! date. Name and description of the bucket are ours; the reference passes over them.

use headworks_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_saphyr::{Options, SerializerOptions, budget, options, ser_options};
use std::collections::BTreeMap;

/// The name of the file.
pub(super) const FILE: &str = "bucket.yml";
/// The version of the layout.
const LAYOUT: u32 = 1;
/// The most bytes of such a file that is read.
pub(super) const MOST: usize = 64 << 20;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BucketFile {
    pub(super) layout_ver: u32,
    pub(super) bucket_id: String,
    /// Absent in what the reference writes: the bucket is called as its directory then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bucket_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bucket_desc: Option<String>,
    /// By identifier.
    #[serde(default)]
    pub(super) flows: BTreeMap<String, Entry>,
}

/// A flow and its newest version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) ver: u32,
    /// In the directory of the bucket.
    pub(super) file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flow_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flow_desc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comments: Option<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<i64>,
}

impl BucketFile {
    /// Of a bucket without flows.
    pub(super) fn new(id: &str, name: &str, description: Option<&str>) -> Self {
        Self {
            layout_ver: LAYOUT,
            bucket_id: id.to_owned(),
            bucket_name: Some(name.to_owned()),
            bucket_desc: description.map(str::to_owned),
            flows: BTreeMap::new(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for what is none, is too large or has a newer layout.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MOST {
            return Err(Error::invalid(format!("it has more than {MOST} bytes")));
        }
        let file: Self = serde_saphyr::from_slice_with_options(bytes, reading())
            .map_err(|error| Error::invalid(format!("it cannot be read: {}", first_line(&error.to_string()))))?;
        if file.layout_ver != LAYOUT {
            let message = format!("it has the version {} of the layout, and only {LAYOUT} is known", file.layout_ver);
            return Err(Error::invalid(message));
        }
        Ok(file)
    }

    /// Its text.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](headworks_core::ErrorCode::Internal).
    pub(super) fn written(&self) -> Result<String> {
        serde_saphyr::to_string_with_options(self, writing())
            .map_err(|error| Error::internal(format!("{FILE} cannot be written: {error}")))
    }
}

/// What a large bucket needs; aliases stay rare, so that a small file cannot become a large one.
fn reading() -> Options {
    options! {
        budget: budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_total_scalar_bytes: MOST,
            max_depth: 16,
            max_documents: 1,
            max_aliases: 100,
            max_anchors: 100,
        },
        with_snippet: false,
    }
}

fn writing() -> SerializerOptions {
    ser_options! { quote_all: true }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry { ver: 3, file: "a.snapshot".to_owned(), flow_name: Some(name.to_owned()), ..Entry::default() }
    }

    #[test]
    fn texts_stay_texts() {
        let mut file = BucketFile::new("123", "2020-01-01", Some("yes"));
        for (number, name) in
            ["12:30", "null", "", "1e3", "a: b # c", "it's", "two\nlines\t\u{1}", "größe 😀", "- x", "\u{7f}\u{85}"]
                .iter()
                .enumerate()
        {
            file.flows.insert(number.to_string(), entry(name));
        }
        let text = file.written().unwrap();
        assert!(text.contains("'2020-01-01'") && text.contains("'12:30'"), "{text}");
        assert!(text.contains("'0':") || text.contains("\"0\":"), "{text}");
        assert_eq!(BucketFile::read(text.as_bytes()).unwrap(), file);
    }

    #[test]
    fn what_the_reference_writes_is_read() {
        let text = "flows:\n  5e1f: {ver: 1, file: 2020-01-01.snapshot, comments: '',\n    author: anonymous, created: 1795361509191, \
                    flowName: '2020-01-01', flowDesc: ''}\n  af1d: {ver: 2, file: plain_flow.snapshot, author: anonymous,\n    \
                    created: 1795361509084, flowName: plain flow, flowDesc: desc of\n      it}\nlayoutVer: 1\nbucketId: d345\n";
        let file = BucketFile::read(text.as_bytes()).unwrap();
        assert_eq!((file.bucket_id.as_str(), file.bucket_name, file.flows.len()), ("d345", None, 2));
        let flow = file.flows.get("af1d").unwrap();
        assert_eq!((flow.ver, flow.flow_desc.as_deref(), flow.created), (2, Some("desc of it"), Some(1_795_361_509_084)));
        assert_eq!(file.flows.get("5e1f").unwrap().comments.as_deref(), Some(""));
    }

    #[test]
    fn hostile_files_are_refused() {
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                    d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nlayoutVer: 1\nbucketId: x\n";
        let told = |text: &str| BucketFile::read(text.as_bytes()).unwrap_err().message;
        assert!(told("layoutVer: 2\nbucketId: x\nflows: {}").contains("version 2 of the layout"));
        assert!(told("- x").contains("cannot be read"));
        assert!(told(&"[".repeat(100_000)).contains("cannot be read"));
        assert!(told(&format!("layoutVer: 1\nbucketId: {}", "x".repeat(MOST))).contains("bytes"));
        // Harmless where it stays small.
        let _ = BucketFile::read(bomb.as_bytes());
        assert!(told("layoutVer: 1\nbucketId: x\nflows: {a: {ver: -1, file: f}}").contains("cannot be read"));
    }

    #[test]
    fn a_bucket_of_many_flows_is_read() {
        let mut file = BucketFile::new("x", "x", None);
        file.flows.extend((0..20_000).map(|number| (format!("{number:036}"), entry("flow"))));
        assert_eq!(BucketFile::read(file.written().unwrap().as_bytes()).unwrap().flows.len(), 20_000);
    }
}

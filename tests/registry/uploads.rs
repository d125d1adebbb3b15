//! Uploads as clients send them.

use crate::calls::{API, Nifi, done};
use headworks_tests::Answer;
use headworks_tests::archives::{Entry, nar};
use http::Method;
use serde_json::Value;

/// The boundary of all forms.
pub(crate) const BOUNDARY: &str = "hw-4f1c";

/// What stands before a part's content.
pub(crate) fn part_head(name: &str, file: Option<&str>) -> String {
    let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream")).unwrap_or_default();
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
}

/// A body of these parts.
pub(crate) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend(part_head(name, (*name == "file").then_some("some.nar")).into_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

/// The type of such a body.
pub(crate) fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

impl Nifi {
    /// Sends a form to a bucket.
    pub(crate) fn send_form(&self, bucket: &str, kind: &str, parts: &[(&str, &[u8])]) -> Answer {
        let path = format!("{API}/buckets/{bucket}/bundles/{kind}");
        self.0.send(Method::POST, &path, &[("Content-Type", &form_type())], Some(&form(parts)))
    }

    /// Uploads an archive of NiFi.
    pub(crate) fn upload(&self, bucket: &str, archive: &[u8]) -> Answer {
        self.send_form(bucket, "nifi-nar", &[("file", archive)])
    }

    /// Uploads an archive with these coordinates that has to be taken; answers what the server said.
    pub(crate) fn uploaded(&self, bucket: &str, group: &str, artifact: &str, version: &str) -> Value {
        done(&self.upload(bucket, &nar(group, artifact, version, &[])))
    }
}

/// A file from the folder of archives.
pub(crate) fn real(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nars").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An archive whose bytes differ with `salt`.
pub(crate) fn salted(group: &str, artifact: &str, version: &str, salt: &str) -> Vec<u8> {
    let entry = Entry { name: b"salt".to_vec(), data: salt.as_bytes().to_vec(), ..Entry::default() };
    nar(group, artifact, version, &[entry])
}

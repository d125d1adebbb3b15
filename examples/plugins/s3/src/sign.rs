//! AWS Signature Version 4 for S3.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// What of a request is signed.
pub struct Signed<'a> {
    pub method: &'a str,
    /// Encoded as it is sent.
    pub path: &'a str,
    pub host: &'a str,
    /// Such as `20130524T000000Z`.
    pub time: &'a str,
    /// The SHA-256 of the body in hexadecimal digits.
    pub body_hash: &'a str,
}

/// Whose requests these are.
pub struct Signer {
    pub access_key: String,
    pub secret: String,
    pub region: String,
}

impl Signer {
    /// The value of the Authorization header.
    pub fn authorization(&self, request: &Signed<'_>) -> String {
        let Signed { method, path, host, time, body_hash } = request;
        let names = "host;x-amz-content-sha256;x-amz-date";
        let headers = format!("host:{host}\nx-amz-content-sha256:{body_hash}\nx-amz-date:{time}\n");
        let canonical = format!("{method}\n{path}\n\n{headers}\n{names}\n{body_hash}");
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(canonical.as_bytes()));
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), day);
        for part in [self.region.as_str(), "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.access_key)
    }
}

/// The SHA-256 in hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A path with everything encoded that the signature wants encoded.
pub fn path(path: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.bytes().map(encode).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // Keys of every length are allowed.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// The same with openssl, step by step as the specification has them.
    fn independent(key_option: &str, text: &str) -> String {
        use std::io::Write;
        let mut child = Command::new("openssl")
            .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", key_option])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        output.trim().rsplit(' ').next().unwrap().to_owned()
    }

    #[test]
    fn the_signature_is_what_another_implementation_makes() {
        let signer = Signer { access_key: "AKID".into(), secret: "s/ec+ret".into(), region: "eu-west-1".into() };
        let body_hash = hash(b"hello");
        let request =
            Signed { method: "PUT", path: "/b/k%20x", host: "s3.example", time: "20260102T030305Z", body_hash: &body_hash };
        let canonical = format!(
            "PUT\n/b/k%20x\n\nhost:s3.example\nx-amz-content-sha256:{body_hash}\nx-amz-date:20260102T030305Z\n\n\
             host;x-amz-content-sha256;x-amz-date\n{body_hash}"
        );
        let text =
            format!("AWS4-HMAC-SHA256\n20260102T030305Z\n20260102/eu-west-1/s3/aws4_request\n{}", hash(canonical.as_bytes()));
        let mut key = independent("key:AWS4s/ec+ret", "20260102");
        for part in ["eu-west-1", "s3", "aws4_request", &text] {
            key = independent(&format!("hexkey:{key}"), part);
        }
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={key}"
        );
        assert_eq!(signer.authorization(&request), expected);
    }

    #[test]
    fn paths_are_encoded() {
        assert_eq!(path("/b/a b+c/ä~.json"), "/b/a%20b%2Bc/%C3%A4~.json");
    }
}

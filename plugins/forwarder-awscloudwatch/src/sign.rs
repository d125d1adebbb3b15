//! AWS Signature Version 4.
//!
//! Owns the canonical request and the chain of keys. The headers given are all signed, so `host` has to be among them.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// Who signs what for where.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The region.
    pub region: String,
    /// The service, such as `logs`.
    pub service: &'static str,
}

/// What is signed. The path is as it is sent; there is no query.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, encoded.
    pub path: &'a str,
    /// Names in any case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// `20150830T123600Z`.
    pub time: &'a str,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signer {
    /// The value of the Authorization header.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn authorization(&self, signed: &Signed<'_>) -> Result<String, String> {
        let mut headers: Vec<(String, &str)> =
            signed.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let body = hex(&Sha256::digest(signed.body));
        let canonical = format!("{}\n{}\n\n{lines}\n{names}\n{body}", signed.method, signed.path);
        let date = signed.time.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{}", signed.time, hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [date, &self.region, self.service, "aws4_request", &to_sign] {
            key = mac(&key, part)?;
        }
        Ok(format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={}", self.access_key, hex(&key)))
    }
}

fn mac(key: &[u8], text: &str) -> Result<Vec<u8>, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| format!("the key cannot be used: {error}"))?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The credentials, region and service of the published test suite of Signature Version 4.
    fn signature(method: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let signer = Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
            service: "service",
        };
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let signed = Signed { method, path: "/", headers: &headers, body, time: "20150830T123600Z" };
        signer.authorization(&signed).unwrap()
    }

    const HOST: (&str, &str) = ("Host", "example.amazonaws.com");
    const DATE: (&str, &str) = ("X-Amz-Date", "20150830T123600Z");
    const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

    #[test]
    fn the_published_vector_get_vanilla() {
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(
            signature("GET", &[HOST, DATE], b""),
            format!("{CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={expected}")
        );
    }

    #[test]
    fn the_published_vector_post_vanilla() {
        let expected = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(
            signature("POST", &[DATE, HOST], b""),
            format!("{CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={expected}")
        );
    }

    #[test]
    fn the_published_vector_post_x_www_form_urlencoded() {
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let expected = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        assert_eq!(
            signature("POST", &[kind, HOST, DATE], b"Param1=value1"),
            format!("{CREDENTIAL}, SignedHeaders=content-type;host;x-amz-date, Signature={expected}")
        );
    }
}

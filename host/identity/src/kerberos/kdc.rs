//! Reaching a KDC: where it is, and its framing over TCP (RFC 4120 7.2.2).

use crate::login::Unverified;
use headworks_core::{Error, Result};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The port of KDCs.
const PORT: u16 = 88;
/// The most bytes of an answer: tickets of Windows tell of hundreds of groups.
const ANSWER: u32 = 128 << 10;

/// Where a KDC is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kdc {
    host: String,
    port: u16,
}

impl Kdc {
    /// Reads `host`, `host:port` or `[address]:port`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("is no address such as kdc.example:88: {text:?}")).at("kdcs");
        let text = text.trim();
        // Old files have a protocol in front.
        let text = text.strip_prefix("tcp/").unwrap_or(text);
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (text, PORT),
        };
        let host = host.trim_matches(['[', ']']);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
        if host.is_empty() || !host.chars().all(plain) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// What it answers.
    async fn ask(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let length = u32::try_from(message.len()).map_err(io::Error::other)?;
        stream.write_all(&[length.to_be_bytes().as_slice(), message].concat()).await?;
        let length = stream.read_u32().await?;
        if length > ANSWER {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

impl fmt::Display for Kdc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.host, self.port)
    }
}

/// What the first of these answers that can be reached.
pub(super) async fn ask(kdcs: &[Kdc], message: &[u8], patience: Duration) -> Result<Vec<u8>, Unverified> {
    let mut failures = Vec::new();
    for kdc in kdcs {
        match timeout(patience, kdc.ask(message)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failures.push(format!("the KDC {kdc} cannot be asked: {error}")),
            Err(_) => failures.push(format!("the KDC {kdc} does not answer within {patience:?}")),
        }
    }
    Err(Unverified::Failed(failures.join("; ")))
}

/// The KDCs that a `krb5.conf` names for a realm. What it includes is not read.
pub(super) fn configured(text: &str, realm: &str) -> Vec<String> {
    let (mut section, mut inside) = ("", false);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[') {
            (section, inside) = (name.trim_end_matches(']'), false);
        } else if line.starts_with('}') {
            inside = false;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| section == "realms") {
            let (name, value) = (name.trim(), value.trim());
            if value.starts_with('{') {
                inside = name == realm;
            } else if inside && name == "kdc" {
                found.push(value.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_ports() {
        let shown = |text: &str| Kdc::parse(text).map(|kdc| kdc.to_string()).ok();
        assert_eq!(shown("kdc.example").as_deref(), Some("kdc.example port 88"));
        assert_eq!(shown(" 10.0.0.1:750 ").as_deref(), Some("10.0.0.1 port 750"));
        assert_eq!(shown("[::1]:750").as_deref(), Some("::1 port 750"));
        assert_eq!(shown("::1").as_deref(), Some("::1 port 88"));
        for wrong in ["", "a:b", "http://a", "a b", ":88"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_configuration_of_the_system_names_kdcs() {
        let text = "[libdefaults]\n kdc = no\n[realms]\n OTHER = {\n  kdc = other\n }\n A.B = {\n  # kdc = never\n  kdc = one:750\n  \
                    admin_server = x\n  kdc=two\n }\n kdc = stray\n[domain_realm]\n A.B = {\n kdc = no\n }\n";
        assert_eq!(configured(text, "A.B"), ["one:750", "two"]);
        assert!(configured(text, "B").is_empty());
    }
}

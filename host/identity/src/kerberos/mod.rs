//! Signing in with a Kerberos ticket that a browser or a tool sends in `Authorization: Negotiate` (RFC 4559, RFC 4178, RFC 4121),
//! or with the password of a principal (`password`).
//!
//! Owns the check of such a ticket with the keys of a keytab; no KDC is asked for it. What must stay true: a ticket was made for this
//! service and is valid now, whoever sends it knows its session key, and what was sent counts once. The bytes come from
//! strangers; their messages are read by `der` alone. Knows nothing of tokens of ours.

mod der;
mod encryption;
mod kdc;
mod keytab;
mod negotiation;
mod password;
mod seen;
mod ticket;

pub use password::{PasswordLogin, PasswordLoginOptions};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, Timestamp};
use keytab::Key;
use seen::Seen;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How far the clocks of callers and of this server may be apart, in seconds (RFC 4120 8.2).
const SKEW: i64 = 300;
/// The most logins within twice that time.
const MOST: usize = 100_000;

/// Somebody or something in a realm.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Principal {
    names: Vec<String>,
    realm: String,
}

impl fmt::Display for Principal {
    /// As the tools of Kerberos write it, so that no name looks like another: `anna@REALM`, `HTTP/host@REALM`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            for letter in name.chars() {
                if matches!(letter, '/' | '@' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{letter}")?;
            }
        }
        write!(f, "@{}", self.realm)
    }
}

/// Checks tickets for one service. Cloning is cheap.
#[derive(Clone)]
pub struct Kerberos(Arc<Inner>);

struct Inner {
    keys: Vec<Key>,
    seen: Seen,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

/// Somebody who showed a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Such as `anna@REALM`.
    pub name: String,
    /// What `WWW-Authenticate` has to say, so that the caller knows that we are who it takes us for.
    pub answer: Option<String>,
}

/// Why a ticket names nobody.
fn refused(why: &str) -> Error {
    Error::new(ErrorCode::Unauthenticated, format!("The Kerberos ticket cannot be accepted: {why}."))
}

impl Kerberos {
    /// Reads the keys of the service `principal`, such as `HTTP/host.example` or `HTTP/host.example@REALM`; whoever shows a ticket is
    /// vouched for as long as `lifetime`.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] at `keytab` or `service_principal`.
    pub fn new(principal: &str, keytab: &[u8], lifetime: Duration, clock: Arc<dyn Clock>) -> Result<Self> {
        let keys = keytab::of_service(principal, keytab)?;
        Ok(Self(Arc::new(Inner { keys, seen: Seen::new(2 * SKEW, MOST), lifetime, clock })))
    }

    /// Checks what stands behind `Negotiate ` in the header.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] says why; [`ErrorCode::Exhausted`] when more tickets were shown than can be remembered.
    pub fn accept(&self, token: &str) -> Result<Accepted> {
        let token = STANDARD.decode(token.trim()).map_err(|_| refused("it is not base64"))?;
        let request = negotiation::request(&token)?;
        let proven = ticket::check(request.ticket, &self.0.keys, self.now())?;
        self.0.seen.remember(&proven.once, self.now())?;
        let answer = proven.answer.map(|answer| STANDARD.encode(request.answer(&answer)));
        Ok(Accepted { name: proven.client.to_string(), answer })
    }

    /// How long whoever was accepted is vouched for.
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

#[cfg(test)]
mod impostors;
#[cfg(test)]
mod tests;

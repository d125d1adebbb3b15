//! How a directory is reached and asked, checked at the start.

use super::filter::Template;
use crate::login::Unverified;
use headworks_core::{Error, Result, pem};
use http::Uri;
use percent_encoding::percent_decode_str;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How this server proves itself to the directory, and how the connection is protected (NiFi Registry 19.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Names are looked up without saying who asks.
    Anonymous,
    /// With name and password of the manager.
    Simple,
    /// The same through TLS from the first byte on; the manager may be left out.
    Ldaps,
    /// The same through TLS that begins after connecting.
    StartTls,
}

/// What happens when a directory says that another one knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrals {
    /// That one is asked too, in the same way.
    Follow,
    /// Nothing.
    Ignore,
    /// The login fails.
    Throw,
}

/// What a person is called who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// As the directory calls the entry.
    Dn,
    /// As it was entered.
    Entered,
}

/// Where and how names and passwords are verified. Holds secrets, hence no `Debug`.
pub struct LdapOptions {
    /// Addresses such as `ldap://host:389` or `ldaps://host`; the first that can be reached is asked.
    pub urls: Vec<String>,
    /// How to prove oneself and to protect the connection.
    pub strategy: Strategy,
    /// Name and password of whoever may look up names.
    pub manager: Option<(String, String)>,
    /// The authorities of the directory's certificate (PEM); those of the web without.
    pub authorities: Option<Vec<u8>>,
    /// Certificate and key that this server shows (PEM).
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// What to do when told to ask elsewhere.
    pub referrals: Referrals,
    /// How long connecting may take, and how long TLS.
    pub connect_timeout: Duration,
    /// How long the answer to an operation may take.
    pub read_timeout: Duration,
    /// Where entries of people are, with everything below.
    pub search_base: String,
    /// What an entry has to be like; `{0}` is the name that was entered.
    pub search_filter: String,
    /// What people are called.
    pub called: Called,
}

/// An address of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands behind the host, for those that directories name.
    base: String,
}

/// How connections are made.
pub(super) struct Network {
    pub(super) start_tls: bool,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
}

/// Options that can be used.
pub(super) struct Checked {
    pub(super) servers: Vec<Server>,
    pub(super) network: Network,
    pub(super) manager: Option<(String, String)>,
    pub(super) referrals: Referrals,
    pub(super) search_base: String,
    pub(super) search_filter: Template,
    pub(super) called: Called,
}

impl LdapOptions {
    pub(super) fn check(self) -> Result<Checked> {
        let wrong = |why: &str, member: &str| Err(Error::invalid(why.to_owned()).at(member));
        let servers: Vec<Server> = self.urls.iter().map(|url| Server::parse(url)).collect::<Result<_>>()?;
        if servers.is_empty() {
            return wrong("has to name at least one directory", "urls");
        }
        match self.strategy {
            Strategy::Ldaps if servers.iter().any(|server| !server.tls) => {
                return wrong("have to begin with ldaps:// for the strategy LDAPS", "urls");
            }
            Strategy::StartTls if servers.iter().any(|server| server.tls) => {
                return wrong("have to begin with ldap:// for the strategy START_TLS, which begins TLS later", "urls");
            }
            Strategy::Simple if self.manager.is_none() => return wrong("is needed for the strategy SIMPLE", "manager_dn"),
            Strategy::Anonymous if self.manager.is_some() => {
                return wrong("is set, and with the strategy ANONYMOUS nobody looks up names", "manager_dn");
            }
            _ => {}
        }
        // A bind with a name and no password is one of nobody, and it succeeds (RFC 4513 5.1.2).
        if self.manager.as_ref().is_some_and(|(dn, password)| dn.is_empty() || password.is_empty()) {
            return wrong("needs manager_password, and neither may be empty", "manager_dn");
        }
        if self.search_base.trim().is_empty() {
            return wrong("has to say below which entry people are, such as ou=people,dc=example", "search_base");
        }
        let tls = self.tls()?;
        Ok(Checked {
            servers,
            network: Network {
                start_tls: self.strategy == Strategy::StartTls,
                tls,
                connect_timeout: self.connect_timeout,
                read_timeout: self.read_timeout,
            },
            manager: self.manager,
            referrals: self.referrals,
            search_base: self.search_base,
            search_filter: Template::new(&self.search_filter)?,
            called: self.called,
        })
    }

    fn tls(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(authorities) = &self.authorities {
            roots = RootCertStore::empty();
            for authority in pem::certificates(authorities, "it").map_err(|error| error.at("tls_ca"))? {
                roots.add(authority).map_err(|error| Error::invalid(format!("cannot be used: {error}")).at("tls_ca"))?;
            }
        }
        let unusable = |error: rustls::Error| Error::invalid(format!("cannot be used: {error}")).at("tls_cert");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?.with_root_certificates(roots);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let (chain, key) = pem::identity(certificate, key).map_err(|error| error.at("tls_cert"))?;
                builder.with_client_auth_cert(chain, key).map_err(unusable)?
            }
        };
        Ok(Arc::new(config))
    }
}

impl Server {
    /// An address in the settings.
    fn parse(url: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("is no address such as ldap://host:389: {url:?}")).at("urls");
        Self::read(url).filter(|server| server.base.is_empty()).ok_or_else(wrong)
    }

    fn read(url: &str) -> Option<Self> {
        // What stands behind a question mark says how to search, which is known here.
        let uri: Uri = url.split('?').next()?.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "ldap" => false,
            "ldaps" => true,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?;
        let port = match uri.port_u16() {
            Some(port) => port,
            None if uri.authority()?.as_str() != host => return None,
            None if tls => 636,
            None => 389,
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        let base = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8().ok()?.into_owned();
        Some(Self { tls, host, port, base })
    }

    /// An address that a directory names, and where to search there. One with less protection is none.
    pub(super) fn referred<'a>(url: &str, from: &Self, base: &'a str) -> Result<(Self, Cow<'a, str>), Unverified> {
        let server = Self::read(url)
            .ok_or_else(|| Unverified::Failed(format!("{from} refers to {url:?}, which is no address of a directory")))?;
        if server.tls != from.tls {
            return Err(Unverified::Failed(format!("{from} refers to {server}, which is protected in another way")));
        }
        let base = if server.base.is_empty() { Cow::Borrowed(base) } else { Cow::Owned(server.base.clone()) };
        Ok((Self { base: String::new(), ..server }, base))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "ldaps" } else { "ldap" };
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_ports() {
        let shown = |url: &str| Server::parse(url).map(|server| server.to_string()).ok();
        assert_eq!(shown("ldap://a").as_deref(), Some("ldap://a:389"));
        assert_eq!(shown("ldaps://a.example/").as_deref(), Some("ldaps://a.example:636"));
        assert_eq!(shown("ldap://[::1]:1389").as_deref(), Some("ldap://[::1]:1389"));
        for wrong in ["", "a:389", "http://a", "ldap://", "ldap:///", "ldap://a/dc=x", "ldap://a:x", "ldap://me@a"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_referral_keeps_the_protection() {
        let of = |url: &str| Server::parse(url).unwrap();
        let (server, base) = Server::referred("ldap://b:1/dc=x%20y??sub", &of("ldap://a"), "dc=z").unwrap();
        assert_eq!((server.to_string().as_str(), base.as_ref()), ("ldap://b:1", "dc=x y"));
        assert_eq!(Server::referred("ldaps://b", &of("ldaps://a"), "dc=z").unwrap().1, "dc=z");
        assert!(Server::referred("ldap://b", &of("ldaps://a"), "dc=z").is_err());
        assert!(Server::referred("http://b", &of("ldap://a"), "dc=z").is_err());
    }
}

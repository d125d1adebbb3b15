//! Names and passwords that a directory knows (LDAP, RFC 4511; NiFi Registry 19.6).
//!
//! Owns looking up a name and proving its password. What must stay true: a login succeeds only where exactly one entry has the
//! name and the directory took a password that is not empty for that entry; a directory that cannot say so is no wrong
//! password. Knows nothing of users and tokens of ours.

mod connection;
mod filter;
mod options;

pub use options::{Called, LdapOptions, Referrals, Strategy};

use crate::login::Unverified;
use connection::{Connection, Found, told};
use headworks_core::Result;
use ldap3_proto::proto::{LdapDerefAliases, LdapResultCode, LdapSearchRequest, LdapSearchScope};
use options::{Checked, Server};
use std::borrow::Cow;

/// The most directories that one login asks, with those that others refer to.
const ASKED: usize = 8;
/// Two are as many as too many.
const ENTRIES: i32 = 2;
/// No attributes (RFC 4511 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// A directory that verifies passwords.
pub struct Ldap(Checked);

/// Where an entry is.
struct Entry {
    dn: String,
    at: Connection,
}

impl Ldap {
    /// Nothing is asked yet: a directory may be down while this server starts.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) at the option that cannot be used.
    pub fn new(options: LdapOptions) -> Result<Self> {
        options.check().map(Self)
    }

    /// Whether passwords go to the directory as they are.
    pub fn in_the_clear(&self) -> bool {
        !self.0.network.start_tls && self.0.servers.iter().any(|server| !server.tls)
    }

    /// What the person is called who has this password.
    pub(crate) async fn verify(&self, entered: &str, password: &str) -> Result<String, Unverified> {
        // A bind with a name and no password is one of nobody, and it succeeds (RFC 4513 5.1.2).
        if entered.trim().is_empty() || password.is_empty() {
            return Err(Unverified::Refused(None));
        }
        let (server, connection) = self.reach().await?;
        let Some(Entry { dn, mut at }) = self.find(server, connection, entered).await? else {
            return Err(Unverified::Refused(None));
        };
        let answer = at.bind(&dn, password).await?;
        at.close().await;
        match answer.code {
            LdapResultCode::Success => Ok(match self.0.called {
                Called::Dn => dn,
                Called::Entered => entered.to_owned(),
            }),
            LdapResultCode::InvalidCredentials | LdapResultCode::NoSuchObject | LdapResultCode::InappropriateAuthentication => {
                // Directories of Microsoft say here that the account is locked or the password expired.
                Err(Unverified::Refused((!answer.message.is_empty()).then(|| told(&answer))))
            }
            LdapResultCode::ConstraintViolation
            | LdapResultCode::UnwillingToPerform
            | LdapResultCode::InsufficentAccessRights => Err(Unverified::Refused(Some(told(&answer)))),
            _ => Err(Unverified::Failed(format!("the directory does not judge a password: {}", told(&answer)))),
        }
    }

    /// The first of the directories that can be reached and takes the manager.
    async fn reach(&self) -> Result<(Server, Connection), Unverified> {
        let mut failures = Vec::new();
        for server in &self.0.servers {
            match self.open(server).await {
                Ok(connection) => return Ok((server.clone(), connection)),
                Err(Unverified::Failed(cause)) => failures.push(cause),
                Err(refused) => return Err(refused),
            }
        }
        Err(Unverified::Failed(failures.join("; ")))
    }

    /// A connection on which names can be looked up.
    async fn open(&self, server: &Server) -> Result<Connection, Unverified> {
        let mut connection = Connection::open(server, &self.0.network).await?;
        if let Some((dn, password)) = &self.0.manager {
            let answer = connection.bind(dn, password).await?;
            if answer.code != LdapResultCode::Success {
                return Err(Unverified::Failed(format!(
                    "{server} does not take manager_dn with its password: {}",
                    told(&answer)
                )));
            }
        }
        Ok(connection)
    }

    /// The one entry that has this name.
    async fn find(&self, server: Server, connection: Connection, name: &str) -> Result<Option<Entry>, Unverified> {
        let mut entry: Option<Entry> = None;
        let mut asked: Vec<(Server, Cow<'_, str>)> = Vec::new();
        let mut to_ask = vec![(server, Some(connection), Cow::Borrowed(self.0.search_base.as_str()))];
        while let Some((server, connection, base)) = to_ask.pop() {
            let mut connection = match connection {
                Some(connection) => connection,
                None => self.open(&server).await?,
            };
            let Found { names, elsewhere } = connection.search(self.request(&base, name)).await?;
            asked.push((server.clone(), base));
            let mut names = names.into_iter();
            if let Some(dn) = names.next() {
                if entry.is_some() || names.next().is_some() {
                    let cause = "more than one entry of the directory has the name: make search_base or search_filter narrower";
                    return Err(Unverified::Refused(Some(cause.to_owned())));
                }
                if dn.is_empty() {
                    // The bind of an entry without a name is one of nobody.
                    return Err(Unverified::Refused(Some("the entry that was found has no name".to_owned())));
                }
                entry = Some(Entry { dn, at: connection });
            }
            for url in self.followed(&server, &elsewhere)? {
                let (other, base) = Server::referred(url, &server, &self.0.search_base)?;
                if asked.len() + to_ask.len() >= ASKED {
                    return Err(Unverified::Failed(format!(
                        "directories refer to others: more than {ASKED} would have to be asked"
                    )));
                }
                if !asked.contains(&(other.clone(), base.clone())) {
                    to_ask.push((other, None, base));
                }
            }
        }
        Ok(entry)
    }

    /// What to follow of what a directory refers to.
    fn followed<'a>(&self, server: &Server, elsewhere: &'a [String]) -> Result<&'a [String], Unverified> {
        match (self.0.referrals, elsewhere) {
            (Referrals::Follow, _) => Ok(elsewhere),
            (Referrals::Throw, [first, ..]) => {
                let text = format!("{server} refers to {first:?}, and referrals are set to end a login");
                Err(Unverified::Failed(text))
            }
            _ => Ok(&[]),
        }
    }

    fn request(&self, base: &str, name: &str) -> LdapSearchRequest {
        LdapSearchRequest {
            base: base.to_owned(),
            scope: LdapSearchScope::Subtree,
            aliases: LdapDerefAliases::Never,
            sizelimit: ENTRIES,
            timelimit: i32::try_from(self.0.network.read_timeout.as_secs().max(1)).unwrap_or(i32::MAX),
            typesonly: true,
            filter: self.0.search_filter.with(name),
            attrs: vec![NO_ATTRIBUTES.to_owned()],
        }
    }
}

#[cfg(test)]
mod tests;

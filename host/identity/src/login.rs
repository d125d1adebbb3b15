//! Names and passwords that something outside of this server verifies (NiFi Registry 19.6).
//!
//! Owns what every such provider has in common: at most one of them, a bound on how many are asked at a time, names rewritten,
//! guessing slowed down. What must stay true: a provider that cannot judge a password is down, and nobody is told that the
//! password is wrong, nor counted as somebody who guesses.

use crate::kerberos::PasswordLogin;
use crate::ldap::Ldap;
use crate::{Identity, Mapping, Proven, Realm, basic, invalid_credentials};
use headworks_core::{Error, ErrorCode, Result, TenantId, Uid};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many passwords are verified at the same time.
const TURNS: usize = 16;
/// How long a login may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a name and of a password that are passed on.
const LONGEST: usize = 1024;

/// What knows passwords.
pub enum PasswordSource {
    /// A directory.
    Ldap(Ldap),
    /// A KDC.
    Kerberos(PasswordLogin),
}

/// A provider that verifies names and passwords. Cloning is cheap.
#[derive(Clone)]
pub struct LoginProvider(Arc<Inner>);

struct Inner {
    source: PasswordSource,
    names: Mapping,
    lifetime: Duration,
    turns: Semaphore,
}

/// Somebody whose password a provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is.
    pub who: Proven,
    /// The name as it was entered.
    pub entered: String,
    /// What verified it.
    pub provider: &'static str,
    /// How long that counts.
    pub lifetime: Duration,
}

/// Why nobody is vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// Name or password are wrong, or the account may not be used. With what operators are told, if there is more to say.
    Refused(Option<String>),
    /// The provider cannot say, and why.
    Failed(String),
}

impl LoginProvider {
    /// Asks this. `names` rewrites what it calls people, who are vouched for as long as `lifetime`.
    pub fn new(source: PasswordSource, names: Mapping, lifetime: Duration) -> Self {
        Self(Arc::new(Inner { source, names, lifetime, turns: Semaphore::new(TURNS) }))
    }

    /// What tokens and the log call it.
    fn name(&self) -> &'static str {
        match self.0.source {
            PasswordSource::Ldap(_) => "ldap",
            PasswordSource::Kerberos(_) => "kerberos",
        }
    }

    /// The name, rewritten, of whoever has this name and password; nothing where they are wrong.
    async fn verify(&self, entered: &str, password: &str) -> Result<Option<String>> {
        if entered.is_empty() || password.is_empty() || entered.len().max(password.len()) > LONGEST {
            return Ok(None);
        }
        let busy = || Error::new(ErrorCode::Exhausted, "too many logins at once; try again in a moment").after(PATIENCE);
        let _turn = timeout(PATIENCE, self.0.turns.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())?;
        let verified = match &self.0.source {
            PasswordSource::Ldap(ldap) => ldap.verify(entered, password).await,
            PasswordSource::Kerberos(kerberos) => kerberos.verify(entered, password).await,
        };
        let provider = self.name();
        match verified {
            Ok(name) => Ok(Some(self.0.names.apply(&name))),
            Err(Unverified::Refused(None)) => Ok(None),
            Err(Unverified::Refused(Some(cause))) => {
                tracing::info!(provider, user = ?entered, cause, "a login is refused");
                Ok(None)
            }
            Err(Unverified::Failed(cause)) => {
                tracing::warn!(
                    provider,
                    cause,
                    "nobody can sign in with a password: mend the cause, or the settings of the provider"
                );
                let text = "What knows the passwords cannot be asked at the moment: try again later.";
                Err(Error::new(ErrorCode::Unavailable, text))
            }
        }
    }
}

impl Identity {
    /// Whether there is a provider that knows names and passwords.
    pub fn has_login_provider(&self) -> bool {
        self.0.login.is_some()
    }

    /// Verifies a name and a password that came in an `Authorization: Basic` header with the provider. Those it knows are of the
    /// first tenant, since other tenants did not choose it, and need not be users. Nothing where it is not the one to ask.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`]; [`ErrorCode::Exhausted`] after too many failures of this name or from this address;
    /// [`ErrorCode::Unavailable`] when the provider cannot say; [`ErrorCode::Denied`] while the tenant is suspended.
    pub async fn sign_in(&self, realm: Realm<'_>, header: &str, from: IpAddr) -> Result<Option<SignedIn>> {
        let (entered, password) = basic::credentials(header).ok_or_else(invalid_credentials)?;
        let (tenant, _) = self.0.tenants.locate(realm, &entered);
        let Some(provider) = self.0.login.as_ref().filter(|_| tenant == TenantId::DEFAULT) else { return Ok(None) };
        let identity = self.ask(provider, &entered, &password, from).await?;
        self.0.tenants.admit(tenant)?;
        let lifetime = provider.0.lifetime;
        Ok(Some(SignedIn { who: Proven { tenant, identity }, entered, provider: provider.name(), lifetime }))
    }

    /// The user whose name and password the provider knows. A user of that name who has a password here is none of its.
    pub(crate) async fn known_elsewhere(
        &self,
        tenant: TenantId,
        entered: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Option<(Uid, String)>> {
        let Some(provider) = self.0.login.as_ref().filter(|_| tenant == TenantId::DEFAULT) else { return Ok(None) };
        if self.password_of(tenant, entered)?.is_some_and(|phc| !phc.is_empty()) {
            return Ok(None);
        }
        let identity = self.ask(provider, entered, password, from).await?;
        // The provider may call somebody by the name of such a user, who was not entered.
        let known = self.credentials(tenant, &identity)?.filter(|(_, phc)| phc.is_empty());
        let (uid, _) = known.ok_or_else(invalid_credentials)?;
        Ok(Some((uid, identity)))
    }

    /// Who has this name and password, by a provider.
    async fn ask(&self, provider: &LoginProvider, entered: &str, password: &str, from: IpAddr) -> Result<String> {
        // Directories do not tell such names apart, and whoever guesses has one go for all of them.
        let name = entered.trim().to_lowercase();
        let attempt = self.0.throttle.attempt(TenantId::DEFAULT, &name, from, self.0.clock.now())?;
        let verified = provider.verify(entered, password).await;
        // Where nobody judged it, nobody guessed.
        if !matches!(verified, Ok(None)) {
            attempt.succeeded();
        }
        verified?.ok_or_else(invalid_credentials)
    }
}

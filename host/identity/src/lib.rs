//! Who calls, and what they may do.
//!
//! Owns users, roles, scopes, passwords, personal access tokens, sessions, policies, the registry's tokens, settings of identity
//! providers and the throttling of logins; they are documents of the kinds `user`, `role`, `token`, `policy`, `signing-key` and
//! `auth-provider` in the store. What must stay true:
//! no password, token or signing key leaves this crate except in the one answer that hands it to its owner (a provider's
//! secret goes to holders of its scope), hashes in backups (`backup`) aside; scopes are evaluated anew on every request. Knows
//! nothing of any dialect's wire types, and of networks only what is asked of others (`oidc`, `ldap`, `kerberos`); texts follow
//! FlowG 3.4 because that contract fixes them.

mod access;
mod authority;
mod backup;
mod basic;
mod bearer;
mod bootstrap;
mod certificate;
mod check;
mod directory;
mod grants;
mod groups;
mod initial;
pub mod kerberos;
pub mod ldap;
pub mod login;
mod mapping;
pub mod oidc;
mod password;
mod people;
mod policies;
mod providers;
mod scope;
mod secret;
mod security;
mod session;
mod starting;
mod tenants;
mod throttle;
mod users;

pub use access::{Proof, Proven};
pub use authority::{ANONYMOUS, Action, Caller, Resource};
pub use backup::{Fact, Restored};
pub use bootstrap::{Bootstrapped, IdentityOptions};
pub use certificate::subject;
pub use grants::Party;
pub use initial::InitialPolicies;
pub use mapping::{Letters, Mapping};
pub use policies::{Granted, Policy};
pub use providers::{AuthProvider, AuthProviderConfig};
pub use scope::{Scope, ScopeSet};
pub use security::Security;
pub use tenants::{
    Administrator, Created, DayUsage, Furnish, Meter, NewTenant, Place, Quotas, Realm, State, Tenant, TenantOptions,
    TenantSettings, Tenants, Usage, stored_number,
};
pub use users::{Role, User};

use basic::Verified;
use bearer::Bearer;
use directory::Directory;
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, TenantId, Uid};
use headworks_store::Store;
use login::LoginProvider;
use password::Passwords;
use session::Sessions;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use throttle::Throttle;

/// Who calls, with everything they may do at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose user it is.
    pub tenant: TenantId,
    /// The name of the user.
    pub user: String,
    /// The identity of the user, which one of the same name made later does not share.
    pub uid: Uid,
    /// The names of the user's roles in ascending order, unknown ones included.
    pub roles: Vec<String>,
    /// What the roles that exist allow together.
    pub scopes: ScopeSet,
}

/// The users, roles and tokens of this server. Cloning is cheap.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    directory: Directory,
    tenants: Tenants,
    passwords: Passwords,
    sessions: Sessions,
    verified: Verified,
    throttle: Throttle,
    login: Option<LoginProvider>,
    /// Held while users and tokens change, so that a token never outlives the deletion of its owner.
    changing: tokio::sync::Mutex<()>,
}

fn invalid_credentials() -> Error {
    Error::new(ErrorCode::Unauthenticated, "invalid credentials")
}

impl Identity {
    /// Exchanges a password for a session token, `jwt_…`, valid for the
    /// [lifetime of sessions](IdentityOptions::session_lifetime). An unknown user takes the same time and gets the same answer
    /// as a wrong password (FlowG 4), and so does an unknown tenant. A user of the first tenant without a password here has the
    /// one that the [provider](login) knows.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`]; [`ErrorCode::Exhausted`] after too many failures of this user or from this address;
    /// [`ErrorCode::Unavailable`] when the provider cannot say; [`ErrorCode::Denied`] when the password is right and the tenant
    /// suspended.
    pub async fn login(&self, realm: impl Into<Realm<'_>>, user: &str, password: &str, from: IpAddr) -> Result<String> {
        let inner = &self.0;
        let (tenant, user) = inner.tenants.locate(realm.into(), user);
        let (uid, user) = match self.known_elsewhere(tenant, user, password, from).await? {
            Some((uid, user)) => (uid, Cow::Owned(user)),
            None => (self.known_here(tenant, user, password, from).await?, Cow::Borrowed(user)),
        };
        inner
            .tenants
            .admit(tenant)
            .map_err(|error| if error.code == ErrorCode::Denied { error } else { invalid_credentials() })?;
        inner.sessions.issue(tenant, &user, uid, inner.clock.now())
    }

    /// The user who has this password here.
    async fn known_here(&self, tenant: TenantId, user: &str, password: &str, from: IpAddr) -> Result<Uid> {
        let inner = &self.0;
        let attempt = inner.throttle.attempt(tenant, user, from, inner.clock.now())?;
        let (uid, phc) = self.credentials(tenant, user)?.unzip();
        let matches = inner.passwords.verify(password, phc).await?;
        let uid = uid.filter(|_| matches).ok_or_else(invalid_credentials)?;
        attempt.succeeded();
        Ok(uid)
    }

    /// Finds out who calls from the value of the `Authorization` header. The credential says in which tenant.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] with the texts of FlowG 3.4; [`ErrorCode::Denied`] while the tenant is suspended.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<Arc<Principal>> {
        let failed = |text: &str| Error::new(ErrorCode::Unauthenticated, text);
        let found = match Bearer::parse(authorization) {
            None => return Err(failed("missing token")),
            Some(Bearer::Token(token)) => self.0.directory.owner(token),
            Some(Bearer::Session(jwt)) => {
                let session = self.0.sessions.verify(jwt, self.0.clock.now())?;
                let user = self.0.directory.principal(session.tenant, &session.user);
                user.filter(|user| session.is_of(user.uid))
            }
        };
        let caller = found.ok_or_else(|| failed("invalid token"))?;
        self.0.tenants.admit(caller.tenant)?;
        Ok(caller)
    }

    /// The tenants of this server.
    pub fn tenants(&self) -> &Tenants {
        &self.0.tenants
    }
}

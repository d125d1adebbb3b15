//! Policies: who may do what with a resource of the registry (NiFi Registry 17).

use crate::grants::Grants;
use crate::policies::Policy;
use crate::{Identity, Principal};
use headworks_core::{Error, ErrorCode, Result, TenantId};

/// What is done with a resource. None implies another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Looking at it.
    Read,
    /// Making or changing it.
    Write,
    /// Deleting it.
    Delete,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Delete];

    /// The name in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// The action that somebody names, in whatever case (NiFi Registry 17.1).
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for anything else.
    pub fn parse(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(name));
        known.ok_or_else(|| Error::invalid(format!("Action '{name}' is invalid. Must be one of [read, write, delete]")))
    }

    /// The action with exactly this name.
    pub(crate) fn stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The word of refusals.
    const fn verb(self) -> &'static str {
        match self {
            Self::Read => "view",
            Self::Write | Self::Delete => "modify",
        }
    }
}

/// What policies are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// All buckets, and making them.
    Buckets,
    /// One bucket with everything in it.
    Bucket {
        /// Its identifier.
        id: String,
        /// Whether everybody may read it.
        public: bool,
    },
    /// Users and groups.
    Tenants,
    /// Policies.
    Policies,
    /// Acting for others.
    Proxy,
    /// Health and metrics addresses.
    Actuator,
    /// Documentation addresses.
    Swagger,
}

impl Resource {
    /// Its address in policies.
    pub fn path(&self) -> String {
        match self {
            Self::Buckets => "/buckets".to_owned(),
            Self::Bucket { id, .. } => format!("/buckets/{id}"),
            Self::Tenants => "/tenants".to_owned(),
            Self::Policies => "/policies".to_owned(),
            Self::Proxy => "/proxy".to_owned(),
            Self::Actuator => "/actuator".to_owned(),
            Self::Swagger => "/swagger".to_owned(),
        }
    }

    /// What refusals call it.
    fn noun(&self) -> String {
        let noun = match self {
            Self::Bucket { id, .. } => return format!("Bucket with ID {id}"),
            Self::Buckets => "buckets",
            Self::Tenants => "users/user groups",
            Self::Policies => "policies",
            Self::Proxy => "proxy requests on behalf of users",
            Self::Actuator => "actuator",
            Self::Swagger => "swagger",
        };
        noun.to_owned()
    }
}

/// The identity of those who proved to be nobody.
pub const ANONYMOUS: &str = "anonymous";

/// Who calls the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose registry is meant.
    pub tenant: TenantId,
    /// The identity; `anonymous` where nobody proved to be somebody.
    pub identity: String,
    /// Whether nobody proved to be somebody.
    pub anonymous: bool,
    /// Identities that the request came through, the nearest to this server last.
    pub proxies: Vec<String>,
    /// Whether nobody is refused anything here (NiFi Registry 20).
    pub open: bool,
}

impl Caller {
    /// Anybody, where nobody is refused anything.
    pub fn open(tenant: TenantId) -> Self {
        Self { open: true, ..Self::anonymous(tenant) }
    }

    /// Somebody who did not say who he is.
    pub fn anonymous(tenant: TenantId) -> Self {
        Self { tenant, identity: ANONYMOUS.to_owned(), anonymous: true, proxies: Vec::new(), open: false }
    }

    /// Somebody who proved to be this.
    pub fn proven(tenant: TenantId, identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), anonymous: false, ..Self::anonymous(tenant) }
    }
}

impl Identity {
    /// Refuses what no policy permits (NiFi Registry 17.2 and 17.4).
    ///
    /// # Errors
    /// [`ErrorCode::Denied`] for a proxy that may not do this for others; [`ErrorCode::Unauthenticated`] for anonymous
    /// callers, [`ErrorCode::Denied`] for others, with the texts of NiFi Registry 4.1.
    pub fn permit(&self, caller: &Caller, action: Action, resource: &Resource) -> Result<()> {
        if caller.open || (action == Action::Read && matches!(resource, Resource::Bucket { public: true, .. })) {
            return Ok(());
        }
        let directory = &self.0.directory;
        let roles = |identity: &str| directory.principal(caller.tenant, identity);
        for proxy in &caller.proxies {
            let principal = roles(proxy);
            let trusted =
                directory.grants(caller.tenant, |all| all.decide(proxy, principal.as_deref(), action, &Resource::Proxy));
            if trusted.is_err() {
                let text = format!("Untrusted proxy [{proxy}] for {} operation.", action.as_str());
                return Err(Error::new(ErrorCode::Denied, text));
            }
        }
        let principal = if caller.anonymous { None } else { roles(&caller.identity) };
        let decided = directory.grants(caller.tenant, |all| all.decide(&caller.identity, principal.as_deref(), action, resource));
        decided.map_err(|explanation| {
            let code = if caller.anonymous { ErrorCode::Unauthenticated } else { ErrorCode::Denied };
            Error::new(code, format!("{explanation} Contact the system administrator."))
        })
    }

    /// Refuses callers who do not hold all of these scopes themselves: who is in a role that grants them decides who has them.
    pub(crate) fn hold(&self, caller: &Caller, role: &str) -> Result<()> {
        let granted = self.0.directory.scopes_of(caller.tenant, role);
        let own = if caller.anonymous { None } else { self.0.directory.principal(caller.tenant, &caller.identity) };
        let own = own.map(|principal| principal.scopes).unwrap_or_default();
        let missing: Vec<&str> = granted.iter().filter(|scope| !own.allows(*scope)).map(|scope| scope.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let text = format!(
            "Unable to modify users/user groups. '{role}' grants rights of this server that its changer has to hold too, and \
             '{}' does not hold: {}. Contact the system administrator.",
            caller.identity,
            missing.join(", ")
        );
        Err(Error::new(ErrorCode::Denied, text))
    }
}

impl Grants {
    /// Whether a policy permits this, or else why not. A bucket without the right is asked about as one of all buckets.
    fn decide(&self, identity: &str, user: Option<&Principal>, action: Action, resource: &Resource) -> Result<(), String> {
        let own = self.policy(&resource.path(), action);
        let above = match resource {
            Resource::Bucket { .. } => self.policy(&Resource::Buckets.path(), action),
            _ => None,
        };
        if own.is_none() && above.is_none() {
            return Err("No applicable policies could be found.".to_owned());
        }
        let Some((user, known)) = user.and_then(|user| Some((user, self.users.named(&user.user)?))) else {
            return Err(format!("Unknown user with identity '{identity}'."));
        };
        let is_in = |group: &String| user.roles.iter().any(|role| self.groups.named(role).is_some_and(|role| role.id == *group));
        let permits = |policy: &Policy| policy.users.contains(&known.id) || policy.groups.iter().any(is_in);
        if own.into_iter().chain(above).any(|policy| permits(policy)) {
            return Ok(());
        }
        Err(format!("Unable to {} {}.", action.verb(), resource.noun()))
    }
}

//! Policies: who may do what with a resource of the registry (NiFi Registry 17).

use crate::Identity;
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
}

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
        Self { tenant, identity: "anonymous".to_owned(), anonymous: true, proxies: Vec::new(), open: true }
    }
}

impl Identity {
    /// Refuses what no policy permits (NiFi Registry 17.2).
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] for anonymous callers, [`ErrorCode::Denied`] for others, with the text of NiFi
    /// Registry 4.1.
    pub fn permit(&self, caller: &Caller, action: Action, resource: &Resource) -> Result<()> {
        if caller.open {
            return Ok(());
        }
        let code = if caller.anonymous { ErrorCode::Unauthenticated } else { ErrorCode::Denied };
        let what = format!("no policy permits to {} {}", action.as_str(), resource.path());
        Err(Error::new(code, what))
    }
}

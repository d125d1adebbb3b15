//! What the users of a tenant begin with (FlowG 15).

use crate::{Scope, ScopeSet};

/// The role of the first user.
pub(crate) const ADMIN: &str = "admin";

/// The roles of a new tenant and what they allow.
pub(crate) fn roles() -> [(&'static str, ScopeSet); 2] {
    [(ADMIN, ADMIN_SCOPES.iter().copied().collect()), ("viewer", [Scope::ReadStreams].into_iter().collect())]
}

const ADMIN_SCOPES: &[Scope] = &[
    Scope::SendLogs,
    Scope::WriteAcls,
    Scope::WritePipelines,
    Scope::WriteTransformers,
    Scope::WriteStreams,
    Scope::WriteForwarders,
    Scope::ReadSystemConfiguration,
    Scope::WriteSystemConfiguration,
    Scope::ReadAuthProviders,
    Scope::WriteAuthProviders,
];

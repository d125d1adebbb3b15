//! Who has to prove who they are before policies are asked (NiFi Registry 20).

use crate::{Caller, Principal};
use headworks_core::TenantId;

/// Who has to prove who they are in the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Those who come over TLS. Over plain HTTP nobody is asked and nobody refused, as in NiFi Registry.
    #[default]
    Auto,
    /// Everybody: for servers behind a proxy that ends TLS.
    Secured,
    /// Nobody.
    Open,
}

impl Security {
    /// Whether those have to prove who they are who come over TLS, or without it.
    pub fn asks(self, tls: bool) -> bool {
        match self {
            Self::Auto => tls,
            Self::Secured => true,
            Self::Open => false,
        }
    }

    /// How policies see a user who is known already: they refuse nothing that anybody could do here without being known.
    pub fn caller(self, tls: bool, user: &Principal) -> Caller {
        let caller = Caller::proven(user.tenant, &*user.user);
        Caller { open: user.tenant == TenantId::DEFAULT && !self.asks(tls), ..caller }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScopeSet;
    use headworks_core::Uid;

    #[test]
    fn a_user_is_asked_for_rights_where_others_are_asked_who_they_are() {
        let user = |tenant| Principal {
            tenant,
            user: "eva".to_owned(),
            uid: Uid(uuid::Uuid::nil()),
            roles: Vec::new(),
            scopes: ScopeSet::default(),
        };
        let is_open = |security: Security, tls, tenant| security.caller(tls, &user(tenant)).open;
        let (first, other) = (TenantId::DEFAULT, TenantId(2));
        for (security, tls, open) in [
            (Security::Auto, false, true),
            (Security::Auto, true, false),
            (Security::Secured, false, false),
            (Security::Open, true, true),
        ] {
            assert_eq!(is_open(security, tls, first), open, "{security:?} {tls}");
            // Without being known nobody gets to another tenant.
            assert!(!is_open(security, tls, other), "{security:?} {tls}");
        }
    }
}

//! Which tenant somebody means who proves himself with a name and a password.

use super::Tenants;
use headworks_core::TenantId;

/// Where somebody wants to log in.
#[derive(Clone, Copy, Debug)]
pub enum Realm<'r> {
    /// In this tenant.
    Tenant(TenantId),
    /// In the one that the request means.
    Asked {
        /// The name of a tenant in the header `X-Headworks-Tenant`.
        header: Option<&'r str>,
        /// The host name that the request was sent to, with or without a port.
        host: Option<&'r str>,
    },
}

impl From<TenantId> for Realm<'_> {
    fn from(tenant: TenantId) -> Self {
        Self::Tenant(tenant)
    }
}

impl Tenants {
    /// The tenant that is meant where nobody says who he is.
    pub fn meant(&self, realm: Realm<'_>) -> TenantId {
        self.locate(realm, "").0
    }

    /// The tenant that is meant, and the name of the user in it. The header comes first, then the host name, then the part of
    /// the user's name behind its last `@`, where these name a tenant; else it is `default`. A header that names no tenant
    /// means one that has no users.
    pub(crate) fn locate<'u>(&self, realm: Realm<'_>, user: &'u str) -> (TenantId, &'u str) {
        let (header, host) = match realm {
            Realm::Tenant(tenant) => return (tenant, user),
            Realm::Asked { header, host } => (header, host),
        };
        let number = |name: &str| self.by_name(name).map(|tenant| tenant.number);
        if let Some(name) = header {
            return (number(name.trim()).unwrap_or(TenantId::NOBODY), user);
        }
        if let Some(tenant) = host.and_then(|host| self.by_host(&without_port(host).to_ascii_lowercase())) {
            return (tenant, user);
        }
        let named = user.rsplit_once('@').and_then(|(user, tenant)| Some((number(tenant)?, user)));
        named.unwrap_or((TenantId::DEFAULT, user))
    }
}

/// A host name without its port; an address of IPv6 keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        for (host, name) in [("a", "a"), ("a:80", "a"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"), ("a:", "a")] {
            assert_eq!(without_port(host), name);
        }
    }
}

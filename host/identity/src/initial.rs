//! The policies that a tenant begins with (NiFi Registry 17.6).

use crate::authority::{Action, Resource};
use crate::policies::{Granted, Policy};
use crate::users::{Known, RoleBody, UserBody, kind, write};
use crate::{Identity, starting};
use headworks_core::{DocumentKey, Error, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use std::collections::BTreeMap;
use uuid::{Builder, Uuid};

/// Whom the audit log names for what happens here.
const AUTHOR: &str = "bootstrap";

/// Whom the operator wants to have rights from the first start on. Their names were [mapped](crate::Mapping) already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitialPolicies {
    /// An administrator beside the first user, such as the name in a certificate.
    pub administrator: Option<String>,
    /// NiFi instances, which act for their users.
    pub nifi_identities: Vec<String>,
    /// A group of such instances.
    pub nifi_group: Option<String>,
}

/// Everything that an administrator may do.
const ADMINISTRATION: [Resource; 6] =
    [Resource::Tenants, Resource::Policies, Resource::Buckets, Resource::Actuator, Resource::Swagger, Resource::Proxy];

/// What is to be kept, put together step by step.
#[derive(Default)]
struct Plan {
    granted: BTreeMap<(String, &'static str), (Action, Granted)>,
    changes: Vec<Change>,
}

impl Plan {
    fn grant(&mut self, resource: &Resource, action: Action, to: impl Fn(&mut Granted)) {
        let (_, granted) = self.granted.entry((resource.path(), action.as_str())).or_insert((action, Granted::default()));
        to(granted);
    }

    fn administrator(&mut self, to: impl Fn(&mut Granted)) {
        for resource in &ADMINISTRATION {
            Action::ALL.iter().for_each(|action| self.grant(resource, *action, &to));
        }
    }

    fn nifi(&mut self, to: impl Fn(&mut Granted)) {
        self.grant(&Resource::Buckets, Action::Read, &to);
        Action::ALL.iter().for_each(|action| self.grant(&Resource::Proxy, *action, &to));
    }

    fn finish(mut self, tenant: TenantId) -> Result<Vec<Change>> {
        for ((resource, _), (action, granted)) in self.granted {
            self.changes.push(Policy::new(action, &resource, granted).change(tenant)?);
        }
        Ok(self.changes)
    }
}

impl Identity {
    /// Gives every tenant that has no policies those that it begins with.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn begin_policies(&self, first: &str, initial: &InitialPolicies) -> Result<()> {
        for tenant in self.tenants().list() {
            if !self.policies(tenant.number).is_empty() {
                continue;
            }
            let _changing = self.0.changing.lock().await;
            let mut plan = Plan::default();
            let own = tenant.number == TenantId::DEFAULT;
            match (
                self.0.directory.user_named(tenant.number, first),
                self.0.directory.group_named(tenant.number, starting::ADMIN),
            ) {
                (Some(user), _) if own => plan.administrator(|granted| {
                    granted.users.insert(user.id.clone());
                }),
                (_, Some(role)) => plan.administrator(|granted| {
                    granted.groups.insert(role.id.clone());
                }),
                _ => {}
            }
            if own {
                self.wanted(&mut plan, tenant.number, initial)?;
            }
            let changes = plan.finish(tenant.number)?;
            if !changes.is_empty() {
                self.change(AUTHOR, changes).await?;
            }
        }
        Ok(())
    }

    fn wanted(&self, plan: &mut Plan, tenant: TenantId, initial: &InitialPolicies) -> Result<()> {
        let mut ids = BTreeMap::new();
        for name in initial.administrator.iter().chain(&initial.nifi_identities) {
            if !ids.contains_key(name) {
                ids.insert(name.clone(), self.initial_user(plan, tenant, name)?);
            }
        }
        let id = |name: &String| ids.get(name).cloned().unwrap_or_default();
        if let Some(name) = &initial.administrator {
            plan.administrator(|granted| {
                granted.users.insert(id(name));
            });
        }
        for name in &initial.nifi_identities {
            plan.nifi(|granted| {
                granted.users.insert(id(name));
            });
        }
        if let Some(name) = &initial.nifi_group {
            let group = self.initial_group(plan, tenant, name)?;
            plan.nifi(|granted| {
                granted.groups.insert(group.clone());
            });
        }
        Ok(())
    }

    /// The identifier of a user of this name, who is made where there is none.
    fn initial_user(&self, plan: &mut Plan, tenant: TenantId, name: &str) -> Result<String> {
        if let Some(user) = self.0.directory.user_named(tenant, name) {
            return Ok(user.id.clone());
        }
        let id = of_name(name).to_string();
        let known = Known { identifier: Some(id.clone()), claimed: Revision::default() };
        let body = write(&UserBody { known, ..UserBody::default() })?;
        plan.changes.push(Change::put(DocumentKey::new(tenant, kind::USER, name), body).expecting(Expect::Absent));
        Ok(id)
    }

    fn initial_group(&self, plan: &mut Plan, tenant: TenantId, name: &str) -> Result<String> {
        if let Some(group) = self.0.directory.group_named(tenant, name) {
            return Ok(group.id.clone());
        }
        if name.trim().is_empty() {
            return Err(Error::invalid("a group has a name").at("nifi_group"));
        }
        let id = Uuid::new_v4().to_string();
        let known = Known { identifier: Some(id.clone()), claimed: Revision::default() };
        let body = write(&RoleBody { known, ..RoleBody::default() })?;
        plan.changes.push(Change::put(DocumentKey::new(tenant, kind::ROLE, name), body).expecting(Expect::Absent));
        Ok(id)
    }
}

/// The policies of a new tenant, whose administrator has this identifier.
pub(crate) fn of_new_tenant(tenant: TenantId, administrator: &str) -> Result<Vec<Change>> {
    let mut plan = Plan::default();
    plan.administrator(|granted| {
        granted.users.insert(administrator.to_owned());
    });
    plan.finish(tenant)
}

/// The identifier that the registry derives from the name of a user of the first start (NiFi Registry 18): the version 3 UUID
/// of the name's bytes alone.
fn of_name(name: &str) -> Uuid {
    use md5::Digest;
    Builder::from_md5_bytes(md5::Md5::digest(name.as_bytes()).into()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_the_first_start_come_from_the_name() {
        // What Java's UUID.nameUUIDFromBytes makes of it.
        assert_eq!(of_name("hello").to_string(), "5d41402a-bc4b-3a76-b971-9d911017c592");
    }
}

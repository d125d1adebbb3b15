//! Changing policies (NiFi Registry 17.5).
//!
//! What must stay true: there is one policy for a resource and an action, which its document's name makes sure of; a policy
//! names users and groups by identifiers, which are never used again.

use crate::authority::{Action, Resource};
use crate::check::{Check, IDENTIFIER, RESOURCE};
use crate::grants::Party;
use crate::users::{kind, read, write};
use crate::{Caller, Identity};
use headworks_core::revision::{Basis, Step};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// What messages call it.
const WHAT: &str = "Access Policy";

/// Who may do one thing with one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A UUID.
    pub id: String,
    /// What is done.
    pub action: Action,
    /// The address of the resource, which need not exist.
    pub resource: String,
    /// Identifiers of users, some of which may not exist.
    pub users: BTreeSet<String>,
    /// Identifiers of groups, some of which may not exist.
    pub groups: BTreeSet<String>,
    /// The revision that clients name.
    pub revision: Revision,
    /// The one that the store counts.
    stored: u64,
}

/// Who a policy is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Identifiers of users.
    pub users: BTreeSet<String>,
    /// Identifiers of groups.
    pub groups: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    id: String,
    #[serde(default)]
    users: BTreeSet<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    revision: Revision,
}

impl Policy {
    pub(crate) fn of(document: &Document) -> Result<Self> {
        let body: Body = read(document)?;
        let action = Action::stored(&document.key.scope);
        let action = action.ok_or_else(|| Error::new(ErrorCode::Corrupt, "a policy is about no action"))?;
        Ok(Self {
            id: body.id,
            action,
            resource: document.key.name.clone(),
            users: body.users,
            groups: body.groups,
            revision: body.revision,
            stored: document.revision,
        })
    }

    /// A policy that is not kept yet.
    pub(crate) fn new(action: Action, resource: &str, granted: Granted) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            action,
            resource: resource.to_owned(),
            users: granted.users,
            groups: granted.groups,
            revision: Revision::default(),
            stored: 0,
        }
    }

    fn key(&self, tenant: TenantId) -> DocumentKey {
        DocumentKey::scoped(tenant, kind::POLICY, self.action.as_str(), &self.resource)
    }

    /// Keeps it, over what it was read from.
    pub(crate) fn change(&self, tenant: TenantId) -> Result<Change> {
        let Self { id, users, groups, revision, .. } = self.clone();
        let expect = if self.stored == 0 { Expect::Absent } else { Expect::Revision(self.stored) };
        Ok(Change::put(self.key(tenant), write(&Body { id, users, groups, revision })?).expecting(expect))
    }
}

impl Granted {
    fn check(&self, check: Check) -> Check {
        let members = self.users.iter().chain(&self.groups);
        members.fold(check, |check, id| check.at_most("identifier", id, IDENTIFIER))
    }
}

fn unknown() -> Error {
    Error::not_found("The specified policy does not exist in this registry.")
}

impl Identity {
    /// All policies by resource and action.
    pub fn policies(&self, tenant: TenantId) -> Vec<Arc<Policy>> {
        self.0.directory.grants(tenant, |grants| grants.policies().cloned().collect())
    }

    /// The policy with this identifier.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn policy(&self, tenant: TenantId, id: &str) -> Result<Arc<Policy>> {
        self.0.directory.grants(tenant, |grants| grants.policy_of_id(id).cloned()).ok_or_else(unknown)
    }

    /// The policy about a resource and an action.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn policy_about(&self, tenant: TenantId, action: Action, resource: &str) -> Result<Arc<Policy>> {
        let known = self.0.directory.grants(tenant, |grants| grants.policy(resource, action).cloned());
        let text = || format!("No policy found for action='{}', resource='{resource}'", action.as_str());
        known.ok_or_else(|| Error::not_found(text()))
    }

    /// The users and groups that a policy names and that exist.
    pub fn granted(&self, tenant: TenantId, policy: &Policy) -> (Vec<Arc<Party>>, Vec<Arc<Party>>) {
        self.0.directory.grants(tenant, |grants| {
            let users = policy.users.iter().filter_map(|id| grants.users.get(id).cloned()).collect();
            (users, policy.groups.iter().filter_map(|id| grants.groups.get(id).cloned()).collect())
        })
    }

    /// Makes a policy.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] where there is one about this; those of the store.
    pub async fn create_policy(
        &self,
        caller: &Caller,
        action: &str,
        resource: &str,
        granted: Granted,
        basis: &Basis,
    ) -> Result<Arc<Policy>> {
        let revision = Revision::first(basis, WHAT)?;
        let check = Check::new("Cannot create Access Policy").named("action", action, IDENTIFIER);
        granted.check(check.named("resource", resource, RESOURCE)).done()?;
        let action = Action::parse(action)?;
        let policy = Policy { revision, ..Policy::new(action, resource, granted) };
        let made = self.change(&caller.identity, vec![policy.change(caller.tenant)?]).await;
        made.map_err(|error| match error.code {
            ErrorCode::Exists => {
                let text = format!("Found multiple policies for '{resource}' with '{}'.", action.as_str());
                Error::new(ErrorCode::Exists, text)
            }
            _ => error,
        })?;
        self.policy(caller.tenant, &policy.id)
    }

    /// Replaces whom a policy is about.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`], also for what its basis is not; those of the store.
    pub async fn update_policy(&self, caller: &Caller, id: &str, granted: Granted, basis: &Basis) -> Result<Arc<Policy>> {
        let _changing = self.0.changing.lock().await;
        let before = self.policy(caller.tenant, id)?;
        let revision = before.revision.next(basis, WHAT, Step::Update, id)?;
        granted.check(Check::new("Cannot update Access Policy")).done()?;
        let after = Policy { users: granted.users, groups: granted.groups, revision, ..Policy::clone(&before) };
        self.change(&caller.identity, vec![after.change(caller.tenant)?]).await?;
        self.policy(caller.tenant, id)
    }

    /// Deletes a policy; answers it as it was.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] for what its basis is not; those of the store.
    pub async fn delete_policy(&self, caller: &Caller, id: &str, basis: &Basis) -> Result<Arc<Policy>> {
        let _changing = self.0.changing.lock().await;
        let policy = self.policy(caller.tenant, id)?;
        policy.revision.next(basis, WHAT, Step::Delete, id)?;
        let end = Change::delete(policy.key(caller.tenant)).expecting(Expect::Revision(policy.stored));
        self.change(&caller.identity, vec![end]).await?;
        Ok(policy)
    }

    /// Deletes all policies about a resource that is gone.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn forget_resource(&self, author: &str, tenant: TenantId, resource: &Resource) -> Result<()> {
        let path = resource.path();
        let _changing = self.0.changing.lock().await;
        let gone = self.0.directory.grants(tenant, |grants| {
            let about = Action::ALL.iter().filter_map(|action| grants.policy(&path, *action));
            about.map(|policy| Change::delete(policy.key(tenant))).collect::<Vec<_>>()
        });
        if gone.is_empty() { Ok(()) } else { self.change(author, gone).await }
    }

    /// What takes a user or group that goes out of all policies.
    pub(crate) fn without_member(&self, tenant: TenantId, id: &str) -> Result<Vec<Change>> {
        self.0.directory.grants(tenant, |grants| {
            let naming = grants.policies().filter(|policy| policy.users.contains(id) || policy.groups.contains(id));
            let changed = naming.map(|policy| {
                let mut policy = Policy::clone(policy);
                policy.users.remove(id);
                policy.groups.remove(id);
                policy.change(tenant)
            });
            changed.collect()
        })
    }
}

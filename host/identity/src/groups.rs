//! Groups: roles as those see them who write policies (NiFi Registry 18). A role that grants no scopes is nothing but a group.
//!
//! What must stay true: membership stands with the users; a group and all its members change together or not at all; who does
//! not hold what a role grants changes neither its name nor its members.

use crate::check::{Check, IDENTITY};
use crate::grants::Party;
use crate::users::{Known, RoleBody, UserBody, kind, write};
use crate::{Caller, Identity};
use headworks_core::revision::{Basis, Step};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// What messages call it.
const WHAT: &str = "User Group";

fn unknown() -> Error {
    Error::not_found("The specified user group ID does not exist in this registry.")
}

fn taken(name: &str) -> impl Fn(Error) -> Error {
    let text = format!("User group already exists with the identity '{name}'.");
    move |error| if error.code == ErrorCode::Exists { Error::new(ErrorCode::Exists, text.clone()) } else { error }
}

impl Identity {
    /// All groups in ascending order of their names.
    pub fn groups(&self, tenant: TenantId) -> Vec<Arc<Party>> {
        self.0.directory.grants(tenant, |grants| grants.groups.all().cloned().collect())
    }

    /// The group with this identifier.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn group(&self, tenant: TenantId, id: &str) -> Result<Arc<Party>> {
        self.0.directory.grants(tenant, |grants| grants.groups.get(id).cloned()).ok_or_else(unknown)
    }

    /// The users in a group, in ascending order of their names.
    pub fn members_of(&self, tenant: TenantId, group: &Party) -> Vec<Arc<Party>> {
        let names = self.0.directory.members(tenant, &group.name);
        self.0.directory.grants(tenant, |grants| names.iter().filter_map(|name| grants.users.named(name).cloned()).collect())
    }

    /// Makes a group of these users, given by identifier.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] for a name that is taken; [`ErrorCode::InUse`] for users that do not
    /// exist; those of the store.
    pub async fn create_group(&self, caller: &Caller, name: &str, users: &BTreeSet<String>, basis: &Basis) -> Result<Arc<Party>> {
        let tenant = caller.tenant;
        let claimed = Revision::first(basis, WHAT)?;
        Check::new("Cannot create User Group").named("identity", name, IDENTITY).done()?;
        let id = Uuid::new_v4().to_string();
        let body = RoleBody { known: Known { identifier: Some(id.clone()), claimed }, ..RoleBody::default() };
        let key = DocumentKey::new(tenant, kind::ROLE, name);
        let _changing = self.0.changing.lock().await;
        if self.0.directory.group_named(tenant, name).is_some() {
            return Err(taken(name)(Error::new(ErrorCode::Exists, "")));
        }
        let missing = || format!("Cannot create group '{name}' with users that don't exist.");
        let mut changes = vec![Change::put(key, write(&body)?).expecting(Expect::Absent)];
        changes.extend(self.membership(tenant, None, Some((name, &self.names(tenant, users, missing)?)))?);
        self.change(&caller.identity, changes).await.map_err(taken(name))?;
        self.group(tenant, &id)
    }

    /// Replaces the name and the members of a group.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`], also for what its basis is not; [`ErrorCode::Exists`] for a name that
    /// is taken; [`ErrorCode::InUse`] for users that do not exist; [`ErrorCode::Denied`] for a role with scopes that the
    /// caller does not hold; those of the store.
    pub async fn update_group(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
        users: &BTreeSet<String>,
        basis: &Basis,
    ) -> Result<Arc<Party>> {
        let tenant = caller.tenant;
        let _changing = self.0.changing.lock().await;
        let before = self.group(tenant, id)?;
        let claimed = before.revision.next(basis, WHAT, Step::Update, id)?;
        Check::new("Cannot update User Group").named("identity", name, IDENTITY).done()?;
        let missing = || format!("Cannot update group '{name}' to add users that don't exist.");
        let names = self.names(tenant, users, missing)?;
        let old = DocumentKey::new(tenant, kind::ROLE, &before.name);
        let document = self.0.store.get(&old)?.ok_or_else(unknown)?;
        let mut body = RoleBody::read(&document)?;
        body.known = Known { identifier: Some(id.to_owned()), claimed };
        let mut changes = self.membership(tenant, Some(&before.name), Some((name, &names)))?;
        let renamed = name != before.name;
        if renamed || !changes.is_empty() {
            self.hold(caller, &before.name)?;
        }
        let expect = Expect::Revision(document.revision);
        if renamed {
            changes.push(Change::put(DocumentKey::new(tenant, kind::ROLE, name), write(&body)?).expecting(Expect::Absent));
            changes.push(Change::delete(old).expecting(expect));
        } else {
            changes.push(Change::put(old, write(&body)?).expecting(expect));
        }
        self.change(&caller.identity, changes).await.map_err(taken(name))?;
        self.group(tenant, id)
    }

    /// Deletes a group and takes it out of all policies; its members stay. Answers it as it was, with its members.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] for what its basis is not; [`ErrorCode::Denied`] for a role with scopes
    /// that the caller does not hold; those of the store.
    pub async fn delete_group(&self, caller: &Caller, id: &str, basis: &Basis) -> Result<Arc<Party>> {
        let tenant = caller.tenant;
        let _changing = self.0.changing.lock().await;
        let group = self.group(tenant, id)?;
        group.revision.next(basis, WHAT, Step::Delete, id)?;
        self.hold(caller, &group.name)?;
        let mut changes = self.membership(tenant, Some(&group.name), None)?;
        let key = DocumentKey::new(tenant, kind::ROLE, &group.name);
        changes.push(Change::delete(key).expecting(Expect::Revision(group.stored)));
        changes.extend(self.without_member(tenant, id)?);
        self.change(&caller.identity, changes).await?;
        Ok(group)
    }

    /// The names of these users.
    fn names(&self, tenant: TenantId, ids: &BTreeSet<String>, missing: impl Fn() -> String) -> Result<BTreeSet<String>> {
        self.0.directory.grants(tenant, |grants| {
            let found = ids.iter().map(|id| grants.users.get(id).map(|user| user.name.clone()));
            found.collect::<Option<_>>().ok_or_else(|| Error::new(ErrorCode::InUse, missing()))
        })
    }

    /// What makes exactly these users members of the role `new`, and nobody any more of the role `old`.
    fn membership(&self, tenant: TenantId, old: Option<&str>, new: Option<(&str, &BTreeSet<String>)>) -> Result<Vec<Change>> {
        let directory = &self.0.directory;
        let mut touched: BTreeSet<String> = old.into_iter().flat_map(|role| directory.members(tenant, role)).collect();
        if let Some((role, members)) = new {
            // Users may still name a role of this name that is long gone.
            touched.extend(directory.members(tenant, role));
            touched.extend(members.iter().cloned());
        }
        let mut changes = Vec::new();
        for name in touched {
            let key = DocumentKey::new(tenant, kind::USER, &name);
            let Some(document) = self.0.store.get(&key)? else { continue };
            let mut body = UserBody::read(&document)?;
            let before = body.roles.clone();
            if let Some(role) = old {
                body.roles.remove(role);
            }
            match new {
                Some((role, members)) if members.contains(&name) => body.roles.insert(role.to_owned()),
                Some((role, _)) => body.roles.remove(role),
                None => false,
            };
            if body.roles != before {
                changes.push(Change::put(key, write(&body)?).expecting(Expect::Revision(document.revision)));
            }
        }
        Ok(changes)
    }
}

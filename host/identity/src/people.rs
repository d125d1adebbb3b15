//! Users as those see them who write policies: with identifiers, under names that may change, without passwords (NiFi
//! Registry 18).
//!
//! What must stay true: an identifier stays with its user whatever it is called; a user that this module makes cannot log in by
//! password until somebody gives it one; who does not hold what a role grants does not change who has it.

use crate::check::{Check, IDENTITY};
use crate::grants::Party;
use crate::policies::Policy;
use crate::users::{Known, UserBody, kind, write};
use crate::{Caller, Identity};
use headworks_core::revision::{Basis, Step};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use std::sync::Arc;
use uuid::Uuid;

/// What messages call it.
const WHAT: &str = "User";

fn unknown() -> Error {
    Error::not_found("The specified user ID does not exist in this registry.")
}

fn taken(name: &str) -> impl Fn(Error) -> Error {
    let text = format!("User already exists with the identity '{name}'.");
    move |error| if error.code == ErrorCode::Exists { Error::new(ErrorCode::Exists, text.clone()) } else { error }
}

impl Identity {
    /// All users in ascending order of their names.
    pub fn people(&self, tenant: TenantId) -> Vec<Arc<Party>> {
        self.0.directory.grants(tenant, |grants| grants.users.all().cloned().collect())
    }

    /// The user with this identifier.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn person(&self, tenant: TenantId, id: &str) -> Result<Arc<Party>> {
        self.0.directory.grants(tenant, |grants| grants.users.get(id).cloned()).ok_or_else(unknown)
    }

    /// The groups that a user is in, in ascending order of their names.
    pub fn groups_of(&self, tenant: TenantId, user: &Party) -> Vec<Arc<Party>> {
        let roles = self.0.directory.principal(tenant, &user.name).map(|principal| principal.roles.clone()).unwrap_or_default();
        self.0.directory.grants(tenant, |grants| roles.iter().filter_map(|role| grants.groups.named(role).cloned()).collect())
    }

    /// The policies that name a user or group, or one of these groups.
    pub fn policies_naming(&self, tenant: TenantId, party: &Party, groups: &[Arc<Party>]) -> Vec<Arc<Policy>> {
        let names = |policy: &Policy| {
            let through = groups.iter().any(|group| policy.groups.contains(&group.id));
            through || policy.users.contains(&party.id) || policy.groups.contains(&party.id)
        };
        self.0.directory.grants(tenant, |grants| grants.policies().filter(|policy| names(policy)).cloned().collect())
    }

    /// Makes a user without password and roles.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] for a name that is taken; those of the store.
    pub async fn create_person(&self, caller: &Caller, name: &str, basis: &Basis) -> Result<Arc<Party>> {
        let claimed = Revision::first(basis, WHAT)?;
        Check::new("Cannot create User").named("identity", name, IDENTITY).done()?;
        let id = Uuid::new_v4().to_string();
        let body = UserBody { known: Known { identifier: Some(id.clone()), claimed }, ..UserBody::default() };
        let key = DocumentKey::new(caller.tenant, kind::USER, name);
        let _changing = self.0.changing.lock().await;
        let change = Change::put(key, write(&body)?).expecting(Expect::Absent);
        self.change(&caller.identity, vec![change]).await.map_err(taken(name))?;
        self.person(caller.tenant, &id)
    }

    /// Gives a user another name. Its sessions and its registry tokens end; its personal access tokens stay.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`], also for what its basis is not; [`ErrorCode::Exists`] for a name that
    /// is taken; [`ErrorCode::Denied`] for a user with rights of this server that the caller does not hold; those of the store.
    pub async fn rename_person(&self, caller: &Caller, id: &str, name: &str, basis: &Basis) -> Result<Arc<Party>> {
        let tenant = caller.tenant;
        let _changing = self.0.changing.lock().await;
        let before = self.person(tenant, id)?;
        let claimed = before.revision.next(basis, WHAT, Step::Update, id)?;
        Check::new("Cannot update User").named("identity", name, IDENTITY).done()?;
        let old = DocumentKey::new(tenant, kind::USER, &before.name);
        let document = self.0.store.get(&old)?.ok_or_else(unknown)?;
        let mut body = UserBody::read(&document)?;
        body.known = Known { identifier: Some(id.to_owned()), claimed };
        let expect = Expect::Revision(document.revision);
        let changes = if name == before.name {
            vec![Change::put(old, write(&body)?).expecting(expect)]
        } else {
            body.roles.iter().try_for_each(|role| self.hold(caller, role))?;
            let mut changes = vec![
                Change::delete(old).expecting(expect),
                Change::delete(DocumentKey::new(tenant, kind::KEY, &before.name)),
                Change::put(DocumentKey::new(tenant, kind::USER, name), write(&body)?).expecting(Expect::Absent),
            ];
            for token in self.0.store.list(tenant, kind::TOKEN, &before.name)? {
                changes.insert(0, Change::delete(token.key.clone()));
                changes.push(Change::put(DocumentKey::scoped(tenant, kind::TOKEN, name, &token.key.name), token.body));
            }
            changes
        };
        self.change(&caller.identity, changes).await.map_err(taken(name))?;
        self.person(tenant, id)
    }

    /// Deletes a user with its tokens and takes it out of all policies; answers it as it was.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] for what its basis is not; [`ErrorCode::Denied`] for a user with rights
    /// of this server that the caller does not hold; those of the store.
    pub async fn delete_person(&self, caller: &Caller, id: &str, basis: &Basis) -> Result<Arc<Party>> {
        let _changing = self.0.changing.lock().await;
        let user = self.person(caller.tenant, id)?;
        user.revision.next(basis, WHAT, Step::Delete, id)?;
        for group in self.groups_of(caller.tenant, &user) {
            self.hold(caller, &group.name)?;
        }
        let changes = self.departure(caller.tenant, &user.name, Expect::Revision(user.stored))?;
        self.change(&caller.identity, changes).await?;
        Ok(user)
    }
}

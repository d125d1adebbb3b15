//! Changing users, roles and tokens.

use crate::{Identity, Principal, Scope, ScopeSet, invalid_credentials, secret};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, Revision, TenantId, Uid};
use headworks_store::{Change, Expect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Kinds of documents that belong to this crate.
pub(crate) mod kind {
    pub(crate) const USER: &str = "user";
    pub(crate) const ROLE: &str = "role";
    /// Its scope is the owner, its name a UUID.
    pub(crate) const TOKEN: &str = "token";
    /// Settings of identity providers, which nobody keeps in memory.
    pub(crate) const PROVIDER: &str = "auth-provider";
    /// Its scope is the action, its name the resource.
    pub(crate) const POLICY: &str = "policy";
    /// What signs the registry's tokens of one identity, which is its name.
    pub(crate) const KEY: &str = "signing-key";
    /// What the directory keeps in memory.
    pub(crate) const DIRECTORY: [&str; 5] = [USER, ROLE, TOKEN, POLICY, KEY];
}

/// A user as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Names of roles, which need not exist.
    pub roles: BTreeSet<String>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub scopes: ScopeSet,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct UserBody {
    /// A PHC string; empty for users that cannot log in by password.
    pub(crate) password: String,
    pub(crate) roles: BTreeSet<String>,
    #[serde(flatten)]
    pub(crate) known: Known,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct RoleBody {
    /// In ascending order. Names that this version does not know are kept and have no effect.
    pub(crate) scopes: BTreeSet<String>,
    #[serde(flatten)]
    pub(crate) known: Known,
}

/// What policies and their clients know a user or a role by (NiFi Registry 18).
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Names it for ever. Where it is absent the document's own identity does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    /// The one that clients name.
    #[serde(default, skip_serializing_if = "is_untouched")]
    pub(crate) claimed: Revision,
}

fn is_untouched(revision: &Revision) -> bool {
    *revision == Revision::default()
}

impl Known {
    /// The identifier of this document, which is its user or role.
    pub(crate) fn identifier(&self, document: &Document) -> String {
        self.identifier.clone().unwrap_or_else(|| document.uid.to_string())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TokenBody {
    /// SHA-256 of the token in hexadecimal.
    pub(crate) hash: String,
}

pub(crate) fn read<T: DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_slice(&document.body).map_err(|error| Error::new(ErrorCode::Corrupt, error.to_string()))
}

pub(crate) fn write(body: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| Error::internal(error.to_string()))
}

impl UserBody {
    pub(crate) fn read(document: &Document) -> Result<Self> {
        read(document)
    }
}

impl RoleBody {
    pub(crate) fn read(document: &Document) -> Result<Self> {
        read(document)
    }

    pub(crate) fn of(scopes: ScopeSet) -> Self {
        Self { scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(), known: Known::default() }
    }

    pub(crate) fn scopes(&self) -> ScopeSet {
        self.scopes.iter().filter_map(|name| Scope::parse(name)).collect()
    }
}

impl TokenBody {
    /// The hash of the token.
    pub(crate) fn read(document: &Document) -> Result<[u8; 32]> {
        let body: Self = read(document)?;
        secret::unhex(&body.hash).ok_or_else(|| Error::new(ErrorCode::Corrupt, "the hash of a token is malformed"))
    }
}

pub(crate) fn named(name: &str) -> Result<()> {
    if name.is_empty() { Err(Error::invalid("a name has at least one character").at("name")) } else { Ok(()) }
}

impl Identity {
    /// All users in ascending order of their names.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_users(&self, tenant: TenantId) -> Result<Vec<User>> {
        let users = self.0.store.list(tenant, kind::USER, "")?;
        users.iter().map(|user| Ok(User { name: user.key.name.clone(), roles: UserBody::read(user)?.roles })).collect()
    }

    /// One user.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get_user(&self, tenant: TenantId, name: &str) -> Result<Option<User>> {
        let user = self.0.store.get(&DocumentKey::new(tenant, kind::USER, name))?;
        user.map(|user| Ok(User { name: name.to_owned(), roles: UserBody::read(&user)?.roles })).transpose()
    }

    /// Makes a user or replaces its password and roles.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for an empty name; those of the store.
    pub async fn save_user(&self, author: &str, tenant: TenantId, user: User, password: &str) -> Result<()> {
        named(&user.name)?;
        let password = self.0.passwords.hash(password).await?;
        let key = DocumentKey::new(tenant, kind::USER, &user.name);
        let _changing = self.0.changing.lock().await;
        let before = self.0.store.get(&key)?.map(|document| UserBody::read(&document)).transpose()?;
        let known = before.unwrap_or_default().known;
        self.change(author, vec![Change::put(key, write(&UserBody { password, roles: user.roles, known })?)]).await
    }

    /// Deletes a user with its tokens. A user that does not exist is no error.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_user(&self, author: &str, tenant: TenantId, name: &str) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let changes = self.departure(tenant, name, Expect::Any)?;
        self.change(author, changes).await
    }

    /// The end of a user with everything that is its own, in policies too.
    pub(crate) fn departure(&self, tenant: TenantId, name: &str, expect: Expect) -> Result<Vec<Change>> {
        let tokens = self.0.store.list_names(tenant, kind::TOKEN, name)?;
        let tokens = tokens.iter().map(|token| Change::delete(DocumentKey::scoped(tenant, kind::TOKEN, name, token)));
        let mut changes: Vec<Change> = tokens.collect();
        changes.push(Change::delete(DocumentKey::new(tenant, kind::KEY, name)));
        changes.push(Change::delete(DocumentKey::new(tenant, kind::USER, name)).expecting(expect));
        if let Some(user) = self.0.directory.user_named(tenant, name) {
            changes.extend(self.without_member(tenant, &user.id)?);
        }
        Ok(changes)
    }

    /// Replaces the password of the caller. Tokens and sessions stay.
    ///
    /// # Errors
    /// [`ErrorCode::Denied`] when the old password is wrong; [`ErrorCode::Exhausted`] after too many wrong ones.
    pub async fn change_password(&self, caller: &Principal, old: &str, new: &str, from: std::net::IpAddr) -> Result<()> {
        let inner = &self.0;
        let attempt = inner.throttle.attempt(caller.tenant, &caller.user, from, inner.clock.now())?;
        let phc = self.password_of(caller.tenant, &caller.user)?;
        if !inner.passwords.verify(old, phc).await? {
            return Err(Error { code: ErrorCode::Denied, ..invalid_credentials() });
        }
        attempt.succeeded();
        self.set_password(&caller.user, caller.tenant, &caller.user, new).await
    }

    /// Replaces the password of a user that exists and keeps its roles.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown user; those of the store.
    pub(crate) async fn set_password(&self, author: &str, tenant: TenantId, user: &str, password: &str) -> Result<()> {
        let hash = self.0.passwords.hash(password).await?;
        self.alter(author, tenant, user, |body| body.password = hash).await
    }

    /// Replaces the roles of a user that exists and keeps its password.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown user; those of the store.
    pub async fn set_roles(&self, author: &str, tenant: TenantId, user: &str, roles: BTreeSet<String>) -> Result<()> {
        self.alter(author, tenant, user, |body| body.roles = roles).await
    }

    /// Changes a user that exists.
    async fn alter(&self, author: &str, tenant: TenantId, user: &str, change: impl FnOnce(&mut UserBody)) -> Result<()> {
        let key = DocumentKey::new(tenant, kind::USER, user);
        let _changing = self.0.changing.lock().await;
        let known = self.0.store.get(&key)?.ok_or_else(|| Error::not_found(format!("there is no user {user:?}")))?;
        let mut body = UserBody::read(&known)?;
        change(&mut body);
        self.change(author, vec![Change::put(key, write(&body)?).expecting(Expect::Revision(known.revision))]).await
    }

    /// The identity and the PHC string of a user that exists.
    pub(crate) fn credentials(&self, tenant: TenantId, user: &str) -> Result<Option<(Uid, String)>> {
        let document = self.0.store.get(&DocumentKey::new(tenant, kind::USER, user))?;
        document.map(|document| Ok((document.uid, UserBody::read(&document)?.password))).transpose()
    }

    /// The PHC string of a user that exists.
    pub(crate) fn password_of(&self, tenant: TenantId, user: &str) -> Result<Option<String>> {
        Ok(self.credentials(tenant, user)?.map(|(_, phc)| phc))
    }

    /// All roles in ascending order of their names.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_roles(&self, tenant: TenantId) -> Result<Vec<Role>> {
        let roles = self.0.store.list(tenant, kind::ROLE, "")?;
        roles.iter().map(|role| Ok(Role { name: role.key.name.clone(), scopes: RoleBody::read(role)?.scopes() })).collect()
    }

    /// One role.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get_role(&self, tenant: TenantId, name: &str) -> Result<Option<Role>> {
        let role = self.0.store.get(&DocumentKey::new(tenant, kind::ROLE, name))?;
        role.map(|role| Ok(Role { name: name.to_owned(), scopes: RoleBody::read(&role)?.scopes() })).transpose()
    }

    /// Makes or replaces a role.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for an empty name; those of the store.
    pub async fn save_role(&self, author: &str, tenant: TenantId, role: Role) -> Result<()> {
        named(&role.name)?;
        let key = DocumentKey::new(tenant, kind::ROLE, &role.name);
        let _changing = self.0.changing.lock().await;
        let before = self.0.store.get(&key)?.map(|document| RoleBody::read(&document)).transpose()?;
        let body = RoleBody { known: before.unwrap_or_default().known, ..RoleBody::of(role.scopes) };
        self.change(author, vec![Change::put(key, write(&body)?)]).await
    }

    /// Deletes a role. Users keep its name, without effect.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_role(&self, author: &str, tenant: TenantId, name: &str) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let mut changes = vec![Change::delete(DocumentKey::new(tenant, kind::ROLE, name))];
        if let Some(group) = self.0.directory.group_named(tenant, name) {
            changes.extend(self.without_member(tenant, &group.id)?);
        }
        self.change(author, changes).await
    }

    /// Makes a personal access token of the caller. The token is shown this once.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn create_token(&self, caller: &Principal) -> Result<(Uuid, String)> {
        let token = secret::token()?;
        Ok((self.add_token(caller.tenant, &caller.user, &token).await?, token))
    }

    /// Keeps the hash of a token for a user that exists.
    pub(crate) async fn add_token(&self, tenant: TenantId, user: &str, token: &str) -> Result<Uuid> {
        let id = Uuid::new_v4();
        let key = DocumentKey::scoped(tenant, kind::TOKEN, user, &id.to_string());
        let body = TokenBody { hash: secret::hex(&secret::hash(token)) };
        let _changing = self.0.changing.lock().await;
        if self.0.directory.principal(tenant, user).is_none() {
            return Err(Error::not_found(format!("there is no user {user:?}")));
        }
        self.change(user, vec![Change::put(key, write(&body)?).expecting(Expect::Absent)]).await?;
        Ok(id)
    }

    /// The identifiers of the caller's tokens.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_tokens(&self, caller: &Principal) -> Result<Vec<Uuid>> {
        let names = self.0.store.list_names(caller.tenant, kind::TOKEN, &caller.user)?;
        Ok(names.iter().filter_map(|name| Uuid::parse_str(name).ok()).collect())
    }

    /// Revokes one of the caller's tokens. One that does not exist is no error.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_token(&self, caller: &Principal, token: Uuid) -> Result<()> {
        let key = DocumentKey::scoped(caller.tenant, kind::TOKEN, &caller.user, &token.to_string());
        self.change(&caller.user, vec![Change::delete(key)]).await
    }

    /// Writes changes and takes them over into the directory and the tenants.
    pub(crate) async fn change(&self, author: &str, changes: Vec<Change>) -> Result<()> {
        let keys: Vec<DocumentKey> = changes.iter().map(|change| change.key.clone()).collect();
        self.0.store.write(author, changes).await?;
        keys.iter().try_for_each(|key| self.0.tenants.refresh(key).and_then(|()| self.0.directory.refresh(key)))
    }
}

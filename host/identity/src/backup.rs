//! Users, roles, tokens and identity providers on their way into a backup and back (FlowG 14, 16).
//!
//! The one place from which hashes leave: a backup without them would let nobody in. What must stay true: what cannot be used
//! is refused before anything is changed; everything is changed at once; no token outlives its owner; a session key is never
//! part of it.

use crate::users::{RoleBody, TokenBody, UserBody, kind, named, read, write};
use crate::{Identity, secret};
use headworks_core::{DocumentKey, Error, Result, TenantId};
use headworks_store::{Change, View};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One fact about users, roles, tokens and providers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// There is such a role.
    Role(String),
    /// A role has a scope.
    Scope {
        /// The name of the role.
        role: String,
        /// The name of the scope.
        scope: String,
    },
    /// There is such a user.
    User(String),
    /// A user has a password.
    Password {
        /// The name of the user.
        user: String,
        /// Its hash as a PHC string.
        phc: String,
    },
    /// A user has a role.
    Member {
        /// The name of the user.
        user: String,
        /// The name of the role.
        role: String,
    },
    /// A user has a personal access token.
    Token {
        /// The name of the user.
        user: String,
        /// Names the token.
        id: Uuid,
        /// SHA-256 of the token in hexadecimal.
        hash: String,
    },
    /// There are settings of an identity provider.
    Provider {
        /// The name of the provider.
        name: String,
        /// The settings as JSON.
        settings: String,
    },
}

/// A fact that a backup holds, or that it says is no longer true. Of what is no longer true the content does not count.
pub struct Restored {
    /// The fact.
    pub fact: Fact,
    /// Whether it is no longer true.
    pub deleted: bool,
}

impl Fact {
    /// Shows every fact of a tenant.
    ///
    /// # Errors
    /// Those of the store and of `each`.
    pub fn all(view: &View<'_>, tenant: TenantId, mut each: impl FnMut(Self) -> Result<()>) -> Result<()> {
        view.documents(tenant, kind::ROLE, |document| {
            let role = document.key.name.clone();
            each(Self::Role(role.clone()))?;
            let body = RoleBody::read(&document)?;
            body.scopes.into_iter().try_for_each(|scope| each(Self::Scope { role: role.clone(), scope }))
        })?;
        view.documents(tenant, kind::USER, |document| {
            let user = document.key.name.clone();
            let body = UserBody::read(&document)?;
            each(Self::User(user.clone()))?;
            if !body.password.is_empty() {
                each(Self::Password { user: user.clone(), phc: body.password })?;
            }
            body.roles.into_iter().try_for_each(|role| each(Self::Member { user: user.clone(), role }))
        })?;
        view.documents(tenant, kind::TOKEN, |document| {
            let hash = secret::hex(&TokenBody::read(&document)?);
            let id = Uuid::parse_str(&document.key.name).map_err(|_| Error::internal("a token has no identifier"))?;
            each(Self::Token { user: document.key.scope, id, hash })
        })?;
        view.documents(tenant, kind::PROVIDER, |document| {
            let mut settings: Map<String, Value> = read(&document)?;
            settings.insert("name".to_owned(), Value::String(document.key.name.clone()));
            each(Self::Provider { name: document.key.name, settings: Value::Object(settings).to_string() })
        })
    }
}

/// The documents as a restore leaves them.
#[derive(Default)]
struct Merge {
    roles: BTreeMap<String, Option<RoleBody>>,
    users: BTreeMap<String, Option<UserBody>>,
    /// Hashes by owner and identifier.
    tokens: BTreeMap<(String, Uuid), Option<String>>,
    providers: BTreeMap<String, Option<Vec<u8>>>,
}

impl Identity {
    /// Makes facts of a backup true, all or none, and those that it says are deleted no longer true. What the backup does not
    /// mention stays as it is. When it returns, everybody may do what the restored roles say.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a fact that cannot be; those of the store.
    pub async fn restore(&self, author: &str, tenant: TenantId, facts: Vec<Restored>) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let mut merge = Merge::default();
        // Deletions first: a fact that is true again comes later in a backup than its deletion.
        let (deleted, true_ones): (Vec<_>, Vec<_>) = facts.into_iter().partition(|restored| restored.deleted);
        for restored in deleted {
            self.forget(&mut merge, tenant, restored.fact)?;
        }
        for restored in true_ones {
            self.merge(&mut merge, tenant, restored.fact)?;
        }
        let changes = self.changes(tenant, merge)?;
        let keys: Vec<DocumentKey> = changes.iter().map(|change| change.key.clone()).collect();
        // What was there before may come back, whatever the rules of today say.
        self.0.store.write_unjudged(author, changes).await?;
        keys.iter().try_for_each(|key| self.0.directory.refresh(key))
    }

    /// A role so far.
    fn role<'a>(&self, merge: &'a mut Merge, tenant: TenantId, name: &str) -> Result<&'a mut Option<RoleBody>> {
        if !merge.roles.contains_key(name) {
            let document = self.0.store.get(&DocumentKey::new(tenant, kind::ROLE, name))?;
            merge.roles.insert(name.to_owned(), document.map(|document| RoleBody::read(&document)).transpose()?);
        }
        Ok(merge.roles.entry(name.to_owned()).or_default())
    }

    /// A user so far.
    fn user<'a>(&self, merge: &'a mut Merge, tenant: TenantId, name: &str) -> Result<&'a mut Option<UserBody>> {
        if !merge.users.contains_key(name) {
            let document = self.0.store.get(&DocumentKey::new(tenant, kind::USER, name))?;
            merge.users.insert(name.to_owned(), document.map(|document| UserBody::read(&document)).transpose()?);
        }
        Ok(merge.users.entry(name.to_owned()).or_default())
    }

    fn forget(&self, merge: &mut Merge, tenant: TenantId, fact: Fact) -> Result<()> {
        match fact {
            Fact::Role(role) => *self.role(merge, tenant, &role)? = None,
            Fact::Scope { role, scope } => {
                if let Some(body) = self.role(merge, tenant, &role)? {
                    body.scopes.remove(&scope);
                }
            }
            Fact::User(user) => *self.user(merge, tenant, &user)? = None,
            Fact::Password { user, .. } => {
                if let Some(body) = self.user(merge, tenant, &user)? {
                    body.password.clear();
                }
            }
            Fact::Member { user, role } => {
                if let Some(body) = self.user(merge, tenant, &user)? {
                    body.roles.remove(&role);
                }
            }
            Fact::Token { user, id, .. } => {
                merge.tokens.insert((user, id), None);
            }
            Fact::Provider { name, .. } => {
                merge.providers.insert(name, None);
            }
        }
        Ok(())
    }

    fn merge(&self, merge: &mut Merge, tenant: TenantId, fact: Fact) -> Result<()> {
        match fact {
            Fact::Role(role) => {
                named(&role)?;
                self.role(merge, tenant, &role)?.get_or_insert_default();
            }
            Fact::Scope { role, scope } => {
                named(&role)?;
                self.role(merge, tenant, &role)?.get_or_insert_default().scopes.insert(scope);
            }
            Fact::User(user) => {
                named(&user)?;
                self.user(merge, tenant, &user)?.get_or_insert_default();
            }
            Fact::Password { user, phc } => {
                named(&user)?;
                if argon2::password_hash::PasswordHash::new(&phc).is_err() {
                    return Err(Error::invalid(format!("the password of the user {user:?} is no PHC string")));
                }
                self.user(merge, tenant, &user)?.get_or_insert_default().password = phc;
            }
            Fact::Member { user, role } => {
                named(&user)?;
                self.user(merge, tenant, &user)?.get_or_insert_default().roles.insert(role);
            }
            Fact::Token { user, id, hash } => {
                let known = secret::unhex(&hash);
                let hash = known.ok_or_else(|| Error::invalid(format!("the token {id} of the user {user:?} is no SHA-256")))?;
                merge.tokens.insert((user, id), Some(secret::hex(&hash)));
            }
            Fact::Provider { name, settings } => {
                named(&name)?;
                merge.providers.insert(name.clone(), Some(provider(&name, &settings)?));
            }
        }
        Ok(())
    }

    fn changes(&self, tenant: TenantId, mut merge: Merge) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut change = |key: DocumentKey, body: Option<Vec<u8>>| match body {
            Some(body) => changes.push(Change::put(key, body)),
            None => changes.push(Change::delete(key)),
        };
        for (name, body) in merge.roles {
            let body = body.map(|body| write(&body)).transpose()?;
            change(DocumentKey::new(tenant, kind::ROLE, &name), body);
        }
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for (name, body) in merge.users {
            known.insert(name.clone(), body.is_some());
            if body.is_none() {
                for id in self.0.store.list_names(tenant, kind::TOKEN, &name)? {
                    merge.tokens.retain(|(user, of), _| *user != name || of.to_string() != id);
                    change(DocumentKey::scoped(tenant, kind::TOKEN, &name, &id), None);
                }
                change(DocumentKey::new(tenant, kind::KEY, &name), None);
            }
            let body = body.map(|body| write(&body)).transpose()?;
            change(DocumentKey::new(tenant, kind::USER, &name), body);
        }
        for ((user, id), hash) in merge.tokens {
            let exists = match known.get(&user) {
                Some(exists) => *exists,
                None => self.0.directory.principal(tenant, &user).is_some(),
            };
            let body = hash.filter(|_| exists).map(|hash| write(&TokenBody { hash })).transpose()?;
            change(DocumentKey::scoped(tenant, kind::TOKEN, &user, &id.to_string()), body);
        }
        for (name, settings) in merge.providers {
            change(DocumentKey::new(tenant, kind::PROVIDER, &name), settings);
        }
        Ok(changes)
    }
}

/// The body of a provider's document.
fn provider(name: &str, settings: &str) -> Result<Vec<u8>> {
    let wrong = || Error::invalid(format!("the identity provider {name:?} has no settings that can be read"));
    let mut settings: Map<String, Value> = serde_json::from_str(settings).map_err(|_| wrong())?;
    let kind = settings.get("config").and_then(|config| config.get("type")).and_then(Value::as_str);
    if !settings.get("display_name").is_some_and(Value::is_string) || !matches!(kind, Some("oidc" | "saml")) {
        return Err(wrong());
    }
    settings.remove("name");
    write(&settings)
}

//! Users, roles, tokens, policies and signing keys in memory, so that a request costs a few look-ups.
//!
//! What must stay true: after a change through [`Identity`](crate::Identity) has returned, the directory shows it; changes made
//! elsewhere arrive with the store's change events. A refresh reads the store while it holds the lock, so the last refresh of
//! a document is also the newest.

use crate::access::SigningKey;
use crate::authority::Action;
use crate::grants::{Grants, Party};
use crate::policies::Policy;
use crate::users::{RoleBody, TokenBody, UserBody, kind};
use crate::{Principal, ScopeSet, secret};
use headworks_core::{Document, DocumentKey, Result, Revision, TenantId};
use headworks_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) struct Directory {
    store: Store,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    users: HashMap<TenantId, HashMap<String, Arc<Principal>>>,
    roles: HashMap<(TenantId, String), ScopeSet>,
    /// Owners by token hash.
    tokens: HashMap<[u8; 32], (TenantId, String)>,
    /// Hashes by token document, for its deletion.
    hashes: HashMap<DocumentKey, [u8; 32]>,
    grants: HashMap<TenantId, Grants>,
    /// By their identifiers.
    keys: HashMap<String, Arc<SigningKey>>,
    /// Identifiers by document, for its deletion.
    key_ids: HashMap<DocumentKey, String>,
}

impl Directory {
    /// Reads everything that these tenants have.
    pub(crate) fn load(store: Store, tenants: &[TenantId]) -> Result<Self> {
        let mut state = State::default();
        tenants.iter().try_for_each(|tenant| state.load(&store, *tenant))?;
        Ok(Self { store, state: RwLock::new(state) })
    }

    /// Reads everything of one tenant anew.
    pub(crate) fn reload(&self, tenant: TenantId) -> Result<()> {
        let mut state = self.write();
        state.forget(tenant);
        state.load(&self.store, tenant)
    }

    /// Forgets everything of one tenant.
    pub(crate) fn forget(&self, tenant: TenantId) {
        self.write().forget(tenant);
    }

    /// Takes over what the store has of one document. Other kinds are passed over.
    pub(crate) fn refresh(&self, key: &DocumentKey) -> Result<()> {
        if !kind::DIRECTORY.contains(&key.kind.as_str()) {
            return Ok(());
        }
        let mut state = self.write();
        match self.store.get(key)? {
            Some(document) => state.put(&document),
            None => state.remove(key),
        }
        Ok(())
    }

    /// A user that exists.
    pub(crate) fn principal(&self, tenant: TenantId, user: &str) -> Option<Arc<Principal>> {
        self.read().users.get(&tenant)?.get(user).cloned()
    }

    /// The owner of a personal access token, if both exist.
    pub(crate) fn owner(&self, token: &str) -> Option<Arc<Principal>> {
        let state = self.read();
        let (tenant, user) = state.tokens.get(&secret::hash(token))?;
        state.users.get(tenant)?.get(user).cloned()
    }

    /// Looks at the users, groups and policies of a tenant.
    pub(crate) fn grants<T>(&self, tenant: TenantId, look: impl FnOnce(&Grants) -> T) -> T {
        match self.read().grants.get(&tenant) {
            Some(grants) => look(grants),
            None => look(&Grants::default()),
        }
    }

    pub(crate) fn user_named(&self, tenant: TenantId, name: &str) -> Option<Arc<Party>> {
        self.grants(tenant, |grants| grants.users.named(name).cloned())
    }

    pub(crate) fn group_named(&self, tenant: TenantId, name: &str) -> Option<Arc<Party>> {
        self.grants(tenant, |grants| grants.groups.named(name).cloned())
    }

    /// The names of the users that have a role, in ascending order.
    pub(crate) fn members(&self, tenant: TenantId, role: &str) -> Vec<String> {
        let state = self.read();
        let users = state.users.get(&tenant).into_iter().flat_map(HashMap::values);
        let mut names: Vec<String> =
            users.filter(|user| user.roles.iter().any(|own| own == role)).map(|user| user.user.clone()).collect();
        names.sort();
        names
    }

    /// What a role allows; nothing where it does not exist.
    pub(crate) fn scopes_of(&self, tenant: TenantId, role: &str) -> ScopeSet {
        self.read().roles.get(&(tenant, role.to_owned())).copied().unwrap_or_default()
    }

    /// The key with this identifier.
    pub(crate) fn signing_key(&self, id: &str) -> Option<Arc<SigningKey>> {
        self.read().keys.get(id).cloned()
    }

    /// The key of an identity.
    pub(crate) fn key_of(&self, key: &DocumentKey) -> Option<Arc<SigningKey>> {
        let state = self.read();
        state.keys.get(state.key_ids.get(key)?).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, tenant: TenantId) {
        self.users.remove(&tenant);
        self.roles.retain(|(of, _), _| *of != tenant);
        self.tokens.retain(|_, (of, _)| *of != tenant);
        self.hashes.retain(|key, _| key.tenant != tenant);
        self.grants.remove(&tenant);
        self.keys.retain(|_, key| key.tenant != tenant);
        self.key_ids.retain(|key, _| key.tenant != tenant);
    }

    fn load(&mut self, store: &Store, tenant: TenantId) -> Result<()> {
        for role in store.list(tenant, kind::ROLE, "")? {
            self.put(&role);
        }
        for user in store.list(tenant, kind::USER, "")? {
            self.put(&user);
            for token in store.list(tenant, kind::TOKEN, &user.key.name)? {
                self.put(&token);
            }
        }
        for action in Action::ALL {
            for policy in store.list(tenant, kind::POLICY, action.as_str())? {
                self.put(&policy);
            }
        }
        for key in store.list(tenant, kind::KEY, "")? {
            self.put(&key);
        }
        Ok(())
    }

    fn grants(&mut self, tenant: TenantId) -> &mut Grants {
        self.grants.entry(tenant).or_default()
    }

    /// A document whose body cannot be read counts as deleted: it allows nothing.
    fn put(&mut self, document: &Document) {
        let key = &document.key;
        match key.kind.as_str() {
            kind::ROLE => match RoleBody::read(document) {
                Ok(role) => {
                    self.grants(key.tenant).groups.put(party(document, role.known.identifier(document), &role.known.claimed));
                    self.roles.insert((key.tenant, key.name.clone()), role.scopes());
                    self.reassess(key.tenant);
                }
                Err(error) => self.unreadable(key, &error),
            },
            kind::USER => match UserBody::read(document) {
                Ok(user) => {
                    self.grants(key.tenant).users.put(party(document, user.known.identifier(document), &user.known.claimed));
                    let roles: Vec<String> = user.roles.into_iter().collect();
                    let scopes = self.scopes(key.tenant, &roles);
                    let (tenant, user) = (key.tenant, key.name.clone());
                    let principal = Principal { tenant, user, uid: document.uid, roles, scopes };
                    self.users.entry(key.tenant).or_default().insert(key.name.clone(), Arc::new(principal));
                }
                Err(error) => self.unreadable(key, &error),
            },
            kind::TOKEN => match TokenBody::read(document) {
                Ok(hash) => {
                    self.remove(key);
                    self.tokens.insert(hash, (key.tenant, key.scope.clone()));
                    self.hashes.insert(key.clone(), hash);
                }
                Err(error) => self.unreadable(key, &error),
            },
            kind::POLICY => match Policy::of(document) {
                Ok(policy) => self.grants(key.tenant).put_policy(policy),
                Err(error) => self.unreadable(key, &error),
            },
            kind::KEY => match SigningKey::of(document) {
                Ok(signing) => {
                    self.remove(key);
                    self.key_ids.insert(key.clone(), signing.id.clone());
                    self.keys.insert(signing.id.clone(), Arc::new(signing));
                }
                Err(error) => self.unreadable(key, &error),
            },
            _ => {}
        }
    }

    fn unreadable(&mut self, key: &DocumentKey, error: &headworks_core::Error) {
        tracing::error!(kind = key.kind, name = key.name, %error, "a stored document is unreadable and has no effect");
        self.remove(key);
    }

    fn remove(&mut self, key: &DocumentKey) {
        match key.kind.as_str() {
            kind::ROLE => {
                self.grants(key.tenant).groups.remove(&key.name);
                self.roles.remove(&(key.tenant, key.name.clone()));
                self.reassess(key.tenant);
            }
            kind::USER => {
                self.grants(key.tenant).users.remove(&key.name);
                if let Some(users) = self.users.get_mut(&key.tenant) {
                    users.remove(&key.name);
                }
            }
            kind::TOKEN => {
                if let Some(hash) = self.hashes.remove(key) {
                    self.tokens.remove(&hash);
                }
            }
            kind::POLICY => {
                if let Some(action) = Action::stored(&key.scope) {
                    self.grants(key.tenant).remove_policy(&key.name, action);
                }
            }
            kind::KEY => {
                if let Some(id) = self.key_ids.remove(key) {
                    self.keys.remove(&id);
                }
            }
            _ => {}
        }
    }

    fn scopes(&self, tenant: TenantId, roles: &[String]) -> ScopeSet {
        let known = roles.iter().filter_map(|role| self.roles.get(&(tenant, role.clone())));
        known.fold(ScopeSet::default(), |scopes, role| scopes.union(*role))
    }

    /// Works out anew what each user of a tenant may do.
    fn reassess(&mut self, tenant: TenantId) {
        let Some(mut users) = self.users.remove(&tenant) else { return };
        for principal in users.values_mut() {
            let scopes = self.scopes(tenant, &principal.roles);
            if scopes != principal.scopes {
                *principal = Arc::new(Principal { scopes, ..Principal::clone(principal) });
            }
        }
        self.users.insert(tenant, users);
    }
}

fn party(document: &Document, id: String, revision: &Revision) -> Party {
    Party { id, name: document.key.name.clone(), revision: revision.clone(), stored: document.revision }
}

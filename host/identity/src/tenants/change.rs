//! Making, changing and deleting tenants.
//!
//! What must stay true: a tenant is made by one write, so there is never half of one; its deletion is noted before anything
//! is removed and finished at the next start if need be.

use super::document::{Body, State, check_display_name, check_grants, check_hosts, check_name};
use super::{Quotas, Tenant, Tenants, key, unknown};
use crate::users::{Known, RoleBody, UserBody, kind, write};
use crate::{Identity, secret, starting};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The document that holds the next number.
const NUMBERS: &str = "tenant-number";
/// The first number after that of `default`.
const FIRST: u32 = 2;

/// What an operator may change of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// For people.
    pub display_name: String,
    /// Host names under which its users reach the server.
    pub hosts: Vec<String>,
    /// Whether its users and senders are refused.
    pub suspended: bool,
    /// The quotas of its own.
    pub quotas: Quotas,
    /// What its plugins may be granted: patterns in which `*` stands for any text.
    pub grants: Vec<String>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        let (display_name, hosts, suspended, quotas) = Default::default();
        Self { display_name, hosts, suspended, quotas, grants: vec!["*".to_owned()] }
    }
}

/// The first user of a new tenant.
#[derive(Clone)]
pub struct Administrator {
    /// Its name.
    pub name: String,
    /// Its password; a random one is made without.
    pub password: Option<String>,
}

/// A tenant that is to be made.
#[derive(Clone)]
pub struct NewTenant {
    /// Its name, which never changes.
    pub name: String,
    /// The rest of it.
    pub settings: TenantSettings,
    /// Its first user.
    pub administrator: Administrator,
}

/// A tenant that was made.
pub struct Created {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The password of its administrator, if it was made up. Never logged, never shown again.
    pub password: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Numbers {
    next: u32,
}

impl TenantSettings {
    /// The settings of a tenant.
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            display_name: tenant.display_name.clone(),
            hosts: tenant.hosts.clone(),
            suspended: tenant.state == State::Suspended,
            quotas: tenant.quotas.clone(),
            grants: tenant.grants.clone(),
        }
    }

    fn checked(mut self) -> Result<Self> {
        check_display_name(&self.display_name)?;
        self.hosts = check_hosts(&self.hosts)?;
        self.quotas.check()?;
        check_grants(&self.grants)?;
        Ok(self)
    }
}

impl Tenants {
    /// Refuses host names that lead to another tenant.
    fn check_free(&self, hosts: &[String], of: Option<TenantId>) -> Result<()> {
        for (index, host) in hosts.iter().enumerate() {
            if self.by_host(host).is_some_and(|taken| Some(taken) != of) {
                let text = format!("the host name {host} leads to another tenant");
                return Err(Error::new(ErrorCode::Exists, text).at(format!("hosts[{index}]")));
            }
        }
        Ok(())
    }

    /// A number that no tenant ever had, and the change that takes it.
    fn next_number(&self) -> Result<(TenantId, Change)> {
        let at = DocumentKey::new(TenantId::HOST, NUMBERS, "next");
        let known = self.0.store.get(&at)?;
        let expect = known.as_ref().map_or(Expect::Absent, |document| Expect::Revision(document.revision));
        let next = known.as_ref().map(crate::users::read::<Numbers>).transpose()?.map_or(FIRST, |numbers| numbers.next);
        let used = || Error::new(ErrorCode::Exhausted, "all numbers of tenants are used");
        let after = next.checked_add(1).filter(|after| *after < TenantId::NOBODY.0).ok_or_else(used)?;
        Ok((TenantId(next), Change::put(at, write(&Numbers { next: after })?).expecting(expect)))
    }

    /// A tenant that can be changed.
    fn present(&self, name: &str) -> Result<Arc<Tenant>> {
        self.by_name(name).filter(|tenant| tenant.state != State::Deleting).ok_or_else(|| unknown(name))
    }
}

impl Identity {
    /// Makes a tenant with everything that it has from its beginning: the roles `admin` and `viewer`, an administrator, and
    /// [what the operator wants](super::TenantOptions::furnish).
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member; [`ErrorCode::Exists`] for a name or a host name that is taken; those of the
    /// store.
    pub async fn create_tenant(&self, author: &str, new: NewTenant) -> Result<Created> {
        let NewTenant { name, settings, administrator } = new;
        check_name(&name)?;
        let settings = settings.checked()?;
        if administrator.name.is_empty() || administrator.password.as_deref() == Some("") {
            return Err(Error::invalid("name and password have at least one character").at("administrator"));
        }
        let made_up = if administrator.password.is_none() { Some(secret::letters(20)?) } else { None };
        let password = administrator.password.as_ref().or(made_up.as_ref()).map(String::as_str).unwrap_or_default();
        let password = self.0.passwords.hash(password).await?;
        let tenants = &self.0.tenants;
        let _changing = self.0.changing.lock().await;
        tenants.check_free(&settings.hosts, None)?;
        let (number, taking) = tenants.next_number()?;
        let body = Body { state: state(&settings), ..Body::new(number, author) }.with(settings);
        let mut changes = vec![Change::put(key(&name), write(&body)?).expecting(Expect::Absent), taking];
        for (role, scopes) in starting::roles() {
            changes.push(Change::put(DocumentKey::new(number, kind::ROLE, role), write(&RoleBody::of(scopes))?));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let known = Known { identifier: Some(id.clone()), ..Known::default() };
        let user = UserBody { password, roles: [starting::ADMIN.to_owned()].into(), known };
        changes.push(Change::put(DocumentKey::new(number, kind::USER, &administrator.name), write(&user)?));
        changes.extend(crate::initial::of_new_tenant(number, &id)?);
        changes.extend((tenants.0.options.furnish)(number)?);
        let made = self.change(author, changes).await;
        made.map_err(|error| match error.code {
            ErrorCode::Exists => Error::new(ErrorCode::Exists, format!("there is a tenant {name:?} already")).at("name"),
            _ => error,
        })?;
        let tenant = tenants.by_name(&name).ok_or_else(|| unknown(&name))?;
        Ok(Created { tenant, password: made_up })
    }

    /// Changes the settings of a tenant, whatever its revision is or only when it has this one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] with the member; [`ErrorCode::Exists`] for a host name that is taken;
    /// [`ErrorCode::RevisionConflict`]; those of the store.
    pub async fn update_tenant(
        &self,
        author: &str,
        name: &str,
        settings: TenantSettings,
        revision: Option<u64>,
    ) -> Result<Arc<Tenant>> {
        let settings = settings.checked()?;
        let tenants = &self.0.tenants;
        let _changing = self.0.changing.lock().await;
        let tenant = tenants.present(name)?;
        if tenant.number == TenantId::DEFAULT && settings.suspended {
            return Err(Error::invalid("the tenant default is the operator's own and cannot be suspended").at("suspended"));
        }
        tenants.check_free(&settings.hosts, Some(tenant.number))?;
        let body = Body { state: state(&settings), ..Body::new(tenant.number, &tenant.created_by) }.with(settings);
        let expect = Expect::Revision(revision.unwrap_or(tenant.revision));
        self.change(author, vec![Change::put(key(name), write(&body)?).expecting(expect)]).await?;
        tenants.present(name)
    }

    /// Deletes a tenant: from the answer on nobody gets in, and its data are removed after it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] for `default`; those of the store.
    pub async fn delete_tenant(&self, author: &str, name: &str) -> Result<()> {
        let changing = self.0.changing.lock().await;
        let tenant = self.0.tenants.present(name)?;
        if tenant.number == TenantId::DEFAULT {
            return Err(Error::invalid("the tenant default is the operator's own and cannot be deleted"));
        }
        let settings = TenantSettings { hosts: Vec::new(), ..TenantSettings::of(&tenant) };
        let body = Body::new(tenant.number, &tenant.created_by).with(settings);
        let body = Body { state: State::Deleting, ..body };
        let expect = Expect::Revision(tenant.revision);
        self.change(author, vec![Change::put(key(name), write(&body)?).expecting(expect)]).await?;
        drop(changing);
        let (identity, author, name) = (self.clone(), author.to_owned(), name.to_owned());
        tokio::spawn(async move {
            if let Err(error) = identity.remove(&author, tenant.number, &name).await {
                tracing::error!(tenant = name, cause = %error, "a tenant could not be removed; the next start tries again");
            }
        });
        Ok(())
    }

    /// Removes what belongs to a tenant whose deletion is noted.
    async fn remove(&self, author: &str, number: TenantId, name: &str) -> Result<()> {
        self.0.store.purge_tenant(number, key(name), author).await?;
        self.0.tenants.refresh(&key(name))?;
        self.0.directory.forget(number);
        tracing::info!(tenant = name, %number, "a tenant was removed");
        Ok(())
    }

    /// Finishes deletions that the end of the last process broke off.
    pub(crate) async fn finish_deletions(&self) -> Result<()> {
        let unfinished = self.0.tenants.list().into_iter().filter(|tenant| tenant.state == State::Deleting);
        for tenant in unfinished {
            self.remove("bootstrap", tenant.number, &tenant.name).await?;
        }
        Ok(())
    }
}

fn state(settings: &TenantSettings) -> State {
    if settings.suspended { State::Suspended } else { State::Active }
}

impl Body {
    fn with(self, settings: TenantSettings) -> Self {
        let TenantSettings { display_name, hosts, quotas, grants, .. } = settings;
        Self { display_name, hosts, quotas, grants, ..self }
    }
}

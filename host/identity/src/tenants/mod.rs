//! Tenants: who they are, what they may use and what they used.
//!
//! Owns the documents of the kind `tenant` (of the host), the choice of a tenant by what a request names, quotas and
//! meters. What must stay true: a number is never used for a second tenant, so that nothing of a deleted one can come back;
//! a tenant is there as a whole or not at all; a change is in force when it was answered, and soon where it was made elsewhere.

mod bucket;
mod change;
mod document;
mod meter;
mod quotas;
mod realm;
mod usage;

pub use change::{Administrator, Created, NewTenant, TenantSettings};
pub use document::{State, Tenant};
pub use meter::{Meter, Place};
pub use quotas::Quotas;
pub use realm::Realm;
pub use usage::{DayUsage, Usage};

use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_store::{Change, Store};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Kind of the documents that stand for a tenant.
pub(crate) const KIND: &str = "tenant";
/// The name of the tenant of the first start.
const DEFAULT: &str = "default";

/// What else a new tenant has from its beginning, such as a first pipeline.
pub type Furnish = Arc<dyn Fn(TenantId) -> Result<Vec<Change>> + Send + Sync>;

/// What an operator decides about all tenants.
#[derive(Clone)]
pub struct TenantOptions {
    /// The quotas of tenants that have none of their own. Those of `default` do not come from here: it has none.
    pub plan: Quotas,
    /// What else a new tenant has.
    pub furnish: Furnish,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self { plan: Quotas::default(), furnish: Arc::new(|_| Ok(Vec::new())) }
    }
}

/// The tenants of this server. Cloning is cheap.
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

struct Inner {
    store: Store,
    options: TenantOptions,
    known: RwLock<Known>,
    /// They outlive changes of their tenants.
    meters: Mutex<HashMap<TenantId, Arc<Meter>>>,
    /// Held while totals are written.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    tenants: BTreeMap<String, Arc<Tenant>>,
    names: HashMap<TenantId, String>,
    hosts: HashMap<String, TenantId>,
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").finish_non_exhaustive()
    }
}

/// The document that stands for a tenant.
pub(crate) fn key(name: &str) -> DocumentKey {
    DocumentKey::new(TenantId::HOST, KIND, name)
}

/// The number in the document of a tenant, for those who read a store that is not open.
///
/// # Errors
/// [`ErrorCode::NotFound`] where there is no such tenant; those of the store.
pub fn stored_number(db: &std::path::Path, name: &str) -> Result<TenantId> {
    let document = Store::stored_document(db, &key(name))?;
    match document {
        Some(document) => Ok(Tenant::read(&document)?.number),
        // A folder that no version with tenants has opened yet.
        None if name == DEFAULT => Ok(TenantId::DEFAULT),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no tenant {name:?}"))
}

impl Tenants {
    /// Reads all tenants, and makes the document of `default` where there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn open(store: Store, options: TenantOptions) -> Result<Self> {
        if store.get(&key(DEFAULT))?.is_none() {
            let body = document::Body::new(TenantId::DEFAULT, "bootstrap");
            store.write("bootstrap", vec![Change::put(key(DEFAULT), crate::users::write(&body)?)]).await?;
        }
        let (known, meters, writing) = Default::default();
        let tenants = Self(Arc::new(Inner { store, options, known, meters, writing }));
        tenants.reload()?;
        Ok(tenants)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn meters(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Meter>>> {
        self.0.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads everything anew.
    pub(crate) fn reload(&self) -> Result<()> {
        let mut known = Known::default();
        let mut state = self.write();
        for document in self.0.store.list(TenantId::HOST, KIND, "")? {
            known.put(Tenant::read(&document)?);
        }
        *state = known;
        let present: Vec<Arc<Tenant>> = state.tenants.values().cloned().collect();
        drop(state);
        self.meters().retain(|number, _| present.iter().any(|tenant| tenant.number == *number));
        present.iter().for_each(|tenant| self.adjust(tenant));
        Ok(())
    }

    /// Takes over what the store has of one document. Other kinds are passed over.
    pub(crate) fn refresh(&self, changed: &DocumentKey) -> Result<()> {
        if changed.tenant != TenantId::HOST || changed.kind != KIND {
            return Ok(());
        }
        let mut known = self.write();
        // Read under the lock, so that the last refresh is also the newest.
        match self.0.store.get(changed)? {
            Some(document) => {
                let tenant = known.put(Tenant::read(&document)?);
                drop(known);
                self.adjust(&tenant);
            }
            None => {
                let gone = known.remove(&changed.name);
                drop(known);
                if let Some(gone) = gone {
                    self.meters().remove(&gone.number);
                }
            }
        }
        Ok(())
    }

    /// Has the meter of a tenant follow its document, if there is one yet.
    fn adjust(&self, tenant: &Tenant) {
        if let Some(meter) = self.meters().get(&tenant.number) {
            meter.set(self.quotas(tenant), tenant.state);
        }
    }

    /// What is in force for a tenant: its own quotas, else those of the plan. 0 is no limit.
    pub fn quotas(&self, tenant: &Tenant) -> Quotas {
        let none = Quotas::default();
        let plan = if tenant.number == TenantId::DEFAULT { &none } else { &self.0.options.plan };
        tenant.quotas.or(plan)
    }

    /// All tenants in ascending order of their names.
    pub fn list(&self) -> Vec<Arc<Tenant>> {
        self.read().tenants.values().cloned().collect()
    }

    /// The tenant of this name.
    pub fn by_name(&self, name: &str) -> Option<Arc<Tenant>> {
        self.read().tenants.get(name).cloned()
    }

    /// The tenant with this host name, which is given in lower case and without a port.
    pub fn by_host(&self, host: &str) -> Option<TenantId> {
        self.read().hosts.get(host).copied()
    }

    /// The tenant of this number.
    pub fn get(&self, number: TenantId) -> Option<Arc<Tenant>> {
        let known = self.read();
        known.tenants.get(known.names.get(&number)?).cloned()
    }

    /// What a tenant used, and what it may use. One that does not exist may use nothing.
    pub fn meter(&self, number: TenantId) -> Arc<Meter> {
        if let Some(meter) = self.meters().get(&number) {
            return Arc::clone(meter);
        }
        let Some(tenant) = self.get(number) else {
            return Arc::new(Meter::new(self.0.store.clone(), number, Quotas::default(), State::Deleting));
        };
        let new = Meter::new(self.0.store.clone(), number, self.quotas(&tenant), tenant.state);
        let meter = Arc::clone(self.meters().entry(number).or_insert_with(|| Arc::new(new)));
        // A change between the two found no meter to tell.
        if let Some(tenant) = self.get(number) {
            meter.set(self.quotas(&tenant), tenant.state);
        }
        meter
    }

    /// Refuses whoever belongs to a tenant that may not be used now.
    ///
    /// # Errors
    /// [`ErrorCode::Denied`] for a suspended tenant; [`ErrorCode::Unauthenticated`] for one that is gone or about to go.
    pub(crate) fn admit(&self, number: TenantId) -> Result<()> {
        let known = self.read();
        let tenant = known.names.get(&number).and_then(|name| known.tenants.get(name));
        match tenant.map(|tenant| tenant.state) {
            Some(State::Active) => Ok(()),
            Some(State::Suspended) => Err(document::suspended()),
            Some(State::Deleting) | None => Err(Error::new(ErrorCode::Unauthenticated, "invalid token")),
        }
    }
}

impl Known {
    fn put(&mut self, tenant: Tenant) -> Arc<Tenant> {
        self.remove(&tenant.name);
        let tenant = Arc::new(tenant);
        for host in &tenant.hosts {
            self.hosts.insert(host.clone(), tenant.number);
        }
        self.names.insert(tenant.number, tenant.name.clone());
        self.tenants.insert(tenant.name.clone(), Arc::clone(&tenant));
        tenant
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Tenant>> {
        let gone = self.tenants.remove(name)?;
        self.names.remove(&gone.number);
        self.hosts.retain(|_, number| *number != gone.number);
        Some(gone)
    }
}

//! What a component may call, and the accounts that are kept of it.

mod batches;
mod expressions;
mod limiter;
mod log;
mod network;
mod platform;
mod wasi;

pub(crate) use limiter::Limiter;
pub(crate) use log::clean;
pub(crate) use network::Outbound;
pub use network::host_name;
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub use {batches::Records, expressions::Compiled, network::Link};

use crate::bindings::event_hook::OfferedEventHook;
use crate::bindings::identity_provider::OfferedIdentityProvider;
use crate::bindings::{forwarder::OfferedForwarder, transformer::OfferedTransformer, validator::OfferedValidator};
use crate::outbound::Templates;
use crate::sweeper::Sweeper;
use crate::{Limits, Surroundings};
use headworks_core::{Batch, Digest, Error, ErrorCode, Result};
use log::LogAccount;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

/// What a value or a name costs beyond its bytes, in bytes.
const EACH: usize = 16;

/// What belongs to one store: the records of the present call and what the call has used up.
pub(crate) struct Host {
    limits: Arc<Limits>,
    pub(crate) limiter: Limiter,
    /// Counts calls; it is the handle of the batch of the present one, so that a batch of an earlier call is told apart.
    call: u32,
    records: Option<Records>,
    ticks: u32,
    /// The processor time of the present call.
    cpu: Duration,
    bytes: usize,
    /// Bytes that went out over the network.
    sent: usize,
    random: usize,
    log: LogAccount,
    /// What the component holds besides its batch.
    table: ResourceTable,
    /// How many connections are among it.
    links: usize,
    pub(crate) outbound: Outbound,
    templates: Arc<dyn Templates>,
    surroundings: Arc<Surroundings>,
}

/// What instances get from outside.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) outbound: Outbound,
    pub(crate) templates: Arc<dyn Templates>,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) sweeper: Arc<Sweeper>,
}

impl Host {
    pub(crate) fn new(limits: &Arc<Limits>, digest: Digest, services: Services) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            limits: Arc::clone(limits),
            limiter: Limiter::new(limits),
            call: 0,
            records: None,
            ticks: 0,
            cpu: limits.call_cpu,
            bytes: 0,
            sent: 0,
            random: 0,
            log: LogAccount::new(digest),
            table,
            links: 0,
            outbound: services.outbound,
            templates: services.templates,
            surroundings: services.surroundings,
        }
    }

    /// Opens the accounts of a call that may take so much processor time.
    pub(crate) fn begin(&mut self, cpu: Duration) {
        self.call = self.call.wrapping_add(1);
        self.cpu = cpu;
        (self.ticks, self.bytes, self.sent, self.random, self.records) = (0, 0, 0, 0, None);
        self.log.begin();
    }

    /// Gives the present call its batch.
    pub(crate) fn give(&mut self, batch: Batch) -> Resource<Records> {
        self.records = Some(Records::new(batch));
        Resource::new_own(self.call)
    }

    /// Takes the batch that the component answered.
    pub(crate) fn take(&mut self, handle: &Resource<Records>) -> Result<Records> {
        self.records.take().filter(|_| handle.rep() == self.call).ok_or_else(stale)
    }

    /// Closes the accounts of a call.
    pub(crate) fn end(&mut self) {
        self.records = None;
        let surroundings = &self.surroundings;
        let dropped = self.log.end(&*surroundings.log);
        surroundings.usage.account(self.bytes, self.sent, self.limiter.used(), dropped);
    }

    /// Pays for what the host hands to the component in a call.
    pub(crate) fn pay(&mut self, bytes: usize) -> Result<()> {
        self.charge(bytes)
    }

    /// Counts a tick of the engine's clock.
    pub(crate) fn tick(&mut self) -> Result<()> {
        self.ticks += 1;
        if Limits::TICK * self.ticks < self.cpu {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::PluginDeadline,
            format!("the plugin took more than {:?} of CPU in one call; it was stopped", self.cpu),
        ))
    }

    /// Counts bytes that cross.
    fn charge(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.limits.call_bytes {
            return Ok(());
        }
        Err(limit(format!("the plugin moved more than {} bytes between itself and the host in one call", self.limits.call_bytes)))
    }

    fn charge_random(&mut self, bytes: usize) -> Result<()> {
        self.random = self.random.saturating_add(bytes);
        if self.random <= self.limits.random_bytes {
            return Ok(());
        }
        Err(limit(format!("the plugin asked for more than {} random bytes in one call", self.limits.random_bytes)))
    }
}

fn limit(message: String) -> Error {
    Error::new(ErrorCode::PluginLimit, message)
}

fn stale() -> Error {
    Error::new(ErrorCode::PluginOutput, "the plugin used a batch that does not belong to this call")
}

/// Everything that is offered, by world.
pub(crate) struct Linkers {
    pub(crate) transformers: Linker<Host>,
    pub(crate) forwarders: Linker<Host>,
    pub(crate) validators: Linker<Host>,
    pub(crate) event_hooks: Linker<Host>,
    pub(crate) identity_providers: Linker<Host>,
}

impl Linkers {
    pub(crate) fn new(engine: &Engine) -> Result<Self> {
        let new = || Linker::new(engine);
        let mut linkers =
            Self { transformers: new(), forwarders: new(), validators: new(), event_hooks: new(), identity_providers: new() };
        let failed = |error| Error::internal(format!("the interfaces of plugins cannot be set up: {error:#}"));
        OfferedTransformer::add_to_linker::<_, HasSelf<_>>(&mut linkers.transformers, |host| host).map_err(failed)?;
        OfferedForwarder::add_to_linker::<_, HasSelf<_>>(&mut linkers.forwarders, |host| host).map_err(failed)?;
        OfferedValidator::add_to_linker::<_, HasSelf<_>>(&mut linkers.validators, |host| host).map_err(failed)?;
        OfferedEventHook::add_to_linker::<_, HasSelf<_>>(&mut linkers.event_hooks, |host| host).map_err(failed)?;
        OfferedIdentityProvider::add_to_linker::<_, HasSelf<_>>(&mut linkers.identity_providers, |host| host).map_err(failed)?;
        Ok(linkers)
    }
}

//! What a component may call, and the accounts that are kept of it.

mod batches;
mod expressions;
mod limiter;
mod log;
mod network;
mod wasi;

pub(crate) use limiter::Limiter;
pub(crate) use network::Outbound;
pub use network::host_name;
#[allow(unreachable_pub, reason = "the generated bindings export it again")]
pub use {batches::Records, expressions::Compiled, network::Link};

use crate::Limits;
use crate::bindings::{forwarder::OfferedForwarder, transformer::Offered};
use crate::outbound::Templates;
use headworks_core::{Batch, Digest, Error, ErrorCode, Result};
use log::LogAccount;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

/// What belongs to one store: the records of the present call and what the call has used up.
pub(crate) struct Host {
    limits: Arc<Limits>,
    pub(crate) limiter: Limiter,
    /// Counts calls; it is the handle of the batch of the present one, so that a batch of an earlier call is told apart.
    call: u32,
    records: Option<Records>,
    ticks: u32,
    bytes: usize,
    random: usize,
    log: LogAccount,
    /// What the component holds besides its batch.
    table: ResourceTable,
    /// How many connections are among it.
    links: usize,
    pub(crate) outbound: Outbound,
    templates: Arc<dyn Templates>,
}

/// What instances get from outside.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) outbound: Outbound,
    pub(crate) templates: Arc<dyn Templates>,
}

impl Host {
    pub(crate) fn new(limits: &Arc<Limits>, digest: &Digest, services: Services) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            limits: Arc::clone(limits),
            limiter: Limiter::new(limits),
            call: 0,
            records: None,
            ticks: 0,
            bytes: 0,
            random: 0,
            log: LogAccount::new(digest),
            table,
            links: 0,
            outbound: services.outbound,
            templates: services.templates,
        }
    }

    /// Opens the accounts of a call.
    pub(crate) fn begin(&mut self) {
        self.call = self.call.wrapping_add(1);
        (self.ticks, self.bytes, self.random, self.records) = (0, 0, 0, None);
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
        self.log.end();
    }

    /// Counts a tick of the engine's clock.
    pub(crate) fn tick(&mut self) -> Result<()> {
        self.ticks += 1;
        if Limits::TICK * self.ticks < self.limits.call_cpu {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::PluginDeadline,
            format!("the plugin took more than {:?} of CPU in one call; it was stopped", self.limits.call_cpu),
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

/// Everything that is offered to a transformer, and to a forwarder.
pub(crate) fn linkers(engine: &Engine) -> Result<(Linker<Host>, Linker<Host>)> {
    let failed = |error| Error::internal(format!("the interfaces of plugins cannot be set up: {error:#}"));
    let (mut transformer, mut forwarder) = (Linker::new(engine), Linker::new(engine));
    Offered::add_to_linker::<_, HasSelf<_>>(&mut transformer, |host| host).map_err(failed)?;
    OfferedForwarder::add_to_linker::<_, HasSelf<_>>(&mut forwarder, |host| host).map_err(failed)?;
    Ok((transformer, forwarder))
}

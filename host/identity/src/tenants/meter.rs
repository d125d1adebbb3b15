//! One tenant's quotas in use.
//!
//! What must stay true: nobody waits here and nothing is read from the disk, so that it costs next to nothing beside taking a
//! record in; what is refused is counted and told when it may work.

use super::State;
use super::bucket::{Bucket, Rate};
use super::document::suspended;
use super::quotas::{Quotas, limit};
use super::usage::{Counters, Usage, Written};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_sandbox::{Admission, Pending, Permit, Surroundings, Usage as PluginUsage};
use headworks_store::Store;
use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// How long the bytes of stored records are taken as they were.
const STALE: Duration = Duration::from_secs(1);
/// When somebody whose storage is full should ask again: retention makes room, if anything does.
const FULL: Duration = Duration::from_secs(60);

/// How long a call may wait for processor time or for a place.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one tenant used, and may use.
pub struct Meter {
    store: Store,
    tenant: TenantId,
    gate: Mutex<Gate>,
    counters: Counters,
    /// What all plugins of the tenant exchange with the host.
    crossed: Arc<PluginUsage>,
    written: Mutex<Written>,
}

/// What decides.
struct Gate {
    quotas: Quotas,
    state: State,
    records: Bucket,
    bytes: Bucket,
    /// In nanoseconds of processor time.
    cpu: Bucket,
    /// Bytes of stored records, and when that was.
    stored: Option<(Instant, u64)>,
    /// Places for calls of plugins, where they are limited.
    calls: Option<Arc<Semaphore>>,
    /// As for calls.
    queries: Option<Arc<Semaphore>>,
    live_tails: Option<Arc<Semaphore>>,
    connections: Option<Arc<Semaphore>>,
}

/// A place of a tenant, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _place: Option<OwnedSemaphorePermit>,
}

fn rate(quotas: &Quotas, per_second: f64) -> Rate {
    Rate { per_second, capacity: (per_second * quotas.burst()).max(1.0) }
}

/// A limited rate, where it is limited.
fn limited(quotas: &Quotas, quota: Option<u64>, unit: f64) -> Option<Rate> {
    limit(quota).map(|per_second| rate(quotas, per_second as f64 * unit))
}

impl Gate {
    fn new(quotas: Quotas, state: State) -> Self {
        let now = Instant::now();
        let full = |quota, unit| Bucket::full(limited(&quotas, quota, unit).unwrap_or(rate(&quotas, 0.0)), now);
        let (records, bytes) = (full(quotas.records_per_second, 1.0), full(quotas.bytes_per_second, 1.0));
        let cpu = full(quotas.cpu_ms_per_second, NANOS_PER_MS);
        let most = |most| usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let places = |quota| limit(quota).map(|places| Arc::new(Semaphore::new(most(places))));
        let (calls, queries) = (places(quotas.concurrent_calls), places(quotas.queries));
        let (live_tails, connections) = (places(quotas.live_tails), places(quotas.connections));
        Self { quotas, state, records, bytes, cpu, stored: None, calls, queries, live_tails, connections }
    }
}

const NANOS_PER_MS: f64 = 1e6;

fn over_cpu(quotas: &Quotas, wait: Duration) -> Error {
    let most = quotas.cpu_ms_per_second.unwrap_or_default();
    exhausted(format!("the plugins of this tenant may use {most} ms of processor time per second"), wait)
}

/// Why something is refused now, and when it may work.
fn exhausted(what: String, wait: Duration) -> Error {
    let error = Error::new(ErrorCode::Exhausted, what).after(wait);
    let seconds = error.retry_after_seconds().unwrap_or(1);
    Error { message: format!("{}; try again in {seconds} s", error.message), ..error }
}

struct Metered<R> {
    from: R,
    meter: Arc<Meter>,
    taken: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.taken += count as u64;
        let waiting = self.taken % (1 << 20);
        self.meter.check_storage(waiting).map_err(io::Error::other)?;
        Ok(count)
    }
}

impl Meter {
    pub(crate) fn new(store: Store, tenant: TenantId, quotas: Quotas, state: State) -> Self {
        let (counters, crossed, written) = Default::default();
        Self { store, tenant, gate: Mutex::new(Gate::new(quotas, state)), counters, crossed, written }
    }

    /// Whose it is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these quotas are in force, each with a full bucket. Calls under way hold none of the new places.
    pub(crate) fn set(&self, quotas: Quotas, state: State) {
        let mut gate = self.gate();
        gate.state = state;
        if gate.quotas != quotas {
            *gate = Gate::new(quotas, state);
        }
    }

    /// Takes records of so many bytes of values from the quotas.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] with the time to wait; [`ErrorCode::Denied`] while the tenant is suspended.
    pub fn take_ingest(&self, records: usize, bytes: usize) -> Result<()> {
        let (records, bytes) = (records as u64, bytes as u64);
        let taken = self.try_take(records, bytes, true);
        match &taken {
            Ok(()) => {
                self.counters.records.fetch_add(records, Ordering::Relaxed);
                self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Err(error) if error.code == ErrorCode::Exhausted => self.refused(records),
            Err(_) => {}
        }
        taken
    }

    /// Refuses what could not be taken anyway, before any work is put into it: a body of so many bytes, whose records are
    /// not known yet.
    ///
    /// # Errors
    /// As [`take_ingest`](Self::take_ingest).
    pub fn check_ingest(&self) -> Result<()> {
        self.try_take(1, 1, false).inspect_err(|error| {
            if error.code == ErrorCode::Exhausted {
                self.refused(0);
            }
        })
    }

    fn refused(&self, records: u64) {
        self.counters.records_refused.fetch_add(records, Ordering::Relaxed);
        self.counters.requests_refused.fetch_add(1, Ordering::Relaxed);
    }

    fn try_take(&self, records: u64, bytes: u64, take: bool) -> Result<()> {
        let mut gate = self.gate();
        let Gate { quotas, records: in_records, bytes: in_bytes, cpu, state, stored, .. } = &mut *gate;
        match state {
            State::Active => {}
            State::Suspended => return Err(suspended()),
            State::Deleting => return Err(Error::new(ErrorCode::Denied, "the tenant is being deleted")),
        }
        let now = Instant::now();
        let by_records = limited(quotas, quotas.records_per_second, 1.0);
        let by_bytes = limited(quotas, quotas.bytes_per_second, 1.0);
        if let Some(rate) = by_records
            && let Some(wait) = in_records.wait(rate, records as f64, now)
        {
            return Err(exhausted(format!("this tenant may send {} records per second", rate.per_second), wait));
        }
        if let Some(rate) = by_bytes
            && let Some(wait) = in_bytes.wait(rate, bytes as f64, now)
        {
            return Err(exhausted(format!("this tenant may send {} bytes per second", rate.per_second), wait));
        }
        if let Some(wait) = limited(quotas, quotas.cpu_ms_per_second, NANOS_PER_MS).and_then(|rate| cpu.wait(rate, 1.0, now))
            && wait > PATIENCE
        {
            return Err(over_cpu(quotas, wait));
        }
        if let Some(most) = limit(quotas.stored_bytes) {
            let known = stored.filter(|(at, _)| now.saturating_duration_since(*at) < STALE);
            let (_, used) = *stored.insert(known.unwrap_or_else(|| (now, self.kept_bytes())));
            if used >= most {
                let what =
                    format!("{used} bytes are stored for this tenant, and {most} is the most: purge streams or bound them");
                return Err(exhausted(what, FULL));
            }
        }
        if take {
            by_records.inspect(|_| in_records.take(records as f64));
            by_bytes.inspect(|_| in_bytes.take(bytes as f64));
        }
        Ok(())
    }

    /// Refuses records of so many bytes that come all at once, where they would be more than may be stored.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`].
    pub fn check_storage(&self, more: u64) -> Result<()> {
        let most = limit(self.gate().quotas.stored_bytes);
        let used = self.kept_bytes();
        match most {
            Some(most) if used.saturating_add(more) > most => {
                let text = format!("{used} bytes are stored for this tenant and {more} would come, and {most} is the most");
                Err(Error::new(ErrorCode::Exhausted, text))
            }
            _ => Ok(()),
        }
    }

    /// Reads on while the tenant may store more: whole MiB that were read count as stored already.
    pub fn metered(self: Arc<Self>, from: impl Read) -> impl Read {
        Metered { from, meter: self, taken: 0 }
    }

    /// Refuses one more plugin than the tenant may have, when it has so many.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`].
    pub fn check_plugins(&self, present: usize) -> Result<()> {
        match limit(self.gate().quotas.plugins) {
            Some(most) if present as u64 >= most => {
                let text = format!("this tenant has {present} plugins, and {most} is the most: delete one that is not used");
                Err(Error::new(ErrorCode::Exhausted, text))
            }
            _ => Ok(()),
        }
    }

    /// A place for a query.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] when so many run already.
    pub fn query(&self) -> Result<Place> {
        let text = |most| format!("this tenant may run {most} queries at once");
        self.place(|gate| (&gate.queries, gate.quotas.queries), text)
    }

    /// A place for a client that follows a stream or a log.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn live_tail(&self) -> Result<Place> {
        let text = |most| format!("clients of this tenant may follow {most} streams and logs at once");
        self.place(|gate| (&gate.live_tails, gate.quotas.live_tails), text)
    }

    /// A place for an HTTP connection.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn connection(&self) -> Result<Place> {
        let text = |most| format!("clients of this tenant may hold {most} connections at once");
        self.place(|gate| (&gate.connections, gate.quotas.connections), text)
    }

    fn place(
        &self,
        kind: impl Fn(&Gate) -> (&Option<Arc<Semaphore>>, Option<u64>),
        text: impl Fn(u64) -> String,
    ) -> Result<Place> {
        let (places, most) = {
            let gate = self.gate();
            let (places, most) = kind(&gate);
            (places.clone(), most)
        };
        let Some(places) = places else { return Ok(Place { _place: None }) };
        match places.try_acquire_owned() {
            Ok(place) => Ok(Place { _place: Some(place) }),
            Err(_) => {
                self.refused(0);
                Err(exhausted(text(most.unwrap_or_default()), PATIENCE))
            }
        }
    }

    /// What was used since the start of the process.
    pub fn usage(&self) -> Usage {
        let crossed = self.crossed.snapshot();
        Usage { host_bytes: crossed.host_bytes, outbound_bytes: crossed.outbound_bytes, ..self.counters.read() }
    }

    /// Bytes of keys and values of the stored records at this moment.
    pub fn stored_bytes(&self) -> u64 {
        self.store.tenant_usage(self.tenant)
    }

    /// These, and what waits for forwarders.
    fn kept_bytes(&self) -> u64 {
        self.stored_bytes().saturating_add(self.store.tenant_waiting(self.tenant))
    }

    pub(crate) fn written(&self) -> Written {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_written(&self, written: Written) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = written;
    }
}

/// Admits calls of one tenant's plugins.
struct Doorkeeper(Arc<Meter>);

impl Meter {
    /// What asks before each call of a plugin and counts it.
    pub fn admission(self: &Arc<Self>) -> Arc<dyn Admission> {
        Arc::new(Doorkeeper(Arc::clone(self)))
    }

    /// Counts the use of one plugin, as a part of what the tenant uses.
    pub fn plugin_usage(&self) -> Arc<PluginUsage> {
        Arc::new(PluginUsage::part_of(&self.crossed))
    }

    /// What a component that comes with this program gets when it works for the tenant.
    pub fn surroundings(self: &Arc<Self>) -> Surroundings {
        Surroundings { admission: self.admission(), usage: self.plugin_usage(), ..Surroundings::default() }
    }

    /// Waits a little for processor time and for a place.
    async fn admit(self: &Arc<Self>) -> Result<Permit> {
        let (over, places) = {
            let mut gate = self.gate();
            let Gate { quotas, cpu, calls, .. } = &mut *gate;
            let rate = limited(quotas, quotas.cpu_ms_per_second, NANOS_PER_MS);
            let wait = rate.and_then(|rate| cpu.wait(rate, 1.0, Instant::now()));
            (wait.map(|wait| (wait, over_cpu(quotas, wait))), calls.clone())
        };
        if let Some((wait, error)) = over {
            if wait > PATIENCE {
                return Err(self.refused_call(error));
            }
            sleep(wait).await;
        }
        let place = match places {
            None => None,
            Some(places) => match timeout(PATIENCE, places.acquire_owned()).await {
                Ok(place) => place.ok(),
                Err(_) => {
                    let most = self.gate().quotas.concurrent_calls.unwrap_or_default();
                    let text = format!("the plugins of this tenant may be called {most} times at once");
                    return Err(self.refused_call(exhausted(text, PATIENCE)));
                }
            },
        };
        self.counters.plugin_calls.fetch_add(1, Ordering::Relaxed);
        let meter = Arc::clone(self);
        Ok(Permit::new(move |spent| {
            drop(place);
            meter.spent(spent);
        }))
    }

    fn refused_call(&self, error: Error) -> Error {
        self.counters.plugin_calls_refused.fetch_add(1, Ordering::Relaxed);
        error
    }

    fn spent(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counters.cpu_ns.fetch_add(nanos, Ordering::Relaxed);
        let mut gate = self.gate();
        if limit(gate.quotas.cpu_ms_per_second).is_some() {
            gate.cpu.take(nanos as f64);
        }
    }
}

impl Admission for Doorkeeper {
    fn admit(&self) -> Pending<'_, Result<Permit>> {
        Box::pin(self.0.admit())
    }
}

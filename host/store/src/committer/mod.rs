//! The one thread that writes.
//!
//! Whoever wants to write submits a piece of work. The thread takes all that wait, lets each stage its changes, writes them
//! as one group with one `fsync`, and answers after that; while it waits for the disk, others gather. Because all decisions
//! (revisions, sequence numbers, which stream a name means) are made here one after the other, nothing needs a lock and no
//! two writes can cross.
//!
//! What must stay true: work checks everything before it stages anything; nobody is answered, told or shown anything before
//! the group is written; after a failed write nothing is written any more. Works that have to read what earlier ones in their
//! group wrote are groups of their own ([`Company::Alone`]), but for documents, which [`Group`] looks up in both.

mod audit;
mod contents;
mod documents;
mod indexes;
mod letters;
mod outbox;
mod purge;
mod restore;
mod retention;
mod states;
mod streams;
mod tenants;

pub(crate) use documents::check as check_condition;
pub(crate) use indexes::{Backfill, Opening};
pub(crate) use letters::LetterLimits;
pub use streams::MAX_FIELDS;
pub(crate) use streams::{KIND as STREAM_KIND, indexed_value, stored_settings};

use crate::catalog::Catalog;
use crate::durable::Durable;
use crate::engine::{Engine, Table};
use crate::format::{ContentEntry, decode_number, encode_number, keys};
use crate::health::Failure;
use crate::watch::{Delivery, Watchers};
use contents::Contents;
use headworks_core::document::ChangeEvent;
use headworks_core::time::Clock;
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId, Uid};
use letters::Letters;
use outbox::Outbox;
use rocksdb::WriteBatch;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use streams::Writing;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

/// Works that may wait at once.
const QUEUE: usize = 4096;
/// Bytes of waiting works together, in units of [`UNIT`].
const QUEUE_UNITS: u32 = 64 << 10;
const UNIT: usize = 1 << 10;
/// Bytes after which a group takes no more works.
const GROUP_BYTES: usize = 16 << 20;

/// Whether a work can share a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// It can.
    Shared,
    /// It reads what others wrote: all before it have to be written.
    Alone,
}

type Run = Box<dyn FnOnce(&mut Group<'_>) -> Answer + Send>;
/// Tells the submitter, once it is known whether the group was written.
type Answer = Box<dyn FnOnce(Option<&Error>)>;

type Publish = Box<dyn FnOnce(&Catalog)>;

struct Work {
    run: Run,
    company: Company,
    bytes: usize,
}

/// A tenant and the name of one of its streams.
pub(crate) type StreamName = (TenantId, String);

/// What the thread alone knows and changes.
pub(crate) struct Writer {
    engine: Arc<Engine>,
    durable: Durable,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    streams: HashMap<StreamName, Writing>,
    /// Numbers of the streams in `streams`, to their names.
    names: HashMap<u32, StreamName>,
    letters: Letters,
    outbox: Outbox,
    contents: Contents,
    noted: audit::Noted,
    /// Tenants that were deleted since the start.
    gone: HashSet<TenantId>,
    watchers: Arc<Watchers>,
    next_record: u64,
    next_change: u64,
    next_stream: u32,
    /// No expiry range is due before this second.
    next_expiry: u64,
}

impl Writer {
    /// Reads what has to be known before the first write.
    pub(crate) fn load(
        durable: Durable,
        clock: Arc<dyn Clock>,
        catalog: Arc<Catalog>,
        watchers: Arc<Watchers>,
        limits: LetterLimits,
        outbox_bytes: u64,
    ) -> Result<Self> {
        use keys::meta::{NEXT_CHANGE, NEXT_RECORD, NEXT_STREAM};
        let engine = Arc::clone(durable.engine());
        let counted = engine.get(Table::Meta, NEXT_RECORD)?.is_some();
        let mut writer = Self {
            next_record: if counted { stored_number(&engine, NEXT_RECORD)? } else { first_record() },
            next_change: stored_number(&engine, NEXT_CHANGE)?,
            next_stream: u32::try_from(stored_number(&engine, NEXT_STREAM)?).unwrap_or(u32::MAX),
            next_expiry: 0,
            streams: HashMap::new(),
            names: HashMap::new(),
            letters: Letters::new(limits),
            outbox: Outbox::new(outbox_bytes),
            contents: Contents::default(),
            noted: HashMap::new(),
            gone: HashSet::new(),
            engine,
            durable,
            clock,
            catalog,
            watchers,
        };
        writer.load_streams()?;
        writer.load_contents()?;
        Ok(writer)
    }
}

/// The next number of a sequence; 1 in a new store.
fn stored_number(engine: &Engine, key: &[u8]) -> Result<u64> {
    let Some(value) = engine.get(Table::Meta, key)? else { return Ok(1) };
    decode_number(&value)
        .ok_or_else(|| Error::new(ErrorCode::Corrupt, "a sequence number of the store cannot be read; run `verify`"))
}

/// Where a new store begins to count its records: at random, so that no two stores give records of one stream the same
/// number and backups of both can be restored into one.
fn first_record() -> u64 {
    1 + (uuid::Uuid::new_v4().as_u64_pair().1 & ((1 << 62) - 1))
}

/// What is told to others after a group is written.
pub(crate) struct Audience {
    pub(crate) changes: broadcast::Sender<Arc<ChangeEvent>>,
    pub(crate) watchers: Arc<Watchers>,
}

/// Changes that are written together.
pub(crate) struct Group<'a> {
    writer: &'a mut Writer,
    batch: WriteBatch,
    /// Documents as this group leaves them.
    documents: HashMap<DocumentKey, Option<Document>>,
    /// Contents that are kept or gone after this group.
    contents: HashMap<(TenantId, Uid), Option<ContentEntry>>,
    /// Streams whose tallies changed.
    touched: BTreeSet<u32>,
    took_record: bool,
    took_change: bool,
    took_stream: bool,
    events: Vec<Arc<ChangeEvent>>,
    deliveries: Vec<Delivery>,
    /// What readers see from then on.
    publish: Vec<Publish>,
}

impl<'a> Group<'a> {
    fn new(writer: &'a mut Writer) -> Self {
        Self {
            writer,
            batch: WriteBatch::default(),
            documents: HashMap::new(),
            contents: HashMap::new(),
            touched: BTreeSet::new(),
            took_record: false,
            took_change: false,
            took_stream: false,
            events: Vec::new(),
            deliveries: Vec::new(),
            publish: Vec::new(),
        }
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.batch.put_cf(self.writer.engine.family(table)?, key, value);
        Ok(())
    }

    /// Puts what never changes, unless it is there.
    pub(crate) fn put_new(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        if self.writer.engine.get(table, key)?.is_some() {
            return Ok(());
        }
        self.put(table, key, value)
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()> {
        self.batch.delete_cf(self.writer.engine.family(table)?, key);
        Ok(())
    }

    fn delete_prefix(&mut self, table: Table, prefix: &[u8]) -> Result<()> {
        self.batch.delete_range_cf(self.writer.engine.family(table)?, prefix, &keys::after(prefix));
        Ok(())
    }

    /// Writes the group, then shows and tells it.
    fn commit(mut self, audience: &Audience) -> Result<()> {
        self.stage_tallies()?;
        use keys::meta::{NEXT_CHANGE, NEXT_RECORD, NEXT_STREAM};
        let counters = [
            (self.took_record, NEXT_RECORD, self.writer.next_record),
            (self.took_change, NEXT_CHANGE, self.writer.next_change),
            (self.took_stream, NEXT_STREAM, u64::from(self.writer.next_stream)),
        ];
        for (_, key, next) in counters.into_iter().filter(|(took, ..)| *took) {
            self.put(Table::Meta, key, &encode_number(next))?;
        }
        if !self.batch.is_empty() {
            self.writer.durable.commit(self.batch)?;
        }
        for publish in self.publish {
            publish(&self.writer.catalog);
        }
        for event in self.events {
            // Nobody has to listen.
            let _ = audience.changes.send(event);
        }
        for delivery in self.deliveries {
            audience.watchers.deliver(delivery);
        }
        Ok(())
    }
}

/// Takes works and owns the thread.
pub(crate) struct Committer {
    sender: Mutex<Option<mpsc::Sender<Work>>>,
    room: Arc<Semaphore>,
    failure: Arc<Failure>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    pub(crate) fn start(writer: Writer, audience: Audience, failure: Arc<Failure>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let guard = Guard(Arc::clone(&failure));
        let thread =
            std::thread::Builder::new().name("committer".to_owned()).spawn(move || run(writer, &audience, receiver, &guard))?;
        let room = Arc::new(Semaphore::new(QUEUE_UNITS as usize));
        Ok(Self { sender: Mutex::new(Some(sender)), room, failure, thread: Mutex::new(Some(thread)) })
    }

    fn sender(&self) -> Result<mpsc::Sender<Work>> {
        if let Some(error) = self.failure.get() {
            return Err(error);
        }
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }

    /// Runs `work` in the next group and answers when that is written. Waits where too much is waiting already. `bytes` is
    /// about what it will write. A submitter that goes away does not stop its work.
    pub(crate) async fn submit<T, F>(&self, company: Company, bytes: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Group<'_>) -> Result<T> + Send + 'static,
    {
        let units = u32::try_from(bytes / UNIT + 1).unwrap_or(u32::MAX).min(QUEUE_UNITS);
        let _room = self.room.acquire_many(units).await.map_err(|_| closed())?;
        let (work, answer) = package(company, bytes, work);
        self.sender()?.send(work).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(self.failure.get().unwrap_or_else(closed)))
    }

    /// As [`submit`](Self::submit) for a thread that may block.
    pub(crate) fn submit_blocking<T, F>(&self, company: Company, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Group<'_>) -> Result<T> + Send + 'static,
    {
        let (work, answer) = package(company, 0, work);
        self.sender()?.blocking_send(work).map_err(|_| closed())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(self.failure.get().unwrap_or_else(closed)))
    }

    /// Writes what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic in there has been reported by its guard.
            let _ = thread.join();
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::Unavailable, "the store is closed")
}

fn package<T, F>(company: Company, bytes: usize, work: F) -> (Work, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Group<'_>) -> Result<T> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let run = move |group: &mut Group<'_>| -> Answer {
        let result = work(group);
        Box::new(move |failed| {
            // The submitter may have gone away.
            let _ = sender.send(failed.map_or(result, |error| Err(error.clone())));
        })
    };
    (Work { run: Box::new(run), company, bytes }, receiver)
}

/// Reports a thread that ends by a panic.
struct Guard(Arc<Failure>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set(&Error::internal("the writing thread of the store ended by a defect"));
        }
    }
}

fn run(mut writer: Writer, audience: &Audience, mut receiver: mpsc::Receiver<Work>, guard: &Guard) {
    let mut held = None;
    while let Some(first) = held.take().or_else(|| receiver.blocking_recv()) {
        if let Some(error) = guard.0.get() {
            // Its answer is dropped, which tells the submitter of the failure.
            drop((first, error));
            continue;
        }
        let mut bytes = first.bytes;
        let alone = first.company == Company::Alone;
        let mut group = Group::new(&mut writer);
        let mut answers = vec![(first.run)(&mut group)];
        while !alone && bytes < GROUP_BYTES {
            match receiver.try_recv() {
                Ok(work) if work.company == Company::Shared => {
                    bytes += work.bytes;
                    answers.push((work.run)(&mut group));
                }
                Ok(work) => {
                    held = Some(work);
                    break;
                }
                Err(_) => break,
            }
        }
        let result = group.commit(audience);
        if let Err(error) = &result {
            guard.0.set(error);
        }
        let failed = guard.0.get().filter(|_| result.is_err());
        for answer in answers {
            answer(failed.as_ref());
        }
    }
    if guard.0.get().is_none()
        && let Err(error) = writer.durable.close()
    {
        tracing::warn!(reason = %error.message, "the next start will take longer: the journal could not be emptied");
    }
}

//! The handle that other crates use: checks what they ask, hands writes to the committer and reads from the database.

use crate::catalog::{Catalog, Stream};
use crate::committer::{self, Audience, Backfill, Committer, Company, Group, LetterLimits, Opening, Writer};
use crate::content::{Abandoned, ContentReader, ContentWriter};
use crate::durable::Durable;
use crate::engine::{Engine, Table};
use crate::format::keys::{self, meta};
use crate::format::{VERSION, decode_number, encode_number};
use crate::guard::Guard;
use crate::health::Failure;
use crate::lock::Lock;
use crate::scan::{Scan, distinct_values};
use crate::space::Space;
use crate::sweeper::{Sweep, Sweeper};
use crate::types::{
    AuditEntry, AuditEvent, DeadLetter, Durability, Health, Progress, Restored, ScanRange, StoreOptions, StreamConfig,
    VerifyReport,
};
use crate::view::View;
use crate::watch::{Watcher, Watchers};
use headworks_core::document::ChangeEvent;
use headworks_core::time::Clock;
use headworks_core::{Batch, Digest, Document, DocumentKey, Error, ErrorCode, Result, TenantId, Uid};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

/// The format of the store as a whole, changed when an older program must not touch it.
const STORE_FORMAT: u64 = 1;
/// Change events that a slow subscriber may be behind.
const EVENTS: usize = 4096;
/// The most bytes of a kind, scope or name.
const MAX_NAME: usize = 4 << 10;
/// The most bytes of a document.
const MAX_DOCUMENT: usize = 16 << 20;
/// The most bytes of one record's values.
const MAX_RECORD: usize = 16 << 20;
/// The most bytes of a blob.
const MAX_BLOB: usize = 256 << 20;
/// Changes of settings that may go on at once.
const STRIPES: usize = 16;

mod judged;
mod letters;

pub(crate) use judged::Pins;
pub(crate) use letters::no_letter;

/// An open store. Clones are the same store; it is closed when the last one is dropped, or by [`close`](Self::close).
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    committer: Arc<Committer>,
    sweep: Sweep,
    /// Pending contents that have to be cleared.
    abandoned: Arc<Abandoned>,
    sweeper: Sweeper,
    watchers: Arc<Watchers>,
    changes: broadcast::Sender<Arc<ChangeEvent>>,
    failure: Arc<Failure>,
    space: Space,
    guard: RwLock<Option<Arc<dyn Guard>>>,
    /// Changes of one stream's settings wait for each other.
    settings: Vec<tokio::sync::Mutex<()>>,
    hasher: RandomState,
    _lock: Lock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn stop(&self) {
        self.sweeper.stop();
        self.committer.stop();
    }

    fn settings_lock(&self, tenant: TenantId, name: &str) -> Result<&tokio::sync::Mutex<()>> {
        let stripe = self.hasher.hash_one((tenant, name)) as usize % STRIPES;
        self.settings.get(stripe).ok_or_else(|| Error::internal("no such stripe"))
    }
}

impl Store {
    /// Opens a store, or makes one. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when another process has it or a newer program wrote it; [`ErrorCode::Corrupt`] with the
    /// file when what is on the disk is damaged; [`ErrorCode::DiskFull`] and [`ErrorCode::Io`] from the operating system.
    pub fn open(options: StoreOptions) -> Result<Self> {
        let StoreOptions { path, durability, min_free_bytes, clock, sweep_interval, imposed, .. } = options;
        let StoreOptions { dead_letter_count, dead_letter_bytes, audit_count, audit_age, outbox_bytes, .. } = options;
        std::fs::create_dir_all(&path)
            .map_err(|error| Error::new(Error::from(error).code, format!("the folder {} cannot be made", path.display())))?;
        let lock = Lock::take(&path)?;
        let durable = open_durable(&path, durability)?;
        let engine = Arc::clone(durable.engine());
        let catalog = Arc::new(Catalog::new(imposed));
        let watchers = Arc::new(Watchers::default());
        let limits = LetterLimits { count: dead_letter_count, bytes: dead_letter_bytes };
        let writer =
            Writer::load(durable, Arc::clone(&clock), Arc::clone(&catalog), Arc::clone(&watchers), limits, outbox_bytes)?;
        let changes = broadcast::Sender::new(EVENTS);
        let failure = Arc::new(Failure::new());
        let audience = Audience { changes: changes.clone(), watchers: Arc::clone(&watchers) };
        let committer = Arc::new(Committer::start(writer, audience, Arc::clone(&failure))?);
        let abandoned = Arc::new(Abandoned::default());
        let sweep = Sweep {
            abandoned: Arc::clone(&abandoned),
            engine: Arc::clone(&engine),
            committer: Arc::clone(&committer),
            clock: Arc::clone(&clock),
            audit_count,
            audit_age,
        };
        let sweeper = Sweeper::start(sweep.clone(), Arc::clone(&failure), sweep_interval)?;
        let settings = (0..STRIPES).map(|_| tokio::sync::Mutex::new(())).collect();
        let (space, hasher) = (Space::new(path, min_free_bytes), RandomState::new());
        let inner = Inner {
            engine,
            catalog,
            clock,
            committer,
            sweep,
            abandoned,
            sweeper,
            watchers,
            changes,
            failure,
            space,
            guard: RwLock::default(),
            settings,
            hasher,
            _lock: lock,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether it takes writes.
    pub fn health(&self) -> Health {
        if let Some(reason) = self.0.failure.reason() {
            return Health::Failed(reason);
        }
        let (free, needed) = (self.0.space.free(), self.0.space.needed());
        if free < needed { Health::DiskNearlyFull { free, needed } } else { Health::Ok }
    }

    /// Waits until a write failed, and answers why. From then on the store takes no writes: end the program.
    pub async fn failed(&self) -> String {
        self.0.failure.wait().await
    }

    /// Writes what waits and closes the store. Clones and scans can still read; the folder is free for another process when
    /// the last of them is dropped. Logs where the last step fails: nothing is lost by that.
    pub async fn close(self) {
        // It may hold the store itself.
        self.0.set_guard(None);
        let closing = tokio::task::spawn_blocking(move || self.0.stop());
        // A panic in there has been printed.
        let _ = closing.await;
    }

    /// A document.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it cannot be read.
    pub fn get(&self, key: &DocumentKey) -> Result<Option<Document>> {
        self.0.engine.document(key)
    }

    /// All documents of a kind and scope in ascending order of the bytes of their names.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn list(&self, tenant: TenantId, kind: &str, scope: &str) -> Result<Vec<Document>> {
        self.0.engine.documents(tenant, kind, scope)
    }

    /// Documents of a kind, of all scopes, in ascending order of the bytes of scope and name: those behind `after`, a scope and
    /// a name, at most `limit`. Blocks.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn documents_after(
        &self,
        tenant: TenantId,
        kind: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<Document>> {
        self.0.engine.documents_after(tenant, kind, after, limit)
    }

    /// As [`list`](Self::list), the names only.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn list_names(&self, tenant: TenantId, kind: &str, scope: &str) -> Result<Vec<String>> {
        self.0.engine.document_names(tenant, kind, scope)
    }

    /// What a plugin of a tenant remembers under a name.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it cannot be read.
    pub fn state(&self, tenant: TenantId, plugin: &str, name: &str) -> Result<Option<Vec<u8>>> {
        self.0.engine.state(tenant, plugin, name)
    }

    /// The names under which a plugin of a tenant remembers something, in ascending order, with the bytes of each. Blocks.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub fn states(&self, tenant: TenantId, plugin: &str) -> Result<Vec<(String, usize)>> {
        self.0.engine.states(tenant, plugin)
    }

    /// Sets what a plugin of a tenant remembers; `None` removes. All or none, durable when it returns. How much a plugin may
    /// remember is for the caller to watch.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub async fn remember(&self, tenant: TenantId, plugin: &str, values: Vec<(String, Option<Vec<u8>>)>) -> Result<()> {
        check_name("plugin", plugin)?;
        let bytes = values.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len) + 16).sum();
        self.0.space.claim(bytes)?;
        let plugin = plugin.to_owned();
        let work = move |group: &mut Group<'_>| group.remember(tenant, &plugin, &values);
        self.0.committer.submit(Company::Shared, bytes, work).await
    }

    /// Follows all changes of documents from now on. A subscriber that falls far behind is told so and has to read anew.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<ChangeEvent>> {
        self.0.changes.subscribe()
    }

    /// Notes in the audit entries that a plugin failed in a pipeline. The same is noted once a minute.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub async fn note_failure(&self, pipeline: DocumentKey, failure: AuditEvent) -> Result<()> {
        self.note("", pipeline, failure).await
    }

    /// What happened to the documents of a tenant, from a sequence number on, at most `limit` entries.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when an entry cannot be read.
    pub fn audit(&self, tenant: TenantId, from_sequence: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        self.0.engine.audit(tenant, from_sequence, limit)
    }

    /// Stores records, all or none. Streams that do not exist are made. Durable when it returns; watchers are told after that.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a name that cannot be; [`ErrorCode::TooLarge`] for a record above 16 MiB;
    /// [`ErrorCode::Exhausted`] for a stream with too many field names; [`ErrorCode::DiskFull`].
    pub async fn append(&self, tenant: TenantId, parts: Vec<(String, Batch)>) -> Result<()> {
        self.accept(tenant, parts, Vec::new()).await
    }

    /// As [`append`](Self::append), and puts records at the end of [queues](Self::queued), all or none together.
    ///
    /// # Errors
    /// Also [`ErrorCode::Exhausted`] for a queue in which too much waits.
    pub async fn accept(&self, tenant: TenantId, stored: Vec<(String, Batch)>, queued: Vec<(String, Batch)>) -> Result<()> {
        let mut bytes = 0;
        for (kind, (name, batch)) in stored.iter().map(|part| ("stream", part)).chain(queued.iter().map(|part| ("queue", part))) {
            check_name(kind, name)?;
            bytes += check_records(batch)?;
        }
        self.0.space.claim(bytes)?;
        let work = move |group: &mut Group<'_>| {
            if !queued.is_empty() {
                group.check_append(tenant, &stored)?;
                group.enqueue(tenant, &queued)?;
            }
            group.append(tenant, stored)
        };
        self.0.committer.submit(Company::Shared, bytes, work).await
    }

    /// Shows `work` one moment of the store while others write. Blocks, and must end: the database keeps what changes meanwhile.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn view<T>(&self, work: impl FnOnce(&View<'_>) -> Result<T>) -> Result<T> {
        work(&View::new(&self.0.engine, self.0.clock.now().seconds()))
    }

    /// Brings back records of one stream, all or none. Durable when it returns; watchers are not told. The same records may be
    /// brought back again: nothing is there twice.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn restore(&self, tenant: TenantId, stream: &str, restored: Restored) -> Result<()> {
        restored.check(stream)?;
        let bytes = check_records(&restored.records)? + restored.fields.iter().map(|name| name.len() + 32).sum::<usize>();
        self.0.space.claim(bytes)?;
        let stream = stream.to_owned();
        let work = move |group: &mut Group<'_>| group.restore(tenant, &stream, restored);
        self.0.committer.submit(Company::Alone, bytes, work).await
    }

    /// Refuses so many bytes beside the database where they would leave too little space.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub fn reserve(&self, bytes: usize) -> Result<()> {
        self.0.space.claim(bytes)
    }

    /// What waits in a queue behind number `after`: numbers and records, oldest first, at most `limit` entries.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when one cannot be read.
    pub fn queued(&self, tenant: TenantId, queue: &str, after: u64, limit: usize) -> Result<Vec<(u64, Batch)>> {
        self.0.engine.queued(tenant, queue, after, limit)
    }

    /// The queues in which something waits.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when a key cannot be read.
    pub fn queues(&self) -> Result<Vec<(TenantId, String)>> {
        self.0.engine.queues()
    }

    /// Takes an entry out of its queue, or leaves `rest` in its place.
    ///
    /// # Errors
    /// Those of a store that has failed.
    pub async fn dequeue(&self, tenant: TenantId, queue: &str, number: u64, rest: Option<Batch>) -> Result<()> {
        let queue = queue.to_owned();
        let work = move |group: &mut Group<'_>| group.dequeue(tenant, &queue, number, rest.as_ref());
        self.0.committer.submit(Company::Shared, 0, work).await
    }

    /// The streams of a tenant in ascending order of the bytes of their names.
    pub fn stream_names(&self, tenant: TenantId) -> Vec<(String, StreamConfig)> {
        let streams = self.0.catalog.list(tenant);
        streams.into_iter().map(|(name, stream)| (name, StreamConfig::clone(&stream.config()))).collect()
    }

    /// The settings of a stream.
    pub fn stream_config(&self, tenant: TenantId, name: &str) -> Option<StreamConfig> {
        self.stream(tenant, name).map(|stream| StreamConfig::clone(&stream.config()))
    }

    fn stream(&self, tenant: TenantId, name: &str) -> Option<Arc<Stream>> {
        self.0.catalog.get(tenant, name)
    }

    /// Changes settings in turn. Where they were judged beside others than the present ones, nothing is done: false.
    async fn apply_settings(
        self,
        tenant: TenantId,
        name: String,
        config: StreamConfig,
        author: String,
        judged: Option<Option<StreamConfig>>,
    ) -> Result<bool> {
        let _turn = self.0.settings_lock(tenant, &name)?.lock().await;
        if judged.is_some_and(|judged| judged != self.stream_config(tenant, &name)) {
            return Ok(false);
        }
        let shared = Arc::new((name, config, author));
        let committer = &self.0.committer;
        // A purge in the middle leaves a new stream to configure.
        loop {
            let with = Arc::clone(&shared);
            let begin = move |group: &mut committer::Group<'_>| group.begin(tenant, &with.0, &with.1, &with.2);
            let Opening::Build(number) = committer.submit(Company::Shared, 0, begin).await? else { return Ok(true) };
            let mut before = None;
            let built = loop {
                let with = Arc::clone(&shared);
                let piece = move |group: &mut committer::Group<'_>| group.backfill(tenant, &with.0, number, before);
                match committer.submit(Company::Alone, 0, piece).await? {
                    Backfill::Before(place) => before = Some(place),
                    Backfill::Done => break true,
                    Backfill::Gone => break false,
                }
            };
            let with = Arc::clone(&shared);
            let finish = move |group: &mut committer::Group<'_>| group.finish(tenant, &with.0, number, &with.1, &with.2);
            if built && committer.submit(Company::Shared, 0, finish).await? {
                return Ok(true);
            }
        }
    }

    /// The names of all fields that the stream's records ever had, in ascending order of their bytes.
    pub fn stream_fields(&self, tenant: TenantId, name: &str) -> Vec<String> {
        let Some(stream) = self.stream(tenant, name) else { return Vec::new() };
        let mut fields: Vec<String> = stream.fields().iter().map(|name| name.to_string()).collect();
        fields.sort_unstable();
        fields
    }

    /// Bytes of keys and values of the stored records, indexes not counted (FlowG 10.5).
    pub fn stream_usage(&self, tenant: TenantId, name: &str) -> u64 {
        self.stream(tenant, name).map_or(0, |stream| stream.bytes())
    }

    /// The distinct values of every index that has entries. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when an entry cannot be read.
    pub fn stream_indices(&self, tenant: TenantId, name: &str) -> Result<BTreeMap<String, Vec<String>>> {
        let Some(stream) = self.stream(tenant, name) else { return Ok(BTreeMap::new()) };
        distinct_values(&self.0.engine, &stream)
    }

    /// The records of a range, newest first (FlowG 10.2). A stream that does not exist has none.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] when more than 1,000 values are looked for.
    pub fn scan(&self, tenant: TenantId, name: &str, range: ScanRange) -> Result<Scan> {
        match self.stream(tenant, name) {
            Some(stream) => Scan::new(&self.0.engine, &self.0.clock, &stream, &range),
            None => Ok(Scan::nothing(&self.0.engine, &self.0.clock, tenant)),
        }
    }

    /// The same records as [`scan`](Self::scan) in at most `parts` scans that can be read at once; one after the other they
    /// are newest first. Blocks.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_parts(&self, tenant: TenantId, name: &str, range: ScanRange, parts: usize) -> Result<Vec<Scan>> {
        self.scan(tenant, name, range)?.split(parts)
    }

    /// Follows what is stored in a stream from now on (FlowG 10.7).
    pub fn watch(&self, tenant: TenantId, name: &str) -> Watcher {
        Watcher::new(&self.0.watchers, tenant, name)
    }

    /// Deletes everything of a tenant together with the document that stands for it, all or nothing. From then on nothing is
    /// written for this number.
    ///
    /// # Errors
    /// Only those of a failing disk.
    pub async fn purge_tenant(&self, tenant: TenantId, document: DocumentKey, author: &str) -> Result<()> {
        let author = author.to_owned();
        self.0.committer.submit(Company::Alone, 0, move |group| group.purge_tenant(tenant, document, &author)).await
    }

    /// Bytes of keys and values of all stored records of a tenant, indexes not counted, and of its contents, those that are
    /// being written included.
    pub fn tenant_usage(&self, tenant: TenantId) -> u64 {
        self.0.catalog.bytes(tenant).saturating_add(self.0.catalog.content_bytes(tenant))
    }

    /// Bytes that wait to be delivered for a tenant, in queues that were written to since the start.
    pub fn tenant_waiting(&self, tenant: TenantId) -> u64 {
        self.0.catalog.waiting(tenant)
    }

    /// Writes totals of days, counted from 1970, in the place of those that are there; those of days before `oldest` go. No
    /// audit entry is made of it.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub async fn put_totals(&self, totals: Vec<(TenantId, u32, Vec<u64>)>, oldest: u32) -> Result<()> {
        let bytes = totals.len() * 64;
        self.0.space.claim(bytes)?;
        self.0.committer.submit(Company::Shared, bytes, move |group| group.put_totals(&totals, oldest)).await
    }

    /// The totals of a tenant from a day on, the earliest first. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when one cannot be read.
    pub fn totals(&self, tenant: TenantId, from: u32) -> Result<Vec<(u32, Vec<u64>)>> {
        self.0.engine.totals(tenant, from)
    }

    /// Stores bytes under their digest. Storing the same again changes nothing.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`] above 256 MiB; [`ErrorCode::DiskFull`].
    pub async fn put_blob(&self, tenant: TenantId, bytes: Vec<u8>) -> Result<Digest> {
        if bytes.len() > MAX_BLOB {
            return Err(Error::new(ErrorCode::TooLarge, format!("a blob has at most {MAX_BLOB} bytes")));
        }
        self.0.space.claim(bytes.len())?;
        let hashing = tokio::task::spawn_blocking(move || {
            let digest = Digest::of(&bytes);
            let mut value = Vec::with_capacity(bytes.len() + 1);
            value.push(VERSION);
            value.extend_from_slice(&bytes);
            (digest, value)
        });
        let (digest, value) = hashing.await.map_err(|error| Error::internal(error.to_string()))?;
        let key = keys::blob(tenant, &digest.0);
        let bytes = value.len();
        let work = move |group: &mut Group<'_>| {
            group.check_exists(tenant)?;
            group.put_new(Table::Blobs, &key, &value)
        };
        self.0.committer.submit(Company::Shared, bytes, work).await?;
        Ok(digest)
    }

    /// The bytes with this digest, checked against it. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when they do not have it any more.
    pub fn blob(&self, tenant: TenantId, digest: &Digest) -> Result<Option<Vec<u8>>> {
        self.0.engine.blob(tenant, digest)
    }

    /// Begins a content: large bytes that are written while they arrive. It becomes one of a document by
    /// [`Beside::Content`](crate::Beside::Content).
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub async fn start_content(&self, tenant: TenantId) -> Result<ContentWriter> {
        self.0.space.claim(0)?;
        Ok(ContentWriter::new(self.clone(), tenant))
    }

    /// A content that is kept. Blocks, and so does reading it.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when what is known of it cannot be read.
    pub fn content(&self, tenant: TenantId, id: &Uid) -> Result<Option<ContentReader>> {
        let found = self.0.engine.content(tenant, id)?;
        Ok(found.map(|entry| ContentReader::new(Arc::clone(&self.0.engine), tenant, *id, entry)))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.0.committer
    }

    pub(crate) fn abandoned(&self) -> &Arc<Abandoned> {
        &self.0.abandoned
    }

    /// Enforces the bounds of all streams and audit entries at once, instead of when the next sweep is due (FlowG 10.5), and
    /// clears contents that were given up.
    ///
    /// # Errors
    /// Only those of a failing disk.
    pub async fn sweep(&self) -> Result<()> {
        let sweep = self.0.sweep.clone();
        let sweeping = tokio::task::spawn_blocking(move || sweep.all());
        sweeping.await.map_err(|error| Error::internal(error.to_string()))?
    }

    /// Looks at everything in a store that no process has open, or in a copy: the journal, checksums, keys and values, indexes
    /// against records, tallies, digests of blobs and contents. Changes nothing but what opening does: what only the journal holds is
    /// brought in. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where there is none; [`ErrorCode::Unavailable`] while a process has it open; whatever keeps
    /// it from being opened. What is found inside is no error but in the report.
    pub fn verify(path: &Path, progress: impl FnMut(Progress)) -> Result<VerifyReport> {
        let (_lock, durable) = open_existing(path)?;
        crate::verify::verify(durable.engine(), progress)
    }

    /// A document in a store that no process has open, as [`get`](Self::get). Blocks.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and what cannot be read.
    pub fn stored_document(path: &Path, key: &DocumentKey) -> Result<Option<Document>> {
        let (_lock, durable) = open_existing(path)?;
        durable.engine().document(key)
    }

    /// Audit entries in a store that no process has open, as [`audit`](Self::audit). Blocks.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and what cannot be read.
    pub fn stored_audit(path: &Path, tenant: TenantId, from_sequence: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let (_lock, durable) = open_existing(path)?;
        durable.engine().audit(tenant, from_sequence, limit)
    }

    /// Dead letters in a store that no process has open, as [`dead_letters`](Self::dead_letters). Blocks.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and what cannot be read.
    pub fn stored_dead_letters(path: &Path, tenant: TenantId, after: u64, limit: usize) -> Result<Vec<(u64, DeadLetter)>> {
        let (_lock, durable) = open_existing(path)?;
        durable.engine().dead_letters(tenant, after, limit)
    }
}

fn open_existing(path: &Path) -> Result<(Lock, Durable)> {
    if !path.join("CURRENT").is_file() {
        return Err(Error::not_found(format!("there is no database in {}", path.display())));
    }
    let lock = Lock::take(path)?;
    Ok((lock, open_durable(path, Durability::Fsync)?))
}

/// Opens a database. One of a newer program is not touched; a new one is marked.
fn open_durable(path: &Path, durability: Durability) -> Result<Durable> {
    let engine = Engine::open(path)?;
    let format = engine.get(Table::Meta, meta::FORMAT)?.map(|value| decode_number(&value));
    if let Some(format) = format
        && format.is_none_or(|format| format > STORE_FORMAT)
    {
        let format = format.map_or_else(|| "unknown".to_owned(), |format| format.to_string());
        let message = format!(
            "the database {} has format {format}, and this program reads up to {STORE_FORMAT}: use the program that wrote it or a newer one",
            path.display()
        );
        return Err(Error::new(ErrorCode::Unavailable, message));
    }
    let mut durable = Durable::open(engine, path, durability)?;
    if format.is_none() {
        let mut batch = rocksdb::WriteBatch::default();
        batch.put_cf(durable.engine().family(Table::Meta)?, meta::FORMAT, encode_number(STORE_FORMAT));
        durable.commit(batch)?;
        durable.flush()?;
    }
    Ok(durable)
}

/// Refuses records that are too large; answers about how many bytes all take.
fn check_records(batch: &Batch) -> Result<usize> {
    let mut bytes = 0;
    for record in batch.records() {
        let size: usize = record.cells().map(|(_, _, bytes)| bytes.len() + 4).sum();
        if size > MAX_RECORD {
            let message = format!("a record has {size} bytes, and {MAX_RECORD} is the most");
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        bytes += size + 64;
    }
    Ok(bytes)
}

impl Restored {
    /// Refuses what [`Store::restore`] would not take into a stream of this name.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a name that cannot be; [`ErrorCode::TooLarge`] for a record above 16 MiB.
    pub fn check(&self, stream: &str) -> Result<()> {
        check_name("stream", stream)?;
        check_records(&self.records).map(drop)
    }
}

fn check_name(member: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Error::invalid(format!("a {member} has 1 to {MAX_NAME} bytes, and this one has {}", name.len())).at(member));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

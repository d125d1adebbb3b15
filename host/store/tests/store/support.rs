use headworks_core::time::{Clock, ManualClock};
use headworks_core::{Batch, BatchBuilder, TenantId, Timestamp, Value};
use headworks_store::{ScanRange, Store, StoreOptions, StreamConfig};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

pub const T: TenantId = TenantId::DEFAULT;
/// 2026-01-02 03:03:05 UTC.
pub const START: i64 = 1_767_322_985_000;

/// A store in a folder of its own, with a clock that the test turns.
pub struct Bench {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub store: Store,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(START)));
        let store = Store::open(options(folder.path(), &clock)).unwrap();
        Self { folder, clock, store }
    }

    /// Closes the store without ceremony and opens it again.
    pub fn reopen(self) -> Self {
        let Self { folder, clock, store } = self;
        drop(store);
        let store = Store::open(options(folder.path(), &clock)).unwrap();
        Self { folder, clock, store }
    }

    pub fn turn(&self, seconds: i64) {
        self.clock.set(Timestamp(self.clock.now().0 + seconds * 1_000_000_000));
    }

    pub async fn append(&self, stream: &str, batch: Batch) {
        self.store.append(T, vec![(stream.to_owned(), batch)]).await.unwrap();
    }

    pub async fn configure(&self, stream: &str, config: StreamConfig) {
        self.store.configure_stream(T, stream, config, "root").await.unwrap();
    }

    /// Everything a query answers, in its order.
    pub fn query(&self, stream: &str, range: ScanRange) -> Vec<(i64, Vec<(String, String)>)> {
        let mut scan = self.store.scan(T, stream, range).unwrap();
        let mut found = Vec::new();
        while let Some(batch) = scan.next_chunk(7).unwrap() {
            found.extend(plain(&batch));
        }
        found
    }

    pub fn all(&self, stream: &str) -> Vec<(i64, Vec<(String, String)>)> {
        self.query(stream, ScanRange::all())
    }

    /// Closes the store and has it checked.
    pub fn verified(self) -> Vec<String> {
        let Self { folder, store, .. } = self;
        drop(store);
        Store::verify(folder.path(), |_| {}).unwrap().problems
    }
}

pub fn options(path: &Path, clock: &Arc<ManualClock>) -> StoreOptions {
    StoreOptions {
        path: path.to_owned(),
        min_free_bytes: 0,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..StoreOptions::default()
    }
}

/// Records with their milliseconds and text fields.
pub fn batch(records: &[(i64, &[(&str, &str)])]) -> Batch {
    let mut builder = BatchBuilder::default();
    for (ms, fields) in records {
        for (name, value) in *fields {
            builder.field(name, Value::Text(value));
        }
        builder.end_record(Timestamp::from_millis(*ms));
    }
    builder.finish().unwrap()
}

pub fn plain(batch: &Batch) -> Vec<(i64, Vec<(String, String)>)> {
    let record = |record: headworks_core::batch::Record<'_>| {
        let fields = record.sorted().into_iter().map(|(name, value)| (name.to_owned(), value.to_text().into_owned()));
        (record.time().millis(), fields.collect())
    };
    batch.records().map(record).collect()
}

pub fn record(ms: i64, fields: &[(&str, &str)]) -> (i64, Vec<(String, String)>) {
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fields.sort();
    (ms, fields)
}

pub fn indexed(fields: &[&str]) -> StreamConfig {
    StreamConfig { indexed_fields: fields.iter().map(|field| (*field).to_owned()).collect(), ..StreamConfig::default() }
}

pub fn by(indexing: &[(&str, &[&str])]) -> ScanRange {
    let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    ScanRange {
        indexing: indexing.iter().map(|(field, values)| ((*field).to_owned(), strings(values))).collect(),
        ..ScanRange::all()
    }
}

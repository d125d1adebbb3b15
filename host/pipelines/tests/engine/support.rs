//! A store in a folder of its own, a language of native transformers, and graphs in few words.

use headworks_core::{Batch, BatchBuilder, Digest, DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp, Value};
use headworks_pipelines::{
    Boxed, Forwarders, Language, PIPELINE, PipelineOptions, Pipelines, TRANSFORMER, Target, Transform, encode_script,
};
use headworks_sandbox::{CallFailure, Transformed};
use headworks_store::{Change, Durability, ScanRange, Store, StoreOptions};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub type Fields = BTreeMap<String, String>;

/// What a native script makes of one record.
pub enum Made {
    Records(Vec<Fields>),
    Rejected(String),
    Trap,
}

/// A script's meaning, asked per record.
pub type Meaning = dyn Fn(&str, &Fields) -> Made + Send + Sync;

/// Native transformers. Scripts that begin with `error` do not compile.
pub struct Native {
    pub meaning: Box<Meaning>,
    pub opened: AtomicUsize,
    /// The number of records of each call.
    pub calls: Mutex<Vec<usize>>,
    pub pause: std::time::Duration,
}

impl Native {
    pub fn new(meaning: impl Fn(&str, &Fields) -> Made + Send + Sync + 'static) -> Arc<Self> {
        Self::slow(std::time::Duration::ZERO, meaning)
    }

    pub fn slow(pause: std::time::Duration, meaning: impl Fn(&str, &Fields) -> Made + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { meaning: Box::new(meaning), opened: AtomicUsize::new(0), calls: Mutex::default(), pause })
    }
}

struct Opened {
    native: Arc<Native>,
    script: String,
}

/// The language handed to an engine.
pub struct Natives(pub Arc<Native>);

impl Language for Natives {
    fn open<'a>(&'a self, _: TenantId, script: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>> {
        Box::pin(async move {
            self.0.opened.fetch_add(1, Ordering::SeqCst);
            if script.starts_with("error") {
                return Err(Error::new(ErrorCode::InvalidProgram, format!("the report on {script}")));
            }
            Ok(Arc::new(Opened { native: Arc::clone(&self.0), script: script.to_owned() }) as Arc<dyn Transform>)
        })
    }
}

impl Transform for Opened {
    fn transform(&self, batch: Batch) -> Boxed<'_, Result<Transformed, CallFailure>> {
        Box::pin(async move {
            self.native.calls.lock().unwrap().push(batch.len());
            tokio::time::sleep(self.native.pause).await;
            let mut builder = BatchBuilder::default();
            let mut made = Transformed::default();
            for (row, record) in batch.records().enumerate() {
                let fields = record.fields().map(|(name, value)| (name.to_owned(), value.to_text().into_owned())).collect();
                match (self.native.meaning)(&self.script, &fields) {
                    Made::Records(records) => {
                        for fields in records {
                            fields.iter().for_each(|(name, value)| builder.field(name, Value::Text(value)));
                            builder.end_record(record.time());
                            made.origins.push(row as u32);
                        }
                    }
                    Made::Rejected(reason) => made.rejected.push((row as u32, reason)),
                    Made::Trap => {
                        return Err(CallFailure {
                            error: Error::new(ErrorCode::PluginTrap, "the plugin trapped"),
                            trap: Some("unreachable".into()),
                            backtrace: Some("frame 0".into()),
                            digest: Digest([7; 32]),
                        });
                    }
                }
            }
            made.batch = builder.finish().unwrap();
            Ok(made)
        })
    }
}

/// No forwarder can be set up.
pub struct Nowhere;

impl Forwarders for Nowhere {
    fn open<'a>(&'a self, _: TenantId, kind: &'a str, _: &'a str) -> Boxed<'a, Result<Arc<dyn Target>>> {
        Box::pin(async move { Err(Error::new(ErrorCode::InvalidProgram, format!("no forwarder of type {kind}"))) })
    }
}

/// A store and an engine.
pub struct World {
    pub store: Store,
    pub engine: Pipelines,
    pub native: Arc<Native>,
    _folder: tempfile::TempDir,
}

pub const TENANT: TenantId = TenantId::DEFAULT;

impl World {
    pub fn new(native: Arc<Native>) -> Self {
        Self::with_options(native, PipelineOptions { workers: 1, ..PipelineOptions::default() })
    }

    pub fn with_options(native: Arc<Native>, options: PipelineOptions) -> Self {
        Self::with_forwarders(native, Arc::new(Nowhere), options)
    }

    pub fn with_forwarders(native: Arc<Native>, forwarders: Arc<dyn Forwarders>, options: PipelineOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions {
            path: folder.path().join("db"),
            durability: Durability::Buffered,
            min_free_bytes: 0,
            ..StoreOptions::default()
        })
        .unwrap();
        let engine = Pipelines::new(store.clone(), Arc::new(Natives(Arc::clone(&native))), forwarders, options);
        Self { store, engine, native, _folder: folder }
    }

    /// A world whose transformers pass everything on.
    pub fn plain() -> Self {
        Self::new(Native::new(|_, fields| Made::Records(vec![fields.clone()])))
    }

    pub async fn save(&self, tenant: TenantId, name: &str, graph: &Json) {
        let key = DocumentKey::new(tenant, PIPELINE, name);
        self.store.write("test", vec![Change::put(key, graph.to_string())]).await.unwrap();
    }

    pub async fn save_script(&self, tenant: TenantId, name: &str, script: &str) {
        let key = DocumentKey::new(tenant, TRANSFORMER, name);
        self.store.write("test", vec![Change::put(key, encode_script(script))]).await.unwrap();
    }

    pub async fn delete(&self, kind: &str, name: &str) {
        self.store.write("test", vec![Change::delete(DocumentKey::new(TENANT, kind, name))]).await.unwrap();
    }

    pub async fn ingest(&self, pipeline: &str, records: &[Fields]) -> Result<usize> {
        self.engine.ingest(TENANT, pipeline, "direct", batch(records)).await
    }

    /// The records of a stream, in the order of their text.
    pub fn stored(&self, tenant: TenantId, stream: &str) -> Vec<Fields> {
        let mut scan = self.store.scan(tenant, stream, ScanRange::all()).unwrap();
        let mut all = Vec::new();
        while let Some(batch) = scan.next_chunk(1000).unwrap() {
            all.extend(fields(&batch));
        }
        all.sort();
        all
    }

    /// The values of one field of the records of a stream, sorted.
    pub fn values(&self, stream: &str, field: &str) -> Vec<String> {
        let mut values: Vec<_> =
            self.stored(TENANT, stream).iter().map(|fields| fields.get(field).cloned().unwrap_or_default()).collect();
        values.sort();
        values
    }

    pub async fn counter(&self, pipeline: &str, name: &str) -> Option<u64> {
        let counters = self.engine.counters(TENANT, pipeline).await.unwrap();
        counters.into_iter().find(|counter| counter.name == name).map(|counter| counter.value)
    }
}

pub fn fields(batch: &Batch) -> Vec<Fields> {
    let owned = |record: headworks_core::batch::Record<'_>| {
        record.fields().map(|(name, value)| (name.to_owned(), value.to_text().into_owned())).collect()
    };
    batch.records().map(owned).collect()
}

pub fn batch(records: &[Fields]) -> Batch {
    let mut builder = BatchBuilder::default();
    for record in records {
        record.iter().for_each(|(name, value)| builder.field(name, Value::Text(value)));
        builder.end_record(Timestamp::now());
    }
    builder.finish().unwrap()
}

pub fn record(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Records with an `id` each.
pub fn ids(ids: &[&str]) -> Vec<Fields> {
    ids.iter().map(|id| record(&[("id", id)])).collect()
}

/// Id, type and settings.
pub type NodeWords<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// A graph of nodes and of edges `"a b"`.
pub fn graph(nodes: &[NodeWords<'_>], edges: &[&str]) -> Json {
    let node =
        |(id, kind, data): &NodeWords<'_>| json!({"id": id, "type": kind, "position": {"x": 0, "y": 0}, "data": record(data)});
    let edge = |(at, edge): (usize, &&str)| {
        let (source, target) = edge.split_once(' ').unwrap();
        json!({"id": format!("e{at}"), "source": source, "target": target})
    };
    json!({
        "version": 2, "version.minor": 1,
        "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": edges.iter().enumerate().map(edge).collect::<Vec<_>>(),
    })
}

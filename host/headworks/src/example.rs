//! Filling an empty data folder, so that a newcomer's first query has an answer.
//!
//! A folder holds `transformers/*.vrl`, `pipelines/*.json`, `streams/*.json` (settings as in the API) and
//! `logs/<pipeline>/*.log`, whose lines are ingested as text. Names are the file names without their ending.

use anyhow::{Context, Result};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use headworks_core::{DocumentKey, TenantId, Timestamp};
use headworks_pipelines::graph::Graph;
use headworks_pipelines::{Pipelines, decode};
use headworks_store::{Change, Store, StreamConfig};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

const TENANT: TenantId = TenantId::DEFAULT;
const AUTHOR: &str = "example";
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// The settings of a stream, as in the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Seconds.
    #[serde(default)]
    ttl: i64,
    /// Units of 1,048,576 bytes.
    #[serde(default)]
    size: i64,
    #[serde(default)]
    indexed_fields: BTreeSet<String>,
}

/// Saves and ingests everything in a folder.
pub(crate) async fn load(folder: &Path, store: &Store, pipelines: &Pipelines) -> Result<()> {
    let path = folder.to_owned();
    let files = tokio::task::spawn_blocking(move || Files::read(&path)).await??;
    let mut changes = Vec::new();
    for (name, script) in &files.transformers {
        let body = serde_json::json!({"script": script}).to_string();
        changes.push(Change::put(DocumentKey::new(TENANT, "transformer", name), body));
    }
    for (name, graph) in &files.pipelines {
        let graph: Graph = serde_json::from_str(graph).with_context(|| format!("pipelines/{name}.json"))?;
        changes.push(Change::put(DocumentKey::new(TENANT, "pipeline", name), serde_json::to_vec(&graph)?));
    }
    store.write(AUTHOR, changes).await?;
    for (name, settings) in &files.streams {
        let settings: Settings = serde_json::from_str(settings).with_context(|| format!("streams/{name}.json"))?;
        let config = StreamConfig { ttl_seconds: settings.ttl, size_mib: settings.size, indexed_fields: settings.indexed_fields };
        store.configure_stream(TENANT, name, config, AUTHOR).await?;
    }
    let mut count = 0;
    for (pipeline, lines) in &files.logs {
        let batch = decode::text(lines.as_bytes(), Timestamp::now())?;
        count += pipelines.ingest(TENANT, pipeline, "direct", batch).await.with_context(|| format!("logs/{pipeline}"))?;
    }
    tracing::info!(folder = %folder.display(), records = count, "the example was loaded");
    Ok(())
}

/// Names and contents.
type Named = Vec<(String, String)>;

struct Files {
    transformers: Named,
    pipelines: Named,
    streams: Named,
    /// By pipeline.
    logs: Named,
}

impl Files {
    fn read(folder: &Path) -> Result<Self> {
        let folder = Dir::open_ambient_dir(folder, ambient_authority())?;
        let mut logs = Vec::new();
        if folder.is_dir("logs") {
            let all = folder.open_dir("logs")?;
            for pipeline in all.entries()? {
                let pipeline = pipeline?.file_name().to_string_lossy().into_owned();
                if all.is_dir(&pipeline) {
                    logs.extend(named(&all, &pipeline, ".log")?.into_iter().map(|(_, lines)| (pipeline.clone(), lines)));
                }
            }
        }
        Ok(Self {
            transformers: named(&folder, "transformers", ".vrl")?,
            pipelines: named(&folder, "pipelines", ".json")?,
            streams: named(&folder, "streams", ".json")?,
            logs,
        })
    }
}

/// The files of a folder with an ending, in ascending order of their names; none when there is no such folder.
fn named(parent: &Dir, folder: &str, ending: &str) -> Result<Named> {
    if !parent.is_dir(folder) {
        return Ok(Vec::new());
    }
    let folder = parent.open_dir(folder)?;
    let mut files = Vec::new();
    for entry in folder.entries()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(ending) {
            anyhow::ensure!(folder.metadata(&name)?.len() <= MAX_FILE, "{name} is larger than {MAX_FILE} bytes");
            let text = folder.read_to_string(&name).with_context(|| format!("cannot read {name}"))?;
            files.push((stem.to_owned(), text));
        }
    }
    files.sort();
    Ok(files)
}

//! Which pipelines have which sources, so that a message for all of them costs one look-up.
//!
//! What must stay true: what is remembered was read after the last change of a pipeline that was taken in.

use super::PIPELINE;
use crate::graph::Graph;
use headworks_core::{Error, Result, TenantId};
use headworks_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Entries(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Grows with each change.
    changes: u64,
    /// Names of pipelines by the type of a source.
    names: HashMap<(TenantId, String), Arc<[String]>>,
}

impl Entries {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pipeline was changed.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        known.changes += 1;
        known.names.clear();
    }

    /// The pipelines with a source of this type, in ascending order.
    pub(super) async fn find(&self, store: &Store, tenant: TenantId, entry: &str) -> Result<Arc<[String]>> {
        let key = (tenant, entry.to_owned());
        let changes = {
            let known = self.known();
            if let Some(names) = known.names.get(&key) {
                return Ok(Arc::clone(names));
            }
            known.changes
        };
        let (store, kind) = (store.clone(), key.1.clone());
        let read = tokio::task::spawn_blocking(move || read(&store, tenant, &kind)).await;
        let names: Arc<[String]> = read.map_err(|error| Error::internal(error.to_string()))??.into();
        let mut known = self.known();
        if known.changes == changes {
            known.names.insert(key, Arc::clone(&names));
        }
        Ok(names)
    }
}

fn read(store: &Store, tenant: TenantId, entry: &str) -> Result<Vec<String>> {
    let pipelines = store.list(tenant, PIPELINE, "")?;
    let has_entry = |body: &[u8]| {
        // One that cannot be read has no source; asking for it by its name tells why.
        Graph::from_stored(body).is_ok_and(|graph| {
            let sources = graph.nodes.iter().filter(|node| node.kind == "source");
            sources.map(|node| node.data.get("type").map_or("direct", String::as_str)).any(|kind| kind == entry)
        })
    };
    Ok(pipelines.into_iter().filter(|pipeline| has_entry(&pipeline.body)).map(|pipeline| pipeline.key.name).collect())
}

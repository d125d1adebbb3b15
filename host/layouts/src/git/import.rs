//! Taking over what a repository holds, with the identifiers, people and times that it knows.
//!
//! What must stay true: it can be begun again after it was broken off; memory holds one version at a time.

use super::history::{FoundBucket, FoundFlow, FoundVersion, History};
use crate::snapshot;
use headworks_core::{Error, Result, TenantId};
use headworks_registry::{NewBucket, NewFlow, Origin, Registry};
use std::sync::{Arc, Mutex, PoisonError};

/// Who takes over, where a repository does not say who saved something.
const CALLER: &str = "git";

/// Takes over these buckets.
///
/// # Errors
/// Those of the registry and of files that hold no snapshot, with the place in the repository.
pub(super) async fn adopt(
    registry: &Registry,
    tenant: TenantId,
    history: History,
    buckets: Vec<FoundBucket>,
    most: u64,
) -> Result<()> {
    let history = Arc::new(Mutex::new(history));
    let (mut flows, mut versions) = (0, 0);
    for bucket in &buckets {
        let oldest = bucket.flows.iter().filter_map(|flow| flow.versions.first()).map(|version| version.created).min();
        let new = NewBucket {
            id: Some(bucket.id.clone()),
            name: Some(bucket.name.clone()),
            description: bucket.description.clone(),
            created: oldest,
            ..NewBucket::default()
        };
        registry.adopt_bucket(tenant, CALLER, new).await.map_err(|error| placed(error, &format!("bucket {}", bucket.name)))?;
        for flow in &bucket.flows {
            let place = format!("flow {} of the bucket {}", flow.name, bucket.name);
            registry.adopt_flow(tenant, CALLER, &bucket.id, new_flow(flow)).await.map_err(|error| placed(error, &place))?;
            for version in &flow.versions {
                let done = adopt_version(registry, tenant, &history, (&bucket.id, &flow.id), version, most).await;
                done.map_err(|error| placed(error, &format!("version {} of the {place}", version.number)))?;
                versions += 1;
            }
            flows += 1;
        }
    }
    tracing::info!(buckets = buckets.len(), flows, versions, "took over what the Git repository holds");
    Ok(())
}

fn new_flow(flow: &FoundFlow) -> NewFlow {
    let times = flow.versions.first().zip(flow.versions.last()).map(|(first, last)| (first.created, last.created));
    NewFlow {
        id: Some(flow.id.clone()),
        name: Some(flow.name.clone()),
        description: flow.description.clone(),
        times,
        ..NewFlow::default()
    }
}

async fn adopt_version(
    registry: &Registry,
    tenant: TenantId,
    history: &Arc<Mutex<History>>,
    (bucket, flow): (&str, &str),
    version: &FoundVersion,
    most: u64,
) -> Result<()> {
    let (history, wanted) = (Arc::clone(history), version.clone());
    let read = tokio::task::spawn_blocking(move || {
        let history = history.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot::read(history.contents(&wanted, most)?)
    });
    let snapshot = read.await.map_err(|error| Error::internal(format!("reading a version failed: {error}")))??;
    let taken = registry.take_snapshot(tenant, snapshot).await?;
    let origin = Origin {
        author: Some(version.author.clone()).filter(|author| !author.trim().is_empty()),
        comments: version.comments.clone(),
        timestamp: Some(version.created).filter(|created| *created > 0),
    };
    registry.adopt_version(tenant, CALLER, (bucket, flow), (version.number, origin), taken).await.map(drop)
}

fn placed(error: Error, place: &str) -> Error {
    Error { message: format!("the {place} cannot be taken over: {}", error.message), ..error }
}

//! The start of an export: whether a repository is this registry's, is to be taken over first, or is somebody else's.
//!
//! What must stay true: a repository that holds what this registry does not know is never committed to, for that would delete
//! all of it; a take-over that was broken off goes on at the next start.

use super::export::Exporter;
use super::repository::{Mark, Repository};
use super::task::Export;
use super::{GitOptions, History};
use headworks_core::{Error, Result, TenantId};
use headworks_registry::Registry;
use std::sync::Arc;

/// What is exported where.
pub struct ExportOptions {
    /// What holds the versions.
    pub registry: Registry,
    /// Whose versions are exported.
    pub tenant: TenantId,
    /// Tells this store from every other one.
    pub store: String,
    /// The repository.
    pub git: GitOptions,
    /// The most bytes of the file of a version that is taken over.
    pub most: u64,
}

/// What becomes of a repository.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// It is, or becomes, the one of this registry.
    Ours,
    /// What is in it is taken over first.
    Import,
}

impl Export {
    /// Opens or makes the repository, takes over what is in it where the registry is empty, and exports from then on.
    ///
    /// # Errors
    /// For a repository that cannot be used, or not be taken over; the message says what to do.
    pub async fn open(options: ExportOptions) -> Result<Self> {
        let ExportOptions { registry, tenant, store, git, most } = options;
        let (shared, git) = (registry.clone(), Arc::new(git));
        let (name, folder) = (store.clone(), Arc::clone(&git));
        let (repository, claim) = blocking(move || {
            let repository = Repository::prepare(&folder, &name)?;
            let claim = claim(&repository, &shared, tenant, &name)?;
            if claim == Claim::Import {
                repository.mark(Mark::Imported, &name)?;
            }
            Ok((repository, claim))
        })
        .await?;
        if claim == Claim::Import {
            let folder = Arc::clone(&git);
            let found = blocking(move || {
                let history = History::open(&folder.folder)?.ok_or_else(|| Error::internal("the repository is gone"))?;
                let buckets = history.buckets()?;
                Ok((history, buckets))
            });
            let (history, buckets) = found.await?;
            super::import::adopt(&registry, tenant, history, buckets, most).await?;
        }
        let changes = registry.store().subscribe();
        let (exporter, branch) = blocking(move || {
            repository.mark(Mark::Exported, &store)?;
            let branch = repository.branch()?;
            Ok((Exporter::new(registry, tenant, repository), branch))
        })
        .await?;
        Ok(Self::start(exporter, tenant, changes, Arc::unwrap_or_clone(git), branch))
    }
}

fn claim(repository: &Repository, registry: &Registry, tenant: TenantId, store: &str) -> Result<Claim> {
    if repository.is_marked(Mark::Exported, store)? {
        return Ok(Claim::Ours);
    }
    let directories = repository.directories()?;
    if directories.is_empty() {
        return Ok(Claim::Ours);
    }
    let known = registry.buckets(tenant)?;
    if known.is_empty() || repository.is_marked(Mark::Imported, store)? {
        return Ok(Claim::Import);
    }
    match directories.iter().find(|directory| known.iter().all(|bucket| bucket.id != directory.file.bucket_id)) {
        None => Ok(Claim::Ours),
        Some(foreign) => {
            let message = format!(
                "the repository holds the bucket {} ({}), which is not in this registry: give a folder of its own, or start with \
                 an empty registry to take the repository over",
                foreign.name, foreign.file.bucket_id
            );
            Err(Error::invalid(message))
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("the Git repository: {error}")))?
}

//! Deletions that are too large for one write: first what is deleted becomes invisible, then it is cleared away.
//!
//! What must stay true: a mark is written in the same moment in which something becomes invisible, and goes when nothing of
//! it is left; every mark that is found at the start is finished.

use crate::flow::Flow;
use crate::{Registry, blocking, flow, read, version, written};
use headworks_core::{DocumentKey, Result, TenantId};
use headworks_store::{Beside, Change};
use serde::{Deserialize, Serialize};

/// The kind of the marks.
const KIND: &str = "registry-clearing";
/// Changes of one write are about this many.
const PIECE: usize = 256;
/// Who clears what a process that ended left.
const SERVER: &str = "";

/// What is deleted and not yet cleared away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Doomed {
    /// What is in a bucket.
    Bucket {
        /// Its identifier.
        bucket: String,
    },
    /// The versions of a flow, and its identifier.
    Flow {
        /// The bucket it was in.
        bucket: String,
        /// Its identifier.
        flow: String,
    },
}

impl Doomed {
    fn key(&self, tenant: TenantId) -> DocumentKey {
        let (scope, name) = match self {
            Self::Bucket { bucket } => ("bucket", bucket),
            Self::Flow { flow, .. } => ("flow", flow),
        };
        DocumentKey::scoped(tenant, KIND, scope, name)
    }

    /// To be written together with what makes it invisible.
    pub(crate) fn mark(&self, tenant: TenantId) -> Result<Change> {
        Ok(Change::put(self.key(tenant), written(self)?))
    }
}

impl Registry {
    /// Finishes the deletions that the end of the last process broke off.
    ///
    /// # Errors
    /// Those of a failing disk.
    pub async fn resume(&self, tenants: impl IntoIterator<Item = TenantId>) -> Result<()> {
        for tenant in tenants {
            for document in self.store().documents_after(tenant, KIND, None, usize::MAX)? {
                self.clear_away(tenant, SERVER, &read(&document)?).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn is_doomed(&self, tenant: TenantId, doomed: &Doomed) -> Result<bool> {
        Ok(self.store().get(&doomed.key(tenant))?.is_some())
    }

    /// Makes a flow invisible with these changes. Where all its versions fit, they go in the same write.
    pub(crate) async fn doom(&self, tenant: TenantId, author: &str, flow: &Flow, mut changes: Vec<Change>) -> Result<()> {
        if flow.versions as usize <= PIECE {
            let (registry, id) = (self.clone(), flow.id.clone());
            let (versions, contents) = blocking(move || registry.some_versions(tenant, &id)).await?;
            changes.extend(versions);
            changes.push(Change::delete(flow::id_key(tenant, &flow.id)));
            self.store().write_with(author, changes, contents).await?;
            return Ok(());
        }
        let doomed = Doomed::Flow { bucket: flow.bucket.clone(), flow: flow.id.clone() };
        changes.push(doomed.mark(tenant)?);
        self.store().write(author, changes).await?;
        self.clear(tenant, author, doomed).await;
        Ok(())
    }

    /// Clears away what is invisible already. Goes on when the caller does not wait for it; where it fails, the next start
    /// goes on with it.
    pub(crate) async fn clear(&self, tenant: TenantId, author: &str, doomed: Doomed) {
        let (registry, author) = (self.clone(), author.to_owned());
        let clearing = tokio::spawn(async move {
            if let Err(error) = registry.clear_away(tenant, &author, &doomed).await {
                tracing::warn!(%error, ?doomed, "what was deleted is cleared away at the next start");
            }
        });
        // A panic in there has been printed.
        let _ = clearing.await;
    }

    async fn clear_away(&self, tenant: TenantId, author: &str, doomed: &Doomed) -> Result<()> {
        match doomed {
            Doomed::Flow { flow, .. } => {
                self.clear_versions(tenant, author, flow).await?;
                let changes = vec![Change::delete(flow::id_key(tenant, flow)), Change::delete(doomed.key(tenant))];
                self.store().write(author, changes).await?;
            }
            Doomed::Bucket { bucket } => {
                self.clear_flows(tenant, author, bucket).await?;
                self.clear_bundles(tenant, author, bucket).await?;
                self.store().write(author, vec![Change::delete(doomed.key(tenant))]).await?;
            }
        }
        Ok(())
    }

    /// Every flow of a bucket, several at a time, each after its versions.
    async fn clear_flows(&self, tenant: TenantId, author: &str, bucket: &str) -> Result<()> {
        loop {
            let (registry, scope) = (self.clone(), bucket.to_owned());
            let flows = blocking(move || flow::some_of(&registry, tenant, &scope, PIECE / 4)).await?;
            if flows.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::new();
            for flow in flows {
                if flow.versions > 0 {
                    self.clear_versions(tenant, author, &flow.id).await?;
                }
                changes.push(Change::delete(flow::key(tenant, bucket, &flow.id)));
                changes.push(Change::delete(flow::id_key(tenant, &flow.id)));
                changes.push(Change::delete(flow::name_key(tenant, bucket, &flow.name)));
            }
            self.store().write(author, changes).await?;
        }
    }

    /// Every version of a flow, several at a time.
    async fn clear_versions(&self, tenant: TenantId, author: &str, flow: &str) -> Result<()> {
        loop {
            let (registry, id) = (self.clone(), flow.to_owned());
            let (versions, contents) = blocking(move || registry.some_versions(tenant, &id)).await?;
            if versions.is_empty() {
                return Ok(());
            }
            self.store().write_with(author, versions, contents).await?;
        }
    }

    /// What takes away some versions of a flow: all of them where they are not more than a piece.
    fn some_versions(&self, tenant: TenantId, flow: &str) -> Result<(Vec<Change>, Vec<Beside>)> {
        let mut documents = self.store().documents_after(tenant, version::KIND, Some((flow, "")), PIECE)?;
        documents.retain(|document| document.key.scope == flow);
        version::going(&documents)
    }
}

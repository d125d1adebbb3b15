//! Deleting bundles and versions (NiFi Registry 12.3).

use super::{Bundle, BundleVersion, KIND, extensions, id_key, key, version_key};
use crate::{Bucket, Event, EventKind, Registry, blocking, written};
use headworks_core::{Result, TenantId};
use headworks_store::{Beside, Change, Expect};

/// What goes with some versions.
#[derive(Default)]
struct Going {
    changes: Vec<Change>,
    beside: Vec<Beside>,
}

impl Registry {
    /// Deletes a bundle with all its versions; answers it as it was.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](headworks_core::ErrorCode::NotFound).
    pub async fn delete_bundle(&self, tenant: TenantId, author: &str, id: &str) -> Result<(Bucket, Bundle)> {
        let (_, found) = self.bundle(tenant, id)?;
        let _alone = self.pair_lock(tenant, &found.group, &found.artifact).await?;
        let (bucket, bundle) = self.bundle(tenant, id)?;
        self.erase_bundle(tenant, author, &bundle).await?;
        let fields = [("BUCKET_ID", bucket.id.clone()), ("EXTENSION_BUNDLE_ID", bundle.id.clone()), ("USER", author.to_owned())];
        self.tell(Event::new(tenant, EventKind::DeleteExtensionBundle, fields));
        Ok((bucket, bundle))
    }

    /// Deletes a version; answers it and its bundle as they were, the bundle with one version less. The bundle stays, even
    /// without any.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](headworks_core::ErrorCode::NotFound).
    pub async fn delete_bundle_version(
        &self,
        tenant: TenantId,
        author: &str,
        id: &str,
        version: &str,
    ) -> Result<(Bucket, Bundle, BundleVersion)> {
        let (_, found) = self.bundle(tenant, id)?;
        let _alone = self.pair_lock(tenant, &found.group, &found.artifact).await?;
        let (bucket, bundle) = self.bundle(tenant, id)?;
        let version = self.bundle_version(tenant, id, version)?;
        let bundle = Bundle { versions: bundle.versions.saturating_sub(1), modified: self.clock().now().millis(), ..bundle };
        let Going { mut changes, beside } = self.going(tenant, &bundle.id, std::slice::from_ref(&version))?;
        let in_bucket = key(tenant, &bundle.bucket, &bundle.group, &bundle.artifact);
        changes.push(Change::put(in_bucket, written(&bundle)?).expecting(Expect::Present));
        self.store().write_with(author, changes, beside).await?;
        let fields = [
            ("BUCKET_ID", bucket.id.clone()),
            ("EXTENSION_BUNDLE_ID", bundle.id.clone()),
            ("VERSION", version.version.clone()),
            ("USER", author.to_owned()),
        ];
        self.tell(Event::new(tenant, EventKind::DeleteExtensionBundleVersion, fields));
        Ok((bucket, bundle, version))
    }

    /// Clears away the bundles of a bucket that is gone, each as a whole.
    pub(crate) async fn clear_bundles(&self, tenant: TenantId, author: &str, bucket: &str) -> Result<()> {
        loop {
            let (registry, scope) = (self.clone(), bucket.to_owned());
            let some = move || registry.store().documents_after(tenant, KIND, Some((&scope, "")), 64);
            let documents = blocking(some).await?;
            let bundles: Vec<Bundle> =
                documents.iter().take_while(|document| document.key.scope == bucket).map(Bundle::of).collect::<Result<_>>()?;
            if bundles.is_empty() {
                return Ok(());
            }
            for bundle in bundles {
                let _alone = self.pair_lock(tenant, &bundle.group, &bundle.artifact).await?;
                self.erase_bundle(tenant, author, &bundle).await?;
            }
        }
    }

    async fn erase_bundle(&self, tenant: TenantId, author: &str, bundle: &Bundle) -> Result<()> {
        let (registry, id) = (self.clone(), bundle.id.clone());
        let going = blocking(move || {
            let versions = registry.versions_of_bundle(tenant, &id)?;
            registry.going(tenant, &id, &versions)
        });
        let Going { mut changes, beside } = going.await?;
        changes.push(Change::delete(key(tenant, &bundle.bucket, &bundle.group, &bundle.artifact)));
        changes.push(Change::delete(id_key(tenant, &bundle.id)));
        self.store().write_with(author, changes, beside).await?;
        Ok(())
    }

    /// What goes with these versions of a bundle.
    fn going(&self, tenant: TenantId, bundle: &str, versions: &[BundleVersion]) -> Result<Going> {
        let mut going = Going::default();
        for version in versions {
            going.changes.push(Change::delete(version_key(tenant, bundle, &version.version)));
            going.changes.push(Change::delete(extensions::key(tenant, bundle, &version.version)));
            going.beside.extend(self.contents_of(tenant, bundle, version)?);
        }
        Ok(going)
    }

    /// The contents that a version has, to be deleted with it.
    pub(super) fn contents_of(&self, tenant: TenantId, bundle: &str, version: &BundleVersion) -> Result<Vec<Beside>> {
        let extensions = self.extensions(tenant, bundle, &version.version)?.content;
        let ids = [Some(version.content), extensions];
        Ok(ids.into_iter().flatten().map(|id| Beside::NoContent { tenant, id }).collect())
    }
}

//! Looking bundles and their versions up (NiFi Registry 12.2 and 16).

use super::{Bundle, BundleVersion, KIND, Pattern, Place, VERSIONS, id_key, key, no_bundle, no_version, version_key};
use crate::{Bucket, Registry, read};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_store::ContentReader;

/// Which bundles are meant: those that all members let through.
#[derive(Clone, Debug, Default)]
pub struct BundleFilter {
    /// Of buckets with such a name.
    pub bucket: Option<Pattern>,
    /// Of such a group.
    pub group: Option<Pattern>,
    /// Of such an artifact.
    pub artifact: Option<Pattern>,
}

/// Which versions are meant: those that all members let through.
#[derive(Clone, Debug, Default)]
pub struct VersionFilter {
    /// Of such a group.
    pub group: Option<Pattern>,
    /// Of such an artifact.
    pub artifact: Option<Pattern>,
    /// Such ones.
    pub version: Option<Pattern>,
}

fn lets_through(pattern: &Option<Pattern>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
}

impl BundleFilter {
    fn takes(&self, bucket: &Bucket, bundle: &Bundle) -> bool {
        lets_through(&self.bucket, &bucket.name)
            && lets_through(&self.group, &bundle.group)
            && lets_through(&self.artifact, &bundle.artifact)
    }
}

impl Registry {
    /// The bundles of a bucket, by group and artifact. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] for one that cannot be read.
    pub fn bundles(&self, tenant: TenantId, bucket: &str) -> Result<Vec<Bundle>> {
        let documents = self.store().list(tenant, KIND, bucket)?;
        let mut bundles = documents.iter().map(Bundle::of).collect::<Result<Vec<_>>>()?;
        bundles.sort_by(|one, other| (&one.group, &one.artifact).cmp(&(&other.group, &other.artifact)));
        Ok(bundles)
    }

    /// The bundles of these buckets that a filter lets through, by group, artifact and the name of the bucket. Blocks.
    ///
    /// # Errors
    /// As [`bundles`](Self::bundles).
    pub fn find_bundles(&self, tenant: TenantId, buckets: &[Bucket], filter: &BundleFilter) -> Result<Vec<(Bucket, Bundle)>> {
        let mut found = Vec::new();
        for bucket in buckets {
            let bundles = self.bundles(tenant, &bucket.id)?.into_iter().filter(|bundle| filter.takes(bucket, bundle));
            found.extend(bundles.map(|bundle| (bucket.clone(), bundle)));
        }
        let order = |(bucket, bundle): &(Bucket, Bundle)| (bundle.group.clone(), bundle.artifact.clone(), bucket.name.clone());
        found.sort_by_cached_key(order);
        Ok(found)
    }

    /// The versions of the bundles of these buckets that a filter lets through, by the identifier of the bundle and version.
    /// Blocks.
    ///
    /// # Errors
    /// As [`bundles`](Self::bundles).
    pub fn find_versions(
        &self,
        tenant: TenantId,
        buckets: &[Bucket],
        filter: &VersionFilter,
    ) -> Result<Vec<(Bundle, BundleVersion)>> {
        let of_bundle = BundleFilter { bucket: None, group: filter.group.clone(), artifact: filter.artifact.clone() };
        let mut found = Vec::new();
        for (_, bundle) in self.find_bundles(tenant, buckets, &of_bundle)? {
            let versions = self.versions_of_bundle(tenant, &bundle.id)?;
            let versions = versions.into_iter().filter(|version| lets_through(&filter.version, &version.version));
            found.extend(versions.map(|version| (bundle.clone(), version)));
        }
        found.sort_by(|(one, first), (other, second)| (&one.id, &first.version).cmp(&(&other.id, &second.version)));
        Ok(found)
    }

    /// The versions of a bundle in ascending text order. Blocks.
    ///
    /// # Errors
    /// As [`bundles`](Self::bundles).
    pub fn versions_of_bundle(&self, tenant: TenantId, bundle: &str) -> Result<Vec<BundleVersion>> {
        self.store().list(tenant, VERSIONS, bundle)?.iter().map(BundleVersion::of).collect()
    }

    /// A bundle by its identifier.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn bundle(&self, tenant: TenantId, id: &str) -> Result<(Bucket, Bundle)> {
        let place: Place = read(&self.store().get(&id_key(tenant, id))?.ok_or_else(no_bundle)?)?;
        let missing = |error: Error| if error.code == ErrorCode::NotFound { no_bundle() } else { error };
        let bucket = self.bucket(tenant, &place.bucket).map_err(missing)?;
        let bundle = self.bundle_in(tenant, &bucket.id, &place.group, &place.artifact)?.ok_or_else(no_bundle)?;
        Ok((bucket, bundle))
    }

    /// The bundle of a group and artifact in a bucket.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it cannot be read.
    pub fn bundle_in(&self, tenant: TenantId, bucket: &str, group: &str, artifact: &str) -> Result<Option<Bundle>> {
        self.store().get(&key(tenant, bucket, group, artifact))?.as_ref().map(Bundle::of).transpose()
    }

    /// A version of a bundle.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn bundle_version(&self, tenant: TenantId, bundle: &str, version: &str) -> Result<BundleVersion> {
        self.version_if_any(tenant, bundle, version)?.ok_or_else(no_version)
    }

    pub(super) fn version_if_any(&self, tenant: TenantId, bundle: &str, version: &str) -> Result<Option<BundleVersion>> {
        self.store().get(&version_key(tenant, bundle, version))?.as_ref().map(BundleVersion::of).transpose()
    }

    /// A version in a bucket by its coordinates.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn version_in(
        &self,
        tenant: TenantId,
        bucket: &str,
        (group, artifact, version): (&str, &str, &str),
    ) -> Result<(Bundle, BundleVersion)> {
        let missing = || Error::not_found("The specified extension bundle version does not exist in this bucket.");
        let bundle = self.bundle_in(tenant, bucket, group, artifact)?.ok_or_else(missing)?;
        let version = self.version_if_any(tenant, &bundle.id, version)?.ok_or_else(missing)?;
        Ok((bundle, version))
    }

    /// The newest upload of some coordinates in any of these buckets. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn newest_in(
        &self,
        tenant: TenantId,
        buckets: &[Bucket],
        (group, artifact, version): (&str, &str, &str),
    ) -> Result<BundleVersion> {
        let mut newest: Option<BundleVersion> = None;
        for bucket in buckets {
            let Some(bundle) = self.bundle_in(tenant, &bucket.id, group, artifact)? else { continue };
            let Some(found) = self.version_if_any(tenant, &bundle.id, version)? else { continue };
            if newest.as_ref().is_none_or(|newest| found.timestamp > newest.timestamp) {
                newest = Some(found);
            }
        }
        newest.ok_or_else(|| {
            Error::not_found("An extension bundle version does not exist with the specific group, artifact, and version")
        })
    }

    /// The archive of a version. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when it was deleted or replaced meanwhile.
    pub fn archive(&self, tenant: TenantId, version: &BundleVersion) -> Result<ContentReader> {
        self.store().content(tenant, &version.content)?.ok_or_else(no_version)
    }
}

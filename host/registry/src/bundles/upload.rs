//! A new version of a bundle: what has to be true of it, in which order (NiFi Registry 12.1).

use super::{Bundle, BundleKind, BundleVersion, NAME, Place, extensions, id_key, is_snapshot, key, version_key};
use crate::archive::{Archive, ArchiveLimits, Coordinates, read_archive, read_component, read_minifi_archive};
use crate::{Bucket, Event, EventKind, Registry, blocking, written};
use headworks_core::{Digest, Error, ErrorCode, Result, TenantId};
use headworks_store::{Beside, Change, Content, Expect};
use std::sync::Arc;

/// What is uploaded.
#[derive(Debug)]
pub struct NewVersion {
    /// The identifier of the bucket.
    pub bucket: String,
    /// What kind of archive it is said to be.
    pub kind: BundleKind,
    /// The archive.
    pub content: Content,
    /// What the digest has to be, where somebody said so.
    pub digest: Option<Digest>,
    /// The coordinates that were said beside the archive; those of the archive come first.
    pub given: Option<Coordinates>,
    /// What it was in another registry, from where it is taken over: nobody is told then, and coordinates that were said have
    /// to be those of the archive.
    pub origin: Option<BundleOrigin>,
}

/// What a version of a bundle was in another registry; what is absent is made anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleOrigin {
    /// The identifier of its bundle, which counts where the bundle is new.
    pub bundle: Option<String>,
    /// Its own identifier.
    pub version: Option<String>,
    /// Who uploaded it.
    pub author: Option<String>,
    /// When, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Whether whoever uploaded it said what the digest had to be.
    pub digest_supplied: Option<bool>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Added {
    /// Where it is.
    pub bucket: Bucket,
    /// What it belongs to, with it.
    pub bundle: Bundle,
    /// What it is.
    pub version: BundleVersion,
}

fn conflict(text: &str) -> Error {
    Error::new(ErrorCode::Exists, text)
}

fn other_bytes() -> Error {
    conflict("Found existing extension bundle with same group, artifact, and version, but different SHA-256 checksums")
}

impl Registry {
    /// Adds a version to a bucket, or replaces one that may be replaced. All of it becomes visible at once.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for the bucket; [`ErrorCode::Invalid`] for an archive that cannot be used;
    /// [`ErrorCode::Exists`] for what contradicts what is there, the digest that was given included.
    pub async fn add_version(&self, tenant: TenantId, author: &str, new: NewVersion) -> Result<Added> {
        if new.digest.is_some_and(|digest| digest != new.content.digest) {
            return Err(conflict(
                "The SHA-256 of the received extension bundle does not match the SHA-256 provided by the client",
            ));
        }
        let content = Arc::new(new.content);
        let expected = new.given.clone().filter(|_| new.origin.is_some());
        let archive = self.read_upload(&content, new.kind, new.given).await?;
        if expected.is_some_and(|expected| expected != archive.coordinates) {
            let Coordinates { group, artifact, version } = archive.coordinates;
            return Err(Error::invalid(format!("the archive says that it is {group}:{artifact}:{version}")));
        }
        let Coordinates { group, artifact, .. } = &archive.coordinates;
        if group.chars().count() + 1 + artifact.chars().count() > NAME {
            return Err(Error::invalid(format!("Bundle - name must not have more than {NAME} characters")));
        }
        let using = self.use_bucket(tenant, &new.bucket).await?;
        let _alone = self.pair_lock(tenant, group, artifact).await?;
        self.check_elsewhere(tenant, &using.bucket.id, &archive.coordinates, content.digest).await?;
        let before = self.check_here(tenant, &using.bucket, new.kind, &archive.coordinates, content.digest)?;
        let (bucket, supplied, told) = (&using.bucket, new.digest, new.origin.is_none());
        let upload = Upload { tenant, author, bucket, kind: new.kind, content: &content, supplied, origin: new.origin };
        let (bundle, version) = self.put_version(upload, archive, &before).await?;
        if told {
            self.tell_added(tenant, author, &bundle, &version, before.bundle.is_none());
        }
        Ok(Added { bucket: using.bucket.clone(), bundle, version })
    }

    /// What the archive says. Few are read at once: each may hold what [`ArchiveLimits`] allow.
    async fn read_upload(&self, content: &Arc<Content>, kind: BundleKind, given: Option<Coordinates>) -> Result<Archive> {
        let _turn = self.0.uploads.readers.acquire().await.map_err(|error| Error::internal(error.to_string()))?;
        let content = Arc::clone(content);
        let reading = move || match kind {
            BundleKind::NifiNar => read_archive(content.reader(), &ArchiveLimits::default()),
            BundleKind::HeadworksPlugin => read_component(content.reader(), given),
            BundleKind::MinifiCpp => read_minifi_archive(content.reader(), given, &ArchiveLimits::default()),
        };
        blocking(reading).await
    }

    /// Refuses other bytes than those that another bucket has under the same coordinates.
    async fn check_elsewhere(&self, tenant: TenantId, bucket: &str, of: &Coordinates, digest: Digest) -> Result<()> {
        if is_snapshot(&of.version) {
            return Ok(());
        }
        let (registry, of, bucket) = (self.clone(), of.clone(), bucket.to_owned());
        let looking = move || {
            for other in registry.buckets(tenant)?.iter().filter(|other| other.id != bucket) {
                let Some(bundle) = registry.bundle_in(tenant, &other.id, &of.group, &of.artifact)? else { continue };
                let there = registry.version_if_any(tenant, &bundle.id, &of.version)?;
                if there.is_some_and(|there| there.digest != digest) {
                    return Err(other_bytes());
                }
            }
            Ok(())
        };
        blocking(looking).await
    }

    /// What is there already in the bucket itself, where the new version may stand beside it or in its place.
    fn check_here(
        &self,
        tenant: TenantId,
        bucket: &Bucket,
        kind: BundleKind,
        of: &Coordinates,
        digest: Digest,
    ) -> Result<Before> {
        let Some(bundle) = self.bundle_in(tenant, &bucket.id, &of.group, &of.artifact)? else { return Ok(Before::default()) };
        if bundle.kind != kind {
            return Err(conflict("A bundle already exists with the same group id and artifact id, but a different bundle type"));
        }
        let version = self.version_if_any(tenant, &bundle.id, &of.version)?;
        if let Some(version) = &version
            && !version.is_snapshot()
            && !bucket.allow_bundle_redeploy
        {
            let same = || conflict("The specified version already exists for the given extension bundle");
            return Err(if version.digest == digest { same() } else { other_bytes() });
        }
        Ok(Before { bundle: Some(bundle), version })
    }

    async fn put_version(&self, upload: Upload<'_>, archive: Archive, before: &Before) -> Result<(Bundle, BundleVersion)> {
        let Upload { tenant, author, bucket, kind, content, supplied, origin } = upload;
        let origin = origin.unwrap_or_default();
        let new_id = || uuid::Uuid::new_v4().to_string();
        let now = origin.timestamp.unwrap_or_else(|| self.clock().now().millis());
        let version = BundleVersion {
            id: origin.version.unwrap_or_else(new_id),
            version: archive.coordinates.version.clone(),
            author: origin.author.unwrap_or_else(|| author.to_owned()),
            timestamp: now,
            digest: content.digest,
            digest_supplied: origin.digest_supplied.unwrap_or(supplied.is_some()),
            size: content.size,
            system_api_version: archive.system_api_version.clone(),
            build: archive.build.clone(),
            dependencies: archive.dependencies.clone(),
            content: content.id,
        };
        let bundle = match &before.bundle {
            Some(bundle) => Bundle {
                modified: bundle.modified.max(now),
                created: bundle.created.min(now),
                versions: bundle.versions + u64::from(before.version.is_none()),
                ..bundle.clone()
            },
            None => Bundle {
                id: origin.bundle.unwrap_or_else(new_id),
                bucket: bucket.id.clone(),
                group: archive.coordinates.group.clone(),
                artifact: archive.coordinates.artifact.clone(),
                kind,
                created: now,
                modified: now,
                versions: 1,
            },
        };
        let (list, descriptions) = self.put_extensions(tenant, archive).await?;
        let mut beside = match &before.version {
            Some(old) => self.contents_of(tenant, &bundle.id, old)?,
            None => Vec::new(),
        };
        let kept = [Some(content.id), descriptions.as_ref().map(|content| content.id)];
        beside.extend(kept.into_iter().flatten().map(|id| Beside::Content { tenant, id }));
        let there = |there: bool| if there { Expect::Present } else { Expect::Absent };
        let old = before.version.is_some();
        let mut changes = vec![
            Change::put(key(tenant, &bucket.id, &bundle.group, &bundle.artifact), written(&bundle)?)
                .expecting(there(before.bundle.is_some())),
            Change::put(version_key(tenant, &bundle.id, &version.version), written(&version)?).expecting(there(old)),
            Change::put(extensions::key(tenant, &bundle.id, &version.version), written(&list)?).expecting(there(old)),
        ];
        if before.bundle.is_none() {
            let place = Place { bucket: bucket.id.clone(), group: bundle.group.clone(), artifact: bundle.artifact.clone() };
            changes.push(Change::put(id_key(tenant, &bundle.id), written(&place)?).expecting(Expect::Absent));
        }
        self.store().write_with(author, changes, beside).await?;
        Ok((bundle, version))
    }

    fn tell_added(&self, tenant: TenantId, author: &str, bundle: &Bundle, version: &BundleVersion, new: bool) {
        let (bucket, id, user) = (bundle.bucket.clone(), bundle.id.clone(), author.to_owned());
        if new {
            let fields = [("BUCKET_ID", bucket.clone()), ("EXTENSION_BUNDLE_ID", id.clone()), ("USER", user.clone())];
            self.tell(Event::new(tenant, EventKind::CreateExtensionBundle, fields));
        }
        let version = ("VERSION", version.version.clone());
        let fields = [("BUCKET_ID", bucket), ("EXTENSION_BUNDLE_ID", id), version, ("USER", user)];
        self.tell(Event::new(tenant, EventKind::CreateExtensionBundleVersion, fields));
    }
}

/// Where an upload goes and whose it is.
struct Upload<'u> {
    tenant: TenantId,
    author: &'u str,
    bucket: &'u Bucket,
    kind: BundleKind,
    content: &'u Content,
    supplied: Option<Digest>,
    origin: Option<BundleOrigin>,
}

/// What an upload finds.
#[derive(Default)]
struct Before {
    bundle: Option<Bundle>,
    version: Option<BundleVersion>,
}

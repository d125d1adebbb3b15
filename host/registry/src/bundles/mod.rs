//! Bundles of extensions and their versions (NiFi Registry 12).
//!
//! What must stay true: a bundle is a group and an artifact within one bucket; its document counts its versions; a version's
//! archive is there as long as the document of the version; while a version of a group and artifact is added or deleted, no
//! other of the same group and artifact is, in whatever bucket.

mod delete;
mod extensions;
mod find;
mod pattern;
mod upload;

pub use extensions::{ExtensionEntry, ExtensionList};
pub use find::{BundleFilter, VersionFilter};
pub use pattern::Pattern;
pub use upload::{Added, BundleOrigin, NewVersion};

use crate::archive::{BuildInfo, Coordinates};
use crate::{Registry, read};
use headworks_core::{Digest, Document, DocumentKey, Error, Result, TenantId, Uid};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

/// The kind of the documents that are bundles; they belong to their bucket, and their names are group and artifact.
const KIND: &str = "bundle";
/// The kind of the documents that lead from an identifier to bucket, group and artifact.
const IDS: &str = "bundle-id";
/// The kind of the documents that are versions; they belong to their bundle, and their names are versions.
const VERSIONS: &str = "bundle-version";
/// The most characters of the name of a bundle (NiFi Registry 24).
const NAME: usize = 1000;

/// What kind of archives a bundle has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleKind {
    /// Those of NiFi.
    NifiNar,
    /// Those of MiNiFi C++.
    MinifiCpp,
    /// WebAssembly components that are plugins of Headworks; no kind that clients of NiFi know.
    HeadworksPlugin,
}

/// One bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// A UUID.
    pub id: String,
    /// The identifier of its bucket, for life.
    #[serde(skip)]
    pub bucket: String,
    /// First part of its name.
    pub group: String,
    /// Second part of its name.
    pub artifact: String,
    /// For life.
    pub kind: BundleKind,
    /// When its first version came, in milliseconds since 1970.
    pub created: i64,
    /// When a version last came or went, in milliseconds since 1970.
    pub modified: i64,
    /// How many versions it has; it may have none.
    pub versions: u64,
}

/// One version of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleVersion {
    /// A UUID, another one each time the version is uploaded.
    pub id: String,
    /// What the archive calls it.
    #[serde(skip)]
    pub version: String,
    /// Who uploaded it.
    pub author: String,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// The SHA-256 of the archive.
    #[serde(with = "hexadecimal")]
    pub digest: Digest,
    /// Whether whoever uploaded it said what the digest had to be.
    pub digest_supplied: bool,
    /// Bytes of the archive.
    pub size: u64,
    /// The framework's API it was built for, or `N/A`.
    pub system_api_version: String,
    /// How it was built.
    pub build: BuildInfo,
    /// The bundles it needs.
    pub dependencies: Vec<Coordinates>,
    /// The archive.
    pub(crate) content: Uid,
}

impl Bundle {
    /// What people call it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.group, self.artifact)
    }

    fn of(document: &Document) -> Result<Self> {
        Ok(Self { bucket: document.key.scope.clone(), ..read(document)? })
    }
}

impl BundleVersion {
    /// Whether it may be replaced at any time (NiFi Registry 12.1).
    pub fn is_snapshot(&self) -> bool {
        is_snapshot(&self.version)
    }

    fn of(document: &Document) -> Result<Self> {
        Ok(Self { version: document.key.name.clone(), ..read(document)? })
    }
}

fn is_snapshot(version: &str) -> bool {
    version.ends_with("SNAPSHOT")
}

/// Where a bundle is.
#[derive(Serialize, Deserialize)]
struct Place {
    bucket: String,
    group: String,
    artifact: String,
}

/// The name of a bundle's document: no two pairs have the same.
fn pair(group: &str, artifact: &str) -> String {
    format!("{}:{artifact}", group.replace('%', "%25").replace(':', "%3A"))
}

fn key(tenant: TenantId, bucket: &str, group: &str, artifact: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, KIND, bucket, &pair(group, artifact))
}

fn id_key(tenant: TenantId, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, IDS, id)
}

fn version_key(tenant: TenantId, bundle: &str, version: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, VERSIONS, bundle, version)
}

fn no_bundle() -> Error {
    Error::not_found("The specified extension bundle ID does not exist.")
}

fn no_version() -> Error {
    Error::not_found("The specified extension bundle version does not exist.")
}

mod hexadecimal {
    use headworks_core::Digest;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Archives that are read at once: each may hold what the limits of archives allow.
const READERS: usize = 4;
/// Changes of different groups and artifacts that may go on at once.
const STRIPES: usize = 64;

/// Whose turn it is to change something, and to read an archive.
pub(crate) struct Turns {
    pairs: Vec<Mutex<()>>,
    hasher: RandomState,
    readers: Semaphore,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let pairs = (0..STRIPES).map(|_| Mutex::new(())).collect();
        Self { pairs, hasher: RandomState::new(), readers: Semaphore::new(READERS) }
    }
}

impl Registry {
    /// Held by whoever adds or deletes versions of a group and artifact.
    async fn pair_lock(&self, tenant: TenantId, group: &str, artifact: &str) -> Result<MutexGuard<'_, ()>> {
        let turns = &self.0.uploads;
        let stripe = turns.hasher.hash_one((tenant, group, artifact)) as usize % STRIPES;
        let lock = turns.pairs.get(stripe).ok_or_else(|| Error::internal("no such stripe"))?;
        Ok(lock.lock().await)
    }
}

#[cfg(test)]
mod tests;

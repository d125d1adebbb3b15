//! Finding extensions by what they are (NiFi Registry 14).
//!
//! What must stay true: a search parses no full description, and no list twice while it is remembered. What is remembered
//! belongs to one upload of a version, whose identifier is never used again, so it never becomes wrong.

use crate::archive::{Extension, ServiceApi, normal_tag};
use crate::{Bucket, Bundle, BundleKind, BundleVersion, ExtensionEntry, ExtensionList, Registry, VersionFilter};
use headworks_core::{Result, TenantId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of lists that are remembered, about.
const REMEMBERED: usize = 64 << 20;

/// Which extensions are meant: those that all members let through.
#[derive(Clone, Debug, Default)]
pub struct ExtensionFilter {
    /// Of bundles of this kind.
    pub bundle: Option<BundleKind>,
    /// Of this type.
    pub kind: Option<String>,
    /// With any of these search words, in whatever spelling; any extension when there are none.
    pub tags: Vec<String>,
    /// That implement this interface.
    pub service: Option<ServiceApi>,
    /// Of the version of each bundle that was uploaded last.
    pub latest: bool,
}

/// The extensions of one upload of a version.
pub struct KnownExtensions {
    /// As they are stored.
    pub list: ExtensionList,
    /// Search words of each.
    tags: Vec<Vec<String>>,
}

impl KnownExtensions {
    fn new(list: ExtensionList) -> Self {
        let tags = list.extensions.iter().map(|entry| entry.summary.search_tags()).collect();
        Self { list, tags }
    }

    /// Bytes in memory, about.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let one = |entry: &ExtensionEntry| {
            let Extension { name, description, tags, provided_service_apis, restricted, .. } = &entry.summary;
            let permissions = restricted.iter().flat_map(|restricted| &restricted.restrictions);
            1024 + name.len()
                + text(description)
                + tags.iter().map(|tag| 2 * (tag.len() + 24)).sum::<usize>()
                + provided_service_apis.len() * 256
                + permissions.map(|permission| 64 + text(&permission.explanation)).sum::<usize>()
        };
        self.list.extensions.iter().map(one).sum::<usize>() + 256
    }
}

/// One extension and where it is.
#[derive(Clone)]
pub struct FoundExtension {
    /// The version that has it.
    pub place: Arc<ExtensionPlace>,
    known: Arc<KnownExtensions>,
    index: usize,
}

/// A version of a bundle with what is around it.
pub struct ExtensionPlace {
    /// Where the bundle is.
    pub bucket: Bucket,
    /// The bundle.
    pub bundle: Bundle,
    /// The version.
    pub version: BundleVersion,
}

impl FoundExtension {
    /// What is known of it.
    pub fn entry(&self) -> Option<&ExtensionEntry> {
        self.known.list.extensions.get(self.index)
    }

    fn order(&self) -> Option<(&str, &str, &str, &str, &str, &str)> {
        let (summary, place) = (&self.entry()?.summary, &self.place);
        let ExtensionPlace { bundle, version, .. } = &**place;
        Some((summary.display_name(), &summary.name, &bundle.group, &bundle.artifact, &version.version, &bundle.id))
    }
}

/// Lists that were read, the oldest first to go.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    by_upload: HashMap<String, Arc<KnownExtensions>>,
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Remembered {
    fn get(&self, upload: &str) -> Option<Arc<KnownExtensions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_upload.get(upload).cloned()
    }

    fn put(&self, upload: &str, known: &Arc<KnownExtensions>) {
        let size = known.size();
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if size > REMEMBERED / 4 || lists.by_upload.insert(upload.to_owned(), Arc::clone(known)).is_some() {
            return;
        }
        lists.order.push_back((upload.to_owned(), size));
        lists.bytes += size;
        while lists.bytes > REMEMBERED {
            let Some((oldest, size)) = lists.order.pop_front() else { return };
            lists.by_upload.remove(&oldest);
            lists.bytes = lists.bytes.saturating_sub(size);
        }
    }
}

impl Registry {
    /// The extensions of an upload of a version. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when they cannot be read.
    pub fn known_extensions(&self, tenant: TenantId, bundle: &str, version: &BundleVersion) -> Result<Arc<KnownExtensions>> {
        if let Some(known) = self.0.remembered.get(&version.id) {
            return Ok(known);
        }
        let known = Arc::new(KnownExtensions::new(self.extensions(tenant, bundle, &version.version)?));
        self.0.remembered.put(&version.id, &known);
        Ok(known)
    }

    /// The extensions in these buckets that a filter lets through, by display name, name, group, artifact and version. Blocks.
    ///
    /// # Errors
    /// As [`known_extensions`](Self::known_extensions).
    pub fn find_extensions(&self, tenant: TenantId, buckets: &[Bucket], filter: &ExtensionFilter) -> Result<Vec<FoundExtension>> {
        let words: HashSet<String> = filter.tags.iter().map(|tag| normal_tag(tag)).collect();
        let mut found = Vec::new();
        for (place, known) in self.known_places(tenant, buckets, filter)? {
            let place = Arc::new(place);
            for (index, (entry, tags)) in known.list.extensions.iter().zip(&known.tags).enumerate() {
                let summary = &entry.summary;
                let takes = filter.kind.as_ref().is_none_or(|kind| *kind == summary.kind)
                    && (words.is_empty() || tags.iter().any(|tag| words.contains(tag)))
                    && filter.service.as_ref().is_none_or(|service| summary.provided_service_apis.contains(service));
                if takes {
                    found.push(FoundExtension { place: Arc::clone(&place), known: Arc::clone(&known), index });
                }
            }
        }
        found.sort_by(|one, other| one.order().cmp(&other.order()));
        Ok(found)
    }

    /// The search words of the extensions in these buckets with the number of extensions that have each, by word. Blocks.
    ///
    /// # Errors
    /// As [`known_extensions`](Self::known_extensions).
    pub fn extension_tags(&self, tenant: TenantId, buckets: &[Bucket]) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for (_, known) in self.known_places(tenant, buckets, &ExtensionFilter::default())? {
            for tag in known.tags.iter().flatten() {
                match counts.get_mut(tag) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(tag.clone(), 1);
                    }
                }
            }
        }
        Ok(counts)
    }

    fn known_places(
        &self,
        tenant: TenantId,
        buckets: &[Bucket],
        filter: &ExtensionFilter,
    ) -> Result<Vec<(ExtensionPlace, Arc<KnownExtensions>)>> {
        let by_id: HashMap<&str, &Bucket> = buckets.iter().map(|bucket| (bucket.id.as_str(), bucket)).collect();
        let mut versions = self.find_versions(tenant, buckets, &VersionFilter::default())?;
        versions.retain(|(bundle, _)| filter.bundle.is_none_or(|kind| kind == bundle.kind));
        if filter.latest {
            let newest =
                |(bundle, version): &(Bundle, BundleVersion)| (bundle.id.clone(), version.timestamp, version.version.clone());
            versions.sort_by_cached_key(newest);
            versions.reverse();
            versions.dedup_by(|(one, _), (other, _)| one.id == other.id);
        }
        let mut places = Vec::with_capacity(versions.len());
        for (bundle, version) in versions {
            let Some(bucket) = by_id.get(bundle.bucket.as_str()) else { continue };
            let known = self.known_extensions(tenant, &bundle.id, &version)?;
            places.push((ExtensionPlace { bucket: Bucket::clone(bucket), bundle, version }, known));
        }
        Ok(places)
    }
}

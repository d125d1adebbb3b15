//! How a document names a plugin: by its name, which means whichever version is in use, or by the coordinates of a bundle of the
//! registry with a digest, which means that version for good.
//!
//! What must stay true: the name of a plugin has no slash and coordinates have one; what is written is read back the same. The
//! digest decides what runs: what becomes of the bundle later changes nothing.

use crate::documents::{self, VersionState};
use crate::{Inner, Plugins};
use headworks_core::{Digest, Document, Error, ErrorCode, Result, TenantId};
use std::fmt;
use std::sync::Arc;

/// What stands between coordinates and the digest.
const MARK: &str = "@sha256:";

/// The most bytes of coordinates: more than the longest names of the registry have together.
const MOST: usize = 8 << 10;

/// A version of a bundle of the registry, and what it has to be: `BUCKET/GROUP:ARTIFACT:VERSION@sha256:DIGEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinates {
    /// The bucket, by name or identifier.
    pub bucket: String,
    /// First part of the name of the bundle.
    pub group: String,
    /// Second part of the name of the bundle.
    pub artifact: String,
    /// The version of the bundle.
    pub version: String,
    /// The SHA-256 of the component, where that is known.
    pub digest: Option<Digest>,
}

impl Coordinates {
    /// Reads coordinates; `None` for what can only be the name of a plugin.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is neither.
    pub fn read(text: &str) -> Result<Option<Self>> {
        if !text.contains('/') {
            return Ok(None);
        }
        let form = || {
            Error::invalid("coordinates have the form BUCKET/GROUP:ARTIFACT:VERSION, with @sha256:DIGEST behind it or without")
        };
        let (place, digest) = match text.rsplit_once(MARK) {
            Some((place, digest)) => (place, Some(digest.parse()?)),
            None => (text, None),
        };
        let (bucket, name) = place.rsplit_once('/').ok_or_else(form)?;
        let parts: Vec<&str> = name.split(':').collect();
        let [group, artifact, version] = <[&str; 3]>::try_from(parts).map_err(|_| form())?;
        // It has to fit the first line of a script.
        let is_one_line = text.len() <= MOST && text.trim() == text && !text.chars().any(char::is_control);
        if !is_one_line || [bucket, group, artifact, version].contains(&"") {
            return Err(form());
        }
        let [bucket, group, artifact, version] = [bucket, group, artifact, version].map(str::to_owned);
        Ok(Some(Self { bucket, group, artifact, version, digest }))
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, group, artifact, version, digest } = self;
        write!(f, "{bucket}/{group}:{artifact}:{version}")?;
        digest.map_or(Ok(()), |digest| write!(f, "{MARK}{digest}"))
    }
}

/// What a document means that names a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meant {
    /// The plugin.
    pub(crate) plugin: String,
    /// The version, where it is not whichever is in use.
    pub(crate) pinned: Option<String>,
}

impl Plugins {
    /// Whether a tenant has a version with this digest. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub fn has(&self, tenant: TenantId, coordinates: &Coordinates, digest: Digest) -> Result<bool> {
        Ok(self.0.with_digest(tenant, coordinates, digest)?.is_some())
    }
}

impl Inner {
    /// What is meant by a name in a document. Blocks where that has coordinates.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] for coordinates that lead to no version that is here.
    pub(crate) fn meant(&self, tenant: TenantId, named: &str) -> Result<Meant> {
        let invalid = |text: String| Error::new(ErrorCode::InvalidProgram, text).at("plugin");
        let coordinates = Coordinates::read(named).map_err(|error| invalid(error.message))?;
        let Some(coordinates) = coordinates else { return Ok(Meant { plugin: named.to_owned(), pinned: None }) };
        let Some(digest) = coordinates.digest else {
            let text =
                format!("{coordinates} is not pinned to a digest: save it through /platform/v1, which looks the digest up");
            return Err(invalid(text));
        };
        let missing = || invalid(format!("the plugin {coordinates} is not installed: save it again to take it from its bucket"));
        let (version, _) = self.with_digest(tenant, &coordinates, digest)?.ok_or_else(missing)?;
        Ok(Meant { plugin: version.key.scope, pinned: Some(version.key.name) })
    }

    /// As [`meant`](Self::meant), off the async threads where that is worth it.
    pub(crate) async fn meant_by(self: &Arc<Self>, tenant: TenantId, named: &str) -> Result<Meant> {
        if !named.contains('/') {
            return self.meant(tenant, named);
        }
        let (inner, named) = (Arc::clone(self), named.to_owned());
        let looked = tokio::task::spawn_blocking(move || inner.meant(tenant, &named)).await;
        looked.map_err(|error| Error::internal(error.to_string()))?
    }

    /// The version of whatever plugin that has this digest. A component says its own name and version, so that there is one.
    fn with_digest(&self, tenant: TenantId, hint: &Coordinates, digest: Digest) -> Result<Option<(Document, VersionState)>> {
        let digest = digest.to_string();
        let read = |document: Document| -> Result<(Document, VersionState)> {
            let state = documents::decode(&document.key, &document.body)?;
            Ok((document, state))
        };
        // Mostly it was published under its own name and version.
        let likely = self.store.get(&documents::version_key(tenant, &hint.artifact, &hint.version))?.map(read).transpose()?;
        if let Some(found) = likely.filter(|(_, state)| state.digest == digest) {
            return Ok(Some(found));
        }
        for document in self.store.documents_after(tenant, documents::VERSION, None, usize::MAX)? {
            let found = read(document)?;
            if found.1.digest == digest {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_read_as_they_are_written() {
        let digest = Digest::of(b"x");
        for (text, pinned) in [
            ("ops/headworks:mark:1.0.0".to_owned(), None),
            (format!("ops/headworks:mark:1.0.0@sha256:{digest}"), Some(digest)),
            (format!("a/b @sha256:c/g:a:1+x@sha256:{digest}"), Some(digest)),
        ] {
            let read = Coordinates::read(&text).unwrap().unwrap();
            assert_eq!((read.digest, read.to_string()), (pinned, text));
        }
        let read = Coordinates::read("a/b/g:m:1-SNAPSHOT").unwrap().unwrap();
        assert_eq!((read.bucket.as_str(), read.group.as_str(), read.version.as_str()), ("a/b", "g", "1-SNAPSHOT"));
        assert_eq!(Coordinates::read("redact"), Ok(None));
    }

    #[test]
    fn what_is_neither_name_nor_coordinates_is_refused() {
        for text in [
            "/",
            "b/",
            "b/a",
            "b/g:a",
            "b/g:a:1:2",
            "/g:a:1",
            "b/:a:1",
            "b/g:a:1@sha256:12",
            " b/g:a:1",
            "b\n/g:a:1",
            &format!("{}/g:a:1", "b".repeat(MOST)),
        ] {
            assert_eq!(Coordinates::read(text).unwrap_err().code, ErrorCode::Invalid, "{text}");
        }
    }
}

//! Reading an uploaded archive: what it says of itself and of the extensions in it (NiFi Registry 13).
//!
//! What must stay true: whatever the bytes are, reading ends with a result or an error of the caller's (400) within the
//! [limits](ArchiveLimits); nothing in an archive becomes a path; two programs that read the same archive by the rules of
//! the format see the same content, because archives that can be read in two ways are refused. Knows nothing of buckets or of
//! where the archive is kept.

mod descriptor;
mod directory;
mod entries;
mod extension;
mod lengths;
mod limits;
mod manifest;
mod source;
#[cfg(test)]
mod tests;
mod tree;

pub use extension::*;
pub use limits::ArchiveLimits;

use descriptor::Descriptor;
use headworks_core::{Error, Result};
use manifest::Manifest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufReader, Read, Seek, SeekFrom};

const MANIFEST: &str = "META-INF/MANIFEST.MF";
const DESCRIPTOR: &str = "META-INF/docs/extension-manifest.xml";

/// The name of a version of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Coordinates {
    /// Group. Not blank, at most 500 characters.
    pub group: String,
    /// Artifact. Not blank, at most 500 characters.
    pub artifact: String,
    /// Version. Not blank, at most 100 characters.
    pub version: String,
}

/// How an archive was built. What it does not say is `N/A`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// Tool.
    pub tool: String,
    /// Flags given to it; archives never say.
    pub flags: String,
    /// Branch of the source.
    pub branch: String,
    /// Tag of the source.
    pub tag: String,
    /// Revision of the source.
    pub revision: String,
    /// When, in milliseconds since the epoch; 0 when the archive does not say.
    pub built: i64,
    /// Who.
    pub built_by: String,
}

/// What stands for absent text.
pub const NOT_AVAILABLE: &str = "N/A";

impl Default for BuildInfo {
    fn default() -> Self {
        let absent = || NOT_AVAILABLE.to_owned();
        Self {
            tool: absent(),
            flags: absent(),
            branch: absent(),
            tag: absent(),
            revision: absent(),
            built: 0,
            built_by: absent(),
        }
    }
}

/// What an archive says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Which version of which bundle it is.
    pub coordinates: Coordinates,
    /// The bundles it needs: none or one.
    pub dependencies: Vec<Coordinates>,
    /// How it was built.
    pub build: BuildInfo,
    /// The framework's API it was built for, or `N/A`.
    pub system_api_version: String,
    /// Its extensions in the order of the descriptor, each name once.
    pub extensions: Vec<Extension>,
    /// Pages of additional details, HTML, by the name of their extension. Only of extensions that are there.
    pub details: BTreeMap<String, String>,
}

/// Reads a NiFi archive.
///
/// Blocking: runs off the async threads. Reads the whole archive, mostly from its beginning to its end.
///
/// # Errors
/// [`headworks_core::ErrorCode::Invalid`] for whatever is wrong with the archive, naming entry and limit;
/// [`headworks_core::ErrorCode::Io`] or what else the error stands for when the reader fails.
pub fn read_archive<R: Read + Seek>(reader: R, limits: &ArchiveLimits) -> Result<Archive> {
    Found::read(reader, limits)?.archive(None)
}

/// Reads a MiNiFi C++ archive: one like NiFi's, or anything else without coordinates of its own, which has those given beside
/// it (NiFi Registry 13.5).
///
/// # Errors
/// As [`read_archive`]; also when neither the archive nor `given` has coordinates.
pub fn read_minifi_archive<R: Read + Seek>(mut reader: R, given: Option<Coordinates>, limits: &ArchiveLimits) -> Result<Archive> {
    let mut first = Vec::with_capacity(4);
    reader.seek(SeekFrom::Start(0))?;
    reader.by_ref().take(4).read_to_end(&mut first)?;
    let found = match first.as_slice() {
        b"PK\x03\x04" | b"PK\x05\x06" => Found::read(reader, limits)?,
        _ => Found::default(),
    };
    found.archive(given)
}

/// What was found in an archive that counts.
#[derive(Default)]
struct Found {
    manifest: Option<Manifest>,
    descriptor: Option<Descriptor>,
    details: BTreeMap<String, String>,
}

impl Found {
    fn read<R: Read + Seek>(reader: R, limits: &ArchiveLimits) -> Result<Self> {
        let mut found = Self::default();
        let mut room = limits.all_details;
        entries::each(reader, limits, |name, entry| {
            if name == MANIFEST {
                found.manifest = Some(Manifest::parse(&entry.bytes(limits.manifest)?)?);
            } else if name == DESCRIPTOR {
                entry.at_most(limits.descriptor)?;
                let outcome = Descriptor::read(BufReader::new(&mut *entry), limits);
                found.descriptor = Some(outcome.map_err(|error| entry.refusal().unwrap_or(error))?);
            } else if let Some(extension) = details_of(name) {
                let page = entry.text(limits.details.min(room))?;
                room = room.saturating_sub(page.len() as u64);
                found.details.insert(extension.to_owned(), page);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The archive, whose own coordinates go before those given.
    fn archive(self, given: Option<Coordinates>) -> Result<Archive> {
        let own = self.manifest.as_ref().map(Manifest::coordinates);
        let coordinates = match (own, given) {
            (Some(Ok(own)), _) => own,
            (_, Some(given)) => given,
            (Some(Err(missing)), None) => return Err(refused(format!("{missing} is missing in its entry {MANIFEST}"))),
            (None, None) => return Err(refused(format!("it has no entry {MANIFEST}, which says group, artifact and version"))),
        };
        let mut build = self.manifest.as_ref().map(Manifest::build).unwrap_or_default();
        let descriptor = self.descriptor.unwrap_or_default();
        if let Some(said) = &descriptor.build {
            said.fill(&mut build);
        }
        let dependency = self.manifest.as_ref().and_then(Manifest::dependency).or(descriptor.parent);
        let names: HashSet<&str> = descriptor.extensions.iter().map(|extension| extension.name.as_str()).collect();
        let mut details = self.details;
        details.retain(|name, _| names.contains(name.as_str()));
        let archive = Archive {
            coordinates,
            dependencies: dependency.into_iter().collect(),
            build,
            system_api_version: descriptor.system_api_version.unwrap_or_else(|| NOT_AVAILABLE.to_owned()),
            extensions: descriptor.extensions,
            details,
        };
        lengths::check(&archive)?;
        Ok(archive)
    }
}

/// The extension whose page of additional details this entry is.
fn details_of(entry: &str) -> Option<&str> {
    let name = entry.strip_prefix("META-INF/docs/additional-details/")?.strip_suffix("/additionalDetails.html")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

fn refused(what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("The archive cannot be used: {what}"))
}

/// A name from an archive as it can stand in a message.
fn shown(name: &str) -> String {
    const MOST: usize = 100;
    let short: String = name.chars().take(MOST).collect();
    let more = if short.len() < name.len() { "…" } else { "" };
    format!("'{}{more}'", short.escape_debug())
}

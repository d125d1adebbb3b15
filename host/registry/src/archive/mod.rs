//! Reading an uploaded archive: what it says of itself and of the extensions in it (NiFi Registry 13).
//!
//! What must stay true: whatever the bytes are, reading ends with a result or an error of the caller's (400) within the
//! [limits](ArchiveLimits); nothing in an archive becomes a path; two programs that read the same archive by the rules of
//! the format see the same content, because archives that can be read in two ways are refused. Knows nothing of buckets or of
//! where the archive is kept.

mod extension;
mod limits;

pub use extension::*;
pub use limits::ArchiveLimits;

use headworks_core::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// The name of a version of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinates {
    /// Group. Not blank, at most 500 characters.
    pub group: String,
    /// Artifact. Not blank, at most 500 characters.
    pub artifact: String,
    /// Version. Not blank, at most 100 characters.
    pub version: String,
}

/// How an archive was built. What it does not say is `N/A`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
/// Blocking: runs off the async threads. Reads the whole archive once.
///
/// # Errors
/// [`headworks_core::ErrorCode::Invalid`] for whatever is wrong with the archive, naming entry and limit;
/// [`headworks_core::ErrorCode::Io`] when the reader fails.
pub fn read_archive<R: Read + Seek>(_reader: R, _limits: &ArchiveLimits) -> Result<Archive> {
    Err(Error::invalid("archives are not read yet"))
}

/// Reads a MiNiFi C++ archive: one like NiFi's, or anything else without a manifest, whose coordinates are then those given
/// beside it (NiFi Registry 13.5).
///
/// # Errors
/// As [`read_archive`]; also when neither the archive nor `given` has coordinates.
pub fn read_minifi_archive<R: Read + Seek>(_reader: R, _given: Option<Coordinates>, _limits: &ArchiveLimits) -> Result<Archive> {
    Err(Error::invalid("archives are not read yet"))
}

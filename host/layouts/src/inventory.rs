//! What another registry kept, as far as its files and its database say.
//!
//! What must stay true: nothing is read of contents before they are asked for; what cannot be used is refused by name and does
//! not hinder the rest.

use crate::git::{FoundVersion, History};
use crate::snapshot;
use cap_std::fs::Dir;
use headworks_core::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The most bytes of the file of a version.
const MOST: u64 = 1 << 30;

/// Everything that was found, in the order in which it is taken over.
#[derive(Default)]
pub struct Inventory {
    /// By name.
    pub buckets: Vec<Bucket>,
    /// What whoever migrates should know.
    pub notes: Vec<String>,
    /// What cannot be taken over.
    pub refused: Vec<Refused>,
    /// Where the contents are.
    pub(crate) contents: Contents,
}

/// Something that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// In milliseconds since 1970, where it is known.
    pub created: Option<i64>,
    /// Whether its name is made up, so that another one may be there.
    pub nameless: bool,
    /// Whether everybody may read it.
    pub allow_public_read: bool,
    /// Whether a version of a bundle may be uploaded again.
    pub allow_bundle_redeploy: bool,
    /// Its flows, by name.
    pub flows: Vec<Flow>,
    /// Versions of its bundles.
    pub bundles: Vec<BundleVersion>,
}

/// A flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Whether its name is made up, so that another one may be there.
    pub nameless: bool,
    /// When it was made and last changed, in milliseconds since 1970.
    pub times: Option<(i64, i64)>,
    /// In order of their numbers.
    pub versions: Vec<Version>,
}

/// A version of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// From 1.
    pub number: u32,
    /// Who saved it.
    pub author: Option<String>,
    /// What was new.
    pub comments: Option<String>,
    /// When, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    pub(crate) place: Place,
}

/// A version of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleVersion {
    /// `nifi-nar` or `minifi-cpp`.
    pub kind: &'static str,
    /// First part of its coordinates.
    pub group: String,
    /// Second part.
    pub artifact: String,
    /// Third part.
    pub version: String,
    /// Identifiers of its bundle and of itself, where they are known.
    pub ids: Option<(String, String)>,
    /// Who uploaded it.
    pub author: Option<String>,
    /// When, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// What its digest has to be.
    pub sha256: Option<String>,
    /// Whether whoever uploaded it said so.
    pub sha256_supplied: bool,
    pub(crate) path: PathBuf,
}

/// Where the content of a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file of the folder.
    File(PathBuf),
    /// Bytes of the spool: where they begin, and how many.
    Spooled(u64, u64),
    /// In a repository.
    Git(FoundVersion),
}

/// Where contents are read from.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) flows: Option<Dir>,
    pub(crate) bundles: Option<Dir>,
    pub(crate) spool: Option<File>,
    pub(crate) history: Option<History>,
}

impl Refused {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl Inventory {
    pub(crate) fn refuse(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.refused.push(Refused::new(what, why));
    }

    /// The snapshot of a version as clients send it, one JSON object, in a file that nobody else sees.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for what is none.
    pub fn snapshot(&self, version: &Version) -> Result<File> {
        self.contents.snapshot(&version.place)
    }

    /// The archive of a version of a bundle, and how many bytes it has.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) where it is not there, or is no file.
    pub fn archive(&self, bundle: &BundleVersion) -> Result<(impl Read + use<>, u64)> {
        let folder = self.contents.bundles.as_ref().ok_or_else(|| Error::internal("there is no folder of bundles"))?;
        plain(folder, &bundle.path)
    }
}

impl Contents {
    pub(crate) fn snapshot(&self, place: &Place) -> Result<File> {
        let missing = || Error::internal("the contents are elsewhere");
        match place {
            Place::File(path) => {
                let (file, size) = plain(self.flows.as_ref().ok_or_else(missing)?, path)?;
                if size > MOST {
                    return Err(Error::invalid(format!("it has {size} bytes, and {MOST} are the most")));
                }
                snapshot::read(file.take(MOST))
            }
            Place::Spooled(start, length) => {
                let mut spool = self.spool.as_ref().ok_or_else(missing)?;
                spool.seek(SeekFrom::Start(*start))?;
                snapshot::read(spool.take(*length))
            }
            Place::Git(version) => snapshot::read(self.history.as_ref().ok_or_else(missing)?.contents(version, MOST)?),
        }
    }
}

/// A file below a folder that is a file and nothing that leads elsewhere.
pub(crate) fn plain(folder: &Dir, path: &PathBuf) -> Result<(cap_std::fs::File, u64)> {
    let unread = |error| Error::invalid(format!("{} cannot be read: {error}", path.display()));
    let metadata = folder.symlink_metadata(path).map_err(unread)?;
    if !metadata.is_file() {
        return Err(Error::invalid(format!("{} is no file", path.display())));
    }
    Ok((folder.open(path).map_err(unread)?, metadata.len()))
}

//! The layout of a Git repository: one directory for each bucket, one commit for each saved version (NiFi Registry 22.1).
//!
//! What must stay true: the only module that names the Git library; all of that blocks, and [`Export`] keeps it off the async
//! threads.

mod bucket;
mod export;
mod history;
mod http;
mod import;
mod names;
mod remote;
mod repository;
mod start;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use names::usable;

pub use history::{FoundBucket, FoundFlow, FoundVersion, History};
pub use remote::{Access, check};
pub use start::ExportOptions;
pub use task::Export;

use headworks_core::{Error, ErrorCode};
use std::path::PathBuf;

/// Who commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committer {
    /// A name.
    pub name: String,
    /// An address for mail, which authors get too.
    pub address: String,
}

/// A repository that versions are committed to.
#[derive(Clone)]
pub struct GitOptions {
    /// Where it is.
    pub folder: PathBuf,
    /// What it is cloned from where the folder is empty.
    pub clone: Option<String>,
    /// What is pushed to: the name of a remote, or an address.
    pub remote: Option<String>,
    /// How remote repositories are reached.
    pub access: Access,
    /// Who commits.
    pub committer: Committer,
}

/// What the library says, with what was tried. The library knows no secret.
fn failed(what: &str, error: &git2::Error) -> Error {
    Error::new(ErrorCode::Io, format!("{what}: {}", error.message()))
}

//! What a Git repository of another registry holds, to be taken over.

use crate::git::{FoundBucket, FoundFlow, FoundVersion, History};
use crate::inventory::{Bucket, Contents, Flow, Inventory, Place, Version};
use headworks_core::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

fn open(folder: &Path) -> Result<(History, Vec<FoundBucket>)> {
    let named = |error: Error| Error { message: format!("{}: {}", folder.display(), error.message), ..error };
    let none = || Error::invalid(format!("{} holds no Git repository", folder.display()));
    let history = History::open(folder).map_err(named)?.ok_or_else(none)?;
    let buckets = history.buckets().map_err(named)?;
    Ok((history, buckets))
}

/// What a repository knows without a database: names, people and times, but neither descriptions of buckets nor flows without
/// versions.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for what is none, or is not whole.
pub fn from_git(folder: &Path) -> Result<Inventory> {
    let (history, found) = open(folder)?;
    let buckets = found.into_iter().map(|found| {
        let oldest = found.flows.iter().filter_map(|flow| flow.versions.first()).map(|version| version.created).min();
        let FoundBucket { id, name, description, flows } = found;
        Bucket { id, name, description, created: oldest, flows: flows.into_iter().map(flow).collect(), ..Bucket::default() }
    });
    let buckets = buckets.collect();
    let notes = vec!["the repository knows no flows without versions, and not who may read a bucket".to_owned()];
    Ok(Inventory { buckets, notes, contents: Contents { history: Some(history), ..Contents::default() }, ..Inventory::default() })
}

fn flow(found: FoundFlow) -> Flow {
    let times = found.versions.first().zip(found.versions.last()).map(|(first, last)| (first.created, last.created));
    let FoundFlow { id, name, description, versions } = found;
    let description = description.filter(|text| !text.is_empty());
    let version = |found: FoundVersion| Version {
        number: found.number,
        author: Some(found.author.clone()).filter(|author| !author.trim().is_empty()),
        comments: found.comments.clone(),
        timestamp: Some(found.created).filter(|created| *created > 0),
        place: Place::Git(found),
    };
    Flow { id, name, description, nameless: false, times, versions: versions.into_iter().map(version).collect() }
}

/// Contents for versions that a database knows.
pub(crate) struct Commits {
    history: History,
    versions: HashMap<(String, u32), FoundVersion>,
}

impl Commits {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let (history, buckets) = open(folder)?;
        let flows = buckets.into_iter().flat_map(|bucket| bucket.flows);
        let versions =
            flows.flat_map(|flow| flow.versions.into_iter().map(move |found| ((flow.id.clone(), found.number), found)));
        Ok(Self { history, versions: versions.collect() })
    }

    pub(crate) fn take(&mut self, flow: &str, version: u32) -> Result<Place> {
        let found = self.versions.remove(&(flow.to_owned(), version));
        found.map(Place::Git).ok_or_else(|| Error::invalid("the Git repository has no such version"))
    }

    /// Where contents are read from. What nobody took is refused.
    pub(crate) fn rest(self, inventory: &mut Inventory) -> History {
        for (flow, version) in self.versions.into_keys() {
            inventory.refuse(format!("version {version} of the flow {flow}"), "the database has no such version");
        }
        self.history
    }
}

//! What a repository holds: buckets, flows and their versions, found in its commits.
//!
//! What must stay true: everything is read from objects and nothing from the work tree; what is in the newest commit is there,
//! and what was deleted before is not; a flow whose versions are not all in the history is refused.

use super::bucket::{Entry, FILE};
use super::failed;
use super::repository::{bucket_file, contents, directories, is_file, newest, open};
use git2::{Commit, Oid, Repository, Sort};
use headworks_core::{Error, Result};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::Path;

/// The most versions of all flows together.
const VERSIONS: usize = 500_000;
/// How the line begins that names who saved a version.
pub(super) const BY: &str = "By NiFi Registry user: ";

/// A repository to be read.
pub struct History {
    git: Repository,
}

/// A bucket of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundBucket {
    /// Its identifier.
    pub id: String,
    /// Its name; that of its directory where the repository does not say.
    pub name: String,
    /// Free text, where the repository has it.
    pub description: Option<String>,
    /// By identifier.
    pub flows: Vec<FoundFlow>,
}

/// A flow of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFlow {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// 1 to n.
    pub versions: Vec<FoundVersion>,
}

/// A version of a flow of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVersion {
    /// From 1.
    pub number: u32,
    /// Who saved it.
    pub author: String,
    /// What was new.
    pub comments: Option<String>,
    /// When it was saved, in milliseconds since 1970.
    pub created: i64,
    file: Oid,
}

impl History {
    /// Of the repository in a folder; none where the folder is empty or not there.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a folder with something else in it.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        Ok(open(folder)?.map(|git| Self { git }))
    }

    /// The buckets of the newest commit with all versions of their flows. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a repository that is damaged or not whole.
    pub fn buckets(&self) -> Result<Vec<FoundBucket>> {
        let Some(head) = newest(&self.git)? else { return Ok(Vec::new()) };
        let directories = directories(&self.git, &head)?;
        let mut wanted = Wanted::default();
        for directory in &directories {
            let id = &directory.file.bucket_id;
            let flows = directory.file.flows.iter().map(|(flow, entry)| (flow.clone(), entry.ver)).collect();
            if wanted.buckets.insert(id.clone(), flows).is_some() {
                return Err(Error::invalid(format!("two directories are of the bucket {id}")));
            }
            wanted.missing += directory.file.flows.values().map(|entry| entry.ver as usize).sum::<usize>();
        }
        if wanted.missing > VERSIONS {
            return Err(Error::invalid(format!("it has {} versions, and {VERSIONS} are the most", wanted.missing)));
        }
        self.search(head.id(), &mut wanted)?;
        directories.into_iter().map(|directory| wanted.take(&directory.name, directory.file)).collect()
    }

    /// What was saved as a version: the whole file. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a file that is larger than `most` bytes or damaged.
    pub fn contents(&self, version: &FoundVersion, most: u64) -> Result<impl Read + Send + 'static> {
        contents(&self.git, version.file, most)
    }

    /// Looks for versions from the newest commit back: where a version is in more than one, the newest counts.
    fn search(&self, head: Oid, wanted: &mut Wanted) -> Result<()> {
        let unread = |error| failed("the history cannot be read", &error);
        let mut walk = self.git.revwalk().map_err(unread)?;
        walk.set_sorting(Sort::TOPOLOGICAL).and_then(|()| walk.push(head)).map_err(unread)?;
        // The same directory says the same again.
        let mut seen = HashSet::new();
        for commit in walk {
            if wanted.missing == 0 {
                break;
            }
            let commit = self.git.find_commit(commit.map_err(unread)?).map_err(unread)?;
            let root = commit.tree().map_err(unread)?;
            let mut any = false;
            for entry in root.iter().filter(|entry| entry.kind() == Some(git2::ObjectType::Tree)) {
                let tree = self.git.find_tree(entry.id()).map_err(unread)?;
                any |= tree.get_name(FILE).is_some();
                if !seen.insert(entry.id()) {
                    continue;
                }
                let file = bucket_file(&self.git, &tree).map_err(|error| {
                    let place = format!("{}/{FILE} of the commit {}", String::from_utf8_lossy(entry.name_bytes()), commit.id());
                    Error { message: format!("{place}: {}", error.message), ..error }
                })?;
                let Some(file) = file else { continue };
                for (flow, said) in file.flows {
                    let snapshot = tree.get_name(&said.file).filter(|entry| is_file(entry.filemode()));
                    if let Some(snapshot) = snapshot {
                        wanted.found(&file.bucket_id, &flow, said, snapshot.id(), &commit);
                    }
                }
            }
            if !any {
                // What was there before belongs to something else.
                break;
            }
        }
        Ok(())
    }
}

/// The versions that are looked for, and what was found.
#[derive(Default)]
struct Wanted {
    /// The newest version of each flow of each bucket.
    buckets: HashMap<String, HashMap<String, u32>>,
    versions: HashMap<(String, String), BTreeMap<u32, FoundVersion>>,
    missing: usize,
}

impl Wanted {
    fn found(&mut self, bucket: &str, flow: &str, said: Entry, file: Oid, commit: &Commit<'_>) {
        let newest = self.buckets.get(bucket).and_then(|flows| flows.get(flow));
        if said.ver == 0 || newest.is_none_or(|newest| said.ver > *newest) {
            return;
        }
        let versions = self.versions.entry((bucket.to_owned(), flow.to_owned())).or_default();
        if versions.contains_key(&said.ver) {
            return;
        }
        self.missing = self.missing.saturating_sub(1);
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        let (before, by) = message.rsplit_once(BY).map_or((message.as_str(), None), |(before, by)| (before, Some(by.trim())));
        let comments = match &said.author {
            // Early releases left it all to the commit.
            None => Some(before.trim().to_owned()).filter(|comments| !comments.is_empty()),
            Some(_) => said.comments,
        };
        let author = said.author.or_else(|| by.map(str::to_owned));
        let author = author.unwrap_or_else(|| String::from_utf8_lossy(commit.author().name_bytes()).into_owned());
        let created = said.created.unwrap_or_else(|| commit.time().seconds().saturating_mul(1000));
        versions.insert(said.ver, FoundVersion { number: said.ver, author, comments, created, file });
    }

    fn take(&mut self, directory: &str, file: super::bucket::BucketFile) -> Result<FoundBucket> {
        let mut flows = Vec::with_capacity(file.flows.len());
        for (id, entry) in file.flows {
            let versions = self.versions.remove(&(file.bucket_id.clone(), id.clone())).unwrap_or_default();
            if let Some(number) = (1..=entry.ver).find(|number| !versions.contains_key(number)) {
                let message = format!(
                    "the version {number} of the flow {id} in {directory} is in no commit of the branch: is the clone whole?"
                );
                return Err(Error::invalid(message));
            }
            let stem = || entry.file.strip_suffix(".snapshot").unwrap_or(&entry.file).to_owned();
            let name = entry.flow_name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(stem);
            flows.push(FoundFlow { id, name, description: entry.flow_desc, versions: versions.into_values().collect() });
        }
        let name = file.bucket_name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| directory.to_owned());
        Ok(FoundBucket { id: file.bucket_id, name, description: file.bucket_desc, flows })
    }
}

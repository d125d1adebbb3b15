//! A repository on the disk of the server: opened, made or cloned, and written commit by commit.
//!
//! What must stay true: what is committed is made of objects, and the work tree only shows it, so that no link or file in it
//! leads a write elsewhere; history is added to and never rewritten; objects are on the disk before a branch names them.

use super::bucket::{BucketFile, FILE, MOST};
use super::remote::{self, Access};
use super::{Committer, GitOptions, failed};
use git2::build::CheckoutBuilder;
use git2::{Commit, Oid, RepositoryInitOptions, RepositoryOpenFlags, Signature, StatusOptions, Time, Tree};
use headworks_core::{Error, Result};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;

/// The branch of a new repository.
const BRANCH: &str = "main";
/// Modes of entries of trees.
const FILE_MODE: i32 = 0o100_644;
const TREE_MODE: i32 = 0o040_000;
/// Set where the operator did not: objects survive a power cut; links are not made; packing takes little memory.
const CONFIGURATION: &[(&str, &str)] = &[
    ("core.fsyncObjectFiles", "true"),
    ("core.symlinks", "false"),
    ("core.bigFileThreshold", "16m"),
    ("pack.windowMemory", "64m"),
    ("pack.deltaCacheSize", "64m"),
];

/// What the configuration says of a store.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// Its versions are committed here.
    Exported,
    /// What is here is being taken over by it.
    Imported,
    /// It made or cloned this, so the work tree has no changes of others.
    Made,
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::Exported => "headworks.registry",
            Self::Imported => "headworks.import",
            Self::Made => "headworks.made",
        }
    }
}

/// What a process that was killed leaves behind and the next would wait for.
const LOCKS: &[&str] = &["index.lock", "HEAD.lock", "config.lock"];

/// A repository and who commits.
pub(super) struct Repository {
    git: git2::Repository,
    committer: Committer,
}

/// A directory of a bucket in the newest commit.
pub(super) struct Directory {
    pub(super) name: String,
    pub(super) file: BucketFile,
}

/// What one commit changes.
pub(super) struct Step<'a> {
    /// The directory as it is called now; none for a new one.
    pub(super) from: Option<&'a str>,
    /// As it is called then; none where it goes.
    pub(super) to: Option<&'a str>,
    /// Its files that are put or, without an object, go.
    pub(super) files: Vec<(String, Option<Oid>)>,
    pub(super) message: String,
    /// Who made the change, where that is known, and when in milliseconds since 1970.
    pub(super) author: Option<&'a str>,
    pub(super) at: i64,
}

/// Opens the repository of a folder; none where there is nothing.
pub(super) fn open(folder: &Path) -> Result<Option<git2::Repository>> {
    let empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::invalid(format!("{} cannot be read: {error}", folder.display()))),
    };
    if empty {
        return Ok(None);
    }
    let opened = git2::Repository::open_ext(folder, RepositoryOpenFlags::NO_SEARCH, &[] as &[&OsStr]);
    opened.map(Some).map_err(|error| failed(&format!("{} is no Git repository", folder.display()), &error))
}

/// The newest commit; none in a repository without any.
pub(super) fn newest(git: &git2::Repository) -> Result<Option<Commit<'_>>> {
    match git.head() {
        Ok(head) => head.peel_to_commit().map(Some).map_err(|error| failed("the newest commit cannot be read", &error)),
        Err(error) if error.code() == git2::ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(failed("HEAD cannot be read", &error)),
    }
}

/// The file of a bucket in a tree of its directory; none where it is no such directory.
pub(super) fn bucket_file(git: &git2::Repository, tree: &Tree<'_>) -> Result<Option<BucketFile>> {
    let Some(entry) = tree.get_name(FILE).filter(|entry| is_file(entry.filemode())) else { return Ok(None) };
    let unread = |error| failed(&format!("{FILE} cannot be read"), &error);
    let odb = git.odb().map_err(unread)?;
    let (size, _) = odb.read_header(entry.id()).map_err(unread)?;
    if size > MOST {
        return Err(Error::invalid(format!("it has {size} bytes, and {MOST} are the most")));
    }
    BucketFile::read(odb.read(entry.id()).map_err(unread)?.data()).map(Some)
}

/// Whether an entry of a tree is a file and neither a link nor another repository.
pub(super) fn is_file(mode: i32) -> bool {
    matches!(mode, 0o100_644 | 0o100_755 | 0o100_664)
}

impl Repository {
    /// Opens the repository of this store, makes or clones it where there is none.
    ///
    /// # Errors
    /// For a folder that holds something else, a remote that cannot be reached, a work tree with changes of others.
    pub(super) fn prepare(options: &GitOptions, store: &str) -> Result<Self> {
        let git = match open(&options.folder)? {
            Some(git) => git,
            None => {
                let mut made = RepositoryInitOptions::new();
                made.initial_head(BRANCH).external_template(false).mkpath(true);
                let opened = git2::Repository::init_opts(&options.folder, &made);
                opened.map_err(|error| failed(&format!("no repository can be made in {}", options.folder.display()), &error))?
            }
        };
        let repository = Self { git, committer: options.committer.clone() };
        repository.unlock();
        repository.configure()?;
        if newest(&repository.git)?.is_none()
            && let Some(url) = &options.clone
        {
            repository.mark(Mark::Made, store)?;
            repository.clone_from(url, &options.access)?;
        }
        if repository.git.head_detached().map_err(|error| failed("HEAD cannot be read", &error))? {
            return Err(Error::invalid("the repository has no branch checked out: run `git switch` there"));
        }
        let own = repository.is_marked(Mark::Exported, store)? || repository.is_marked(Mark::Made, store)?;
        if !own && !repository.is_clean()? {
            let message = "the work tree has changes that are not committed: commit or remove them";
            return Err(Error::invalid(message));
        }
        repository.check_remote(options.remote.as_deref())?;
        Ok(repository)
    }

    /// A name has to be that of a remote.
    fn check_remote(&self, remote: Option<&str>) -> Result<()> {
        let Some(name) = remote.filter(|remote| !remote.contains(['/', ':'])) else { return Ok(()) };
        if self.git.find_remote(name).is_ok() {
            return Ok(());
        }
        let message = format!("the repository has no remote {name}: run `git remote add {name} URL` there, or give the address");
        Err(Error::invalid(message))
    }

    fn configure(&self) -> Result<()> {
        let set = || {
            let mut all = self.git.config()?;
            for (name, value) in CONFIGURATION {
                if all.get_entry(name).is_err() {
                    all.set_str(name, value)?;
                }
            }
            Ok(())
        };
        set().map_err(|error| failed("the repository cannot be configured", &error))
    }

    /// Removes locks: nobody else commits here while the server runs.
    fn unlock(&self) {
        let branch = self.branch().map(|branch| format!("{branch}.lock"));
        for name in LOCKS.iter().copied().chain(branch.as_deref().ok()) {
            if std::fs::remove_file(self.git.path().join(name)).is_ok() {
                tracing::warn!(name, "removed a lock in the Git repository that another process left behind");
            }
        }
    }

    /// The name of the reference that commits are added to.
    pub(super) fn branch(&self) -> Result<String> {
        let head = self.git.find_reference("HEAD").map_err(|error| failed("HEAD cannot be read", &error))?;
        let target = head.symbolic_target().ok().flatten();
        target.map(str::to_owned).ok_or_else(|| Error::invalid("the repository has no branch checked out"))
    }

    fn clone_from(&self, url: &str, access: &Access) -> Result<()> {
        let branch = remote::fetch(&self.git, url, access)?;
        // A remote without commits is cloned by pushing to it.
        let Some((branch, commit)) = branch else { return Ok(()) };
        let place = || {
            self.git.reference(&branch, commit, true, "clone")?;
            self.git.set_head(&branch)
        };
        place().map_err(|error| failed("the clone cannot be used", &error))
    }

    fn is_clean(&self) -> Result<bool> {
        if self.git.is_bare() {
            return Ok(true);
        }
        let mut options = StatusOptions::new();
        options.include_untracked(false).include_ignored(false);
        let statuses = self.git.statuses(Some(&mut options));
        statuses.map(|statuses| statuses.is_empty()).map_err(|error| failed("the work tree cannot be looked at", &error))
    }

    /// Whether the configuration says this of a store.
    pub(super) fn is_marked(&self, mark: Mark, store: &str) -> Result<bool> {
        let all = self.git.config().map_err(|error| failed("the configuration cannot be read", &error))?;
        Ok(all.get_string(mark.name()).is_ok_and(|found| found == store))
    }

    /// Says it, where that was not said before: a full disk keeps no server from starting.
    pub(super) fn mark(&self, mark: Mark, store: &str) -> Result<()> {
        if self.is_marked(mark, store)? {
            return Ok(());
        }
        let set = self.git.config().and_then(|mut all| all.set_str(mark.name(), store));
        set.map_err(|error| failed("the repository cannot be configured", &error))
    }

    /// The newest commit.
    pub(super) fn head(&self) -> Result<Option<Oid>> {
        Ok(newest(&self.git)?.map(|commit| commit.id()))
    }

    /// The directories of buckets in the newest commit.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for one that cannot be read.
    pub(super) fn directories(&self) -> Result<Vec<Directory>> {
        let Some(commit) = newest(&self.git)? else { return Ok(Vec::new()) };
        directories(&self.git, &commit)
    }

    /// The names in the newest commit, in small letters.
    pub(super) fn names(&self) -> Result<HashSet<String>> {
        let Some(commit) = newest(&self.git)? else { return Ok(HashSet::new()) };
        let tree = commit.tree().map_err(|error| failed("the newest commit cannot be read", &error))?;
        Ok(tree.iter().map(|entry| String::from_utf8_lossy(entry.name_bytes()).to_lowercase()).collect())
    }

    /// A file of the newest commit.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](headworks_core::ErrorCode::NotFound).
    pub(super) fn find(&self, directory: &str, file: &str) -> Result<Oid> {
        let none = || Error::not_found(format!("{directory}/{file} is not in the repository"));
        let tree =
            newest(&self.git)?.ok_or_else(none)?.tree().map_err(|error| failed("the newest commit cannot be read", &error))?;
        let inside = tree.get_name(directory).and_then(|entry| self.git.find_tree(entry.id()).ok()).ok_or_else(none)?;
        let entry = inside.get_name(file).filter(|entry| is_file(entry.filemode())).ok_or_else(none)?;
        Ok(entry.id())
    }

    /// Writes a file as an object, without holding it.
    pub(super) fn file(&self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Oid> {
        let unwritten = |error| failed("a file cannot be written", &error);
        let mut writer = self.git.blob_writer(None).map_err(unwritten)?;
        write(&mut writer)?;
        writer.commit().map_err(unwritten)
    }

    /// Adds a commit and shows it in the work tree.
    pub(super) fn commit(&self, step: &Step<'_>, now: i64) -> Result<()> {
        self.add(step, now).map_err(|error| failed("a change cannot be committed", &error))?;
        let paths: Vec<String> = match (step.from, step.to) {
            (Some(from), Some(to)) if from == to => step.files.iter().map(|(name, _)| format!("{to}/{name}")).collect(),
            (from, to) => [from, to].into_iter().flatten().map(str::to_owned).collect(),
        };
        self.show(&paths)
    }

    fn add(&self, step: &Step<'_>, now: i64) -> Result<(), git2::Error> {
        let git = &self.git;
        let parent = match git.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(error) if error.code() == git2::ErrorCode::UnbornBranch => None,
            Err(error) => return Err(error),
        };
        let before = parent.as_ref().map(Commit::tree).transpose()?;
        let mut root = git.treebuilder(before.as_ref())?;
        let mut inside = None;
        if let Some(from) = step.from {
            inside = before.as_ref().and_then(|tree| tree.get_name(from)).map(|entry| git.find_tree(entry.id())).transpose()?;
            root.remove(from)?;
        }
        if let Some(to) = step.to {
            let mut directory = git.treebuilder(inside.as_ref())?;
            for (name, file) in &step.files {
                match file {
                    Some(file) => directory.insert(name, *file, FILE_MODE).map(drop)?,
                    None if directory.get(name)?.is_some() => directory.remove(name)?,
                    None => {}
                }
            }
            root.insert(to, directory.write()?, TREE_MODE)?;
        }
        let tree = git.find_tree(root.write()?)?;
        let by = |name: &str, at: i64| {
            Signature::new(&signed(name), &signed(&self.committer.address), &Time::new(at.div_euclid(1000), 0))
        };
        let message = step.message.replace('\0', "\u{fffd}");
        let (author, committer) = (by(step.author.unwrap_or(&self.committer.name), step.at)?, by(&self.committer.name, now)?);
        let parents: Vec<_> = parent.iter().collect();
        git.commit(Some("HEAD"), &author, &committer, &message, &tree, &parents).map(drop)
    }

    /// Brings the work tree to the newest commit.
    pub(super) fn show_all(&self) -> Result<()> {
        self.show(&[])
    }

    /// Brings these paths of the work tree to the newest commit, or all.
    fn show(&self, paths: &[String]) -> Result<()> {
        if self.git.is_bare() || newest(&self.git)?.is_none() {
            return Ok(());
        }
        let mut checkout = CheckoutBuilder::new();
        checkout.force().disable_filters(true).disable_pathspec_match(true);
        for path in paths {
            checkout.path(path.as_str());
        }
        let shown = self.git.checkout_head(Some(&mut checkout));
        shown.map_err(|error| failed("the work tree cannot be brought to the newest commit", &error))
    }
}

/// The directories of buckets in a commit.
pub(super) fn directories(git: &git2::Repository, commit: &Commit<'_>) -> Result<Vec<Directory>> {
    let unread = |error| failed("the newest commit cannot be read", &error);
    let root = commit.tree().map_err(unread)?;
    let mut found = Vec::new();
    for entry in root.iter().filter(|entry| entry.filemode() == TREE_MODE) {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let tree = git.find_tree(entry.id()).map_err(unread)?;
        let file =
            bucket_file(git, &tree).map_err(|error| Error { message: format!("{name}/{FILE}: {}", error.message), ..error })?;
        if let Some(file) = file {
            found.push(Directory { name, file });
        }
    }
    Ok(found)
}

/// The contents of a file, where it is not too large.
pub(super) fn contents(git: &git2::Repository, file: Oid, most: u64) -> Result<impl Read + Send + 'static> {
    let unread = |error| failed("a file cannot be read", &error);
    let odb = git.odb().map_err(unread)?;
    let (size, _) = odb.read_header(file).map_err(unread)?;
    if size as u64 > most {
        return Err(Error::invalid(format!("it has {size} bytes, and {most} are the most")));
    }
    Ok(std::io::Cursor::new(odb.read(file).map_err(unread)?.data().to_vec()))
}

/// A name or an address as a commit can hold it.
fn signed(text: &str) -> String {
    let kept: String = text.chars().filter(|letter| !matches!(letter, '<' | '>') && !letter.is_control()).collect();
    let kept = kept.trim_matches(|letter: char| letter.is_whitespace() || ".,:;\"'\\".contains(letter));
    if kept.is_empty() { "unknown".to_owned() } else { kept.to_owned() }
}

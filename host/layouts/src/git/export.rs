//! Brings a repository to what a registry holds: every version a commit, in the order in which they were saved.
//!
//! What must stay true: the repository says itself how far it is, so whatever ends this process, each version is committed once;
//! nothing is taken out of the history; a flow that is not the one in the repository, because it was made anew or comes from
//! an older backup, is committed anew from its first version.

use super::bucket::{BucketFile, Entry, FILE};
use super::history::BY;
use super::names::placed;
use super::repository::{Repository, Step};
use crate::snapshot;
use git2::Oid;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_registry::{Bucket, Flow, Registry, Version};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// How files of flows end.
const ENDING: &str = ".snapshot";

/// The buckets that may differ from the repository.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) all: bool,
    pub(super) buckets: BTreeSet<String>,
}

impl Changed {
    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.buckets.is_empty()
    }
}

/// A registry and its repository.
pub(super) struct Exporter {
    registry: Registry,
    tenant: TenantId,
    repository: Repository,
    present: Option<Present>,
}

/// What the newest commit holds.
struct Present {
    head: Option<Oid>,
    /// By identifier: the directory and what is in it.
    buckets: BTreeMap<String, (String, BucketFile)>,
}

/// A version that is to be committed, and its place in the order.
type Due = (i64, usize, u32);

impl Exporter {
    pub(super) fn new(registry: Registry, tenant: TenantId, repository: Repository) -> Self {
        Self { registry, tenant, repository, present: None }
    }

    /// Commits what is missing of these buckets and takes them out of the set; those that fail stay in it. Ends early when
    /// told to.
    ///
    /// # Errors
    /// The first one.
    pub(super) fn catch_up(&mut self, changed: &mut Changed, stop: &AtomicBool, mut committed: impl FnMut()) -> Result<()> {
        self.load()?;
        if changed.all {
            changed.buckets.extend(self.present()?.buckets.keys().cloned());
            changed.buckets.extend(self.registry.buckets(self.tenant)?.into_iter().map(|bucket| bucket.id));
            changed.all = false;
        }
        let mut first = None;
        for id in changed.buckets.clone() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            match self.bucket(&id, stop, &mut committed) {
                Ok(true) => drop(changed.buckets.remove(&id)),
                Ok(false) => break,
                Err(error) => {
                    // What is in the repository now has to be read anew.
                    self.present = None;
                    first.get_or_insert(error);
                    self.load()?;
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Reads what the newest commit holds, where that is not known.
    fn load(&mut self) -> Result<()> {
        let head = self.repository.head()?;
        if self.present.as_ref().is_some_and(|present| present.head == head) {
            return Ok(());
        }
        self.repository.show_all()?;
        let directories = self.repository.directories()?.into_iter();
        let buckets = directories.map(|found| (found.file.bucket_id.clone(), (found.name, found.file))).collect();
        self.present = Some(Present { head, buckets });
        Ok(())
    }

    fn present(&self) -> Result<&Present> {
        self.present.as_ref().ok_or_else(|| Error::internal("the repository was not read"))
    }

    /// Answers whether it came to the end.
    fn bucket(&mut self, id: &str, stop: &AtomicBool, committed: &mut impl FnMut()) -> Result<bool> {
        let known = self.present()?.buckets.get(id).cloned();
        let bucket = match self.registry.bucket(self.tenant, id) {
            Ok(bucket) => bucket,
            Err(error) if error.code == ErrorCode::NotFound => {
                let Some((directory, file)) = known else { return Ok(true) };
                let message = format!("Deleted the bucket {}", file.bucket_name.as_deref().unwrap_or(&directory));
                self.commit(id, Some(&directory), None, vec![], &Said::by_server(message))?;
                committed();
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let (directory, mut file) = self.directory(&bucket, known, committed)?;
        let flows = self.registry.flows(self.tenant, id)?;
        self.remove_gone(&directory, &mut file, &flows, committed)?;
        let mut due: Vec<Due> = Vec::new();
        for (at, flow) in flows.iter().enumerate() {
            self.rename(&directory, &mut file, flow, committed)?;
            let exported = file.flows.get(&flow.id).map_or(0, |entry| entry.ver);
            for number in exported + 1..=flow.versions {
                if let Some(version) = self.version(flow, number)? {
                    due.push((version.timestamp, at, number));
                }
            }
        }
        // Versions of one flow stay in order even where the clock went back.
        due.sort_unstable();
        let mut numbers: HashMap<usize, u32> = HashMap::new();
        for (_, at, _) in due {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let Some(flow) = flows.get(at) else { continue };
            let exported = file.flows.get(&flow.id).map_or(0, |entry| entry.ver);
            let number = numbers.entry(at).or_insert(exported);
            *number += 1;
            let Some(version) = self.version(flow, *number)? else { continue };
            self.add(&directory, &mut file, flow, &version)?;
            committed();
        }
        Ok(true)
    }

    /// The directory of a bucket, made or renamed where that is due.
    fn directory(
        &mut self,
        bucket: &Bucket,
        known: Option<(String, BucketFile)>,
        committed: &mut impl FnMut(),
    ) -> Result<(String, BucketFile)> {
        let fresh = BucketFile::new(&bucket.id, &bucket.name, bucket.description.as_deref());
        let present = known.as_ref().map(|(directory, _)| directory.as_str());
        let mut taken = self.repository.names()?;
        if let Some(present) = present {
            taken.remove(&present.to_lowercase());
        }
        let directory = placed(&bucket.name, &bucket.id, present, "", &taken);
        let (message, file) = match &known {
            None => (format!("Created the bucket {}", bucket.name), fresh),
            Some((before, file)) => {
                // The reference says nothing of name and description.
                let named = file.bucket_name.as_ref().is_none_or(|name| *name == bucket.name);
                let described = file.bucket_name.is_none() || file.bucket_desc == bucket.description;
                if *before == directory && named && described {
                    return Ok((directory, file.clone()));
                }
                let old = file.bucket_name.as_deref().unwrap_or(before);
                let message = if old == bucket.name {
                    format!("Described the bucket {old}")
                } else {
                    format!("Renamed the bucket {old} to {}", bucket.name)
                };
                (message, BucketFile { flows: file.flows.clone(), ..fresh })
            }
        };
        let from = present.map(str::to_owned);
        self.commit(&bucket.id, from.as_deref(), Some((&directory, &file)), vec![], &Said::by_server(message))?;
        committed();
        Ok((directory, file))
    }

    /// Commits that flows are gone, and those that are others now.
    fn remove_gone(
        &mut self,
        directory: &str,
        file: &mut BucketFile,
        flows: &[Flow],
        committed: &mut impl FnMut(),
    ) -> Result<()> {
        let present: HashMap<&str, &Flow> = flows.iter().map(|flow| (flow.id.as_str(), flow)).collect();
        for (id, entry) in file.flows.clone() {
            let same = match present.get(id.as_str()) {
                Some(flow) if entry.ver <= flow.versions => {
                    let version = self.version(flow, entry.ver)?;
                    version.is_some_and(|version| entry.created.is_none_or(|created| created == version.timestamp))
                }
                _ => false,
            };
            if same {
                continue;
            }
            file.flows.remove(&id);
            let name = entry.flow_name.as_deref().unwrap_or(&entry.file);
            let message = format!("Deleted the flow {name}");
            let files = vec![(entry.file.clone(), None)];
            self.commit(&file.bucket_id.clone(), Some(directory), Some((directory, file)), files, &Said::by_server(message))?;
            committed();
        }
        Ok(())
    }

    /// Commits another name or description of a flow.
    fn rename(&mut self, directory: &str, file: &mut BucketFile, flow: &Flow, committed: &mut impl FnMut()) -> Result<()> {
        let Some(entry) = file.flows.get(&flow.id).cloned() else { return Ok(()) };
        let description = flow.description.as_deref().unwrap_or_default();
        let described = entry.flow_desc.as_deref().unwrap_or_default() == description;
        let Some(before) = entry.flow_name.clone().filter(|name| *name != flow.name || !described) else { return Ok(()) };
        let name = Self::file_name(file, flow);
        let mut files = Vec::new();
        if name != entry.file {
            let contents = self.repository.find(directory, &entry.file)?;
            files.extend([(entry.file.clone(), None), (name.clone(), Some(contents))]);
        }
        let (flow_name, flow_desc) = (Some(flow.name.clone()), flow.description.clone());
        file.flows.insert(flow.id.clone(), Entry { file: name, flow_name, flow_desc, ..entry });
        let message = if before == flow.name {
            format!("Described the flow {before}")
        } else {
            format!("Renamed the flow {before} to {}", flow.name)
        };
        self.commit(&file.bucket_id.clone(), Some(directory), Some((directory, file)), files, &Said::by_server(message))?;
        committed();
        Ok(())
    }

    /// Commits a version.
    fn add(&mut self, directory: &str, file: &mut BucketFile, flow: &Flow, version: &Version) -> Result<()> {
        let stored = self.registry.content_of(self.tenant, version)?;
        let object = self.repository.file(|to| snapshot::write(stored, to))?;
        let name = Self::file_name(file, flow);
        let entry = Entry {
            ver: version.number,
            file: name.clone(),
            flow_name: Some(flow.name.clone()),
            flow_desc: flow.description.clone(),
            author: Some(version.author.clone()),
            comments: version.comments.clone(),
            created: Some(version.timestamp),
        };
        let before = file.flows.insert(flow.id.clone(), entry);
        let mut files = vec![(name.clone(), Some(object))];
        files.extend(before.filter(|before| before.file != name).map(|before| (before.file, None)));
        let by = format!("{BY}{}", version.author);
        let message = match version.comments.as_deref().filter(|comments| !comments.is_empty()) {
            Some(comments) => format!("{comments}\n\n{by}"),
            None => by,
        };
        let said = Said { message, by: Some((version.author.clone(), version.timestamp)) };
        self.commit(&file.bucket_id.clone(), Some(directory), Some((directory, file)), files, &said)
    }

    /// The file of a flow: the one it has where that fits its name.
    fn file_name(file: &BucketFile, flow: &Flow) -> String {
        let others = file.flows.iter().filter(|(id, _)| **id != flow.id);
        let taken: HashSet<String> = others.map(|(_, entry)| entry.file.to_lowercase()).collect();
        let present = file.flows.get(&flow.id).map(|entry| entry.file.as_str());
        placed(&flow.name, &flow.id, present, ENDING, &taken)
    }

    /// A version; none where the flow was deleted meanwhile.
    fn version(&self, flow: &Flow, number: u32) -> Result<Option<Version>> {
        if number == 0 {
            return Ok(None);
        }
        match self.registry.version(self.tenant, &flow.id, number) {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.code == ErrorCode::NotFound && self.registry.flow_anywhere(self.tenant, &flow.id).is_err() => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Commits, and remembers what the repository holds then.
    fn commit(
        &mut self,
        bucket: &str,
        from: Option<&str>,
        to: Option<(&str, &BucketFile)>,
        mut files: Vec<(String, Option<Oid>)>,
        said: &Said,
    ) -> Result<()> {
        if let Some((_, file)) = to {
            let text = file.written()?;
            let object = self.repository.file(|writer| {
                writer
                    .write_all(text.as_bytes())
                    .map_err(|error| Error::new(ErrorCode::Io, format!("{FILE} cannot be written: {error}")))
            })?;
            files.push((FILE.to_owned(), Some(object)));
        }
        let now = self.registry.clock().now().millis();
        let (author, at) = said.by.as_ref().map_or((None, now), |(author, at)| (Some(author.as_str()), *at));
        let step = Step { from, to: to.map(|(name, _)| name), files, message: said.message.clone(), author, at };
        self.repository.commit(&step, now)?;
        let head = self.repository.head()?;
        if let Some(present) = &mut self.present {
            present.head = head;
            match to {
                Some((name, file)) => drop(present.buckets.insert(bucket.to_owned(), (name.to_owned(), file.clone()))),
                None => drop(present.buckets.remove(bucket)),
            }
        }
        Ok(())
    }
}

/// What a commit says.
struct Said {
    message: String,
    /// Who made the change, and when.
    by: Option<(String, i64)>,
}

impl Said {
    /// Where it is not known who made the change: the audit entries say it.
    fn by_server(message: String) -> Self {
        Self { message, by: None }
    }
}

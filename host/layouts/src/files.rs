//! The layout of flow contents in a folder: `{bucket}/{flow}/{version}/{version}.snapshot` (NiFi Registry 22.1).
//!
//! What must stay true: links are not followed; what stands there under another name than the layout has is refused.

use crate::inventory::{Bucket, Contents, Flow, Inventory, Place, Version, plain};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use headworks_core::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use struson::json_path;
use struson::reader::{JsonReader, JsonStreamReader};

/// The most entries of a folder.
const ENTRIES: usize = 1_000_000;
/// The most characters of a name that is made of what a flow says.
const NAME: usize = 200;

/// A folder in this layout.
pub(crate) struct Files {
    folder: Dir,
    /// Flows by bucket, and the numbers of versions by flow.
    found: BTreeMap<String, BTreeMap<String, BTreeSet<u32>>>,
    odd: Vec<(String, &'static str)>,
}

pub(crate) fn open(path: &Path) -> Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
        .map_err(|error| Error::invalid(format!("the folder {} cannot be read: {error}", path.display())))
}

/// The names of the folders in a folder, and of what else is there.
pub(crate) fn folders(folder: &Dir, path: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let unread = |error| Error::invalid(format!("the folder {} cannot be read: {error}", path.display()));
    let (mut folders, mut others) = (Vec::new(), Vec::new());
    for entry in folder.read_dir(path).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let into = if entry.file_type().map_err(unread)?.is_dir() { &mut folders } else { &mut others };
        into.push(name);
        if folders.len() + others.len() > ENTRIES {
            return Err(Error::invalid(format!("{} has more than {ENTRIES} entries", path.display())));
        }
    }
    folders.sort();
    others.sort();
    Ok((folders, others))
}

/// Whether a text can be the name of one entry of a folder.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\\', '\0'])
}

fn place(bucket: &str, flow: &str, version: u32) -> PathBuf {
    [bucket, flow, &version.to_string(), &format!("{version}.snapshot")].iter().collect()
}

impl Files {
    /// Looks through a folder.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for one that cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut files = Self { folder: open(path)?, found: BTreeMap::new(), odd: Vec::new() };
        let (buckets, others) = folders(&files.folder, Path::new("."))?;
        files.odd(&[], others);
        for bucket in buckets {
            let (flows, others) = folders(&files.folder, Path::new(&bucket))?;
            files.odd(&[&bucket], others);
            let mut found = BTreeMap::new();
            for flow in flows {
                let (versions, others) = folders(&files.folder, &[&bucket, &flow].iter().collect::<PathBuf>())?;
                files.odd(&[&bucket, &flow], others);
                let mut numbers = BTreeSet::new();
                for version in versions {
                    match version.parse::<u32>() {
                        Ok(number) if number > 0 && number.to_string() == version => drop(numbers.insert(number)),
                        _ => files.odd.push((format!("{bucket}/{flow}/{version}"), "the folder is not called as a version is")),
                    }
                }
                found.insert(flow, numbers);
            }
            files.found.insert(bucket, found);
        }
        Ok(files)
    }

    fn odd(&mut self, above: &[&str], names: Vec<String>) {
        let path = |name: &String| above.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join("/");
        self.odd.extend(names.iter().map(|name| (path(name), "it is no folder, and links are not followed")));
    }

    /// Whether there is a folder of this version, which is known from elsewhere then.
    pub(crate) fn take(&mut self, bucket: &str, flow: &str, version: u32) -> Result<Place> {
        if !is_name(bucket) || !is_name(flow) {
            return Err(Error::invalid("its identifier or that of its bucket cannot be the name of a folder"));
        }
        let numbers = self.found.get_mut(bucket).and_then(|flows| flows.get_mut(flow));
        if numbers.is_some_and(|numbers| numbers.remove(&version)) {
            return Ok(Place::File(place(bucket, flow, version)));
        }
        Err(Error::invalid(format!("the folder of flow contents has no {}", place(bucket, flow, version).display())))
    }

    /// Where contents are read from. What nobody took is refused.
    pub(crate) fn rest(self, inventory: &mut Inventory) -> Dir {
        for (bucket, flows) in self.found {
            for (flow, versions) in flows {
                for version in versions {
                    let place = place(&bucket, &flow, version);
                    inventory.refuse(place.display().to_string(), "the database has no such version of a flow");
                }
            }
        }
        for (what, why) in self.odd {
            inventory.refuse(what, why);
        }
        self.folder
    }
}

/// What a folder holds that has no database: identifiers stay, and names are made of what the flows say.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a folder that cannot be read.
pub fn without_database(path: &Path) -> Result<Inventory> {
    let Files { folder, found, odd } = Files::read(path)?;
    let mut inventory = Inventory { contents: Contents { flows: Some(folder), ..Contents::default() }, ..Inventory::default() };
    for (what, why) in odd {
        inventory.refuse(what, why);
    }
    for (id, flows) in found {
        let mut bucket = Bucket { name: id.clone(), id, nameless: true, ..Bucket::default() };
        let mut taken = BTreeSet::new();
        for (id, numbers) in flows {
            let versions: Vec<Version> =
                numbers.iter().filter_map(|number| version(&mut inventory, &bucket.id, &id, *number)).collect();
            let newest = versions.last().and_then(|version| inventory.snapshot(version).ok()).and_then(name_in);
            let name = newest.filter(|name| taken.insert(name.clone())).unwrap_or_else(|| id.clone());
            let first = versions.iter().filter_map(|version| version.timestamp).min();
            let last = versions.iter().filter_map(|version| version.timestamp).max();
            inventory.notes.push(format!("the flow {id} of the bucket {} is called {name:?}", bucket.id));
            bucket.flows.push(Flow { id, name, description: None, nameless: true, times: first.zip(last), versions });
        }
        bucket.created = bucket.flows.iter().filter_map(|flow| flow.times).map(|(first, _)| first).min();
        inventory.notes.push(format!("the bucket {} is called by its identifier", bucket.id));
        inventory.buckets.push(bucket);
    }
    if !inventory.buckets.is_empty() {
        let text = "without the database nobody knows who saved versions, what they said and when: the author is whoever imports, \
                    and the times are those of the files";
        inventory.notes.push(text.to_owned());
    }
    Ok(inventory)
}

/// A version with what its file says of itself.
fn version(inventory: &mut Inventory, bucket: &str, flow: &str, number: u32) -> Option<Version> {
    let path = place(bucket, flow, number);
    let folder = inventory.contents.flows.as_ref()?;
    match plain(folder, &path) {
        Ok((file, _)) => {
            let modified = file.metadata().ok().and_then(|metadata| metadata.modified().ok());
            let since = modified.and_then(|time| time.into_std().duration_since(UNIX_EPOCH).ok());
            let timestamp = since.and_then(|since| i64::try_from(since.as_millis()).ok());
            Some(Version { number, author: None, comments: None, timestamp, place: Place::File(path) })
        }
        Err(error) => {
            inventory.refuse(path.display().to_string(), error.message);
            None
        }
    }
}

/// What the root process group of a snapshot is called.
fn name_in(snapshot: File) -> Option<String> {
    let mut json = JsonStreamReader::new(BufReader::new(snapshot));
    json.seek_to(&json_path!["flowContents", "name"]).ok()?;
    let name = json.next_string().ok()?;
    let name: String = name.trim().chars().take(NAME).collect();
    (!name.is_empty()).then_some(name)
}

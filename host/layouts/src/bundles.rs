//! The layout of bundles in a folder: `{bucket}/{group}/{artifact}/{version}/{artifact}-{version}.{nar|cpp}`
//! (NiFi Registry 22.2).

use crate::files::{folders, is_name, open};
use crate::git::usable;
use crate::inventory::{Bucket, BundleVersion, Inventory, Refused, plain};
use cap_std::fs::Dir;
use headworks_core::{Error, Result};
use headworks_registry::archive::{ArchiveLimits, Coordinates, read_archive, read_minifi_archive};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most versions of bundles.
const MOST: usize = 1_000_000;

/// How the file of a kind ends.
fn ending(kind: &str) -> &'static str {
    if kind == "minifi-cpp" { "cpp" } else { "nar" }
}

/// A name as the original makes it safe: it loses its capital letters too.
fn safe(name: &str) -> String {
    name.chars().map(usable).collect::<String>().trim().to_lowercase()
}

fn place(bucket: &str, of: &BundleVersion) -> PathBuf {
    let file = format!("{}-{}.{}", of.artifact, of.version, ending(of.kind));
    [bucket, &of.group, &of.artifact, &of.version, &file].into_iter().map(safe).collect()
}

/// Says of the bundles of a dump that nobody named their folder.
pub(crate) fn without_folder(inventory: &mut Inventory) {
    for bucket in &mut inventory.buckets {
        let count = std::mem::take(&mut bucket.bundles).len();
        if count > 0 {
            inventory
                .notes
                .push(format!("{count} versions of bundles of the bucket {} stay behind: name their folder", bucket.name));
        }
    }
}

/// Finds the archives of the bundles of the inventory in a folder. Those that are in the folder only are taken too where the
/// bucket is known from no database.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for a folder that cannot be read.
pub fn from_folder(inventory: &mut Inventory, path: &Path) -> Result<()> {
    let folder = open(path)?;
    let mut found = BTreeMap::new();
    let mut odd = Vec::new();
    walk(&folder, PathBuf::new(), &mut found, &mut odd)?;
    for bucket in &mut inventory.buckets {
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for version in std::mem::take(&mut bucket.bundles) {
            let named = [&bucket.id, &version.group, &version.artifact, &version.version].into_iter().all(|part| is_name(part));
            let path = place(&bucket.id, &version);
            let known = named && found.remove(&path).is_some();
            if known { there.push(BundleVersion { path, ..version }) } else { missing.push(path) }
        }
        bucket.bundles = there;
        let why = "the folder of bundles has no such archive";
        inventory.refused.extend(missing.into_iter().map(|path| Refused::new(path.display().to_string(), why)));
    }
    let from_database = inventory.contents.spool.is_some();
    for (path, (bucket, mut version)) in found {
        if from_database {
            inventory.refuse(path.display().to_string(), "the database has no such version of a bundle");
            continue;
        }
        if let Err(error) = name(&folder, &mut version) {
            inventory.refuse(path.display().to_string(), error.message);
            continue;
        }
        let place = inventory.buckets.iter_mut().find(|known| known.id == bucket);
        match place {
            Some(bucket) => bucket.bundles.push(version),
            None => {
                inventory.notes.push(format!("the bucket {bucket} is called by its identifier unless it is here already"));
                let bundles = vec![version];
                inventory.buckets.push(Bucket { id: bucket.clone(), name: bucket, nameless: true, bundles, ..Bucket::default() });
            }
        }
    }
    for path in odd {
        inventory.refuse(path.display().to_string(), "it is not where the layout has an archive, and links are not followed");
    }
    inventory.contents.bundles = Some(folder);
    Ok(())
}

/// Sets the coordinates to what the archive says: the folder has no capital letters.
fn name(folder: &Dir, version: &mut BundleVersion) -> Result<()> {
    let (archive, _) = plain(folder, &version.path)?;
    let (limits, of) = (ArchiveLimits::default(), version.clone());
    let given = Coordinates { group: of.group, artifact: of.artifact, version: of.version };
    let read = match version.kind {
        "minifi-cpp" => read_minifi_archive(archive, Some(given), &limits)?,
        _ => read_archive(archive, &limits)?,
    };
    let Coordinates { group, artifact, version: number } = read.coordinates;
    (version.group, version.artifact, version.version) = (group, artifact, number);
    Ok(())
}

/// Collects the files of four folders below each other.
fn walk(folder: &Dir, at: PathBuf, found: &mut BTreeMap<PathBuf, (String, BundleVersion)>, odd: &mut Vec<PathBuf>) -> Result<()> {
    let depth = at.components().count();
    let here = if depth == 0 { Path::new(".") } else { at.as_path() };
    let (below, others) = folders(folder, here)?;
    for name in others {
        let path = at.join(name);
        match version(folder, &path).filter(|_| depth == 4) {
            Some((bucket, version)) => drop(found.insert(path, (bucket, version))),
            None => odd.push(path),
        }
    }
    for name in below {
        let path = at.join(name);
        if depth < 4 { walk(folder, path, found, odd)? } else { odd.push(path) }
    }
    if found.len() + odd.len() > MOST {
        return Err(Error::invalid(format!("the folder of bundles has more than {MOST} files")));
    }
    Ok(())
}

/// What a file is by its place.
fn version(folder: &Dir, path: &PathBuf) -> Option<(String, BundleVersion)> {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let [bucket, group, artifact, version, _] = parts.try_into().ok()?;
    plain(folder, path).ok()?;
    let of = |kind| BundleVersion {
        kind,
        group: group.to_owned(),
        artifact: artifact.to_owned(),
        version: version.to_owned(),
        path: path.clone(),
        ..BundleVersion::default()
    };
    let found = ["nifi-nar", "minifi-cpp"].into_iter().map(of).find(|of| place(bucket, of) == *path)?;
    Some((bucket.to_owned(), found))
}

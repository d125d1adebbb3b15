//! The released versions of the plugin interface: frozen, served and used by a component of the tests.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::Digest;
use headworks_sandbox::{INTERFACES, Limits};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::sandbox_with;

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// The files below a folder by their path in `wit`, with their hashes.
fn files(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let name = path.strip_prefix(wit()).unwrap().to_str().unwrap().to_owned();
            found.insert(name, Digest::of(&std::fs::read(&path).unwrap()).to_string());
        }
    }
}

fn version(file: &str) -> &str {
    file.split('/').nth(1).unwrap()
}

#[test]
fn a_released_interface_never_changes() {
    let text = std::fs::read_to_string(wit().join("released.sha256")).unwrap();
    let lines = text.lines().map(|line| line.split_once("  ").unwrap());
    let released: BTreeMap<String, String> = lines.map(|(hash, file)| (file.to_owned(), hash.to_owned())).collect();
    let mut present = BTreeMap::new();
    files(&wit().join("headworks-plugin"), &mut present);
    assert_eq!(present, released, "a released folder differs from wit/released.sha256, or a new one is not in it");
    let versions: BTreeSet<&str> = released.keys().map(|file| version(file)).collect();
    assert_eq!(versions, INTERFACES.iter().copied().collect(), "what is released is served, and nothing else");
}

#[tokio::test]
async fn components_of_every_released_version_run_beside_each_other() {
    let sandbox = sandbox_with(Limits::default());
    let mut versions = BTreeSet::new();
    for name in ["test-columns", "test-platform", "test-judge", "test-hook"] {
        let plugin = sandbox.load(&support::component(name)).await.unwrap();
        versions.insert(plugin.interface().to_owned());
    }
    assert!(versions.iter().map(String::as_str).eq(INTERFACES.iter().copied()), "{versions:?}");
}

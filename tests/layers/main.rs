//! The layers of the design: a crate uses only what stands above it in this list, dialects do not use each other, and the
//! engines are named in one crate each.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// From the lowest layer up; a crate may use those before it. What stands on one line does not use each other.
const LAYERS: &[&[&str]] = &[
    &["headworks-core"],
    &["headworks-store"],
    &["headworks-sandbox"],
    &["headworks-identity"],
    &["headworks-pipelines"],
    &["headworks-plugins"],
    &["headworks-rules"],
    &["headworks-registry"],
    &["headworks-hooks"],
    &["headworks-layouts"],
    &["headworks-runs"],
    &["headworks-sql"],
    &["headworks-syslog"],
    &["headworks-http"],
    &["headworks-flowg", "headworks-nifi-registry", "headworks-ncp", "headworks-cmf", "headworks-scp", "headworks-platform"],
    &["headworks"],
];

/// Engines, and the one crate that may name each.
const NAMED_ONCE: &[(&str, &str)] = &[
    ("rocksdb", "headworks-store"),
    ("git2", "headworks-layouts"),
    ("wasmtime", "headworks-sandbox"),
    ("wasmtime-wasi", "headworks-sandbox"),
    ("datafusion", "headworks-sql"),
    ("hyper", "headworks-http"),
    ("hyper-util", "headworks-http"),
];

fn host_crates() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    let host = metadata.workspace_root.join("host");
    metadata.packages.into_iter().filter(|package| package.manifest_path.starts_with(&host)).collect()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// Every dependency but those for tests.
fn dependencies(package: &Package) -> Vec<&str> {
    let own = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    own.map(|dependency| dependency.name.as_str()).collect()
}

#[test]
fn every_crate_of_the_host_has_a_layer() {
    let crates = host_crates();
    assert!(crates.len() >= 8, "found only {}", crates.len());
    for package in crates {
        assert!(layer(&package.name).is_some(), "{} has no place in the list", package.name);
    }
}

#[test]
fn a_crate_uses_only_what_stands_above_it() {
    for package in host_crates() {
        let own = layer(&package.name);
        for used in package.dependencies.iter().map(|dependency| dependency.name.as_str()) {
            if let Some(used_layer) = layer(used) {
                assert!(Some(used_layer) < own, "{} must not use {used}", package.name);
            }
        }
    }
}

#[test]
fn each_engine_is_named_in_one_crate() {
    for package in host_crates() {
        for (engine, owner) in NAMED_ONCE {
            let named = dependencies(&package).contains(engine);
            assert!(!named || package.name == *owner, "{} names {engine}; only {owner} may", package.name);
        }
    }
}

#[test]
fn vrl_runs_inside_a_component_only() {
    for package in host_crates() {
        assert!(!dependencies(&package).contains(&"vrl"), "{} uses vrl in the host", package.name);
    }
}

#[test]
fn crates_are_named_after_their_folders() {
    for package in host_crates() {
        let folder = package.manifest_path.parent().and_then(|folder| folder.file_name()).expect("a folder");
        let expected = if folder == "headworks" { folder.to_owned() } else { format!("headworks-{folder}") };
        assert_eq!(*package.name, expected);
    }
}

//! Everything that the original keeps, imported: whatever the layout, ours answers the same afterwards.
//!
//! With `HEADWORKS_RECORD` the layouts are copied to where tests that have no original find them.

use headworks_tests::Server;
use headworks_tests::migration::{answers, check_same, fill, imported, layouts};
use headworks_tests::original::{Original, Provider, ZONE};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Fills an original, imports what it left on the disk, and compares.
fn migrate(provider: Provider, name: &str) {
    let jars = Original::jars().expect("the original registry: `make peers` installs it");
    let mut original = Original::start_with(&jars, provider);
    fill(&original.client());
    let expected = answers(&original.client());
    let dump = original.folder().join("dump.sql");
    original.dump(&dump);
    let (flows, bundles) = (original.folder().join("flows"), original.folder().join("bundles"));
    // A repository cannot be kept in a repository.
    if std::env::var_os("HEADWORKS_RECORD").is_some() && provider != Provider::Git {
        record(&layouts().join(name), provider, original.folder(), &expected);
    }
    let server = Server::start();
    let path = |path: &Path| path.to_str().expect("a path").to_owned();
    let mut arguments = vec![
        "--database".to_owned(),
        path(&dump),
        "--bundles".to_owned(),
        path(&bundles),
        "--time-zone".to_owned(),
        ZONE.to_owned(),
    ];
    match provider {
        Provider::Files => arguments.extend(["--files".to_owned(), path(&flows)]),
        Provider::Git => arguments.extend(["--git".to_owned(), path(&flows)]),
        Provider::Database => {}
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = imported(&server, &arguments, 0);
    assert_eq!(report["imported"], json!({"buckets": 3, "flows": 3, "versions": 6, "bundles": 2}), "{report}");
    check_same(&expected, &answers(&server.client().anonymous()));
}

fn record(to: &Path, provider: Provider, folder: &Path, expected: &Value) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("a folder");
    let text = serde_json::to_string_pretty(expected).expect("JSON");
    std::fs::write(to.join("expected.json"), text + "\n").expect("a file");
    let mut copies = vec![("dump.sql", "dump.sql"), ("bundles", "bundles")];
    if provider == Provider::Files {
        copies.push(("flows", "flows"));
    }
    for (from, name) in copies {
        let done = Command::new("cp").arg("-r").arg(folder.join(from)).arg(to.join(name)).status().expect("cp runs");
        assert!(done.success());
    }
}

#[test]
fn what_the_original_keeps_in_files_is_imported() {
    migrate(Provider::Files, "files");
}

#[test]
fn what_the_original_keeps_in_its_database_is_imported() {
    migrate(Provider::Database, "database");
}

#[test]
fn what_the_original_keeps_in_git_is_imported() {
    migrate(Provider::Git, "git");
}

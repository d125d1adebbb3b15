//! What the documents say about limits is what the limits are.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use headworks_sandbox::Limits;
use std::collections::BTreeMap;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

/// Every limit with its default. The instances are as many as this machine has processors.
fn limits() -> BTreeMap<String, String> {
    let limits = serde_json::to_value(Limits::default()).unwrap();
    let shown = limits.as_object().unwrap().iter().map(|(name, value)| match name.as_str() {
        "instances" => (name.clone(), "processors".to_owned()),
        _ => (name.clone(), value.to_string()),
    });
    shown.collect()
}

/// The cells of the rows whose first begins with a backtick.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn the_security_page_lists_every_limit_with_its_default_and_a_reason() {
    let text = read("security.md");
    let mut told = BTreeMap::new();
    for row in rows(&text) {
        let [name, default, why] = row[..] else { panic!("{row:?}") };
        assert!(!why.is_empty(), "{name}: no reason");
        assert!(told.insert(name.trim_matches('`').to_owned(), default.to_owned()).is_none(), "{name} stands twice");
    }
    assert_eq!(told, limits());
}

#[test]
fn the_operators_page_lists_every_limit_with_its_default() {
    let text = read("operating.md");
    let mut told = BTreeMap::new();
    for row in rows(&text).filter(|row| row[0].starts_with("`sandbox.") && row[0] != "`sandbox.*`") {
        let names = row[0].split(',').map(|name| name.trim().trim_matches('`').trim_start_matches("sandbox.").to_owned());
        let defaults: Vec<&str> = row[1].split(", ").collect();
        let names: Vec<String> = names.collect();
        for (index, name) in names.into_iter().enumerate() {
            told.insert(name, (*defaults.get(index).unwrap_or(&defaults[0])).to_owned());
        }
    }
    assert_eq!(told, limits());
}

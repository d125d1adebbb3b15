//! The sample logs in `tests/data/logs`: 2,000 real lines of five programs each.

use std::path::PathBuf;

/// The whole text of a sample log, such as `Apache`.
pub fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/logs").join(format!("{name}.log"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a sample log as the text ingestion sees them: trimmed, without empty ones.
pub fn lines(name: &str) -> Vec<String> {
    text(name).lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

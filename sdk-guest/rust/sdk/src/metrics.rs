//! Figures, shown with the plugin's usage. A name is lower-case words with underscores, with its unit at the end.

use crate::host;

/// Adds to a counter.
pub fn count(name: &str, by: u64) {
    host::count(name, by);
}

/// Sets a gauge.
pub fn gauge(name: &str, value: f64) {
    host::gauge(name, value);
}

//! `META-INF/MANIFEST.MF` (NiFi Registry 13.1).

use super::{BuildInfo, Coordinates, MANIFEST, NOT_AVAILABLE, refused};
use headworks_core::Result;
use std::collections::HashMap;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// The main attributes, by their names in lower case. Of two with one name the last counts.
pub(super) struct Manifest(HashMap<String, String>);

impl Manifest {
    /// Lines end with CR, LF or both; one that begins with a space continues the one before, between any two bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for line in physical_lines(bytes) {
            match (line.split_first(), lines.last_mut()) {
                (None, None) => {}
                (None, Some(_)) => break,
                (Some((b' ', rest)), Some(before)) => before.extend_from_slice(rest),
                (Some(_), _) => lines.push(line.to_vec()),
            }
        }
        let mut attributes = HashMap::with_capacity(lines.len());
        for line in lines {
            let line = String::from_utf8(line).map_err(|_| refused(format!("its entry {MANIFEST} is not UTF-8")))?;
            let Some((name, value)) = line.split_once(':') else {
                return Err(refused(format!("its entry {MANIFEST} has a line without a colon")));
            };
            let value = value.strip_prefix(' ').unwrap_or(value);
            attributes.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        Ok(Self(attributes))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// Which version of which bundle it is of, or the attribute that is missing.
    pub(super) fn coordinates(&self) -> Result<Coordinates, &'static str> {
        let needed = |name: &'static str| self.get(name).map(str::to_owned).ok_or(name);
        Ok(Coordinates { group: needed("Nar-Group")?, artifact: needed("Nar-Id")?, version: needed("Nar-Version")? })
    }

    /// What it needs, when it says all of it.
    pub(super) fn dependency(&self) -> Option<Coordinates> {
        let part = |name: &str| self.get(name).map(str::to_owned);
        Some(Coordinates {
            group: part("Nar-Dependency-Group")?,
            artifact: part("Nar-Dependency-Id")?,
            version: part("Nar-Dependency-Version")?,
        })
    }

    pub(super) fn build(&self) -> BuildInfo {
        let text = |name: &str| self.get(name).unwrap_or(NOT_AVAILABLE).to_owned();
        BuildInfo {
            tool: text("Build-Jdk"),
            branch: text("Build-Branch"),
            tag: text("Build-Tag"),
            revision: text("Build-Revision"),
            built: self.get("Build-Timestamp").map_or(0, milliseconds),
            built_by: text("Built-By"),
            ..BuildInfo::default()
        }
    }
}

/// Lines without their ends.
fn physical_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            rest = None;
            return Some(bytes);
        };
        let (line, behind) = bytes.split_at(end);
        rest = behind.strip_prefix(b"\r\n").or_else(|| behind.get(1..));
        Some(line)
    })
}

/// Milliseconds since the epoch of `yyyy-MM-dd'T'HH:mm:ss'Z'`; 0 for anything else.
pub(super) fn milliseconds(text: &str) -> i64 {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    PrimitiveDateTime::parse(text.trim(), format).map_or(0, |time| time.assume_utc().unix_timestamp() * 1000)
}

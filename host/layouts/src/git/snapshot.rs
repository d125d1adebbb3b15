//! The file of a version: what is kept of its snapshot below two members, laid out for people who compare versions.
//!
//! What must stay true: members, their order, and the spelling of numbers are those that were saved; memory stays flat.

use headworks_core::{Error, ErrorCode, Result};
use std::io::{BufReader, BufWriter, Read, Write};
use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings};
use struson::writer::{JsonStreamWriter, JsonWriter, WriterSettings};

/// How files of the reference say what they hold (NiFi Registry 22.1).
const MODEL: &str = "3";
/// As deep as what is taken in may be, and the two members around it.
const DEPTH: u32 = 1010;
/// Bytes that are gathered before they go on.
const GATHERED: usize = 64 << 10;

/// Writes the file of what was kept of a snapshot.
///
/// # Errors
/// Those of both ends.
pub(super) fn write(kept: impl Read, to: &mut dyn Write) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorCode::Io, format!("a snapshot cannot be written: {error}"));
    let reading = ReaderSettings {
        track_path: false,
        max_nesting_depth: Some(DEPTH),
        restrict_number_values: false,
        ..ReaderSettings::default()
    };
    let mut from = JsonStreamReader::new_custom(BufReader::with_capacity(GATHERED, kept), reading);
    let writing = WriterSettings { pretty_print: true, ..WriterSettings::default() };
    let mut json = JsonStreamWriter::new_custom(BufWriter::with_capacity(GATHERED, to), writing);
    let mut frame = || -> std::io::Result<()> {
        json.begin_object()?;
        json.name("header")?;
        json.begin_object()?;
        json.name("dataModelVersion")?;
        json.string_value(MODEL)?;
        json.end_object()?;
        json.name("content")?;
        json.begin_object()?;
        json.name("flowSnapshot")
    };
    frame().map_err(|error| failed(&error))?;
    from.transfer_to(&mut json).map_err(|error| failed(&error))?;
    json.end_object().and_then(|()| json.end_object()).map_err(|error| failed(&error))?;
    json.finish_document().and_then(|mut to| to.flush()).map_err(|error| failed(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_stays() {
        let kept = br#"{"flowContents":{"a":1.0,"b":12345678901234567890123,"c":[],"d":null,"e":"\u0001\"x"},"z":1e5}"#;
        let mut file = Vec::new();
        write(kept.as_slice(), &mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        let compact: String = text.lines().map(str::trim).collect();
        assert!(text.starts_with("{\n  \"header\": {\n") && compact.contains(r#""a": 1.0,"b": 12345678901234567890123,"c": [],"d": null"#), "{text}");
        assert!(compact.ends_with(r#""z": 1e5}}}"#), "{text}");
    }

    #[test]
    fn what_is_deep_is_written() {
        let kept = format!("{}{}", "{\"a\":[".repeat(490), "]}".repeat(490));
        write(kept.as_bytes(), &mut std::io::sink()).unwrap();
    }
}

//! The file of a version: what is kept of its snapshot below two members, with a header that says which form it has
//! (NiFi Registry 22.1).
//!
//! What must stay true: members, their order, and the spelling of numbers are those that were saved; memory stays flat.

use headworks_core::{Error, ErrorCode, Result};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings};
use struson::writer::{JsonStreamWriter, JsonWriter, WriterSettings};

/// The form that is written.
const FORM: &str = "3";
/// The form whose content is the contents of the flow.
const CONTENTS_ONLY: &str = "2";
/// How files begin whose content is XML.
const OLDEST: &[u8] = b"Flows";
/// As deep as what is taken in may be, and the two members around it.
const DEPTH: u32 = 1010;
/// Bytes that are gathered before they go on.
const GATHERED: usize = 64 << 10;

fn reader<R: Read>(from: R) -> JsonStreamReader<BufReader<R>> {
    let settings = ReaderSettings {
        track_path: false,
        max_nesting_depth: Some(DEPTH),
        restrict_number_values: false,
        ..ReaderSettings::default()
    };
    JsonStreamReader::new_custom(BufReader::with_capacity(GATHERED, from), settings)
}

fn unwritten(error: impl Display) -> Error {
    Error::new(ErrorCode::Io, format!("a snapshot cannot be written: {error}"))
}

/// Writes the file of what was kept of a snapshot.
///
/// # Errors
/// Those of both ends.
pub(crate) fn write(kept: impl Read, to: &mut dyn Write) -> Result<()> {
    let settings = WriterSettings { pretty_print: true, ..WriterSettings::default() };
    let mut json = JsonStreamWriter::new_custom(BufWriter::with_capacity(GATHERED, to), settings);
    begin(&mut json).map_err(unwritten)?;
    reader(kept).transfer_to(&mut json).map_err(unwritten)?;
    json.end_object().and_then(|()| json.end_object()).map_err(unwritten)?;
    json.finish_document().and_then(|mut to| to.flush()).map_err(unwritten)
}

fn begin(json: &mut impl JsonWriter) -> io::Result<()> {
    json.begin_object()?;
    json.name("header")?;
    json.begin_object()?;
    json.name("dataModelVersion")?;
    json.string_value(FORM)?;
    json.end_object()?;
    json.name("content")?;
    json.begin_object()?;
    json.name("flowSnapshot")
}

/// Reads the file of a version: a snapshot as clients send it, in a file that nobody else sees.
///
/// # Errors
/// [`ErrorCode::Invalid`] for what is no such file.
pub(crate) fn read(mut file: impl Read) -> Result<File> {
    let mut beginning = Vec::new();
    file.by_ref().take(OLDEST.len() as u64).read_to_end(&mut beginning)?;
    if beginning == OLDEST {
        let text = "it is XML of the data-model version 1, which is not read: have the registry that wrote it export this version, \
                    import that as a new version there, and begin again";
        return Err(Error::invalid(text));
    }
    let mut json = reader(beginning.as_slice().chain(file));
    let mut snapshot = BufWriter::with_capacity(GATHERED, tempfile::tempfile().map_err(unwritten)?);
    let read =
        unwrap(&mut json, &mut snapshot).map_err(|error| Error::invalid(format!("it is no file of a version: {error}")))?;
    if !read {
        return Err(Error::invalid("it is no file of a version: it has no header and content that are known"));
    }
    let mut snapshot = snapshot.into_inner().map_err(unwritten)?;
    snapshot.rewind().map_err(unwritten)?;
    Ok(snapshot)
}

/// Answers whether the content was found.
fn unwrap(json: &mut impl JsonReader, to: &mut impl Write) -> Result<bool, Box<dyn std::error::Error>> {
    let mut form = None;
    json.begin_object()?;
    while json.has_next()? {
        match json.next_name()? {
            "header" => {
                json.begin_object()?;
                while json.has_next()? {
                    if json.next_name()? == "dataModelVersion" {
                        form = Some(json.next_str()?.to_owned());
                    } else {
                        json.skip_value()?;
                    }
                }
                json.end_object()?;
            }
            "content" => return content(json, to, form.as_deref()),
            _ => json.skip_value()?,
        }
    }
    Ok(false)
}

fn content(json: &mut impl JsonReader, to: &mut impl Write, form: Option<&str>) -> Result<bool, Box<dyn std::error::Error>> {
    let mut writer = JsonStreamWriter::new(to);
    match form {
        Some(FORM) => {
            json.begin_object()?;
            while json.has_next()? {
                if json.next_name()? == "flowSnapshot" {
                    members(json, &mut writer)?;
                    writer.finish_document()?;
                    return Ok(true);
                }
                json.skip_value()?;
            }
            Ok(false)
        }
        Some(CONTENTS_ONLY) => {
            writer.begin_object()?;
            writer.name("flowContents")?;
            json.transfer_to(&mut writer)?;
            writer.end_object()?;
            writer.finish_document()?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Copies a snapshot without what a registry says of itself there.
fn members(json: &mut impl JsonReader, writer: &mut impl JsonWriter) -> Result<(), Box<dyn std::error::Error>> {
    json.begin_object()?;
    writer.begin_object()?;
    while json.has_next()? {
        match json.next_name()? {
            "snapshotMetadata" | "bucket" | "flow" | "latest" | "link" => json.skip_value()?,
            name => {
                writer.name(name)?;
                json.transfer_to(writer)?;
            }
        }
    }
    json.end_object()?;
    writer.end_object()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn unwrapped(file: &str) -> Result<String> {
        let mut text = String::new();
        read(file.as_bytes())?.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn every_spelling_stays() {
        let kept = r#"{"flowContents":{"a":1.0,"b":12345678901234567890123,"c":[],"d":null,"e":"\u0001\"x"},"z":1e5}"#;
        let mut file = Vec::new();
        write(kept.as_bytes(), &mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert!(text.starts_with("{\n  \"header\": {\n"), "{text}");
        assert_eq!(unwrapped(&text).unwrap(), kept);
    }

    #[test]
    fn what_is_deep_is_written_and_read() {
        let kept = format!("{}{}", "{\"a\":[".repeat(490), "]}".repeat(490));
        let mut file = Vec::new();
        write(kept.as_bytes(), &mut file).unwrap();
        assert_eq!(unwrapped(&String::from_utf8(file).unwrap()).unwrap(), kept);
    }

    #[test]
    fn older_files_hold_the_contents_alone() {
        let file = r#"{"header":{"dataModelVersion":"2"},"content":{"identifier":"g"}}"#;
        assert_eq!(unwrapped(file).unwrap(), r#"{"flowContents":{"identifier":"g"}}"#);
    }

    #[test]
    fn what_a_registry_says_of_itself_is_left_out_and_xml_is_named() {
        let file =
            r#"{"header":{"dataModelVersion":"3"},"content":{"flowSnapshot":{"latest":true,"a":1,"snapshotMetadata":{},"b":2}}}"#;
        assert_eq!(unwrapped(file).unwrap(), r#"{"a":1,"b":2}"#);
        assert!(unwrapped("Flows\0\0\0\u{1}<?xml").unwrap_err().message.contains("data-model version 1"));
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for file in [
            "",
            "{}",
            "[1]",
            r#"{"header":{"dataModelVersion":"4"},"content":{"flowSnapshot":{}}}"#,
            r#"{"content":{}}"#,
            "\u{1f}\u{8b}",
            r#"{"header":{"dataModelVersion":"3"},"content":{"flowSnapshot":[1]}}"#,
        ] {
            assert!(unwrapped(file).unwrap_err().message.contains("no file of a version"), "{file}");
        }
        let deep = format!(r#"{{"header":{{"dataModelVersion":"2"}},"content":{}"#, "[".repeat(100_000));
        assert!(unwrapped(&deep).is_err());
    }
}

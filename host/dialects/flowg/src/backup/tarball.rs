//! The configuration as the first generation saves it: files in a compressed archive (FlowG 14).
//!
//! What must stay true: no file is written anywhere; what comes out of the compression is bounded.

use super::objects;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use headworks_core::{Error, Result};
use headworks_pipelines::{FORWARDER, PIPELINE, TRANSFORMER};
use std::io::{Read, Seek};

/// Bytes of an archive after decompression.
const MAX_PLAIN: u64 = 512 << 20;

/// Folder, ending and kind.
const FILES: [(&str, &str, &str); 3] =
    [("transformers/", ".vrl", TRANSFORMER), ("pipelines/", ".json", PIPELINE), ("forwarders/", ".json.b64", FORWARDER)];

/// Whether a file begins like one.
pub(super) fn is_one(file: &mut (impl Read + Seek)) -> Result<bool> {
    let mut head = Vec::new();
    file.by_ref().take(3).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head == [0x1f, 0x8b, 8])
}

/// Kinds, names and contents.
pub(super) fn read(file: impl Read) -> Result<Vec<(&'static str, String, String)>> {
    let damaged = |error: std::io::Error| Error::invalid(format!("the archive of the backup is damaged: {error}"));
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(MAX_PLAIN));
    let (mut found, mut bytes) = (Vec::new(), 0);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let path = path.map_err(|_| Error::invalid("a file of the archive has a name that is no text"))?;
        let path = path.strip_prefix("./").unwrap_or(&path);
        let parts = |(folder, ending, kind): &(&str, &str, &'static str)| {
            let name = path.strip_prefix(folder)?.strip_suffix(ending)?;
            Some((*kind, name.to_owned()))
        };
        let known = FILES.iter().find_map(parts).filter(|_| entry.header().entry_type().is_file());
        let (kind, name) = known.ok_or_else(|| {
            Error::invalid(format!("the archive of the backup holds {path:?}, which is no part of a configuration"))
        })?;
        bytes += usize::try_from(entry.size()).unwrap_or(usize::MAX);
        objects::check(found.len() + 1, bytes)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(damaged)?;
        if kind == FORWARDER {
            content.retain(|byte| !byte.is_ascii_whitespace());
            content = STANDARD.decode(content).map_err(|error| Error::invalid(format!("{path} is no base64: {error}")))?;
        }
        let content = String::from_utf8(content).map_err(|_| Error::invalid(format!("{path} is no text")))?;
        found.push((kind, name, content));
    }
    // The checksum of the compression comes last.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(damaged)?;
    Ok(found)
}

//! Snapshots of flows as JSON: taken in while they arrive, given out as they were saved.
//!
//! Knows the tree of a flow as far as the contract changes something in it, and nothing of storage. What a snapshot has that
//! is not known here is kept (NiFi Registry 9.6).

mod paced;
mod place;
mod rewrite;

use crate::Aliases;
use headworks_core::{Error, Result};
use place::{Holds, Place};
use rewrite::Rewriter;
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{self, Read, Write};
use struson::reader::{JsonReader, ReaderError, TransferError, ValueType};
use struson::writer::{JsonStreamWriter, JsonWriter};

/// The most bytes of a snapshot's metadata.
const METADATA: usize = 4 << 20;
/// The most members of a snapshot.
const MEMBERS: usize = 1000;

/// Which way a snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// It is saved.
    In,
    /// It is read.
    Out,
}

/// What a client says of the version it saves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The bucket it is meant for.
    pub bucket_identifier: Option<String>,
    /// The flow it is meant for.
    pub flow_identifier: Option<String>,
    /// The number it is to have; -1 for the next.
    pub version: Option<i32>,
    /// What is new.
    pub comments: Option<String>,
    /// Who made it elsewhere.
    pub author: Option<String>,
    /// When it was made elsewhere, in milliseconds since 1970.
    pub timestamp: Option<i64>,
}

/// What the member `flowContents` of a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Missing or null.
    #[default]
    Missing,
    /// No object.
    Wrong,
    /// As it should be.
    Object,
}

/// What was found in a snapshot that was taken in.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) metadata: Option<Metadata>,
    pub(crate) contents: Contents,
    /// Whether an address of a registry is in it.
    pub(crate) addresses: bool,
}

/// Writes what is kept of a snapshot: one object of all members but those that the server owns. Blocks.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for what is no such JSON; those of reader and writer.
pub(crate) fn take_in(from: impl Read, to: impl Write, aliases: &Aliases) -> Result<Found> {
    let mut rewriter = Rewriter::new(from, to, Direction::In, aliases);
    let mut found = Found::default();
    let mut names = HashSet::new();
    if rewriter.from.peek().map_err(unread)? == ValueType::Null {
        return Err(nothing());
    }
    rewriter.from.begin_object().map_err(unread)?;
    rewriter.to.begin_object().map_err(failed)?;
    while rewriter.from.has_next().map_err(unread)? {
        let name = rewriter.from.next_name_owned().map_err(unread)?;
        rewriter.allowance.token();
        let kind = rewriter.from.peek().map_err(unread)?;
        match name.as_str() {
            "snapshotMetadata" => found.metadata = metadata(&mut rewriter)?,
            "bucket" | "flow" | "latest" | "link" => skip(&mut rewriter)?,
            "flowContents" if kind != ValueType::Object => {
                found.contents = if kind == ValueType::Null { Contents::Missing } else { Contents::Wrong };
                skip(&mut rewriter)?;
            }
            "flowContents" => {
                found.contents = Contents::Object;
                rewriter.to.name(&name).map_err(failed)?;
                rewriter.value(Holds::One(Place::Group))?;
            }
            _ => {
                rewriter.to.name(&name).map_err(failed)?;
                rewriter.value(Holds::One(Place::Plain))?;
            }
        }
        if names.len() >= MEMBERS {
            return Err(Error::invalid(format!("a snapshot has at most {MEMBERS} members")));
        }
        if let Some(twice) = names.replace(name) {
            return Err(Error::invalid(format!("{twice} is there twice")));
        }
        rewriter.allowance.token();
    }
    found.addresses = rewriter.addresses;
    rewriter.from.end_object().map_err(unread)?;
    rewriter.to.end_object().map_err(failed)?;
    rewriter.from.consume_trailing_whitespace().map_err(unread)?;
    rewriter.to.finish_document().map_err(failed)?.flush().map_err(failed)?;
    Ok(found)
}

/// Writes what was kept of a snapshot with the addresses that clients know. Blocks.
///
/// # Errors
/// Those of reader and writer.
pub(crate) fn give_out(from: impl Read, to: impl Write, aliases: &Aliases) -> Result<()> {
    let mut rewriter = Rewriter::new(from, to, Direction::Out, aliases);
    rewriter.from.begin_object().map_err(unread)?;
    rewriter.to.begin_object().map_err(failed)?;
    while rewriter.from.has_next().map_err(unread)? {
        let name = rewriter.from.next_name_owned().map_err(unread)?;
        rewriter.to.name(&name).map_err(failed)?;
        rewriter.value(Holds::One(if name == "flowContents" { Place::Group } else { Place::Plain }))?;
        rewriter.allowance.token();
    }
    rewriter.from.end_object().map_err(unread)?;
    rewriter.to.end_object().map_err(failed)?;
    rewriter.to.finish_document().map_err(failed)?.flush().map_err(failed)
}

/// What is told where there is no snapshot.
pub fn nothing() -> Error {
    Error::invalid("Versioned flow snapshot cannot be null")
}

fn metadata<R: Read, W: Write>(rewriter: &mut Rewriter<'_, R, W>) -> Result<Option<Metadata>> {
    let mut bytes = Vec::new();
    rewriter.allowance.bytes(METADATA as u64);
    let mut copy = JsonStreamWriter::new(&mut bytes);
    rewriter.from.transfer_to(&mut copy).map_err(transfer)?;
    copy.finish_document().map_err(failed)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::invalid(format!("snapshotMetadata: {error}")))
}

fn skip<R: Read, W: Write>(rewriter: &mut Rewriter<'_, R, W>) -> Result<()> {
    // Nothing of it is held.
    rewriter.allowance.unbounded();
    rewriter.from.skip_value().map_err(unread)?;
    rewriter.allowance.token();
    Ok(())
}

/// Why a document cannot be read: its fault, or that of its source.
fn unread(error: ReaderError) -> Error {
    match error {
        ReaderError::IoError { error, .. } if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => failed(error),
        error => Error::invalid(error.to_string()),
    }
}

fn transfer(error: TransferError) -> Error {
    match error {
        TransferError::ReaderError(error) => unread(error),
        TransferError::WriterError(error) => failed(error),
    }
}

/// Why a copy cannot be written. An error of ours that came through a reader or writer is itself again.
pub(crate) fn failed(error: io::Error) -> Error {
    let text = error.to_string();
    match error.into_inner().map(|inner| inner.downcast::<Error>()) {
        Some(Ok(own)) => *own,
        _ => Error::internal(format!("a snapshot cannot be copied: {text}")),
    }
}

#[cfg(test)]
mod tests;

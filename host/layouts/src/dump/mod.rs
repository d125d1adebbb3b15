//! An SQL dump of the metadata database of another registry (NiFi Registry 22.1).
//!
//! Knows its tables and what three databases write. What must stay true: all of it is read and judged before anything is taken
//! over; contents of flows go to a file while they are read.

mod statements;
mod tables;
mod values;

use crate::bundles;
use crate::files::Files;
use crate::history::Commits;
use crate::inventory::{Contents, Inventory, Place};
use headworks_core::{Error, Result};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use statements::Statements;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use tables::{Row, TABLES, Tables};

/// What wrote a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    H2,
    MySql,
    PostgreSql,
}

/// The zone that the original counted its time in: the name of one, an offset such as `+02:00`, or `UTC`.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl std::str::FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "UTC" {
            return Ok(Self(TimeZone::UTC));
        }
        let Some(sign) = text.chars().next().filter(|first| matches!(first, '+' | '-')) else {
            return TimeZone::get(text).map(Self).map_err(|error| error.to_string());
        };
        let wrong = || "an offset has the form +02:00".to_owned();
        let (hours, minutes) = text.get(1..).and_then(|rest| rest.split_once(':')).ok_or_else(wrong)?;
        let (hours, minutes) = hours.parse::<i32>().ok().zip(minutes.parse::<i32>().ok()).ok_or_else(wrong)?;
        if !(0..=18).contains(&hours) || !(0..60).contains(&minutes) {
            return Err(wrong());
        }
        let seconds = (hours * 60 + minutes) * 60 * if sign == '-' { -1 } else { 1 };
        Offset::from_seconds(seconds).map(|offset| Self(TimeZone::fixed(offset))).map_err(|error| error.to_string())
    }
}

impl Zone {
    /// A time of a dump in milliseconds since 1970.
    fn millis(&self, text: &str) -> Option<i64> {
        let civil: DateTime = text.trim().parse().ok()?;
        Some(self.0.to_ambiguous_zoned(civil).compatible().ok()?.timestamp().as_millisecond())
    }
}

/// Where the contents of flows are that a dump tells of.
#[derive(Clone, Copy, Debug)]
pub enum ContentsIn<'a> {
    /// In the dump itself.
    Dump,
    /// In a folder.
    Files(&'a Path),
    /// In a Git repository.
    Git(&'a Path),
}

/// What a dump says, with bundles from a folder.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for what is no whole dump of a registry.
pub fn read(dump: &Path, zone: &Zone, contents: ContentsIn<'_>, archives: Option<&Path>) -> Result<Inventory> {
    let named = |error: Error| Error { message: format!("{}: {}", dump.display(), error.message), ..error };
    let file = File::open(dump).map_err(|error| Error::invalid(format!("{} cannot be read: {error}", dump.display())))?;
    let tables = gather(file, zone).map_err(named)?;
    let (mut files, mut commits) = (None, None);
    match contents {
        ContentsIn::Dump => {}
        ContentsIn::Files(folder) => files = Some(Files::read(folder)?),
        ContentsIn::Git(folder) => commits = Some(Commits::read(folder)?),
    }
    let mut inventory = Inventory::default();
    let spool = tables.into_inventory(&mut inventory, |bucket, flow, version, spooled| match (&mut files, &mut commits) {
        (Some(files), _) => files.take(bucket, flow, version),
        (_, Some(commits)) => commits.take(flow, version),
        (None, None) => spooled.map(|(start, length)| Place::Spooled(start, length)).ok_or_else(|| {
            Error::invalid("the dump has no content of it: name the folder of flow contents, or the Git repository")
        }),
    })?;
    let flows = files.map(|files| files.rest(&mut inventory));
    let history = commits.map(|commits| commits.rest(&mut inventory));
    inventory.contents = Contents { flows, history, spool: Some(spool), bundles: None };
    match archives {
        Some(archives) => bundles::from_folder(&mut inventory, archives)?,
        None => bundles::without_folder(&mut inventory),
    }
    Ok(inventory)
}

fn gather(dump: impl Read, zone: &Zone) -> Result<Tables> {
    let mut statements = Statements::new(dump)?;
    let flavour = statements.flavour;
    let mut tables = Tables::new(zone.clone())?;
    while let Some((text, line)) = statements.statement()? {
        let placed = |error: Error| Error { message: format!("line {line}: {}", error.message), ..error };
        tables.saw(&text).map_err(placed)?;
        let Some((table, usual)) = values::table(&text).and_then(|name| TABLES.iter().find(|(table, _)| *table == name)) else {
            continue;
        };
        let rows = values::read(&text, flavour).map_err(placed)?;
        let usual: Vec<String> = usual.iter().map(|column| (*column).to_owned()).collect();
        let columns = if rows.columns.is_empty() { &usual } else { &rows.columns };
        for cells in rows.rows {
            if cells.len() != columns.len() {
                let (there, known) = (cells.len(), columns.len());
                let message =
                    format!("a row of {table} has {there} values, and {known} columns are known: make a dump that names columns");
                return Err(placed(Error::invalid(message)));
            }
            let row = Row(columns.iter().map(String::as_str).zip(cells).collect());
            tables.add(table, row).map_err(placed)?;
        }
    }
    tables.complete()?;
    Ok(tables)
}

/// Where contents go while a dump is read.
struct Spool {
    file: File,
    length: u64,
}

impl Spool {
    fn new() -> Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, length: 0 })
    }

    /// What is at a place.
    fn text(&mut self, start: u64, length: u64) -> Result<String> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(start))?;
        (&self.file).take(length).read_to_string(&mut text)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(text)
    }

    /// Appends bytes; answers where they are.
    fn add(&mut self, bytes: &[u8]) -> Result<(u64, u64)> {
        self.file.write_all(bytes)?;
        let start = self.length;
        self.length += bytes.len() as u64;
        Ok((start, bytes.len() as u64))
    }
}

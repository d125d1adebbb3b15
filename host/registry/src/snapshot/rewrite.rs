//! Copies the JSON of a flow from one place to another, piece by piece, with the few changes that the contract wants.
//!
//! What must stay true: every member, value and spelling of a number that is not named here arrives as it came; memory does
//! not grow with the document.

use super::paced::{Allowance, Paced};
use super::place::{Holds, Place};
use super::{Direction, failed, unread};
use crate::Aliases;
use headworks_core::{Error, Result};
use std::io::{Read, Write};
use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings, ValueType};
use struson::writer::{JsonStreamWriter, JsonWriter};

/// How deep objects and lists may be in each other; a nested group takes two.
const DEPTH: u32 = 1000;
/// The most bytes of a text that is looked at.
const TEXT: u64 = 64 << 10;

/// From a reader to a writer.
pub(super) struct Rewriter<'a, R: Read, W: Write> {
    pub(super) from: JsonStreamReader<Paced<R>>,
    pub(super) to: JsonStreamWriter<W>,
    pub(super) allowance: Allowance,
    direction: Direction,
    aliases: &'a Aliases,
    /// Whether an address of a registry was passed.
    pub(super) addresses: bool,
}

/// What an object that is being copied belongs to.
enum Frame {
    List(Place),
    Object(Place, Seen),
}

/// What of an object has to be known at its end.
#[derive(Default)]
struct Seen {
    component_type: bool,
    output: bool,
    uri: Target,
    uris: Target,
}

/// One of the two members that a remote group has for its address.
#[derive(Default)]
enum Target {
    #[default]
    Absent,
    Null,
    Text(String),
    /// Something else, which is copied.
    Other,
}

impl<'a, R: Read, W: Write> Rewriter<'a, R, W> {
    pub(super) fn new(from: R, to: W, direction: Direction, aliases: &'a Aliases) -> Self {
        let allowance = Allowance::default();
        allowance.token();
        let settings = ReaderSettings {
            track_path: false,
            max_nesting_depth: Some(DEPTH),
            restrict_number_values: false,
            ..ReaderSettings::default()
        };
        let from = JsonStreamReader::new_custom(Paced::new(from, allowance.clone()), settings);
        Self { from, to: JsonStreamWriter::new(to), allowance, direction, aliases, addresses: false }
    }

    /// Copies the next value.
    pub(super) fn value(&mut self, holds: Holds) -> Result<()> {
        let mut frames = Vec::new();
        self.begin(holds, &mut frames)?;
        while let Some(frame) = frames.last_mut() {
            self.allowance.token();
            let more = self.from.has_next().map_err(unread)?;
            match frame {
                Frame::List(place) if more => {
                    let place = *place;
                    self.begin(Holds::One(place), &mut frames)?;
                }
                Frame::List(_) => {
                    self.from.end_array().map_err(unread)?;
                    self.to.end_array().map_err(failed)?;
                    frames.pop();
                }
                Frame::Object(place, seen) if more => {
                    if let Some(holds) = self.member(*place, seen)? {
                        self.begin(holds, &mut frames)?;
                    }
                }
                Frame::Object(place, seen) => {
                    self.complete(*place, seen)?;
                    self.from.end_object().map_err(unread)?;
                    self.to.end_object().map_err(failed)?;
                    frames.pop();
                }
            }
        }
        Ok(())
    }

    /// Copies the beginning of a value, or all of it where it has nothing inside.
    fn begin(&mut self, holds: Holds, frames: &mut Vec<Frame>) -> Result<()> {
        self.allowance.token();
        match self.from.peek().map_err(unread)? {
            ValueType::Array => {
                self.from.begin_array().map_err(unread)?;
                self.to.begin_array().map_err(failed)?;
                frames.push(Frame::List(if let Holds::Each(place) = holds { place } else { Place::Plain }));
                Ok(())
            }
            ValueType::Object => {
                self.from.begin_object().map_err(unread)?;
                self.to.begin_object().map_err(failed)?;
                let place = if let Holds::One(place) = holds { place } else { Place::Plain };
                frames.push(Frame::Object(place, Seen::default()));
                Ok(())
            }
            kind => self.scalar(kind),
        }
    }

    fn scalar(&mut self, kind: ValueType) -> Result<()> {
        if kind == ValueType::String {
            self.allowance.unbounded();
        }
        self.from.transfer_to(&mut self.to).map_err(super::transfer)
    }

    /// Copies the name of a member, and its value where that is looked at; otherwise answers what it holds.
    fn member(&mut self, place: Place, seen: &mut Seen) -> Result<Option<Holds>> {
        let name = self.from.next_name_owned().map_err(unread)?;
        self.allowance.token();
        let kind = self.from.peek().map_err(unread)?;
        let saving = self.direction == Direction::In;
        match (place, name.as_str()) {
            (Place::Coordinates, "registryUrl") if kind == ValueType::String => {
                self.addresses = true;
                let address = self.text(&name)?;
                let replaced = if saving { self.aliases.inside(&address) } else { self.aliases.outside(&address) };
                self.put(&name, &replaced).map(|()| None)
            }
            (Place::Port, "type") if saving && kind == ValueType::String => {
                let text = self.text(&name)?;
                seen.output = text == "OUTPUT_PORT";
                self.put(&name, &text).map(|()| None)
            }
            (Place::Remote, "targetUri" | "targetUris") if saving => {
                let target = if name == "targetUri" { &mut seen.uri } else { &mut seen.uris };
                *target = match kind {
                    ValueType::String => Target::Text(self.text(&name)?),
                    ValueType::Null => Target::Null,
                    _ => Target::Other,
                };
                match target {
                    Target::Text(text) => self.put(&name, text).map(|()| None),
                    // Whether it stays is known at the end.
                    Target::Null => self.from.next_null().map_err(unread).map(|()| None),
                    _ => self.copied(place, &name),
                }
            }
            (_, "componentType") if saving && place.component_type(false).is_some() => {
                if kind == ValueType::Null {
                    return self.from.next_null().map_err(unread).map(|()| None);
                }
                seen.component_type = true;
                self.copied(place, &name)
            }
            _ => self.copied(place, &name),
        }
    }

    fn copied(&mut self, place: Place, name: &str) -> Result<Option<Holds>> {
        self.to.name(name).map_err(failed)?;
        Ok(Some(place.member(name)))
    }

    /// Adds what a client left out at the end of an object.
    fn complete(&mut self, place: Place, seen: &Seen) -> Result<()> {
        if self.direction == Direction::Out {
            return Ok(());
        }
        if let Some(kind) = place.component_type(seen.output).filter(|_| !seen.component_type) {
            self.put("componentType", kind)?;
        }
        match (&seen.uri, &seen.uris) {
            (Target::Absent | Target::Null, Target::Text(uris)) => {
                let first = uris.split(',').next().unwrap_or_default().trim();
                self.put("targetUri", first)
            }
            (Target::Text(uri), Target::Absent | Target::Null) => self.put("targetUris", uri),
            (uri, uris) => {
                for (name, target) in [("targetUri", uri), ("targetUris", uris)] {
                    if matches!(target, Target::Null) {
                        self.to.name(name).map_err(failed)?;
                        self.to.null_value().map_err(failed)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// A text that is short, as it must be.
    fn text(&mut self, member: &str) -> Result<String> {
        self.allowance.unbounded();
        let mut text = String::new();
        let mut reader = self.from.next_string_reader().map_err(unread)?.take(TEXT + 1);
        reader.read_to_string(&mut text).map_err(|error| failed_reading(error, member))?;
        Ok(text)
    }

    fn put(&mut self, name: &str, text: &str) -> Result<()> {
        if text.len() as u64 > TEXT {
            return Err(Error::invalid(format!("{name} must not have more than {TEXT} bytes")));
        }
        self.to.name(name).map_err(failed)?;
        self.to.string_value(text).map_err(failed)
    }
}

fn failed_reading(error: std::io::Error, member: &str) -> Error {
    // A text that is cut in the middle of a letter is one that is too long.
    if error.kind() == std::io::ErrorKind::InvalidData && error.get_ref().is_none_or(|inner| !inner.is::<Error>()) {
        return Error::invalid(format!("{member} cannot be read, or has more than {TEXT} bytes: {error}"));
    }
    failed(error)
}

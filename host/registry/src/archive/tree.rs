//! XML, one part of a document at a time.
//!
//! What must stay true: no document type, no entities beyond the five of XML and references to characters; elements are counted
//! and how deep they are; memory is bounded by the part that is read, and by the counts.

use super::{ArchiveLimits, DESCRIPTOR, refused};
use headworks_core::{Error, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::io::BufRead;

/// Attributes of one element.
const ATTRIBUTES: usize = 100;

/// An element with everything in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Whether there is nothing in it that could mean something.
    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.text.trim().is_empty()
    }

    /// The first child with this name that is not empty.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name && !child.is_empty())
    }

    /// The text of a child, unless it is empty (NiFi Registry 13.2).
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let child = self.children.iter().find(|child| child.name == name)?;
        child.own_text()
    }

    /// Its own text, unless it is empty.
    pub(super) fn own_text(&self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text.clone())
    }

    /// Whether a child says `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.trim() == "true")
    }

    /// The `item`s in the child `list`.
    pub(super) fn items<'a>(&'a self, list: &str, item: &'a str) -> impl Iterator<Item = &'a Self> {
        let children = self.child(list).map(|list| list.children.as_slice()).unwrap_or_default();
        children.iter().filter(move |child| child.name == item)
    }
}

/// Where in the document reading is.
pub(super) enum Step {
    /// An element begins.
    Begin(String),
    /// The element ends that began last.
    End,
    /// The document is over.
    Over,
}

/// Reads one document.
pub(super) struct Document<'l, R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    limits: &'l ArchiveLimits,
    depth: usize,
    elements: usize,
    rooted: bool,
}

impl<'l, R: BufRead> Document<'l, R> {
    pub(super) fn new(reader: R, limits: &'l ArchiveLimits) -> Self {
        let mut reader = Reader::from_reader(reader);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        Self { reader, buffer: Vec::new(), limits, depth: 0, elements: 0, rooted: false }
    }

    /// The next beginning or end of an element. Text between is passed over.
    pub(super) fn step(&mut self) -> Result<Step> {
        self.next(&mut String::new())
    }

    /// The rest of the element that began last.
    pub(super) fn element(&mut self, name: String) -> Result<Element> {
        let mut open = vec![Element { name, ..Element::default() }];
        loop {
            let mut text = String::new();
            let step = self.next(&mut text)?;
            let Some(current) = open.last_mut() else { return Err(malformed(&"it ends too early")) };
            current.text.push_str(&text);
            match step {
                Step::Begin(name) => open.push(Element { name, ..Element::default() }),
                Step::End => {
                    let Some(done) = open.pop() else { return Err(malformed(&"it ends too early")) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Step::Over => return Err(malformed(&"it ends too early")),
            }
        }
    }

    /// Passes over the rest of the element that began last.
    pub(super) fn skip(&mut self) -> Result<()> {
        let end = self.depth.saturating_sub(1);
        while self.depth > end {
            if let Step::Over = self.step()? {
                return Err(malformed(&"it ends too early"));
            }
        }
        Ok(())
    }

    fn next(&mut self, text: &mut String) -> Result<Step> {
        loop {
            self.buffer.clear();
            let outside = self.depth == 0;
            match self.reader.read_event_into(&mut self.buffer).map_err(|error| malformed(&error))? {
                Event::Start(start) => {
                    let name = checked(&start)?;
                    self.enter()?;
                    return Ok(Step::Begin(name));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::End);
                }
                Event::Text(found) if outside => {
                    if !found.chars().all(|letter| letter.is_ascii_whitespace()) {
                        return Err(malformed(&"text stands outside of its elements"));
                    }
                }
                Event::Text(found) => text.push_str(&found.xml10_content()),
                Event::CData(_) | Event::GeneralRef(_) if outside => {
                    return Err(malformed(&"text stands outside of its elements"));
                }
                Event::CData(found) => text.push_str(&found.xml10_content()),
                Event::GeneralRef(reference) => text.push(referenced(&reference)?),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().map_err(|error| malformed(&error))?;
                    let utf8 = |name: &str| ["utf-8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str());
                    if encoding.is_some_and(|encoding| !utf8(&encoding)) {
                        return Err(malformed(&"its encoding is not UTF-8"));
                    }
                }
                Event::DocType(_) => return Err(malformed(&"it declares a document type, which is not allowed")),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Empty(_) => return Err(Error::internal("empty elements are expanded")),
                Event::Eof if outside && self.rooted => return Ok(Step::Over),
                Event::Eof => return Err(malformed(&"it ends too early")),
            }
        }
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth == 0 && std::mem::replace(&mut self.rooted, true) {
            return Err(malformed(&"it has two roots"));
        }
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(malformed(&format_args!("its elements are nested deeper than {}", self.limits.depth)));
        }
        if self.elements > self.limits.elements {
            return Err(malformed(&format_args!("it has more than {} elements", self.limits.elements)));
        }
        Ok(())
    }
}

/// The name of an element whose attributes are well-formed. They mean nothing.
fn checked(start: &BytesStart<'_>) -> Result<String> {
    for (index, attribute) in start.attributes().enumerate() {
        attribute.map_err(|error| malformed(&error))?;
        // Each is compared with those before it.
        if index >= ATTRIBUTES {
            return Err(malformed(&format_args!("an element has more than {ATTRIBUTES} attributes")));
        }
    }
    Ok(start.name().as_ref().to_owned())
}

/// The letter that is meant.
fn referenced(reference: &BytesRef<'_>) -> Result<char> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| malformed(&error))? {
        return Ok(letter);
    }
    match reference.as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(malformed(&"it uses an entity that XML does not define")),
    }
}

pub(super) fn malformed(what: &dyn std::fmt::Display) -> Error {
    refused(format!("its entry {DESCRIPTOR} is not well-formed or not allowed: {what}"))
}

//! JSON documents of any depth to flat records of text (FlowG 6.5).
//!
//! What must stay true: numbers keep their spelling; what nesting makes of a body is bounded, since each value below a long
//! name repeats that name.

use super::undecodable;
use headworks_core::{Batch, BatchBuilder, Error, ErrorCode, Result, Timestamp, Value};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// How deep objects and lists may nest.
const MAX_DEPTH: usize = 32;
/// Bytes of names and values that documents may become beyond [`GROWTH`] times their size.
const FREE: usize = 16 << 20;
const GROWTH: usize = 8;

/// How much the documents of one request may become, in whatever batches they end up.
pub struct Room(usize);

impl Room {
    /// For a request of so many bytes.
    pub const fn of(bytes: usize) -> Self {
        Self(bytes.saturating_mul(GROWTH).saturating_add(FREE))
    }
}

/// Makes one batch of many documents. Nested objects and lists become names with dots, `a.b` and `list.0`; null becomes the
/// empty text; empty objects and lists vanish.
#[derive(Default)]
pub struct Documents {
    builder: BatchBuilder,
    path: String,
}

impl Documents {
    /// Adds the record of a document. One that is refused adds nothing.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is no JSON object or nests too deep; [`ErrorCode::TooLarge`] when there is no room.
    pub fn add(&mut self, document: &[u8], received: Timestamp, room: &mut Room) -> Result<()> {
        let raw: &RawValue = serde_json::from_slice(document).map_err(undecodable)?;
        if !raw.get().starts_with('{') {
            return Err(undecodable("a document has to be a JSON object"));
        }
        self.path.clear();
        match self.value(raw, 0, room) {
            Ok(()) => self.builder.end_record(received),
            Err(error) => {
                self.builder.drop_record();
                return Err(error);
            }
        }
        Ok(())
    }

    fn value(&mut self, raw: &RawValue, depth: usize, room: &mut Room) -> Result<()> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => {
                Err(Error::invalid(format!("a document may nest {MAX_DEPTH} levels deep; {} is deeper", shortened(&self.path))))
            }
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(text).map_err(undecodable)?;
                members.0.into_iter().try_for_each(|(name, value)| self.within(&name, value, depth, room))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(undecodable)?;
                items.into_iter().enumerate().try_for_each(|(place, value)| self.within(place, value, depth, room))
            }
            Some(b'"') => {
                let text: Cow<'_, str> = serde_json::from_str(text).map_err(undecodable)?;
                self.cell(&text, room)
            }
            Some(b'n') => self.cell("", room),
            // Numbers and booleans, as they are spelled.
            _ => self.cell(text, room),
        }
    }

    fn within(&mut self, name: impl fmt::Display, value: &RawValue, depth: usize, room: &mut Room) -> Result<()> {
        let outer = self.path.len();
        let dot = if depth == 0 { "" } else { "." };
        // Writing to a text cannot fail.
        let _ = write!(self.path, "{dot}{name}");
        let done = self.value(value, depth + 1, room);
        self.path.truncate(outer);
        done
    }

    fn cell(&mut self, text: &str, room: &mut Room) -> Result<()> {
        let size = self.path.len() + text.len();
        room.0 = room.0.checked_sub(size).ok_or_else(|| {
            let text = "the documents of a request become too large when they are flattened; send fewer or flatter ones";
            Error::new(ErrorCode::TooLarge, text)
        })?;
        self.builder.field(&self.path, Value::Text(text));
        Ok(())
    }

    /// The number of documents so far.
    pub fn len(&self) -> usize {
        self.builder.len()
    }

    /// Whether there is no document yet.
    pub fn is_empty(&self) -> bool {
        self.builder.is_empty()
    }

    /// The batch of all documents.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`] when they do not fit into a batch.
    pub fn finish(self) -> Result<Batch> {
        self.builder.finish()
    }
}

fn shortened(path: &str) -> String {
    let mut short: String = path.chars().take(100).collect();
    if short.len() < path.len() {
        short.push('…');
    }
    short
}

/// The members of an object in order, repeated names included.
struct Members<'d>(Vec<(String, &'d RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        input.deserialize_map(Collect)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn flat(document: &str) -> Result<serde_json::Value> {
        let mut documents = Documents::default();
        documents.add(document.as_bytes(), Timestamp(7), &mut Room::of(document.len()))?;
        let batch = documents.finish()?;
        Ok(serde_json::to_value(batch.record(0).unwrap()).unwrap())
    }

    #[test]
    fn nesting_becomes_dots() {
        for (document, expected) in [
            (
                r#"{"a":{"b":"c","d":{"e":1}},"list":["x",{"y":true},[null]]}"#,
                json!({"a.b": "c", "a.d.e": "1", "list.0": "x", "list.1.y": "true", "list.2.0": ""}),
            ),
            (
                r#" {"n":1.50,"m":-1e+5,"big":123456789012345678901234567890,"z":0.0} "#,
                json!({"n": "1.50", "m": "-1e+5", "big": "123456789012345678901234567890", "z": "0.0"}),
            ),
            (r#"{"t":true,"f":false,"null":null,"o":{},"l":[],"deep":{"o":{}}}"#, json!({"t": "true", "f": "false", "null": ""})),
            (r#"{"":"x","a.b":"1","a":{"b":"2"},"\u00e9\n":"\ud83d\ude00"}"#, json!({"": "x", "a.b": "2", "é\n": "😀"})),
            (r#"{"":{"":"x"}}"#, json!({".": "x"})),
            ("{}", json!({})),
        ] {
            assert_eq!(flat(document).unwrap(), expected, "{document}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for document in
            ["", "[]", "\"x\"", "1", "null", "{", "{\"a\":01}", "{\"a\":1}}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\\ud800\"}"]
        {
            assert_eq!(flat(document).unwrap_err().code, ErrorCode::Invalid, "{document}");
        }
    }

    #[test]
    fn depth_and_growth_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(flat(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(flat(&nested(MAX_DEPTH)).unwrap_err().code, ErrorCode::Invalid);
        assert_eq!(flat(&"[".repeat(100_000)).unwrap_err().code, ErrorCode::Invalid);
        let long = format!("{{\"{}\":[{}1]}}", "n".repeat(100_000), "1,".repeat(100_000));
        assert_eq!(flat(&long).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn a_document_that_is_refused_leaves_nothing() {
        let (mut documents, mut room) = (Documents::default(), Room::of(100));
        documents.add(br#"{"a":"1"}"#, Timestamp(0), &mut room).unwrap();
        documents
            .add(format!("{{\"b\":\"2\",\"c\":{}}}", "[".repeat(40) + &"]".repeat(40)).as_bytes(), Timestamp(0), &mut room)
            .unwrap_err();
        documents.add(br#"{"a":"3"}"#, Timestamp(0), &mut room).unwrap();
        let batch = documents.finish().unwrap();
        assert_eq!(serde_json::to_value(batch.records().collect::<Vec<_>>()).unwrap(), json!([{"a": "1"}, {"a": "3"}]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,60}") {
            let _ = flat(&text);
        }
    }
}

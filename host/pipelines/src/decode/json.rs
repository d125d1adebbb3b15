//! Flat JSON objects of texts, read straight into a batch.

use super::undecodable;
use headworks_core::{Batch, BatchBuilder, Error, Result, Timestamp, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt::{self, Write};

/// `{"records": [{field: text, …}, …]}` (FlowG 6.2). `null` is no record.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid), with the member where one is to blame, such as `records[3].status`.
pub fn struct_records(body: &[u8], received: Timestamp) -> Result<Batch> {
    object(body, "records", List { received })?.ok_or_else(|| Error::invalid("missing properties: \"records\"").at(""))?.finish()
}

/// `{"record": {field: text, …}}` (FlowG 6.6). An absent or null record has no fields (FlowG 3.3).
///
/// # Errors
/// As [`struct_records`].
pub fn single_record(body: &[u8], received: Timestamp) -> Result<Batch> {
    let mut builder = object(body, "record", One { received })?.unwrap_or_default();
    if builder.is_empty() {
        builder.end_record(received);
    }
    builder.finish()
}

/// A list of flat objects, or null, from anything that can be deserialized.
///
/// # Errors
/// As [`struct_records`]; members are those of the list, such as `[3].status`.
pub fn read_records<'de, D: Deserializer<'de>>(input: D, received: Timestamp) -> Result<Batch> {
    read(input, List { received })
}

/// One flat object, or null for a record without fields.
///
/// # Errors
/// As [`struct_records`].
pub fn read_record<'de, D: Deserializer<'de>>(input: D, received: Timestamp) -> Result<Batch> {
    let batch = read(input, One { received })?;
    if batch.is_empty() { empty_record(received) } else { Ok(batch) }
}

fn empty_record(received: Timestamp) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    builder.end_record(received);
    builder.finish()
}

fn read<'de, D: Deserializer<'de>>(input: D, shape: impl Shape) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    let blame = Blame::default();
    let result = Filler { builder: &mut builder, blame: &blame, shape }.deserialize(input);
    result.map_err(|error| blame.on(undecodable(error)))?;
    builder.finish()
}

/// Reads one member of the outermost object. Its exact name comes before one that differs in case (FlowG 3.1).
fn object<S: Shape>(body: &[u8], member: &'static str, shape: S) -> Result<Option<BatchBuilder>> {
    let blame = Blame::default();
    let mut input = serde_json::Deserializer::from_slice(body);
    let found = input.deserialize_map(Outer { member, blame: &blame, shape });
    let result = found.and_then(|found| input.end().map(|()| found));
    result.map_err(|error| if error.is_data() { blame.on(undecodable(error)) } else { undecodable(error) })
}

/// The path of the member that is being read when an error is met.
#[derive(Default)]
struct Blame(RefCell<String>);

impl Blame {
    /// Puts a part in front of the path.
    fn within(&self, part: impl fmt::Display) {
        let mut path = self.0.borrow_mut();
        let inner = std::mem::take(&mut *path);
        // Writing to a text cannot fail.
        let _ = write!(path, "{part}{inner}");
    }

    fn on(&self, error: Error) -> Error {
        let path = self.0.take();
        error.at(path)
    }
}

/// What a member holds.
trait Shape: Copy {
    fn fill<'de, D: Deserializer<'de>>(self, builder: &mut BatchBuilder, blame: &Blame, input: D) -> Result<(), D::Error>;
}

/// A list of records, or null.
#[derive(Clone, Copy)]
struct List {
    received: Timestamp,
}

/// A record, or null.
#[derive(Clone, Copy)]
struct One {
    received: Timestamp,
}

impl Shape for List {
    fn fill<'de, D: Deserializer<'de>>(self, builder: &mut BatchBuilder, blame: &Blame, input: D) -> Result<(), D::Error> {
        input.deserialize_any(Items { builder, blame, received: self.received })
    }
}

impl Shape for One {
    fn fill<'de, D: Deserializer<'de>>(self, builder: &mut BatchBuilder, blame: &Blame, input: D) -> Result<(), D::Error> {
        input.deserialize_any(Fields { builder, blame, received: self.received, optional: true })
    }
}

struct Filler<'b, S> {
    builder: &'b mut BatchBuilder,
    blame: &'b Blame,
    shape: S,
}

impl<'de, S: Shape> DeserializeSeed<'de> for Filler<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        self.shape.fill(self.builder, self.blame, input)
    }
}

struct Outer<'b, S> {
    member: &'static str,
    blame: &'b Blame,
    shape: S,
}

impl<'de, S: Shape> Visitor<'de> for Outer<'_, S> {
    type Value = Option<BatchBuilder>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let mut exact = false;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name != self.member && (exact || !name.eq_ignore_ascii_case(self.member)) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            exact = name == self.member;
            let mut builder = BatchBuilder::default();
            let filler = Filler { builder: &mut builder, blame: self.blame, shape: self.shape };
            map.next_value_seed(filler).inspect_err(|_| self.blame.within(self.member))?;
            found = Some(builder);
        }
        Ok(found)
    }
}

struct Items<'b> {
    builder: &'b mut BatchBuilder,
    blame: &'b Blame,
    received: Timestamp,
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            let at = self.builder.len();
            let item = Fields { builder: &mut *self.builder, blame: self.blame, received: self.received, optional: false };
            match items.next_element_seed(item) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.blame.within(format_args!("[{at}]"));
                    return Err(error);
                }
            }
        }
    }
}

struct Fields<'b> {
    builder: &'b mut BatchBuilder,
    blame: &'b Blame,
    received: Timestamp,
    optional: bool,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if self.optional { Ok(()) } else { Err(E::invalid_type(serde::de::Unexpected::Unit, &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text(|name: &str| self.builder.intern(name)))? {
            let value = map.next_value_seed(Text(|text: &str| self.builder.cell(name, Value::Text(text))));
            if let Err(error) = value {
                // The name is found again in the open record by what the builder calls it.
                self.blame.within(format_args!(".{}", self.builder.name(name)));
                return Err(error);
            }
        }
        self.builder.end_record(self.received);
        Ok(())
    }
}

/// Hands a text on without copying it.
struct Text<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Text<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(batch: &Batch) -> String {
        serde_json::to_string(&batch.records().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn records_are_read() {
        for (body, expected) in [
            (r#"{"records":[{"a":"1","b.c":"é\n"},{}]}"#, r#"[{"a":"1","b.c":"é\n"},{}]"#),
            (r#"{"x":{"records":[1]},"Records":[{"a":"1"}],"y":[[]]}"#, r#"[{"a":"1"}]"#),
            (r#"{"RECORDS":[{"a":"1"}],"records":[{"a":"2"}],"Records":7}"#, r#"[{"a":"2"}]"#),
            (r#"{"records":[{"a":"1","a":"2"}]}"#, r#"[{"a":"2"}]"#),
            (r#" {"records":null} "#, "[]"),
            (r#"{"records":[]}"#, "[]"),
            (r#"{"records":[{"":""}]}"#, r#"[{"":""}]"#),
        ] {
            assert_eq!(shown(&struct_records(body.as_bytes(), Timestamp(0)).unwrap()), expected);
        }
    }

    #[test]
    fn refusals_name_the_member() {
        for (body, member) in [
            (r#"{"records":[{"a":"1"},{"status":500}]}"#, Some("records[1].status")),
            (r#"{"records":[{"a":null}]}"#, Some("records[0].a")),
            (r#"{"records":[{"a":{"b":"c"}}]}"#, Some("records[0].a")),
            (r#"{"records":[null]}"#, Some("records[0]")),
            (r#"{"records":["x"]}"#, Some("records[0]")),
            (r#"{"records":{"a":"b"}}"#, Some("records")),
            (r#"{"record":[]}"#, Some("")),
            (r#"[]"#, Some("")),
            (r#"{"records":[{"a":"1""#, None),
            (r#"{"records":[]} x"#, None),
            ("", None),
            ("{\"records\":[{\"a\":\"\u{1}\"}]}", None),
        ] {
            let error = struct_records(body.as_bytes(), Timestamp(0)).unwrap_err();
            assert_eq!((error.code, error.member.as_deref()), (headworks_core::ErrorCode::Invalid, member), "{body}: {error}");
        }
        assert!(struct_records(b"{\"records\":[{\"a\":\"\xff\"}]}", Timestamp(0)).is_err());
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert!(struct_records(deep.as_bytes(), Timestamp(0)).is_err());
    }

    #[test]
    fn a_single_record_may_be_missing() {
        for (body, expected) in [
            (r#"{"record":{"a":"b"}}"#, r#"[{"a":"b"}]"#),
            (r#"{"record":null}"#, "[{}]"),
            (r#"{"record":{}}"#, "[{}]"),
            (r#"{}"#, "[{}]"),
        ] {
            assert_eq!(shown(&single_record(body.as_bytes(), Timestamp(0)).unwrap()), expected);
        }
        assert_eq!(single_record(br#"{"record":{"a":1}}"#, Timestamp(0)).unwrap_err().member.as_deref(), Some("record.a"));
    }

    #[test]
    fn parsed_values_are_read_too() {
        let value = serde_json::json!([{"a": "b"}, {"n": 1}]);
        assert_eq!(read_records(&value, Timestamp(0)).unwrap_err().member.as_deref(), Some("[1].n"));
        assert_eq!(shown(&read_record(serde_json::json!({"a": "b"}), Timestamp(0)).unwrap()), r#"[{"a":"b"}]"#);
        assert_eq!(read_records(&serde_json::Value::Null, Timestamp(0)).unwrap().len(), 0);
    }
}

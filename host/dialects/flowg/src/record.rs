//! Records on the wire (FlowG 2): fields are text, whatever kind they are stored as.

use headworks_core::batch::Record;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The fields of a record as a JSON object in ascending order of their names.
pub(crate) struct Fields<'a>(pub(crate) Record<'a>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.sorted();
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in fields {
            map.serialize_entry(name, &*value.to_text())?;
        }
        map.end()
    }
}

/// `LogRecord`.
pub(crate) struct LogRecord<'a>(pub(crate) Record<'a>);

impl Serialize for LogRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("timestamp", &self.0.time().rfc3339())?;
        map.serialize_entry("fields", &Fields(self.0))?;
        map.end()
    }
}

/// Appends a `LogRecord` as one line of JSON without its line feed.
pub(crate) fn write(record: Record<'_>, line: &mut Vec<u8>) {
    // Writing to memory does not fail, and neither do maps of text.
    let _ = serde_json::to_writer(line, &LogRecord(record));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Timestamp, Value};

    #[test]
    fn every_value_is_text() {
        let mut builder = BatchBuilder::default();
        builder.field("text", Value::Text("<a>\n\"&é"));
        builder.field("null", Value::Null);
        builder.field("number", Value::Integer(-3));
        builder.field("", Value::Boolean(true));
        builder.end_record(Timestamp::from_millis(1_767_322_985_500));
        let batch = builder.finish().unwrap();
        let mut line = Vec::new();
        write(batch.record(0).unwrap(), &mut line);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            r#"{"timestamp":"2026-01-02T03:03:05.5Z","fields":{"":"true","null":"","number":"-3","text":"<a>\n\"&é"}}"#
        );
    }
}

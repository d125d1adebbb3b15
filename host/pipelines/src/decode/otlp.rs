//! OTLP log records to flat records of text (FlowG 6.4).

use headworks_core::batch::FieldId;
use headworks_core::{Batch, BatchBuilder, Error, Result, Timestamp, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use prost::Message;
use std::fmt::Write;

/// An `ExportLogsServiceRequest` in protobuf.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) when the bytes are no such message.
pub fn otlp_protobuf(body: &[u8], received: Timestamp) -> Result<Batch> {
    let request =
        ExportLogsServiceRequest::decode(body).map_err(|error| Error::invalid(format!("failed to decode protobuf: {error}")))?;
    Writer::default().request(&request, received)
}

/// The fields that every record has, in the order of [`Writer::record`].
const FIXED: [&str; 10] = [
    "severity_number",
    "severity_text",
    "body",
    "dropped_attributes_count",
    "flags",
    "trace_id",
    "span_id",
    "event_name",
    "observed_time_unix_nano",
    "time_unix_nano",
];

/// Prefix of the name of a field that was an attribute.
const ATTRIBUTE: &str = "attr.";

/// Makes the batch; its texts are reused from record to record.
#[derive(Default)]
pub(super) struct Writer {
    builder: BatchBuilder,
    text: String,
    name: String,
    /// Per place in the list of attributes: the field of the latest attribute there.
    attributes: Vec<FieldId>,
}

impl Writer {
    pub(super) fn request(mut self, request: &ExportLogsServiceRequest, received: Timestamp) -> Result<Batch> {
        let ids = FIXED.map(|name| self.builder.intern(name));
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        for record in scopes.flat_map(|scope| &scope.log_records) {
            self.record(&ids, record);
            self.builder.end_record(received);
        }
        self.builder.finish()
    }

    fn record(&mut self, ids: &[FieldId; 10], record: &LogRecord) {
        let [severity, severity_text, body, dropped, flags, trace, span, event, observed, time] = *ids;
        match SeverityNumber::try_from(record.severity_number) {
            Ok(known) => self.builder.cell(severity, Value::Text(known.as_str_name())),
            Err(_) => self.shown(severity, record.severity_number),
        }
        self.builder.cell(severity_text, Value::Text(&record.severity_text));
        self.value(body, record.body.as_ref());
        self.shown(dropped, record.dropped_attributes_count);
        self.shown(flags, record.flags);
        self.hexadecimal(trace, &record.trace_id);
        self.hexadecimal(span, &record.span_id);
        self.builder.cell(event, Value::Text(&record.event_name));
        self.shown(observed, record.observed_time_unix_nano);
        self.shown(time, record.time_unix_nano);
        for (place, KeyValue { key, value, .. }) in record.attributes.iter().enumerate() {
            let field = self.attribute(place, key);
            self.value(field, value.as_ref());
        }
    }

    /// The field of an attribute. Records of one exporter mostly have the same attributes in the same places.
    fn attribute(&mut self, place: usize, key: &str) -> FieldId {
        if let Some(&known) = self.attributes.get(place)
            && self.builder.name(known).strip_prefix(ATTRIBUTE) == Some(key)
        {
            return known;
        }
        self.name.clear();
        self.name.push_str(ATTRIBUTE);
        self.name.push_str(key);
        let field = self.builder.intern(&self.name);
        match self.attributes.get_mut(place) {
            Some(known) => *known = field,
            None => self.attributes.push(field),
        }
        field
    }

    fn shown(&mut self, field: FieldId, value: impl std::fmt::Display) {
        self.text.clear();
        // Writing to a text cannot fail.
        let _ = write!(self.text, "{value}");
        self.builder.cell(field, Value::Text(&self.text));
    }

    fn hexadecimal(&mut self, field: FieldId, bytes: &[u8]) {
        self.text.clear();
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
        self.text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        self.builder.cell(field, Value::Text(&self.text));
    }

    fn value(&mut self, field: FieldId, value: Option<&AnyValue>) {
        if let Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) = value {
            return self.builder.cell(field, Value::Text(text));
        }
        self.text.clear();
        write_value(&mut self.text, value);
        self.builder.cell(field, Value::Text(&self.text));
    }
}

/// The text of a value. As deep as the decoders let values nest, which is bounded.
fn write_value(out: &mut String, value: Option<&AnyValue>) {
    use any_value::Value as Any;
    let Some(value) = value.and_then(|value| value.value.as_ref()) else { return };
    let result = match value {
        Any::StringValue(text) => out.write_str(text),
        Any::BoolValue(value) => write!(out, "{value}"),
        Any::IntValue(value) => write!(out, "{value}"),
        Any::DoubleValue(value) if value.is_nan() => out.write_str("NaN"),
        Any::DoubleValue(value) if value.is_infinite() => out.write_str(if *value > 0.0 { "+Inf" } else { "-Inf" }),
        Any::DoubleValue(value) => write!(out, "{value:.6}"),
        Any::ArrayValue(list) => {
            joined(out, "[", &list.values, |out, value| write_value(out, Some(value)));
            Ok(())
        }
        Any::KvlistValue(list) => {
            joined(out, "map[", &list.values, |out, entry| {
                out.push_str(&entry.key);
                out.push(':');
                write_value(out, entry.value.as_ref());
            });
            Ok(())
        }
        Any::BytesValue(bytes) => {
            joined(out, "[", bytes, |out, byte| {
                let _ = write!(out, "{byte}");
            });
            Ok(())
        }
        // A reference into a table that log messages do not have.
        Any::StringValueStrindex(_) => Ok(()),
    };
    // Writing to a text cannot fail.
    let _ = result;
}

fn joined<T>(out: &mut String, open: &str, items: &[T], mut each: impl FnMut(&mut String, &T)) {
    out.push_str(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        each(out, item);
    }
    out.push(']');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::decode::otlp_json;
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};

    fn any(value: any_value::Value) -> Option<AnyValue> {
        Some(AnyValue { value: Some(value) })
    }

    fn attribute(key: &str, value: Option<AnyValue>) -> KeyValue {
        KeyValue { key: key.into(), value, ..Default::default() }
    }

    fn request(log_records: Vec<LogRecord>) -> Vec<u8> {
        let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] }.encode_to_vec()
    }

    #[test]
    fn an_empty_record_has_all_ten_fields() {
        let batch = otlp_protobuf(&request(vec![LogRecord::default()]), Timestamp(5)).unwrap();
        let record = batch.record(0).unwrap();
        assert_eq!(
            serde_json::to_value(record).unwrap(),
            serde_json::json!({
                "severity_number": "SEVERITY_NUMBER_UNSPECIFIED", "severity_text": "", "body": "", "dropped_attributes_count": "0",
                "flags": "0", "trace_id": "", "span_id": "", "event_name": "", "observed_time_unix_nano": "0", "time_unix_nano": "0",
            })
        );
        assert_eq!(record.time(), Timestamp(5));
        assert!(otlp_protobuf(b"", Timestamp(0)).unwrap().is_empty());
        assert_eq!(otlp_protobuf(b"\x0a\xff", Timestamp(0)).unwrap_err().code, headworks_core::ErrorCode::Invalid);
    }

    #[test]
    fn both_forms_give_the_same_fields() {
        use any_value::Value as Any;
        let list = Any::ArrayValue(ArrayValue {
            values: vec![any(Any::StringValue("a".into())).unwrap(), any(Any::IntValue(2)).unwrap()],
        });
        let map = Any::KvlistValue(KeyValueList {
            values: vec![attribute("k", any(Any::StringValue("v".into()))), attribute("k2", any(list.clone()))],
        });
        let record = LogRecord {
            time_unix_nano: 1_700_000_000_000_000_001,
            observed_time_unix_nano: 2,
            severity_number: 9,
            severity_text: "Info".into(),
            body: any(map),
            attributes: vec![
                attribute("b", any(Any::BoolValue(true))),
                attribute("i", any(Any::IntValue(-3))),
                attribute("d", any(Any::DoubleValue(1.5))),
                attribute("l", any(list)),
                attribute("raw", any(Any::BytesValue(vec![1, 2, 255]))),
                attribute("none", None),
            ],
            dropped_attributes_count: 4,
            flags: 1,
            trace_id: (0..16).collect(),
            span_id: vec![0xab; 8],
            event_name: "e".into(),
        };
        let odd = LogRecord { severity_number: 99, ..Default::default() };
        let binary = otlp_protobuf(&request(vec![record, odd]), Timestamp(5)).unwrap();
        let json = br#"{"unknown":[{}],"resourceLogs":[{"resource":{"attributes":[]},"scope_logs":[{"scope":null,"logRecords":[
            {"timeUnixNano":"1700000000000000001","observed_time_unix_nano":2,"severityNumber":"SEVERITY_NUMBER_INFO","severityText":"Info",
             "body":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}},
                {"key":"k2","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"2"}]}}}]}},
             "attributes":[{"key":"b","value":{"boolValue":true}},{"key":"i","value":{"int_value":-3}},{"key":"d","value":{"doubleValue":1.5}},
                {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":2}]}}},
                {"key":"raw","value":{"bytesValue":"AQL/"}},{"key":"none"}],
             "droppedAttributesCount":4,"flags":1,"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"q6urq6urq6s=","eventName":"e"},
            {"severityNumber":99}]}]}]}"#;
        let json = otlp_json(json, Timestamp(5)).unwrap();
        assert_eq!(binary, json);
        let record = binary.record(0).unwrap();
        for (name, value) in [
            ("body", "map[k:v k2:[a 2]]"),
            ("attr.b", "true"),
            ("attr.i", "-3"),
            ("attr.d", "1.500000"),
            ("attr.l", "[a 2]"),
            ("attr.raw", "[1 2 255]"),
            ("attr.none", ""),
            ("trace_id", "000102030405060708090a0b0c0d0e0f"),
            ("span_id", "abababababababab"),
            ("severity_number", "SEVERITY_NUMBER_INFO"),
            ("time_unix_nano", "1700000000000000001"),
        ] {
            assert_eq!(record.text(name), Some(value), "{name}");
        }
        assert_eq!(binary.record(1).unwrap().text("severity_number"), Some("99"));
    }

    #[test]
    fn deep_values_are_refused_without_recursing() {
        let mut value = AnyValue::default();
        for _ in 0..2_000 {
            value = any(any_value::Value::ArrayValue(ArrayValue { values: vec![value] })).unwrap();
        }
        let body = request(vec![LogRecord { body: Some(value), ..Default::default() }]);
        assert!(otlp_protobuf(&body, Timestamp(0)).is_err());
        let json = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{}"#,
            r#"{"arrayValue":{"values":["#.repeat(50_000)
        );
        assert!(otlp_json(json.as_bytes(), Timestamp(0)).is_err());
    }
}

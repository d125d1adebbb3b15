//! OTLP in JSON: what exporters write, and protobuf's own JSON (FlowG 6.4).
//!
//! Member names in camelCase or snake_case, 64-bit numbers as texts or numbers, enumerations as names or numbers, null as
//! absent; members that are not known are passed over.

use super::otlp::Writer;
use super::undecodable;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use headworks_core::{Batch, Result, Timestamp};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{self as common, any_value};
use opentelemetry_proto::tonic::logs::v1::{self as logs, SeverityNumber};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;

/// An `ExportLogsServiceRequest` in JSON.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) when the text is no such message, with line and column.
pub fn otlp_json(body: &[u8], received: Timestamp) -> Result<Batch> {
    // The reader of structs takes a list of their members too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(undecodable("an object is expected"));
    }
    let request: Request = serde_json::from_slice(body).map_err(undecodable)?;
    let resource_logs = request.resource_logs.into_iter().map(ResourceLogs::into_message).collect();
    Writer::default().request(&ExportLogsServiceRequest { resource_logs }, received)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default, alias = "resource_logs", deserialize_with = "nullable")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs {
    #[serde(default, alias = "scope_logs", deserialize_with = "nullable")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs {
    #[serde(default, alias = "log_records", deserialize_with = "nullable")]
    log_records: Vec<LogRecord>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord {
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: Whole,
    #[serde(default, alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Whole,
    #[serde(default, alias = "severity_number")]
    severity_number: Severity,
    #[serde(default, alias = "severity_text", deserialize_with = "nullable")]
    severity_text: String,
    #[serde(default)]
    body: Option<AnyValue>,
    #[serde(default, deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
    #[serde(default, alias = "dropped_attributes_count")]
    dropped_attributes_count: Whole,
    #[serde(default)]
    flags: Whole,
    #[serde(default, alias = "trace_id")]
    trace_id: Id<16>,
    #[serde(default, alias = "span_id")]
    span_id: Id<8>,
    #[serde(default, alias = "event_name", deserialize_with = "nullable")]
    event_name: String,
}

#[derive(serde::Deserialize)]
struct KeyValue {
    #[serde(default, deserialize_with = "nullable")]
    key: String,
    #[serde(default)]
    value: Option<AnyValue>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue {
    #[serde(default, alias = "string_value")]
    string_value: Option<String>,
    #[serde(default, alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(default, alias = "int_value")]
    int_value: Option<Whole>,
    #[serde(default, alias = "double_value")]
    double_value: Option<Real>,
    #[serde(default, alias = "array_value")]
    array_value: Option<Values<AnyValue>>,
    #[serde(default, alias = "kvlist_value")]
    kvlist_value: Option<Values<KeyValue>>,
    #[serde(default, alias = "bytes_value")]
    bytes_value: Option<Base64>,
}

#[derive(serde::Deserialize)]
struct Values<T> {
    #[serde(default = "Vec::new", deserialize_with = "nullable", bound(deserialize = "T: Deserialize<'de>"))]
    values: Vec<T>,
}

impl ResourceLogs {
    fn into_message(self) -> logs::ResourceLogs {
        let scope = |scope: ScopeLogs| logs::ScopeLogs {
            log_records: scope.log_records.into_iter().map(LogRecord::into_message).collect(),
            ..Default::default()
        };
        logs::ResourceLogs { scope_logs: self.scope_logs.into_iter().map(scope).collect(), ..Default::default() }
    }
}

impl LogRecord {
    fn into_message(self) -> logs::LogRecord {
        logs::LogRecord {
            time_unix_nano: self.time_unix_nano.unsigned(),
            observed_time_unix_nano: self.observed_time_unix_nano.unsigned(),
            severity_number: self.severity_number.0,
            severity_text: self.severity_text,
            body: self.body.map(AnyValue::into_message),
            attributes: self.attributes.into_iter().map(KeyValue::into_message).collect(),
            dropped_attributes_count: self.dropped_attributes_count.small(),
            flags: self.flags.small(),
            trace_id: self.trace_id.0,
            span_id: self.span_id.0,
            event_name: self.event_name,
        }
    }
}

impl KeyValue {
    fn into_message(self) -> common::KeyValue {
        common::KeyValue { key: self.key, value: self.value.map(AnyValue::into_message), ..Default::default() }
    }
}

impl AnyValue {
    fn into_message(self) -> common::AnyValue {
        use any_value::Value as Any;
        let list = |list: Values<Self>| common::ArrayValue { values: list.values.into_iter().map(Self::into_message).collect() };
        let map =
            |map: Values<KeyValue>| common::KeyValueList { values: map.values.into_iter().map(KeyValue::into_message).collect() };
        let value = None
            .or(self.string_value.map(Any::StringValue))
            .or(self.bool_value.map(Any::BoolValue))
            .or(self.int_value.map(|value| Any::IntValue(value.signed())))
            .or(self.double_value.map(|value| Any::DoubleValue(value.0)))
            .or(self.array_value.map(|value| Any::ArrayValue(list(value))))
            .or(self.kvlist_value.map(|value| Any::KvlistValue(map(value))))
            .or(self.bytes_value.map(|value| Any::BytesValue(value.0)));
        common::AnyValue { value }
    }
}

/// Null counts as the default.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// A whole number, as a number or a text.
#[derive(Clone, Copy, Default)]
struct Whole(i128);

impl Whole {
    fn unsigned(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }

    fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or_default()
    }

    fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or_default()
    }
}

struct WholeVisitor;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(WholeVisitor)
    }
}

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 64 bits, as a number or a text")
    }

    fn visit_unit<E>(self) -> Result<Whole, E> {
        Ok(Whole(0))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Whole, E> {
        Ok(Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Whole, E> {
        Ok(Whole(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Whole, E> {
        let whole = value.fract() == 0.0 && value.abs() < 1e19;
        if whole { Ok(Whole(value as i128)) } else { Err(E::invalid_value(Unexpected::Float(value), &self)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
        let parsed = text.parse::<i128>().ok().filter(|value| (i64::MIN.into()..=u64::MAX.into()).contains(value));
        parsed.map(Whole).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A number, or one of the three texts that stand for what JSON has no number for.
struct Real(f64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Form<'a> {
            Number(f64),
            Text(#[serde(borrow)] Cow<'a, str>),
        }
        match Form::deserialize(input)? {
            Form::Number(value) => Ok(Self(value)),
            Form::Text(text) => match text.as_ref() {
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                text => text.parse().map(Self).map_err(|_| D::Error::invalid_value(Unexpected::Str(text), &"a number")),
            },
        }
    }
}

/// The number of a severity, given as number or name.
#[derive(Default)]
struct Severity(i32);

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Form<'a> {
            Number(i32),
            Name(#[serde(borrow)] Cow<'a, str>),
            Absent,
        }
        match Form::deserialize(input)? {
            Form::Number(number) => Ok(Self(number)),
            Form::Absent => Ok(Self(0)),
            Form::Name(name) => SeverityNumber::from_str_name(&name)
                .map(|severity| Self(severity as i32))
                .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&name), &"the name of a severity")),
        }
    }
}

/// Standard or URL alphabet, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    STANDARD.decode(text).or_else(|_| URL.decode(text)).ok()
}

struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        base64(&text).map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"base64"))
    }
}

/// An id of `N` bytes: hexadecimal where the text has as many digits as that takes, base64 otherwise.
#[derive(Default)]
struct Id<const N: usize>(Vec<u8>);

impl<'de, const N: usize> Deserialize<'de> for Id<N> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<Cow<str>>::deserialize(input)? else { return Ok(Self::default()) };
        let bad = || D::Error::invalid_value(Unexpected::Str(&text), &"an id in hexadecimal or base64");
        if text.len() == 2 * N && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let pair = |at: usize| text.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
            return (0..N).map(pair).collect::<Option<_>>().map(Self).ok_or_else(bad);
        }
        base64(&text).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn field(record: &str, name: &str) -> Option<String> {
        let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
        let batch = otlp_json(body.as_bytes(), Timestamp(0)).ok()?;
        batch.record(0)?.text(name).map(str::to_owned)
    }

    #[test]
    fn forms_of_values() {
        for (record, name, value) in [
            (r#"{"severityNumber":17}"#, "severity_number", Some("SEVERITY_NUMBER_ERROR")),
            (r#"{"severity_number":"SEVERITY_NUMBER_WARN2"}"#, "severity_number", Some("SEVERITY_NUMBER_WARN2")),
            (r#"{"severityNumber":null}"#, "severity_number", Some("SEVERITY_NUMBER_UNSPECIFIED")),
            (r#"{"severityNumber":"LOUD"}"#, "severity_number", None),
            (r#"{"traceId":"AAECAwQFBgcICQoLDA0ODw=="}"#, "trace_id", Some("000102030405060708090a0b0c0d0e0f")),
            (r#"{"traceId":"000102030405060708090A0B0C0D0E0F"}"#, "trace_id", Some("000102030405060708090a0b0c0d0e0f")),
            (r#"{"spanId":"AAECAwQFBgc"}"#, "span_id", Some("0001020304050607")),
            (r#"{"traceId":""}"#, "trace_id", Some("")),
            (r#"{"traceId":"?"}"#, "trace_id", None),
            (r#"{"timeUnixNano":"18446744073709551615"}"#, "time_unix_nano", Some("18446744073709551615")),
            (r#"{"timeUnixNano":1.0}"#, "time_unix_nano", Some("1")),
            (r#"{"timeUnixNano":"x"}"#, "time_unix_nano", None),
            (r#"{"flags":"3"}"#, "flags", Some("3")),
            (r#"{"body":{"doubleValue":"NaN"}}"#, "body", Some("NaN")),
            (r#"{"body":{"doubleValue":"-Infinity"}}"#, "body", Some("-Inf")),
            (r#"{"body":{"doubleValue":2}}"#, "body", Some("2.000000")),
            (r#"{"body":{"intValue":"-9223372036854775808"}}"#, "body", Some("-9223372036854775808")),
            (r#"{"body":{"boolValue":false}}"#, "body", Some("false")),
            (r#"{"body":{"bytesValue":"_-8"}}"#, "body", Some("[255 239]")),
            (r#"{"body":{"arrayValue":{}}}"#, "body", Some("[]")),
            (r#"{"body":{"kvlistValue":{"values":null}}}"#, "body", Some("map[]")),
            (r#"{"body":{}}"#, "body", Some("")),
            (r#"{"body":null,"attributes":null,"eventName":null}"#, "body", Some("")),
            (r#"{"body":{"stringValue":"é\u0000"},"zzz":{"a":[1]}}"#, "body", Some("é\0")),
        ] {
            assert_eq!(field(record, name).as_deref(), value, "{record}");
        }
        for body in ["", "[]", "{\"resourceLogs\":7}", "{\"resourceLogs\":[{\"scopeLogs\":[null]}]}"] {
            assert!(otlp_json(body.as_bytes(), Timestamp(0)).is_err(), "{body}");
        }
        assert!(otlp_json(b"{}", Timestamp(0)).unwrap().is_empty());
        assert!(otlp_json(b"{\"resourceLogs\":null}", Timestamp(0)).unwrap().is_empty());
    }
}

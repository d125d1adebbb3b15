//! The part of the OpenTelemetry logs data model that is sent: field numbers are those of `logs.proto`.

use headworks_forwarder_kit::Record;
use prost::Message;

/// The root; wire-compatible with an export request.
#[derive(Clone, PartialEq, Message)]
pub struct LogsData {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    resource: Option<Empty>,
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    scope: Option<Empty>,
    #[prost(message, repeated, tag = "2")]
    log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    time_unix_nano: u64,
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

/// A value; one of the kinds is always there, even when the text is empty.
#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    string_value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Empty {}

/// One resource, one scope, one log record; `body` is its body and everything else an attribute.
pub fn logs(record: &Record) -> LogsData {
    let text = |value: &str| Some(AnyValue { string_value: Some(value.to_owned()) });
    let others = record.fields.iter().filter(|(name, _)| *name != "body");
    let log = LogRecord {
        time_unix_nano: record.time.nanoseconds_unsigned(),
        body: text(record.field("body")),
        attributes: others.map(|(name, value)| KeyValue { key: name.clone(), value: text(value) }).collect(),
    };
    let scope_logs = vec![ScopeLogs { scope: Some(Empty {}), log_records: vec![log] }];
    LogsData { resource_logs: vec![ResourceLogs { resource: Some(Empty {}), scope_logs }] }
}

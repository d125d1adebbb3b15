//! The part of `google.logging.v2` that is sent: field numbers are those of its published protocol files.

use headworks_forwarder_kit::{Record, Time};
use prost::Message;
use std::collections::BTreeMap;

/// A request to write one entry.
#[derive(Clone, PartialEq, Message)]
pub struct WriteLogEntriesRequest {
    #[prost(string, tag = "1")]
    log_name: String,
    #[prost(message, optional, tag = "2")]
    resource: Option<MonitoredResource>,
    #[prost(message, repeated, tag = "4")]
    entries: Vec<LogEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct MonitoredResource {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(btree_map = "string, string", tag = "2")]
    labels: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct LogEntry {
    #[prost(message, optional, tag = "6")]
    json_payload: Option<Struct>,
    #[prost(message, optional, tag = "9")]
    timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, Value>,
}

/// A value; a text is always there, even when it is empty.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, optional, tag = "3")]
    string_value: Option<String>,
}

/// The request that writes a record into a log of a project.
pub fn write(project: &str, log: &str, record: &Record) -> WriteLogEntriesRequest {
    let value = |text: &String| Value { string_value: Some(text.clone()) };
    let fields = record.fields.iter().map(|(name, text)| (name.clone(), value(text))).collect();
    let Time { seconds, nanoseconds } = record.time;
    let timestamp = Timestamp { seconds, nanos: i32::try_from(nanoseconds).unwrap_or(0) };
    WriteLogEntriesRequest {
        log_name: format!("projects/{project}/logs/{}", log.replace('/', "%2F")),
        resource: Some(MonitoredResource {
            kind: "global".to_owned(),
            labels: [("project_id".to_owned(), project.to_owned())].into(),
        }),
        entries: vec![LogEntry { json_payload: Some(Struct { fields }), timestamp: Some(timestamp) }],
    }
}

/// A message as gRPC frames it: not compressed, with its length.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &body].concat()
}

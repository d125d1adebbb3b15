//! Syslog messages to flat records of text (FlowG 13).
//!
//! Owns which fields a message has. What must stay true: every message becomes one record, whatever is in it, and nothing of
//! its text is lost but what the contract drops; the work is linear in its length. Knows nothing of sockets and framing.
//!
//! The parser is our own: `syslog_loose` hands structured data over parsed and unescaped, gives no nil value back, and takes
//! `-` and several forms of PRI and tag for something else than the contract does, so each of its results would have to be
//! undone from the text.

mod parse;

use headworks_core::batch::FieldId;
use headworks_core::{Batch, BatchBuilder, Result, Timestamp, Value};
use parse::{Message, Modern, Traditional};
use std::fmt::Write;
use std::net::SocketAddr;
use time::OffsetDateTime;

/// Whom a message came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogSender {
    address: String,
    client: String,
    tls_peer: String,
}

impl SyslogSender {
    /// A sender; `tls_peer` is the name in its certificate, empty without one.
    pub fn new(client: SocketAddr, tls_peer: &str) -> Self {
        let client = SocketAddr::new(client.ip().to_canonical(), client.port());
        Self { address: client.ip().to_string(), client: client.to_string(), tls_peer: tls_peer.to_owned() }
    }
}

/// Makes one batch of many messages.
pub struct SyslogBatch {
    builder: BatchBuilder,
    fields: Fields,
    text: String,
}

macro_rules! fields {
    ($($name:ident)*) => {
        /// The ids of all fields of both forms.
        struct Fields { $($name: FieldId,)* }

        impl Fields {
            fn of(builder: &mut BatchBuilder) -> Self {
                Self { $($name: builder.intern(stringify!($name)),)* }
            }
        }
    };
}

fields! {
    timestamp hostname tag content priority facility severity client tls_peer
    version app_name proc_id msg_id structured_data message
}

impl Default for SyslogBatch {
    fn default() -> Self {
        let mut builder = BatchBuilder::default();
        let fields = Fields::of(&mut builder);
        Self { builder, fields, text: String::new() }
    }
}

impl SyslogBatch {
    /// Adds the record of a message. Bytes that are not UTF-8 are replaced.
    pub fn message(&mut self, message: &[u8], from: &SyslogSender, received: Timestamp) {
        let message = String::from_utf8_lossy(message);
        match parse::message(&message, received) {
            Message::Traditional(message) => self.traditional(&message, from),
            Message::Modern(message) => self.modern(&message),
        }
        self.builder.cell(self.fields.client, Value::Text(&from.client));
        self.builder.cell(self.fields.tls_peer, Value::Text(&from.tls_peer));
        self.builder.end_record(received);
    }

    fn traditional(&mut self, message: &Traditional<'_>, from: &SyslogSender) {
        let hostname = if message.hostname.is_empty() { from.address.as_str() } else { message.hostname };
        self.time(message.time);
        self.builder.cell(self.fields.hostname, Value::Text(hostname));
        self.builder.cell(self.fields.tag, Value::Text(message.tag));
        self.builder.cell(self.fields.content, Value::Text(message.content));
        self.priority(message.priority);
    }

    fn modern(&mut self, message: &Modern<'_>) {
        self.priority(message.priority);
        self.builder.cell(self.fields.version, Value::Text(message.version));
        self.time(message.time);
        self.builder.cell(self.fields.hostname, Value::Text(message.hostname));
        self.builder.cell(self.fields.app_name, Value::Text(message.app_name));
        self.builder.cell(self.fields.proc_id, Value::Text(message.proc_id));
        self.builder.cell(self.fields.msg_id, Value::Text(message.msg_id));
        self.builder.cell(self.fields.structured_data, Value::Text(message.structured_data));
        self.builder.cell(self.fields.message, Value::Text(message.message));
    }

    fn priority(&mut self, priority: u8) {
        self.shown(self.fields.priority, format_args!("{priority}"));
        self.shown(self.fields.facility, format_args!("{}", priority / 8));
        self.shown(self.fields.severity, format_args!("{}", priority % 8));
    }

    /// `2025-03-01 12:00:00 +0000 UTC`, with as many fractional digits as are needed.
    fn time(&mut self, time: Option<OffsetDateTime>) {
        let Some(time) = time else { return self.shown(self.fields.timestamp, format_args!("0001-01-01 00:00:00 +0000 UTC")) };
        let (date, (hour, minute, second, nanos)) = (time.date(), time.time().as_hms_nano());
        let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
        let fraction = fraction.trim_end_matches('0');
        self.shown(self.fields.timestamp, format_args!("{date} {hour:02}:{minute:02}:{second:02}{fraction} +0000 UTC"));
    }

    fn shown(&mut self, field: FieldId, value: std::fmt::Arguments<'_>) {
        self.text.clear();
        // Writing to a text cannot fail.
        let _ = self.text.write_fmt(value);
        self.builder.cell(field, Value::Text(&self.text));
    }

    /// The number of messages so far.
    pub fn len(&self) -> usize {
        self.builder.len()
    }

    /// Whether there is no message yet.
    pub fn is_empty(&self) -> bool {
        self.builder.is_empty()
    }

    /// The batch of all messages.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`](headworks_core::ErrorCode::TooLarge) when they do not fit into a batch.
    pub fn finish(self) -> Result<Batch> {
        self.builder.finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

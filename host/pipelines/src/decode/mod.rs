//! Request bodies and syslog messages to batches (FlowG 6.2 to 6.6, 13).
//!
//! Owns what each form means. What must stay true: no input panics or recurses without bound; a refusal names the member.
//! Knows nothing of HTTP: bodies arrive whole and decompressed.

mod document;
mod json;
mod otlp;
mod otlp_json;
mod syslog;

pub use document::{Documents, Room};
pub use json::{read_record, read_records, single_record, struct_records};
pub use otlp::otlp_protobuf;
pub use otlp_json::otlp_json;
pub use syslog::{SyslogBatch, SyslogSender};

use headworks_core::{Batch, BatchBuilder, Error, Result, Timestamp, Value};

/// One record `{"content": line}` per line that is not blank (FlowG 6.3). Invalid UTF-8 is replaced.
///
/// # Errors
/// [`ErrorCode::TooLarge`](headworks_core::ErrorCode::TooLarge) when the lines do not fit into a batch.
pub fn text(body: &[u8], received: Timestamp) -> Result<Batch> {
    let body = String::from_utf8_lossy(body);
    let mut builder = BatchBuilder::default();
    let content = builder.intern("content");
    for line in body.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
        builder.cell(content, Value::Text(line));
        builder.end_record(received);
    }
    builder.finish()
}

/// What the reader of a body is told when it is not what was expected.
fn undecodable(cause: impl std::fmt::Display) -> Error {
    Error::invalid(format!("failed to decode json: {cause}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_and_blank_ones_dropped() {
        let batch = text("a\r\n\r\n  b  \n\t\nc d\r".as_bytes(), Timestamp(7)).unwrap();
        let lines: Vec<_> = batch.records().map(|record| record.text("content").unwrap().to_owned()).collect();
        assert_eq!(lines, ["a", "b", "c d"]);
        assert!(batch.records().all(|record| record.time() == Timestamp(7) && record.len() == 1));
        assert!(text(b" \r\n", Timestamp(0)).unwrap().is_empty());
        assert_eq!(text(b"a\xffb", Timestamp(0)).unwrap().record(0).unwrap().text("content"), Some("a\u{fffd}b"));
    }
}

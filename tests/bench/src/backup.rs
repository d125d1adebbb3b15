//! Group 6: how fast logs are saved and restored.

use crate::Settings;
use crate::report::{Report, rss};
use anyhow::Result;
use headworks_tests::Client;
use headworks_tests::backup::{download, upload};
use serde_json::{Value, json};
use std::time::Instant;

const TOGETHER: usize = 5000;

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let (server, other) = (settings.setup().start(), settings.setup().start());
    fill(&server.client(), settings.records);
    let idle = rss(server.pid());
    let begin = Instant::now();
    let file = download(&server.client(), "logs");
    let saving = begin.elapsed().as_secs_f64();
    let after_saving = rss(server.pid());
    drop(server);
    let mut rows = vec![
        ("records".to_owned(), settings.records.to_string()),
        ("size of the file, MB".to_owned(), format!("{:.0}", file.len() as f64 / 1e6)),
        ("saving, s".to_owned(), format!("{saving:.1}")),
        ("saving, records/s".to_owned(), format!("{:.0}", settings.records as f64 / saving)),
        ("RSS before and after saving, MB".to_owned(), format!("{idle:.0}, {after_saving:.0}")),
    ];
    for what in ["restoring into an empty server", "restoring the same again"] {
        let begin = Instant::now();
        upload(&other.client(), "logs", &file).ok();
        let restoring = begin.elapsed().as_secs_f64();
        rows.push((format!("{what}, s"), format!("{restoring:.1}")));
        rows.push((format!("{what}, records/s"), format!("{:.0}", settings.records as f64 / restoring)));
    }
    rows.push(("RSS after restoring, MB".to_owned(), format!("{:.0}", rss(other.pid()))));
    report.table("6. Backup and restore of logs", &["figure", "value"]);
    for (name, value) in rows {
        report.row(&[name, value]);
    }
    Ok(())
}

/// Records of ten fields, one of them indexed.
fn fill(client: &Client, records: usize) {
    client.configure_stream("default", 0, 0, &["level"]);
    for first in (0..records).step_by(TOGETHER) {
        let record = |n: usize| {
            let level = if n.is_multiple_of(10) { "error" } else { "info" };
            let mut record = json!({ "level": level, "message": format!("request {n} was answered") });
            for field in 0..8 {
                record[format!("field{field}")] = Value::from(format!("value {}", n % 100 + field));
            }
            record
        };
        client.ingest("default", &(first..records.min(first + TOGETHER)).map(record).collect()).ok();
    }
}

//! Group 5: how long a start takes, and what an idle server and one with many pipelines hold.

use crate::Settings;
use crate::report::{Report, median, rss};
use anyhow::Result;
use headworks_tests::{Flow, Server};
use serde_json::json;
use std::time::{Duration, Instant};

const STARTS: usize = 11;
const PIPELINES: usize = 200;

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let cold_begin = Instant::now();
    let mut server = settings.setup().cold().start();
    let cold = cold_begin.elapsed();
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        server.stop();
        let begin = Instant::now();
        server.restart();
        starts.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    std::thread::sleep(Duration::from_secs(3));
    let idle = rss(server.pid());
    let begin = Instant::now();
    load_pipelines(&server);
    let loading = begin.elapsed().as_secs_f64();
    let loaded = rss(server.pid());
    server.stop();
    let begin = Instant::now();
    server.restart();
    let with_pipelines = begin.elapsed().as_secs_f64() * 1000.0;
    let worst = starts.iter().copied().fold(0.0, f64::max);
    let start = median(starts);

    report.table("5. Start and memory", &["figure", "value"]);
    for (name, value) in [
        ("first start, component compiled, s", format!("{:.2}", cold.as_secs_f64())),
        ("start with a warm cache until ready, ms, median of 11", format!("{start:.0}")),
        ("the slowest of them, ms", format!("{worst:.0}")),
        ("idle RSS, MB", format!("{idle:.0}")),
        ("RSS with 200 pipelines loaded, each with a script of its own, MB", format!("{loaded:.0}")),
        ("saving them and their first record, s", format!("{loading:.2}")),
        ("start with 200 pipelines saved, ms", format!("{with_pipelines:.0}")),
    ] {
        report.row(&[name.to_owned(), value]);
    }
    report.at_most("5: start with a warm cache, ms", start, 300.0);
    report.at_most("5: idle RSS, MB", idle, 120.0);
    Ok(())
}

/// Makes pipelines with a script each and sends one record through each, so that all are compiled and held.
fn load_pipelines(server: &Server) {
    let client = server.client();
    for number in 0..PIPELINES {
        let name = format!("p{number}");
        client.save_transformer(&name, &format!(". = merge(., parse_key_value!(.content))\n.pipeline = \"{number}\""));
        client.save_pipeline(&name, &Flow::through(&name, "out"));
    }
    for number in 0..PIPELINES {
        client.ingest(&format!("p{number}"), &json!([{ "content": "a=1 b=2" }])).ok();
    }
}

//! Group 3: what the sandbox costs. The same programs native and as a component, in turns; and the boundary alone.

use crate::Settings;
use crate::graph;
use crate::native::{Cost, Native};
use crate::report::{Report, median};
use anyhow::{Context, Result, ensure};
use headworks_core::{Batch, BatchBuilder, Timestamp, Value};
use headworks_sandbox::{CompilerCommand, Limits, Plugin, Sandbox, SandboxOptions, Transformer};
use headworks_tests::server;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BATCHES: [usize; 3] = [1, 100, 1000];

/// Name, script and the line with a number.
type Program = (&'static str, String, fn(usize) -> String);

fn programs() -> Vec<Program> {
    let after_parse = |script: &str| format!("{}\n{script}", graph::PARSE);
    vec![
        ("parse_syslog", graph::PARSE.to_owned(), graph::line),
        ("parse_syslog, then logfmt", after_parse(graph::LOGFMT), |number| graph::line(number * 3)),
        ("parse_syslog, then JSON", after_parse(graph::JSON), |number| graph::line(number * 3 + 1)),
        ("parse_syslog, then Apache", after_parse(graph::APACHE), |number| graph::line(number * 3 + 2)),
        ("`.` (nothing)", ".".to_owned(), graph::line),
    ]
}

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let cache = tempfile::tempdir()?;
    let plugin = |name: &str| runtime.block_on(load(cache.path(), name));
    let vrl = plugin("vrl")?;
    let mut native = Native::start();

    report.table(
        "3a. VRL as a component and native, µs per record on one thread",
        &["program", "batch", "component", "native, same conversions", "ratio", "native, program alone"],
    );
    let mut worst = 0.0_f64;
    for (name, script, line) in programs() {
        let transformer = runtime.block_on(vrl.open_transformer(&script)).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        for size in BATCHES {
            let lines: Vec<String> = (0..size).map(line).collect();
            let batch = batch_of(&lines)?;
            let (mut component, mut costs): (Vec<f64>, Vec<Cost>) = Default::default();
            for _ in 0..settings.rounds {
                component.push(runtime.block_on(per_record(&transformer, &batch, slice(settings)))?);
                if let Ok(native) = &mut native {
                    costs.push(native.measure(&script, &lines, slice(settings))?);
                }
            }
            let component = median(component);
            let converted = median(costs.iter().map(|cost| cost.converted).collect());
            let pure = median(costs.iter().map(|cost| cost.pure).collect());
            if size == 100 && name != "`.` (nothing)" {
                worst = worst.max(component / converted);
            }
            let us = |nanoseconds: f64| format!("{:.2}", nanoseconds / 1000.0);
            report.row(&[
                name.to_owned(),
                size.to_string(),
                us(component),
                us(converted),
                format!("{:.2}", component / converted),
                us(pure),
            ]);
        }
    }
    let bar = "3: component ÷ native at batch 100, the worst program";
    match &native {
        Ok(_) => report.at_most(bar, worst, 1.6),
        Err(why) => report.unmeasured(bar, &why.to_string()),
    }
    boundary(settings, report, &runtime, plugin("test-columns"))
}

fn slice(settings: &Settings) -> Duration {
    settings.slot() / 10
}

/// A component that only moves records of ten fields: all at once, or column by column.
fn boundary(settings: &Settings, report: &mut Report, runtime: &tokio::runtime::Runtime, plugin: Result<Plugin>) -> Result<()> {
    const FIELDS: usize = 10;
    let bar = "3: the bare boundary, ns per field at batch 100";
    let plugin = match plugin {
        Ok(plugin) => plugin,
        Err(why) => {
            report.unmeasured(bar, &format!("{why:#}"));
            return Ok(());
        }
    };
    report.table("3b. The boundary alone, records of ten fields", &["shape", "batch", "ns per record", "ns per field"]);
    for (shape, config) in [
        ("`take` and `put`", "flat"),
        ("read every text column", "read"),
        ("read and write every text column", "touch"),
        ("the same as flat lists", "fields"),
    ] {
        let transformer = runtime.block_on(plugin.open_transformer(config)).map_err(|error| anyhow::anyhow!("{error}"))?;
        for size in BATCHES {
            let batch = ten_fields(size)?;
            let mut costs = Vec::new();
            for _ in 0..settings.rounds {
                costs.push(runtime.block_on(per_record(&transformer, &batch, slice(settings)))?);
            }
            let cost = median(costs);
            report.row(&[shape.to_owned(), size.to_string(), format!("{cost:.0}"), format!("{:.1}", cost / FIELDS as f64)]);
            if size == 100 && config != "read" {
                report.at_most(&format!("{bar}, {shape}"), cost / FIELDS as f64, 60.0);
            }
        }
    }
    Ok(())
}

async fn load(cache: &Path, name: &str) -> Result<Plugin> {
    let path = server::components().join(format!("{name}.wasm"));
    let component = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let compiler = CompilerCommand { program: server::program(), arguments: vec!["compile-component".to_owned()] };
    let templates = Arc::new(headworks_pipelines::Expressions);
    let options = SandboxOptions { limits: Limits::default(), cache_dir: cache.to_owned(), compiler, network: None, templates };
    let sandbox = Sandbox::new(options).map_err(|error| anyhow::anyhow!("{error}"))?;
    sandbox.load(&component).await.map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

fn batch_of(lines: &[String]) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for line in lines {
        builder.field("content", Value::Text(line));
        builder.end_record(Timestamp::now());
    }
    Ok(builder.finish()?)
}

fn ten_fields(records: usize) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for record in 0..records {
        for field in 0..10 {
            builder.field(&format!("field{field}"), Value::Text(&format!("value {field} of record {record:06}, 30 B")));
        }
        builder.end_record(Timestamp::now());
    }
    Ok(builder.finish()?)
}

/// Nanoseconds for each record of this batch, called again and again for this long.
async fn per_record(transformer: &Transformer, batch: &Batch, time: Duration) -> Result<f64> {
    let begin = Instant::now();
    let mut records = 0;
    while begin.elapsed() < time {
        let done = transformer.transform(batch.clone()).await.map_err(|failure| anyhow::anyhow!("{}", failure.error))?;
        ensure!(done.rejected.is_empty() && done.batch.len() == batch.len(), "{:?}", done.rejected.first());
        records += batch.len();
    }
    Ok(begin.elapsed().as_nanos() as f64 / records as f64)
}

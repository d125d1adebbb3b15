//! Runs VRL programs without a sandbox and tells how long a record takes.
//!
//! One line of JSON asks (`script`, `lines`, `milliseconds`), one answers (`converted`, `pure`: nanoseconds per record). The
//! conversions are those of the component, from the same source. One thread.

use anyhow::{Context, Result, bail};
use headworks_plugin_vrl::{Flat, Script};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context as Running, TargetValue, TimeZone};
use vrl::value::{KeyString, Secrets, Value};

#[derive(Deserialize)]
struct Order {
    script: String,
    lines: Vec<String>,
    milliseconds: u64,
}

/// Nanoseconds per record.
#[derive(Serialize)]
struct Cost {
    converted: f64,
    pure: f64,
}

fn main() -> Result<()> {
    let mut output = std::io::stdout().lock();
    for order in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&order?)?;
        let time = Duration::from_millis(order.milliseconds / 2);
        let cost = Cost { converted: converted(&order, time)?, pure: pure(&order, time)? };
        writeln!(output, "{}", serde_json::to_string(&cost)?)?;
        output.flush()?;
    }
    Ok(())
}

/// Calls `run` for this long and answers the nanoseconds per record.
fn per_record(time: Duration, records: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    run()?;
    let begin = Instant::now();
    let mut runs = 0;
    while begin.elapsed() < time {
        run()?;
        runs += 1;
    }
    Ok(begin.elapsed().as_nanos() as f64 / (runs * records) as f64)
}

/// Flat lists in, flat lists out.
fn converted(order: &Order, time: Duration) -> Result<f64> {
    let mut script = Script::compile(&order.script, |_, _| {}).map_err(|report| anyhow::anyhow!("{report}"))?;
    let batch = flat(&order.lines);
    per_record(time, order.lines.len(), || {
        let mut failure = None;
        let answer = script.run(batch.clone(), |_, reason| failure = Some(reason));
        if let Some(answer) = std::hint::black_box(answer) {
            script.reuse(answer);
        }
        failure.map_or(Ok(()), |reason| bail!("{reason}"))
    })
}

/// The program alone, on values that are ready.
fn pure(order: &Order, time: Duration) -> Result<f64> {
    let compiled = vrl::compiler::compile(&order.script, &vrl::stdlib::all()).ok().context("the script does not compile")?;
    let records: Vec<Value> =
        order.lines.iter().map(|line| Value::Object(BTreeMap::from([(KeyString::from("content"), Value::from(line.as_str()))]))).collect();
    let mut state = RuntimeState::default();
    per_record(time, records.len(), || {
        for record in &records {
            let metadata = Value::Object(BTreeMap::new());
            let mut target = TargetValue { value: record.clone(), metadata, secrets: Secrets::default() };
            state.clear();
            let result = compiled.program.resolve(&mut Running::new(&mut target, &mut state, &TimeZone::default()));
            if let Err(error) = result {
                bail!("{error}");
            }
            std::hint::black_box(target);
        }
        Ok(())
    })
}

/// Records with the one field `content`.
fn flat(lines: &[String]) -> Flat {
    let mut flat = Flat { names: vec!["content".to_owned()], ..Flat::default() };
    for (index, line) in (0..).zip(lines) {
        flat.pool.extend_from_slice(line.as_bytes());
        flat.ends.push(flat.pool.len() as u32);
        flat.fields.push(0);
        flat.kinds.push(4);
        flat.rows.push(index + 1);
        flat.origins.push(index);
    }
    flat
}

//! `verify`: everything in a store against its checksums and against each other.

use crate::cli::Output;
use anyhow::Result;
use headworks_store::Store;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Exits 1 when a problem was found.
pub(crate) fn run(data: &Path, output: Output) -> Result<ExitCode> {
    // Hidden by itself where standard error is no terminal.
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let report =
        Store::verify(&data.join("db"), |progress| bar.set_message(format!("{}: {} entries", progress.table, progress.entries)))?;
    bar.finish_and_clear();
    match output {
        Output::Json => {
            let tables: Vec<_> = report
                .tables
                .iter()
                .map(|table| serde_json::json!({"table": table.table, "entries": table.entries, "bytes": table.bytes}))
                .collect();
            let tenants: Vec<_> = report
                .tenants
                .iter()
                .map(|(tenant, entries)| serde_json::json!({"number": tenant.0, "entries": entries}))
                .collect();
            let report = serde_json::json!({
                "tables": tables, "tenants": tenants, "problem_count": report.problem_count, "problems": report.problems,
            });
            println!("{report}");
        }
        Output::Text => {
            for table in &report.tables {
                println!("{:<10} {:>12} entries {:>15} bytes", table.table, table.entries, table.bytes);
            }
            for problem in &report.problems {
                println!("PROBLEM {problem}");
            }
            match report.problem_count {
                0 => println!("no problem found"),
                count => println!("{count} problems found; restore a backup, and check the disk and the memory"),
            }
        }
    }
    Ok(if report.problem_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

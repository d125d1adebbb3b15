//! Measures a Headworks server and its sandbox, and prints tables with the machine, the mode and whether the bars are met.
//!
//! Everything runs on this machine, against servers started here on folders of their own, for a bounded time.

mod backup;
mod delivery;
mod graph;
mod ingest;
mod load;
mod native;
mod query;
mod registry;
mod report;
mod sandbox;
mod start;
mod tenants;
mod walk;
mod watch;

use anyhow::{Context, Result};
use clap::Parser;
use headworks_tests::Setup;
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// Benchmarks of Headworks.
#[derive(Debug, Parser)]
struct Settings {
    /// The groups to run: 1 single records, 2 batches, 3 sandbox, 4 queries and watching, 5 start and memory, 6 backup and restore, 7 syslog and
    /// forwarders, 8 a newcomer's walk by language, 9 tenants, 10 registry.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,4,5,6,7,8,9,10")]
    groups: Vec<u8>,
    /// Seconds for each figure, all rounds together.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// How often what is compared takes turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How many seconds a target hangs while other pipelines are measured.
    #[arg(long, default_value_t = 60)]
    hang_seconds: u64,
    /// `fsync` or `buffered`.
    #[arg(long, default_value = "fsync")]
    durability: String,
    /// Records in the stream that is queried, and in a backup.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Tenants that one server has.
    #[arg(long, default_value_t = 1000)]
    tenants: usize,
    /// The languages of group 8.
    #[arg(long, value_delimiter = ',', default_value = "rust,c,go,python,js,ts")]
    languages: Vec<String>,
    /// Flows that a registry has.
    #[arg(long, default_value_t = 10_000)]
    flows: usize,
    /// Writes the report to this file too.
    #[arg(long)]
    output: Option<PathBuf>,
}

impl Settings {
    fn setup(&self) -> Setup {
        Setup::new().env("HEADWORKS_DURABILITY", &self.durability)
    }

    /// How long each turn takes.
    fn slot(&self) -> Duration {
        Duration::from_secs(self.seconds) / self.rounds.max(1)
    }

    fn warm_up(&self) -> Duration {
        self.slot() / 2
    }
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    let mut report = Report::new(&settings.durability, settings.seconds);
    for group in &settings.groups {
        match group {
            1 => ingest::single(&settings, &mut report),
            2 => ingest::batches(&settings, &mut report),
            3 => sandbox::run(&settings, &mut report),
            4 => query::run(&settings, &mut report),
            5 => start::run(&settings, &mut report),
            6 => backup::run(&settings, &mut report),
            7 => delivery::run(&settings, &mut report),
            8 => walk::run(&settings, &mut report),
            9 => tenants::run(&settings, &mut report),
            10 => registry::run(&settings, &mut report),
            other => anyhow::bail!("there is no group {other}"),
        }
        .with_context(|| format!("group {group}"))?;
    }
    let text = report.finish();
    if let Some(path) = &settings.output {
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

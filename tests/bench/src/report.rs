//! Tables: what was measured, on which machine, and whether the bars of the design are met.

use crate::load::Measured;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

/// The whole report, as Markdown.
#[derive(Debug, Default)]
pub(crate) struct Report {
    text: String,
    bars: Vec<String>,
}

impl Report {
    /// Begins with the machine and the mode.
    pub(crate) fn new(durability: &str, seconds: u64) -> Self {
        let mut report = Self::default();
        let cpu = line_of("/proc/cpuinfo", "model name");
        let memory = line_of("/proc/meminfo", "MemTotal");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        report.line("# Benchmarks of Headworks\n");
        report.line(&format!("{cores} cores of {cpu}, {memory} memory, Linux {}, durability `{durability}`,", kernel.trim()));
        report.line(&format!("load generator on the same machine, {seconds} s for each figure.\n"));
        report
    }

    /// A line of the report, which is printed too.
    pub(crate) fn line(&mut self, text: &str) {
        println!("{text}");
        let _ = writeln!(self.text, "{text}");
    }

    /// The head of a table of loads.
    pub(crate) fn loads(&mut self, title: &str) {
        self.line(&format!("\n## {title}\n"));
        self.line("| load | connections | records/s | p50 ms | p99 ms | p99.9 ms | errors | server CPU µs/record | RSS MB |");
        self.line("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    }

    /// One row of a table of loads.
    pub(crate) fn load(&mut self, name: &str, connections: usize, measured: &Measured, rss: f64) {
        let ms = |quantile| measured.latency.value_at_quantile(quantile) as f64 / 1000.0;
        let (rate, errors) = (measured.rate(), measured.errors);
        let (p50, p99, p999) = (ms(0.5), ms(0.99), ms(0.999));
        self.line(&format!(
            "| {name} | {connections} | {rate:.0} | {p50:.2} | {p99:.2} | {p999:.2} | {errors} | {:.1} | {rss:.0} |",
            measured.cost()
        ));
    }

    /// The head of another table.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str]) {
        self.line(&format!("\n## {title}\n"));
        self.line(&format!("| {} |", columns.join(" | ")));
        self.line(&format!("|---|{}", "---:|".repeat(columns.len() - 1)));
    }

    /// One row of another table.
    pub(crate) fn row(&mut self, cells: &[String]) {
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// A bar: `got` has to be at least `wanted`.
    pub(crate) fn at_least(&mut self, bar: &str, got: f64, wanted: f64) {
        self.bar(bar, got, wanted, got >= wanted, "at least");
    }

    /// A bar: `got` may be at most `wanted`.
    pub(crate) fn at_most(&mut self, bar: &str, got: f64, wanted: f64) {
        self.bar(bar, got, wanted, got <= wanted, "at most");
    }

    fn bar(&mut self, bar: &str, got: f64, wanted: f64, met: bool, word: &str) {
        let verdict = if met { "pass" } else { "**miss**" };
        self.bars.push(format!("| {bar} | {word} {wanted} | {got:.3} | {:.2} | {verdict} |", got / wanted));
    }

    /// A bar that could not be measured.
    pub(crate) fn unmeasured(&mut self, bar: &str, why: &str) {
        self.bars.push(format!("| {bar} | | | | not measured: {why} |"));
    }

    /// Prints the bars and answers the whole text.
    pub(crate) fn finish(mut self) -> String {
        self.line("\n## Bars\n");
        self.line("| bar | wanted | got | got ÷ wanted | |");
        self.line("|---|---:|---:|---:|---|");
        for bar in std::mem::take(&mut self.bars) {
            self.line(&bar);
        }
        self.text
    }
}

fn line_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
}

/// Resident memory of a process in megabytes (1,000,000 bytes).
pub(crate) fn rss(pid: Option<u32>) -> f64 {
    let status = pid.map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    kib * 1024.0 / 1e6
}

/// User and system CPU time of a process so far.
pub(crate) fn cpu(pid: Option<u32>) -> Duration {
    cpu_of(pid, 2)
}

/// The same, with that of the processes that it has started and that have ended.
pub(crate) fn cpu_with_children(pid: Option<u32>) -> Duration {
    cpu_of(pid, 4)
}

fn cpu_of(pid: Option<u32>, fields_of_time: usize) -> Duration {
    let stat = pid.map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default()).unwrap_or_default();
    // The name of the program may hold spaces: fields are counted from its closing bracket.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(fields_of_time).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

//! `doctor`: whether this machine is fit for a data folder. Writes one file of its own there and removes it.

use crate::cli::Output;
use anyhow::{Context, Result};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{StatVfs, fstatfs, fstatvfs};
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Number of fsyncs that are measured, and the most time they may take together.
const SYNCS: usize = 200;
const SYNC_TIME: Duration = Duration::from_secs(5);
/// Bytes written before each of them, as a small group commit does.
const SYNC_BYTES: usize = 4096;
/// Above this a group commit is slow enough to be felt.
const SLOW_SYNC: Duration = Duration::from_millis(20);
/// Files that RocksDB and the default number of connections need.
const WANTED_FILES: u64 = 8192;
/// Below this the store refuses writes by default.
const WANTED_BYTES: u64 = 1 << 30;
/// 2026-01-01: this program did not exist before.
const BUILT: u64 = 1_767_225_600;
/// Upper bounds of the classes of the histogram, in microseconds.
const CLASSES: [u64; 10] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Warning,
    Bad,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    topic: &'static str,
    verdict: Verdict,
    /// What was found, and what to do where it is not good.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<serde_json::Value>,
}

impl Finding {
    fn new(topic: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { topic, verdict, text: text.into(), details: None }
    }
}

/// Exits 1 when something is bad.
pub(crate) fn run(data: &Path, output: Output) -> Result<ExitCode> {
    // A folder that is not there yet will be on the disk of its nearest parent.
    let folder = data.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let dir = Dir::open_ambient_dir(folder, ambient_authority()).with_context(|| format!("cannot open {}", folder.display()))?;
    let findings = [sync(&dir)?, file_system(&dir)?, space(&dir)?, open_files(), clock(), cores()];
    match output {
        Output::Json => println!("{}", serde_json::json!({"folder": folder, "findings": findings})),
        Output::Text => {
            println!("{}", folder.display());
            for finding in &findings {
                let mark = match finding.verdict {
                    Verdict::Good => "good   ",
                    Verdict::Warning => "WARNING",
                    Verdict::Bad => "BAD    ",
                };
                println!("{mark} {:<12} {}", finding.topic, finding.text);
            }
        }
    }
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How long an fsync takes: it bounds how fast one client can write.
fn sync(dir: &Dir) -> Result<Finding> {
    let name = format!(".headworks-doctor-{}", std::process::id());
    let mut times = Vec::with_capacity(SYNCS);
    let measured = measure(dir, &name, &mut times).context("cannot write and fsync in the data folder");
    let _ = dir.remove_file(&name);
    measured?;
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() - 1) as f64 * part) as usize).copied().unwrap_or_default();
    let (middle, most) = (at(0.5), at(0.99));
    let text = format!("{} fsyncs of {SYNC_BYTES} bytes: p50 {middle:?}, p99 {most:?}, longest {:?}", times.len(), at(1.0));
    let mut finding = match middle {
        slow if slow > SLOW_SYNC => Finding::new("fsync", Verdict::Warning, format!("{text}; a faster disk makes writes faster")),
        quick if quick < Duration::from_micros(20) => {
            let text =
                format!("{text}; this disk probably does not wait for its medium, so a power cut may lose what was acknowledged");
            Finding::new("fsync", Verdict::Warning, text)
        }
        _ => Finding::new("fsync", Verdict::Good, text),
    };
    let mut low = 0;
    let mut histogram = Vec::new();
    for high in CLASSES.into_iter().chain([u64::MAX]) {
        let count = times.iter().filter(|time| (low..high).contains(&(time.as_micros() as u64))).count();
        let below = (high != u64::MAX).then_some(high);
        histogram.push(serde_json::json!({"below_micros": below, "count": count}));
        low = high;
    }
    finding.details = Some(serde_json::json!({"histogram": histogram}));
    Ok(finding)
}

fn measure(dir: &Dir, name: &str, times: &mut Vec<Duration>) -> std::io::Result<()> {
    let mut file = dir.create(name)?;
    let (began, block) = (Instant::now(), [7; SYNC_BYTES]);
    while times.len() < SYNCS && began.elapsed() < SYNC_TIME {
        file.seek(SeekFrom::Start((times.len() % 16 * SYNC_BYTES) as u64))?;
        file.write_all(&block)?;
        let begin = Instant::now();
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(())
}

fn file_system(dir: &Dir) -> Result<Finding> {
    let number = fstatfs(dir).context("cannot ask for the file system")?.f_type as u64 & 0xffff_ffff;
    let (name, verdict, advice) = match number {
        0xef53 => ("ext4", Verdict::Good, ""),
        0x5846_5342 => ("xfs", Verdict::Good, ""),
        0x9123_683e => ("btrfs", Verdict::Good, ""),
        0x2fc1_2fc1 => ("zfs", Verdict::Good, ""),
        0xf2f5_2010 => ("f2fs", Verdict::Good, ""),
        0x794c_7630 => ("overlay", Verdict::Warning, "; it goes with its container: mount a volume there"),
        0x0102_1994 => ("tmpfs", Verdict::Warning, "; everything is lost with the machine's power: use a disk"),
        0x6969 => ("nfs", Verdict::Bad, "; a database needs the locks and fsyncs of a local disk"),
        0xff53_4d42 | 0xfe53_4d42 => ("smb", Verdict::Bad, "; a database needs the locks and fsyncs of a local disk"),
        0x6573_5546 => ("fuse", Verdict::Warning, "; whether fsync keeps its promise depends on its driver"),
        _ => ("unknown", Verdict::Warning, "; ext4 and xfs are known to do"),
    };
    Ok(Finding::new("file system", verdict, format!("{name} (0x{number:x}){advice}")))
}

fn space(dir: &Dir) -> Result<Finding> {
    let StatVfs { f_frsize, f_bavail, f_blocks, .. } = fstatvfs(dir).context("cannot ask for the free space")?;
    let (free, all) = (f_bavail.saturating_mul(f_frsize), f_blocks.saturating_mul(f_frsize));
    let text = format!("{free} of {all} bytes free");
    Ok(if free < WANTED_BYTES {
        Finding::new("space", Verdict::Warning, format!("{text}; below 256 MiB writes are refused"))
    } else {
        Finding::new("space", Verdict::Good, text)
    })
}

fn open_files() -> Finding {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < WANTED_FILES => {
            let text = format!("the limit of open files is {limit}; raise it to {WANTED_FILES} (ulimit -n, LimitNOFILE)");
            Finding::new("limits", Verdict::Warning, text)
        }
        Some(limit) => Finding::new("limits", Verdict::Good, format!("the limit of open files is {limit}")),
        None => Finding::new("limits", Verdict::Good, "the number of open files has no limit"),
    }
}

/// Receive times come from this clock, and retention goes by them.
fn clock() -> Finding {
    let wall = SystemTime::now();
    let steady = Instant::now();
    std::thread::sleep(Duration::from_millis(50));
    let passed = steady.elapsed();
    let drift = wall.elapsed().map_or(Duration::MAX, |shown| shown.abs_diff(passed));
    let seconds = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let shown = headworks_core::Timestamp::from_millis(i64::try_from(seconds).unwrap_or_default() * 1000).rfc3339();
    if seconds < BUILT {
        Finding::new("clock", Verdict::Bad, format!("it shows {shown}, which is in the past; set it (chrony, ntpd)"))
    } else if drift > Duration::from_millis(20) {
        Finding::new("clock", Verdict::Warning, format!("it shows {shown} and jumped by {drift:?} while it was looked at"))
    } else {
        Finding::new("clock", Verdict::Good, format!("it shows {shown} and runs evenly"))
    }
}

fn cores() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let verdict = if cores < 2 { Verdict::Warning } else { Verdict::Good };
    let advice = if cores < 2 { "; with two, writing and answering do not wait for each other" } else { "" };
    Finding::new("processors", verdict, format!("{cores}{advice}"))
}

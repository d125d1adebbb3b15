//! What the operating system says of this process, in the usual Prometheus names.

use std::fmt::Write;
use std::fs;

/// The metrics of this process as Prometheus text; what cannot be read is left out.
pub(crate) fn metrics() -> String {
    let mut text = String::new();
    let mut put = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a text cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
        }
    };
    let stat = stat();
    // /proc counts in hundredths of a second on every Linux this program runs on.
    let seconds = |ticks: f64| ticks / 100.0;
    let cpu = stat.as_deref().and_then(|stat| Some(stat.get(10)? + stat.get(11)?)).map(seconds);
    put("process_cpu_seconds_total", "counter", "User and system CPU time in seconds.", cpu);
    let started =
        stat.as_deref().and_then(|stat| stat.get(18).copied().map(seconds)).zip(boot_time()).map(|(up, boot)| boot + up);
    put("process_start_time_seconds", "gauge", "Start of the process in seconds since 1970.", started);
    let threads = stat.as_deref().and_then(|stat| stat.get(16).copied());
    put("process_threads", "gauge", "Number of threads.", threads);
    let page = rustix::param::page_size() as f64;
    let memory = fs::read_to_string("/proc/self/statm").ok();
    let pages = |index: usize| memory.as_deref()?.split_whitespace().nth(index)?.parse::<f64>().ok();
    put("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", pages(0).map(|pages| pages * page));
    put("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", pages(1).map(|pages| pages * page));
    let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
    put("process_open_fds", "gauge", "Number of open file descriptors.", open);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.map(|limit| limit as f64);
    put("process_max_fds", "gauge", "Limit of open file descriptors.", limit);
    text
}

/// The numbers of `/proc/self/stat` after the name of the program and the state.
fn stat() -> Option<Vec<f64>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in parentheses and may itself hold spaces and parentheses.
    let (_, numbers) = stat.rsplit_once(')')?;
    let (_, numbers) = numbers.trim_start().split_once(' ')?;
    // Field N of proc(5) has the index N - 4.
    Some(numbers.split_whitespace().map(|number| number.parse().unwrap_or_default()).collect())
}

/// Seconds since 1970 at which the machine started.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_numbers_make_sense() {
        let text = metrics();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
            line.split(' ').nth(1).unwrap().parse().unwrap()
        };
        let resident = value("process_resident_memory_bytes");
        assert!((1e6..1e10).contains(&resident), "{resident}");
        assert!(value("process_threads") >= 1.0 && value("process_open_fds") >= 3.0);
        assert!((0.0..1e6).contains(&value("process_cpu_seconds_total")));
        let started = value("process_start_time_seconds");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 3600.0..now + 5.0).contains(&started), "{started} {now}");
    }
}

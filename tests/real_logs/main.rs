//! Real logs through real VRL programs: every line of `tests/data/logs`, with counts and fields compared to what plain regular
//! expressions find in the files.

use headworks_tests::client::sorted_values;
use headworks_tests::{Client, Flow, Server, logs, unique};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Run {
    _server: Arc<Server>,
    client: Client,
    stream: String,
}

/// Sends a whole sample log through a script, in requests of different sizes, and answers where the results are.
fn run(log: &str, script: &str) -> Run {
    let server = Server::shared();
    let client = server.client();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, script);
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    send(&client, &pipeline, &logs::lines(log));
    Run { _server: server, client, stream }
}

fn send(client: &Client, pipeline: &str, lines: &[String]) {
    let mut rest = lines;
    for size in [1, 7, 100, 333].into_iter().cycle() {
        if rest.is_empty() {
            return;
        }
        let (now, later) = rest.split_at(size.min(rest.len()));
        assert_eq!(client.ingest_text(pipeline, &now.join("\n")).processed(), now.len() as u64);
        rest = later;
    }
}

impl Run {
    fn records(&self) -> Vec<Value> {
        self.client.records(&self.stream)
    }
}

/// How often each combination of these fields occurs.
fn tally(records: &[Value], fields: &[&str]) -> BTreeMap<Vec<String>, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        let key = fields.iter().map(|field| record[*field].as_str().unwrap_or("(absent)").to_owned()).collect();
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The same from the lines themselves: the groups of a regular expression that every line has to match.
fn expected(lines: &[String], pattern: &str) -> BTreeMap<Vec<String>, usize> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let mut counts = BTreeMap::new();
    for line in lines {
        let captures = pattern.captures(line).unwrap_or_else(|| panic!("{line}"));
        let key = captures.iter().skip(1).map(|group| group.map_or("(absent)", |text| text.as_str()).to_owned()).collect();
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The pattern of a classic syslog line with a process id: host, program, process id, message.
const SYSLOG: &str = r"^\w{3} +\d+ \d\d:\d\d:\d\d (\S+) ([^\[: ]+)\[(\d+)\]: (.*)$";

#[test]
fn apache_error_lines_through_parse_apache_log() {
    // The lines are of the time before Apache named module, process and client in brackets of their own.
    let script = r#"
line = replace(string!(.content), r'^(\[[^\]]*\]) \[(\w+)\] ', "$1 [core:$2] - - ")
. = parse_apache_log!(line, format: "error", timestamp_format: "%a %b %d %H:%M:%S %Y")
.timestamp = format_timestamp!(.timestamp, "%a %b %d %H:%M:%S %Y")
"#;
    let run = run("Apache", script);
    let lines = logs::lines("Apache");
    let records = run.records();
    assert_eq!(records.len(), 2_000);
    assert_eq!(tally(&records, &["timestamp", "severity", "message"]), expected(&lines, r"^\[([^\]]*)\] \[(\w+)\] (.*)$"));
    let errors = lines.iter().filter(|line| line.contains("] [error] ")).count();
    assert_eq!(run.client.filtered(&run.stream, "severity == \"error\"").len(), errors);
}

#[test]
fn linux_syslog_through_parse_syslog() {
    let run = run("Linux", ". = parse_syslog!(.content)\n.timestamp = format_timestamp!(.timestamp, \"%H:%M:%S\")");
    let records = run.records();
    assert_eq!(records.len(), 2_000);
    let (with_process, other): (Vec<String>, Vec<String>) =
        logs::lines("Linux").into_iter().partition(|line| Regex::new(SYSLOG).expect("a pattern").is_match(line));
    assert!(with_process.len() > 1_500);
    let parsed: Vec<Value> = records.iter().filter(|record| record.get("procid").is_some()).cloned().collect();
    let found = tally(&parsed, &["hostname", "appname", "procid", "message"]);
    for (line, count) in expected(&with_process, SYSLOG) {
        assert_eq!(found.get(&line), Some(&count), "{line:?}");
    }
    // The rest has no process id; its text is not lost.
    let texts = sorted_values(&records, "message");
    for line in other {
        let tail = &line[line.len() - line.len().min(12)..];
        assert!(texts.iter().any(|text| text.ends_with(tail)), "{line}");
    }
    let times: BTreeMap<Vec<String>, usize> = expected(&logs::lines("Linux"), r"^\w{3} +\d+ (\d\d:\d\d:\d\d) ");
    assert_eq!(tally(&records, &["timestamp"]), times);
}

#[test]
fn openssh_syslog_through_parse_syslog_with_the_programs_own_fields() {
    let script = r#"
. = parse_syslog!(.content)
found, error = parse_regex(.message, r'^Failed (?P<method>\S+) for (?:invalid user )?(?P<user>.*) from (?P<address>[0-9.]+) port (?P<port>\d+)')
if error == null { . = merge(., {"failed": found}) }
"#;
    let run = run("OpenSSH", script);
    let records = run.records();
    let lines = logs::lines("OpenSSH");
    assert_eq!(tally(&records, &["hostname", "appname", "procid", "message"]), expected(&lines, SYSLOG));

    let failed: Vec<String> = lines.into_iter().filter(|line| line.contains("]: Failed ")).collect();
    let stored = run.client.filtered(&run.stream, "\"failed.user\" in $env");
    assert!(failed.len() > 500);
    assert_eq!(
        tally(&stored, &["failed.method", "failed.user", "failed.address", "failed.port"]),
        expected(&failed, r"Failed (\S+) for (?:invalid user )?(.*) from ([0-9.]+) port (\d+)")
    );
}

#[test]
fn authentication_failures_through_parse_key_value() {
    let script = r#"
message = string!(parse_syslog!(.content).message)
if starts_with(message, "authentication failure; ") {
  . = parse_key_value!(slice!(message, 24), whitespace: "strict")
} else {
  . = []
}
"#;
    let run = run("Linux", script);
    let records = run.records();
    let mut wanted = Vec::new();
    for line in logs::lines("Linux") {
        if let Some((_, pairs)) = line.split_once("]: authentication failure; ") {
            let fields: serde_json::Map<String, Value> = pairs
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (key.to_owned(), json!(value)))
                .collect();
            wanted.push(Value::Object(fields));
        }
    }
    assert!(wanted.len() > 400);
    let sorted = |records: Vec<Value>| {
        let mut texts: Vec<String> = records
            .into_iter()
            .map(|record| {
                record
                    .as_object()
                    .expect("fields")
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<std::collections::BTreeSet<_>>()
            })
            .map(|fields| fields.into_iter().collect::<Vec<_>>().join(" "))
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(records), sorted(wanted));
}

#[test]
fn openstack_through_parse_regex_with_numbers_from_the_message() {
    let script = r#"
. = parse_regex!(.content, r'^(?P<file>\S+) (?P<moment>\S+ \S+) (?P<pid>\d+) (?P<level>\w+) (?P<module>\S+) \[(?P<request>[^\]]*)\] (?P<message>.*)$')
http, error = parse_regex(.message, r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1.1" (?P<rest>status: .*)$')
if error == null {
  .method = http.method
  .path = http.path
  . = merge(., parse_key_value!(replace(string!(http.rest), ": ", ":"), key_value_delimiter: ":", whitespace: "strict"))
}
"#;
    let run = run("OpenStack", script);
    let records = run.records();
    let lines = logs::lines("OpenStack");
    let pattern = r"^(\S+) (\S+ \S+) (\d+) (\w+) (\S+) \[([^\]]*)\] (.*)$";
    assert_eq!(tally(&records, &["file", "moment", "pid", "level", "module", "request", "message"]), expected(&lines, pattern));

    let http: Vec<String> = lines.into_iter().filter(|line| line.contains("HTTP/1.1\" status: ")).collect();
    let stored = run.client.filtered(&run.stream, "\"status\" in $env");
    assert!(http.len() > 500);
    let pattern = r#""([A-Z]+) (\S+) HTTP/1\.1" status: (\d+) len: (\d+) time: (\S+)$"#;
    assert_eq!(tally(&stored, &["method", "path", "status", "len", "time"]), expected(&http, pattern));

    let large = run.client.filtered(&run.stream, "\"len\" in $env and int($env[\"len\"]) > 1800");
    let length = Regex::new(r" len: (\d+) ").expect("a pattern");
    let large_lines =
        http.iter().filter_map(|line| length.captures(line)?[1].parse::<u32>().ok()).filter(|length| *length > 1800).count();
    assert_eq!(large.len(), large_lines);
}

#[test]
fn zookeeper_through_parse_regex_and_switches_into_streams_by_level() {
    let server = Server::shared();
    let client = server.client();
    let (pipeline, transformer) = (unique("pipeline"), unique("transformer"));
    client.save_transformer(
        &transformer,
        r#". = parse_regex!(.content, r'^(?P<time>\S+ \S+) - (?P<level>\w+) +\[(?P<source>.*):(?P<class>[^:@]+)@(?P<line>\d+)\] - ?(?P<message>.*)$')"#,
    );
    let mut flow = Flow::direct().transform("t", &transformer).edge("in", "t");
    let levels = ["INFO", "WARN", "ERROR"];
    let streams: Vec<String> = levels.iter().map(|_| unique("stream")).collect();
    for (level, stream) in levels.iter().zip(&streams) {
        let switch = format!("is {level}");
        flow =
            flow.switch(&switch, &format!("level == \"{level}\"")).edge("t", &switch).router(level, stream).edge(&switch, level);
    }
    client.save_pipeline(&pipeline, &flow.build());
    let lines = logs::lines("Zookeeper");
    send(&client, &pipeline, &lines);
    let all: Vec<Value> = streams.iter().flat_map(|stream| client.records(stream)).collect();
    let pattern = r"^(\S+ \S+) - (\w+) +\[(.*):([^:@]+)@(\d+)\] - ?(.*)$";
    assert_eq!(tally(&all, &["time", "level", "source", "class", "line", "message"]), expected(&lines, pattern));
    for (level, stream) in levels.iter().zip(&streams) {
        let mark = format!(" - {level} ");
        assert_eq!(client.records(stream).len(), lines.iter().filter(|line| line.contains(&mark)).count(), "{level}");
    }
}

#[test]
fn every_line_as_json_through_parse_json() {
    let server = Server::shared();
    let client = server.client();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, ". = parse_json!(.content)");
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    let mut documents = Vec::new();
    let mut wanted = BTreeMap::new();
    for log in ["Apache", "Linux", "OpenSSH", "OpenStack", "Zookeeper"] {
        for (number, line) in logs::lines(log).into_iter().enumerate() {
            documents.push(json!({ "log": log, "place": { "line": number, "even": number % 2 == 0 }, "words": [line.len(), null], "text": line }).to_string());
            *wanted
                .entry(vec![
                    log.to_owned(),
                    number.to_string(),
                    (number % 2 == 0).to_string(),
                    line.len().to_string(),
                    "<nil>".to_owned(),
                    line,
                ])
                .or_insert(0) += 1;
        }
    }
    send(&client, &pipeline, &documents);
    let records = client.records(&stream);
    assert_eq!(records.len(), 10_000);
    assert_eq!(tally(&records, &["log", "place.line", "place.even", "words.0", "words.1", "text"]), wanted);
}

#[test]
fn all_logs_mixed_through_one_pipeline_are_told_apart() {
    let server = Server::shared();
    let client = server.client();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    let script = r#"
text = string!(.content)
if match(text, r'^\[\w{3} ') { .kind = "apache" }
else if match(text, r'^nova-') { .kind = "openstack" }
else if match(text, r'^\d{4}-\d\d-\d\d .* - (INFO|WARN|ERROR) ') { .kind = "zookeeper" }
else { .kind = parse_syslog!(text).hostname }
"#;
    client.configure_stream(&stream, 0, 0, &["kind"]);
    client.save_transformer(&transformer, script);
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    let logs: Vec<Vec<String>> =
        ["Apache", "Linux", "OpenSSH", "OpenStack", "Zookeeper"].iter().map(|log| logs::lines(log)).collect();
    let mixed: Vec<String> = (0..2_000).flat_map(|line| logs.iter().map(move |log| log[line].clone())).collect();
    send(&client, &pipeline, &mixed);
    for (kind, log) in ["apache", "combo", "LabSZ", "openstack", "zookeeper"].iter().zip(&logs) {
        let found = client.query(&stream, &[("indexing", &json!({ "kind": [kind] }).to_string())]).fields();
        let mut wanted = log.clone();
        wanted.sort();
        assert_eq!(sorted_values(&found, "content"), wanted, "{kind}");
    }
}

#[test]
fn real_lines_come_back_byte_for_byte() {
    let server = Server::shared();
    let client = server.client();
    let (pipeline, stream) = (unique("pipeline"), unique("stream"));
    client.save_pipeline(&pipeline, &Flow::to_stream(&stream));
    let mut wanted = logs::lines("OpenStack");
    client.ingest_text(&pipeline, &logs::text("OpenStack")).ok();
    wanted.sort();
    assert_eq!(client.values(&stream, "content"), wanted);
}

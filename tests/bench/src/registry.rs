//! Group 10: the registry with many flows, beside the original where that is installed, and large contents.

use crate::Settings;
use crate::load::{Load, Measured, request};
use crate::report::{Report, rss};
use anyhow::{Context, Result, ensure};
use headworks_tests::original::Original;
use headworks_tests::{Client, Server};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use std::time::Instant;

const API: &str = "/nifi-registry-api";
const BUCKETS: usize = 100;
const CONNECTIONS: usize = 4;
/// Bytes of the snapshot and of the bundle that are sent at once.
const SNAPSHOT: usize = 100 << 20;
const BUNDLE: usize = 500 << 20;

/// Makes the requests of one operation to a server.
type Requests<'a> = &'a dyn Fn(&Side) -> Vec<Vec<u8>>;

/// A server with its flows.
struct Side {
    name: &'static str,
    client: Client,
    address: String,
    pid: Option<u32>,
    buckets: Vec<String>,
}

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let mut server = settings.setup().start();
    let original = Original::jars().map(|jars| Original::start(&jars));
    let mut sides = vec![Side {
        name: "Headworks",
        client: server.client().anonymous(),
        address: server.address().to_owned(),
        pid: server.pid(),
        buckets: Vec::new(),
    }];
    if let Some(original) = &original {
        let (client, address) = (original.client(), original.address().to_owned());
        sides.push(Side { name: "NiFi Registry 0.8.0", client, address, pid: Some(original.pid()), buckets: Vec::new() });
    }
    let each = (settings.flows / BUCKETS).max(1);
    report.table(
        &format!("10a. Making {} flows with a version each in {BUCKETS} buckets, {CONNECTIONS} connections", each * BUCKETS),
        &["server", "flows and versions/s", "RSS afterwards, MB"],
    );
    for side in &mut sides {
        let begin = Instant::now();
        fill(side, each)?;
        let rate = (2 * each * BUCKETS) as f64 / begin.elapsed().as_secs_f64();
        report.row(&[side.name.to_owned(), format!("{rate:.0}"), format!("{:.0}", rss(side.pid))]);
    }
    operations(settings, report, &sides, each)?;
    drop(original);

    server.stop();
    let begin = Instant::now();
    server.restart();
    let start = begin.elapsed().as_secs_f64() * 1000.0;
    report.line(&format!("\nStart with these flows until ready: {start:.0} ms, {:.0} MB.", rss(server.pid())));
    large(report, &server)
}

/// The identifier of a flow, which the client brings.
fn flow(bucket: usize, number: usize) -> String {
    format!("{bucket:08x}-0000-4000-8000-{number:012x}")
}

fn snapshot(version: i64) -> Value {
    let processors: Vec<Value> = (0..20)
        .map(|number| {
            json!({"identifier": format!("p{number}"), "name": format!("Processor {number}"), "type": "x.Generate",
                   "groupIdentifier": "g", "componentType": "PROCESSOR", "position": {"x": 1.0, "y": 2.0},
                   "bundle": {"group": "x", "artifact": "x-nar", "version": "1"}, "propertyDescriptors": {},
                   "properties": {"File Size": "1 KB", "Batch Size": "10", "Text": "x".repeat(200)}})
        })
        .collect();
    json!({"snapshotMetadata": {"version": version, "comments": "c"},
           "flowContents": {"identifier": "g", "name": "g", "processors": processors}})
}

/// Makes everything, over several connections.
fn fill(side: &mut Side, each: usize) -> Result<()> {
    for number in 0..BUCKETS {
        let made = side.client.post(&format!("{API}/buckets"), &json!({"name": format!("bucket {number}")}));
        ensure!(made.status == 200, "{}", made.text());
        side.buckets.push(made.json()["identifier"].as_str().context("an identifier")?.to_owned());
    }
    let (buckets, first) = (&side.buckets, snapshot(1));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                let (client, first) = (side.client.clone(), &first);
                scope.spawn(move || -> Result<()> {
                    for (index, bucket) in buckets.iter().enumerate().skip(part).step_by(CONNECTIONS) {
                        for number in 0..each {
                            let id = flow(index, number);
                            let flows = format!("{API}/buckets/{bucket}/flows");
                            let made = client.post(&flows, &json!({"identifier": id, "name": format!("flow {number}")}));
                            ensure!(made.status == 200, "{}", made.text());
                            let saved = client.post(&format!("{flows}/{id}/versions"), first);
                            ensure!(saved.status == 200, "{}", saved.text());
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("making flows ended by a defect"))?)
    })
}

/// The operations of a client, in turns on each server.
fn operations(settings: &Settings, report: &mut Report, sides: &[Side], each: usize) -> Result<()> {
    let save = snapshot(-1).to_string();
    let (of_one, of_all) = (each.min(50), BUCKETS.min(50));
    let kinds: [(&str, Requests<'_>); 6] = [
        ("list buckets", &|_| vec![get("/buckets".to_owned())]),
        ("list the flows of a bucket", &|side| side.buckets.iter().map(|id| get(format!("/buckets/{id}/flows"))).collect()),
        ("get a flow", &|side| all(side, of_one, |bucket, flow| get(format!("/buckets/{bucket}/flows/{flow}")))),
        ("get the latest version", &|side| all(side, of_one, |_, flow| get(format!("/flows/{flow}/versions/latest")))),
        ("list all items", &|_| vec![get("/items".to_owned())]),
        ("save a version", &|side| {
            let post = |bucket: &str, flow: &str| {
                let path = format!("{API}/buckets/{bucket}/flows/{flow}/versions");
                request("POST", &path, "-", "application/json", save.as_bytes())
            };
            all(side, of_all.min(of_one), post)
        }),
    ];
    report.table(
        &format!("10b. Operations over {CONNECTIONS} connections"),
        &["operation", "server", "requests/s", "p50 ms", "p99 ms", "errors", "server CPU µs/request"],
    );
    for (name, requests) in kinds {
        let loads: Vec<Load> = sides
            .iter()
            .map(|side| Load {
                address: side.address.clone(),
                server: side.pid,
                requests: Arc::new(requests(side)),
                connections: CONNECTIONS,
                records: 1,
            })
            .collect();
        let mut measured = Vec::new();
        for load in &loads {
            load.run(settings.warm_up())?;
            measured.push(Measured::new()?);
        }
        for _ in 0..settings.rounds {
            for (load, measured) in loads.iter().zip(&mut measured) {
                measured.add(&load.run(settings.slot())?)?;
            }
        }
        for (side, measured) in sides.iter().zip(&measured) {
            let ms = |quantile| format!("{:.2}", measured.latency.value_at_quantile(quantile) as f64 / 1000.0);
            let (rate, errors, cost) = (measured.rate(), measured.errors, measured.cost());
            let name = name.to_owned();
            report.row(&[
                name,
                side.name.to_owned(),
                format!("{rate:.0}"),
                ms(0.5),
                ms(0.99),
                errors.to_string(),
                format!("{cost:.0}"),
            ]);
        }
    }
    Ok(())
}

fn get(path: String) -> Vec<u8> {
    request("GET", &format!("{API}{path}"), "-", "application/json", b"")
}

/// A request for each of some flows of every bucket.
fn all(side: &Side, each: usize, make: impl Fn(&str, &str) -> Vec<u8>) -> Vec<Vec<u8>> {
    let buckets = side.buckets.iter().enumerate();
    buckets
        .flat_map(|(index, bucket)| (0..each).map(move |number| (index, bucket, number)))
        .map(|(index, bucket, number)| make(bucket, &flow(index, number)))
        .collect()
}

/// The most resident memory of a process so far, in megabytes.
fn most(pid: Option<u32>) -> f64 {
    let status = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok()).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    kib * 1024.0 / 1e6
}

/// Contents larger than what the server may hold.
fn large(report: &mut Report, server: &Server) -> Result<()> {
    let client = server.client().anonymous();
    let made = client.post(&format!("{API}/buckets"), &json!({"name": "large"}));
    let bucket = made.json()["identifier"].as_str().context("an identifier")?.to_owned();
    report.table("10c. Large contents", &["what", "MB/s", "most memory before, MB", "most memory after, MB"]);
    let mut timed = |name: &str, bytes: usize, work: &dyn Fn() -> Result<()>| -> Result<()> {
        let (before, begin) = (most(server.pid()), Instant::now());
        work()?;
        let rate = bytes as f64 / 1e6 / begin.elapsed().as_secs_f64();
        report.row(&[name.to_owned(), format!("{rate:.0}"), format!("{before:.0}"), format!("{:.0}", most(server.pid()))]);
        Ok(())
    };

    let flows = format!("{API}/buckets/{bucket}/flows");
    let id = client.post(&flows, &json!({"name": "large"})).json()["identifier"].as_str().context("an identifier")?.to_owned();
    let processor = snapshot(1)["flowContents"]["processors"][0].to_string();
    let processors = vec![processor.as_str(); SNAPSHOT / processor.len()].join(",");
    let body = format!(
        "{{\"snapshotMetadata\":{{\"version\":1}},\"flowContents\":{{\"identifier\":\"g\",\"processors\":[{processors}]}}}}"
    );
    let versions = format!("{flows}/{id}/versions");
    timed("saving a snapshot of 100 MB", body.len(), &|| {
        let saved = client.open(http::Method::POST, &versions, &[("content-type", "application/json")], Some(body.as_bytes()))?;
        ensure!(saved.status() == 200, "{}", saved.status());
        std::io::copy(&mut saved.into_body().into_reader(), &mut std::io::sink())?;
        Ok(())
    })?;
    timed("reading it", body.len(), &|| read(&client, &format!("{versions}/1"), body.len() / 2))?;

    let mut content = vec![0_u8; BUNDLE];
    content.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]);
    let mut body = Vec::with_capacity(BUNDLE + 1024);
    for (name, value) in [("groupId", "g"), ("artifactId", "a"), ("version", "1")] {
        body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n");
    body.extend_from_slice(&content);
    body.extend(b"\r\n--x--\r\n");
    let path = format!("{API}/buckets/{bucket}/bundles/minifi-cpp");
    let bundle = std::cell::RefCell::new(String::new());
    timed("uploading a bundle of 500 MB", content.len(), &|| {
        let saved = client.post_bytes(&path, "multipart/form-data; boundary=x", &body);
        ensure!(saved.status == 200, "{}", saved.text());
        *bundle.borrow_mut() = saved.json()["bundle"]["identifier"].as_str().context("an identifier")?.to_owned();
        Ok(())
    })?;
    let path = format!("{API}/bundles/{}/versions/1/content", bundle.borrow());
    timed("downloading it", content.len(), &|| read(&client, &path, content.len()))
}

/// Reads an answer that has at least so many bytes.
fn read(client: &Client, path: &str, least: usize) -> Result<()> {
    let answer = client.open(http::Method::GET, path, &[], None)?;
    ensure!(answer.status() == 200, "{}", answer.status());
    let read = std::io::copy(&mut answer.into_body().into_reader(), &mut std::io::sink())?;
    ensure!(read >= least as u64, "{read} bytes of {least}");
    Ok(())
}

//! Group 9: a quiet tenant beside a noisy one, and what many tenants cost.

use crate::Settings;
use crate::load::{Load, Measured, request};
use crate::report::{Report, rss};
use anyhow::{Context, Result, ensure};
use headworks_tests::server::PASSWORD;
use headworks_tests::{Client, Flow, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records a second that the noisy tenant may send.
const QUOTA: u64 = 200;
/// Records in each of its requests.
const BATCH: usize = 100;
/// Its connections; each sends a request every so often: 100 times the quota together.
const NOISY_CONNECTIONS: usize = 8;
const NOISY_EVERY: Duration = Duration::from_millis(40);
/// The quiet tenant: 200 requests of one record a second.
const QUIET_CONNECTIONS: usize = 4;
const QUIET_EVERY: Duration = Duration::from_millis(20);
/// How long an idle server is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(3);
/// After how long without a call a server gives up the instances of its scripts here; a minute by default.
const IDLE: Duration = Duration::from_secs(20);
const SCRIPT: &str = ". = merge(., parse_key_value!(.content))";

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    neighbours(settings, report)?;
    many(settings, report)
}

/// Makes a tenant with a pipeline `p`, and answers a token of it.
fn create(server: &Server, name: &str, quotas: &Value, script: bool) -> Result<String> {
    let administrator = json!({"name": "root", "password": PASSWORD});
    let body = json!({"name": name, "quotas": quotas, "administrator": administrator});
    let made = server.client().post("/platform/v1/tenants", &body);
    ensure!(made.status == 201, "{}", made.text());
    let anonymous = server.client().anonymous();
    let login = json!({"username": format!("root@{name}"), "password": PASSWORD});
    let session = anonymous.post("/api/v1/auth/login", &login).ok();
    let client = anonymous.with_token(session["token"].as_str().context("a session")?);
    let token = client.send(http::Method::POST, "/api/v1/token", &[], None).ok();
    if script {
        client.save_transformer("t", SCRIPT);
        client.save_pipeline("p", &Flow::through("t", "s"));
    } else {
        client.save_pipeline("p", &Flow::to_stream("s"));
    }
    Ok(token["token"].as_str().context("a token")?.to_owned())
}

fn load(server: &Server, token: &str, connections: usize, records: usize) -> Load {
    let body = "a=1 b=2 method=GET path=/index.html status=200\n".repeat(records);
    let requests = vec![request("POST", "/api/v1/pipelines/p/logs/text", token, "text/plain", body.as_bytes())];
    Load {
        address: server.address().to_owned(),
        server: server.pid(),
        requests: Arc::new(requests),
        connections,
        records: records as u64,
    }
}

fn neighbours(settings: &Settings, report: &mut Report) -> Result<()> {
    let server = settings.setup().start();
    let none = json!({"records_per_second": 0, "bytes_per_second": 0, "cpu_ms_per_second": 0});
    let quiet = load(&server, &create(&server, "quiet", &none, true)?, QUIET_CONNECTIONS, 1);
    let quotas = json!({"records_per_second": QUOTA, "burst_seconds": 1});
    let noisy = load(&server, &create(&server, "noisy", &quotas, true)?, NOISY_CONNECTIONS, BATCH);
    quiet.run_every(settings.warm_up(), QUIET_EVERY)?;
    let (mut alone, mut beside, mut noise) = (Measured::new()?, Measured::new()?, Measured::new()?);
    for _ in 0..settings.rounds {
        alone.add(&quiet.run_every(settings.slot(), QUIET_EVERY)?)?;
        std::thread::scope(|scope| -> Result<()> {
            let noisy = scope.spawn(|| noisy.run_every(settings.slot(), NOISY_EVERY));
            beside.add(&quiet.run_every(settings.slot(), QUIET_EVERY)?)?;
            let made = noisy.join().map_err(|_| anyhow::anyhow!("the noisy load ended by a defect"))??;
            noise.add(&made)
        })?;
    }
    let rss = rss(server.pid());
    report.loads("9. A quiet tenant beside a noisy one, which sends 100 times what it may");
    report.load("quiet, alone", QUIET_CONNECTIONS, &alone, rss);
    report.load("quiet, beside the noisy one", QUIET_CONNECTIONS, &beside, rss);
    report.load("noisy (its errors are 429)", NOISY_CONNECTIONS, &noise, rss);
    let p99 = |measured: &Measured| measured.latency.value_at_quantile(0.99) as f64;
    report.at_most("9: p99 of the quiet tenant beside the noisy one, times its p99 alone", p99(&beside) / p99(&alone), 2.0);
    report.at_most("9: errors of the quiet tenant", (alone.errors + beside.errors) as f64, 0.0);
    report.at_most("9: records/s taken of the noisy tenant", noise.rate(), QUOTA as f64 * 1.5);
    Ok(())
}

/// What tenants with a pipeline each cost once each of them has sent a record and all are idle again.
fn many(settings: &Settings, report: &mut Report) -> Result<()> {
    report.table(
        &format!("9. Tenants with a pipeline each, all of which have sent a record ({} tenants)", settings.tenants),
        &[
            "pipeline",
            "making one, ms",
            "start until ready, ms",
            "RSS without, MB",
            "after the start, MB",
            "in use, MB",
            "idle, MB",
            "each in use, MB",
            "each idle, MB",
        ],
    );
    for (script, name) in [(false, "a router"), (true, "a script and a router")] {
        let idle = IDLE.as_millis().to_string();
        let mut server = settings.setup().env("HEADWORKS_SANDBOX_INSTANCE_IDLE_MS", &idle).start();
        std::thread::sleep(SETTLE);
        let before = rss(server.pid());
        let begin = Instant::now();
        let tokens: Vec<String> = (0..settings.tenants)
            .map(|index| create(&server, &format!("t{index}"), &json!({}), script))
            .collect::<Result<_>>()?;
        let making = begin.elapsed().as_secs_f64() * 1000.0 / settings.tenants.max(1) as f64;
        ensure!(server.stop().success(), "{}", server.output());
        let begin = Instant::now();
        server.restart();
        let start = begin.elapsed().as_secs_f64() * 1000.0;
        let started = rss(server.pid());
        let anonymous: Client = server.client().anonymous();
        for token in &tokens {
            let sent = anonymous.with_token(token).ingest("p", &json!([{"content": "a=1 b=2"}]));
            ensure!(sent.processed() == 1, "{}", sent.text());
        }
        let used = rss(server.pid());
        // Instances are looked at every half of that time.
        std::thread::sleep(IDLE * 2);
        let rested = rss(server.pid());
        let each = |now: f64| (now - before) / settings.tenants.max(1) as f64;
        let figures = [making, start, before, started, used, rested].map(|value| format!("{value:.0}"));
        let mut cells = vec![name.to_owned()];
        cells.extend(figures);
        cells.extend([used, rested].map(|now| format!("{:.3}", each(now))));
        report.row(&cells);
        report.at_most(&format!("9: MB of an idle tenant with {name}"), each(rested), 1.0);
    }
    Ok(())
}

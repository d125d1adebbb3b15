//! Real clients against the real server: the official Elasticsearch client, rsyslog's Elasticsearch output, the
//! OpenTelemetry SDK, syslog-ng, NiFi's command line and Python client, and schemathesis, which makes requests of the server's
//! own OpenAPI document.
//!
//! The Python clients are in the folder `clients` of the build folder, or `HEADWORKS_CLIENTS`, where `tools/setup.sh tests`
//! puts them. Where a client is missing its test fails in CI and is left out elsewhere.

mod nifi_cli;
mod syslog_ng;

use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Authority, Flow, Server, Setup, eventually, found};
use rcgen::DnType;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python that has the clients.
fn python() -> Option<PathBuf> {
    let target = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("clients"));
    let folder = std::env::var_os("HEADWORKS_CLIENTS").map(PathBuf::from).or_else(target);
    let python = folder?.join("bin/python");
    found("the Python with the clients", python.is_file()).then_some(python)
}

/// Runs a script of this folder, which fails when something is not as it should be.
fn run(python: &Path, script: &str, arguments: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script);
    let output = Command::new(python).arg(path).args(arguments).output().expect("the script runs");
    let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(output.status.success(), "{script}: {shown}");
}

#[test]
fn the_official_elasticsearch_client() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let client = server.client();
    client.save_pipeline("web logs", &Flow::to_stream("web"));
    let url = format!("http://{}/api/v1/middlewares/elastic", server.address());
    run(&python, "elastic.py", &[&url, USER, PASSWORD, "web logs"]);
    let mut numbers: Vec<usize> = client.values("web", "n").iter().map(|n| n.parse().expect("a number")).collect();
    numbers.sort_unstable();
    let expected: Vec<usize> = (1..=4).chain(100..1100).collect();
    assert_eq!(numbers, expected);
    assert_eq!(client.filtered("web", "n == \"1\"")[0]["nested.list.1"], "");
    assert_eq!(client.values("web logs-made", "n"), ["6"]);
}

#[test]
fn the_opentelemetry_exporter() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let url = format!("http://{}/api/v1/pipelines/default/logs/otlp", server.address());
    run(&python, "otlp.py", &[&url, TOKEN]);
    let records = server.client().records("default");
    assert_eq!(records.len(), 600);
    for compression in ["none", "gzip"] {
        let of: Vec<_> =
            records.iter().filter(|record| record["body"].as_str().is_some_and(|body| body.starts_with(compression))).collect();
        assert_eq!(of.len(), 300, "{compression}");
        let record = of.iter().find(|record| record["attr.number"] == "17").expect("the record");
        assert_eq!(record["severity_number"], "SEVERITY_NUMBER_WARN");
        assert_eq!((&record["attr.list"], &record["attr.flag"]), (&"[a b]".into(), &"true".into()), "{record}");
    }
}

/// Both generations of NiFi's Python client drive everything they have for a registry.
#[test]
fn nipyapi_of_both_generations() {
    let Some(python) = python() else { return };
    let nar = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nars/nifi-foo-nar-1.0.0.nar");
    for generation in ["nipyapi-0", "nipyapi-1"] {
        let server = Server::start();
        let url = format!("http://{}/nifi-registry-api", server.address());
        let library = python.ancestors().nth(2).expect("the folder").join(generation);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/nipyapi_open.py");
        let mut command = Command::new(&python);
        let output = command.arg(script).arg(url).arg(&nar).env("PYTHONPATH", library).output().expect("the script runs");
        let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(output.status.success() && shown.contains("all of it works"), "{generation}: {shown}\n{}", server.output());
    }
}

/// The same for a registry that asks who calls, by certificate and by password.
#[test]
fn nipyapi_of_both_generations_signs_in() {
    let Some(python) = python() else { return };
    for generation in ["nipyapi-0", "nipyapi-1"] {
        let authority = Authority::new();
        authority.keep("boss", &authority.give(&[(DnType::OrganizationalUnitName, "ops"), (DnType::CommonName, "boss")]));
        let server = authority.setup().env("HEADWORKS_REGISTRY_INITIAL_ADMIN", "CN=boss, OU=ops").start();
        let library = python.ancestors().nth(2).expect("the folder").join(generation);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/nipyapi_secured.py");
        let mut command = Command::new(&python);
        command.arg(script).arg(format!("https://{}/nifi-registry-api", server.address()));
        command.args(["ca.pem", "boss.pem", "boss.key"].map(|file| authority.path(file))).args([USER, PASSWORD]);
        let output = command.env("PYTHONPATH", library).output().expect("the script runs");
        let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(output.status.success() && shown.contains("all of it works"), "{generation}: {shown}\n{}", server.output());
    }
}

/// Operations that change who may ask, or that do not end by themselves, have tests of their own.
const LEFT_OUT: &str = "/api/v1/(restore/.*|auth/change-password|auth/login|test/forwarders/.*|streams/.*/watch)";

#[test]
fn requests_of_every_operation_meet_no_defect_and_answers_are_as_documented() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let (folder, url) = (tempfile::tempdir().expect("a folder"), format!("http://{}", server.address()));
    let document = folder.path().join("openapi.json");
    std::fs::write(&document, server.client().get("/api/docs/openapi.json").text()).expect("the document");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let output = Command::new(python.with_file_name("schemathesis"))
        .arg("run")
        .arg(&document)
        .args(["--url", &url, "-H", &format!("Authorization: Bearer {TOKEN}"), "--checks", checks, "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--exclude-path-regex", LEFT_OUT])
        .current_dir(folder.path())
        .output()
        .expect("schemathesis runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("passed") && shown.contains("generated"), "{shown}");
}

#[test]
fn rsyslogs_elasticsearch_output() {
    let module = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"].iter();
    let there = module.map(|lib| Path::new(lib).join("rsyslog/omelasticsearch.so")).any(|module| module.is_file());
    if !found("rsyslog-elasticsearch", there && Path::new("/usr/sbin/rsyslogd").is_file()) {
        return;
    }
    // It takes no password with a space in it.
    let server = Setup::new().env("HEADWORKS_BOOTSTRAP_PASSWORD", "horses").start();
    server.client().save_pipeline("shipped", &Flow::to_stream("shipped"));
    let folder = tempfile::TempDir::with_prefix("rsyslog-").expect("a folder");
    let (socket, file) = (folder.path().join("socket"), folder.path().join("rsyslog.conf"));
    let configuration = format!(
        r#"global(workDirectory="{work}")
module(load="imuxsock" SysSock.Use="off")
module(load="omelasticsearch")
input(type="imuxsock" Socket="{socket}" RateLimit.Interval="0")
template(name="document" type="list" option.jsonf="on") {{
    property(outname="app" name="programname" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}}
action(type="omelasticsearch" server="http://{address}/api/v1/middlewares/elastic" searchIndex="shipped" bulkmode="on"
    template="document" uid="{USER}" pwd="horses" queue.type="linkedlist" queue.dequeueBatchSize="100")
"#,
        work = folder.path().display(),
        socket = socket.display(),
        address = server.address(),
    );
    std::fs::write(&file, configuration).expect("the configuration");
    let errors = std::fs::File::create(folder.path().join("errors")).expect("a file");
    let mut command = Command::new("/usr/sbin/rsyslogd");
    command.arg("-n").arg("-i").arg(folder.path().join("pid")).arg("-f").arg(&file);
    let mut rsyslog = command.stdout(Stdio::null()).stderr(errors).spawn().expect("rsyslog starts");
    let stored = std::panic::catch_unwind(|| {
        eventually("rsyslog listens", || socket.exists().then_some(()));
        let lines: String = (0..250).map(|n| format!("line {n}\n")).collect();
        let text = folder.path().join("lines");
        std::fs::write(&text, lines).expect("the lines");
        let status = Command::new("logger").arg("-u").arg(&socket).args(["-t", "app", "-f"]).arg(&text).status();
        assert!(status.expect("logger runs").success());
        eventually("all lines are stored", || {
            let records = server.client().records("shipped");
            (records.len() >= 250).then_some(records)
        })
    });
    let _ = rsyslog.kill();
    let _ = rsyslog.wait();
    let records =
        stored.unwrap_or_else(|_| panic!("{}", std::fs::read_to_string(folder.path().join("errors")).unwrap_or_default()));
    let mut texts: Vec<&str> = records.iter().map(|record| record["text"].as_str().unwrap_or("?").trim()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!((records.len(), texts.len(), &records[0]["app"]), (250, 250, &"app".into()));
}

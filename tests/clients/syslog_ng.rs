//! syslog-ng: its Elasticsearch destination, and its syslog over TCP and UDP. It lies unpacked in the folder `syslog-ng` of the
//! build folder, where `tools/setup.sh tests` puts it.

use crate::found;
use headworks_tests::server::USER;
use headworks_tests::{Flow, Server, Setup, eventually};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running syslog-ng that follows a file. It is killed when this is dropped.
struct SyslogNg {
    child: Child,
    folder: TempDir,
}

/// Where it was unpacked.
fn unpacked() -> Option<PathBuf> {
    let root = std::env::current_exe().ok()?.ancestors().nth(3)?.join("syslog-ng");
    found("syslog-ng", root.join("usr/sbin/syslog-ng").is_file()).then_some(root)
}

impl SyslogNg {
    /// Starts it with this destination.
    fn start(root: &Path, destination: &str) -> Self {
        let folder = TempDir::with_prefix("syslog-ng-").expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("lines"), "").expect("the file that it follows");
        let configuration = format!(
            "@version: 3.38\n@include \"{scl}\"\noptions {{ stats-freq(0); }};\n\
             source lines {{ file(\"{lines}\" follow-freq(0.1) flags(no-parse) program-override(\"app\") default-facility(local3) \
             default-priority(warning)); }};\n\
             destination out {{ {destination} }};\nlog {{ source(lines); destination(out); flags(flow-control); }};\n",
            scl = root.join("usr/share/syslog-ng/include/scl/elasticsearch/elastic-http.conf").display(),
            lines = at("lines"),
        );
        std::fs::write(at("syslog-ng.conf"), configuration).expect("the configuration");
        let libraries = std::fs::read_dir(root.join("usr/lib")).expect("its libraries").flatten().map(|entry| entry.path());
        let libraries = std::env::join_paths(libraries).expect("paths of libraries");
        let errors = std::fs::File::create(at("errors")).expect("a file");
        let mut command = Command::new(root.join("usr/sbin/syslog-ng"));
        command.args(["--foreground", "--stderr", "--no-caps", "--cfgfile", &at("syslog-ng.conf")]);
        command.args(["--persist-file", &at("persist"), "--control", &at("control"), "--pidfile", &at("pid")]);
        command.arg("--module-path").arg(root.join("usr/lib/syslog-ng/3.38")).env("LD_LIBRARY_PATH", libraries);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().expect("syslog-ng starts");
        let control = folder.path().join("control");
        let this = Self { child, folder };
        eventually("syslog-ng runs", || control.exists().then_some(()));
        this
    }

    /// Has it send lines.
    fn log(&self, lines: impl Iterator<Item = String>) {
        let file = std::fs::File::options().append(true).open(self.folder.path().join("lines"));
        let text: String = lines.map(|line| line + "\n").collect();
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the lines");
    }
}

impl Drop for SyslogNg {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- syslog-ng ---\n{}", std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default());
        }
    }
}

/// The records of a stream once there are so many.
fn stored(server: &Server, stream: &str, count: usize) -> Vec<Value> {
    let client = server.client();
    let records = eventually("all lines are stored", || {
        let records = client.records(stream);
        (records.len() >= count).then_some(records)
    });
    assert_eq!(records.len(), count);
    records
}

/// How many different texts a field has.
fn different(records: &[Value], field: &str) -> usize {
    let mut texts: Vec<&str> = records.iter().map(|record| record[field].as_str().unwrap_or_default()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.len()
}

#[test]
fn its_elasticsearch_destination() {
    let Some(root) = unpacked() else { return };
    let server = Setup::new().env("HEADWORKS_BOOTSTRAP_PASSWORD", "horses").start();
    server.client().save_pipeline("shipped", &Flow::to_stream("shipped"));
    let url = format!("http://{}/api/v1/middlewares/elastic/_bulk", server.address());
    let destination =
        format!("elasticsearch-http(url(\"{url}\") index(\"shipped\") type(\"\") user(\"{USER}\") password(\"horses\"));");
    let shipper = SyslogNg::start(&root, &destination);
    shipper.log((0..550).map(|n| format!("line {n} \"quoted\" café")));
    let records = stored(&server, "shipped", 550);
    assert_eq!((different(&records, "MESSAGE"), different(&records, "@timestamp") > 0), (550, true));
    assert_eq!((&records[0]["PROGRAM"], &records[0]["PRIORITY"]), (&"app".into(), &"warning".into()), "{}", records[0]);
}

#[test]
fn its_syslog_over_tcp_with_counted_octets_and_over_udp() {
    let Some(root) = unpacked() else { return };
    let server = Server::start();
    let [udp, tcp] = server.syslog();
    let port = |address: &str| address.rsplit_once(':').map(|(_, port)| port.to_owned()).expect("a port");
    let destination = format!(
        "syslog(\"127.0.0.1\" transport(\"tcp\") port({})); network(\"127.0.0.1\" transport(\"udp\") port({}));",
        port(&tcp),
        port(&udp)
    );
    let sender = SyslogNg::start(&root, &destination);
    sender.log((0..100).map(|n| format!("line {n} café")));
    let records = stored(&server, "default", 200);
    let (new, old): (Vec<Value>, Vec<Value>) = records.into_iter().partition(|record| record.get("app_name").is_some());
    assert_eq!((different(&new, "message"), different(&old, "content")), (100, 100));
    assert_eq!((&new[0]["app_name"], &old[0]["tag"]), (&"app".into(), &"app".into()), "{} {}", new[0], old[0]);
    // local3.warning
    assert!(new.iter().chain(&old).all(|record| record["priority"] == "156"), "{} {}", new[0], old[0]);
    assert!(new.iter().any(|record| record["message"].as_str().is_some_and(|text| text.ends_with("line 7 café"))), "{}", new[0]);
}

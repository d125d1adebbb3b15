//! Real senders: `logger` of util-linux and rsyslog. Both are installed by `tools/setup.sh`.
//!
//! Without them the tests fail in CI and are left out elsewhere.

use crate::tls::Authority;
use crate::{contents, stored};
use headworks_tests::{Server, eventually};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Whether a program is there.
fn has(program: &str) -> bool {
    let there = [program.to_owned(), format!("/usr/sbin/{program}"), format!("/usr/bin/{program}")]
        .iter()
        .any(|path| Command::new(path).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
    assert!(there || std::env::var_os("CI").is_none(), "{program} is missing: tools/setup.sh installs it");
    if !there {
        eprintln!("{program} is missing: this test was left out");
    }
    there
}

fn logger(server: &Server, arguments: &[&str]) {
    let [udp, _] = server.syslog();
    let (host, port) = udp.split_once(':').expect("address and port");
    let status = Command::new("logger").args(["-n", host, "-P", port]).args(arguments).status().expect("logger runs");
    assert!(status.success(), "{arguments:?}: {status}");
}

#[test]
fn logger_sends_both_forms_over_both_transports() {
    if !has("logger") {
        return;
    }
    let server = Server::start();
    let sends: [&[&str]; 5] = [
        &["--udp", "--rfc5424", "-t", "app", "-p", "local3.warning", "--msgid", "M1", "udp new"],
        &["--tcp", "--rfc5424", "-t", "app", "--octet-count", "--sd-id", "x@1", "--sd-param", "a=\"b\"", "tcp counted"],
        &["--tcp", "--rfc5424", "-t", "app", "tcp line"],
        &["--udp", "--rfc3164", "-t", "app", "--id=77", "udp old"],
        &["--tcp", "--rfc3164", "-t", "app", "tcp old"],
    ];
    for (count, arguments) in sends.iter().enumerate() {
        logger(&server, arguments);
        let record = stored(&server, "default", count + 1).pop().expect("the newest");
        let text = arguments.last().expect("the text");
        if arguments.contains(&"--rfc5424") {
            assert_eq!((&record["app_name"], &record["message"]), (&"app".into(), &(*text).into()), "{record}");
            assert_eq!(record["version"], "1");
        } else {
            assert_eq!((&record["tag"], &record["content"]), (&"app".into(), &(*text).into()), "{record}");
            assert!(!record["hostname"].as_str().unwrap_or_default().is_empty());
        }
        let year = record["timestamp"].as_str().and_then(|time| time.get(..2));
        assert_eq!(year, Some("20"), "{record}");
        if text.starts_with("udp new") {
            assert_eq!(
                (&record["priority"], &record["facility"], &record["severity"]),
                (&"156".into(), &"19".into(), &"4".into())
            );
            assert_eq!(record["msg_id"], "M1");
        }
        if text.starts_with("tcp counted") {
            let data = record["structured_data"].as_str().unwrap_or_default();
            assert!(data.contains("[x@1 a=\"b\"]") && data.ends_with(']'), "{data}");
        }
    }
}

/// A running rsyslog that takes messages from a socket file and forwards them.
struct Rsyslog {
    child: Child,
    folder: TempDir,
}

impl Rsyslog {
    /// Starts it with these lines of configuration behind those of its input.
    fn start(global: &str, actions: &str) -> Self {
        let folder = TempDir::with_prefix("rsyslog-").expect("a folder");
        let socket = folder.path().join("socket");
        let configuration = format!(
            "global(workDirectory=\"{work}\" {global})\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"{socket}\" RateLimit.Interval=\"0\")\n{actions}\n",
            work = folder.path().display(),
            socket = socket.display(),
        );
        let file = folder.path().join("rsyslog.conf");
        std::fs::write(&file, configuration).expect("the configuration");
        let errors = std::fs::File::create(folder.path().join("errors")).expect("a file");
        let program = if Path::new("/usr/sbin/rsyslogd").exists() { "/usr/sbin/rsyslogd" } else { "rsyslogd" };
        let mut command = Command::new(program);
        command.arg("-n").arg("-i").arg(folder.path().join("pid")).arg("-f").arg(&file);
        let child = command.stdout(errors.try_clone().expect("a file")).stderr(errors).spawn().expect("rsyslog starts");
        let rsyslog = Self { child, folder };
        eventually("rsyslog listens", || socket.exists().then_some(()));
        rsyslog
    }

    /// Has it take a message of `app`.
    fn log(&self, text: &str) {
        let status = Command::new("logger").arg("-u").arg(self.folder.path().join("socket")).args(["-t", "app", text]).status();
        assert!(status.expect("logger runs").success(), "{}", self.errors());
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- rsyslog ---\n{}", self.errors());
        }
    }
}

fn forward(server: &Server, more: &str) -> String {
    let address = server.syslog().into_iter().find(|address| !address.is_empty()).expect("an address");
    let (host, port) = address.split_once(':').expect("address and port");
    format!("action(type=\"omfwd\" target=\"{host}\" port=\"{port}\" {more})")
}

#[test]
fn rsyslog_forwards_over_udp_and_tcp_in_both_forms_and_framings() {
    if !has("logger") || !has("rsyslogd") {
        return;
    }
    let server = Server::start();
    let actions = [
        forward(&server, "protocol=\"udp\" template=\"RSYSLOG_SyslogProtocol23Format\""),
        forward(&server, "protocol=\"udp\" template=\"RSYSLOG_TraditionalForwardFormat\""),
        forward(&server, "protocol=\"tcp\" template=\"RSYSLOG_ForwardFormat\""),
        forward(&server, "protocol=\"tcp\" template=\"RSYSLOG_SyslogProtocol23Format\" TCP_Framing=\"octet-counted\""),
    ];
    let rsyslog = Rsyslog::start("", &actions.join("\n"));
    rsyslog.log("café & co");
    let records = stored(&server, "default", 4);
    // Its template for RFC 5424 puts a space in front of the text of most senders, which belongs to the message.
    assert_eq!(contents(&server, "default", 4), [" café & co", " café & co", "café & co", "café & co"]);
    let named = |record: &serde_json::Value| record.get("tag").or(record.get("app_name")).cloned();
    assert!(records.iter().all(|record| named(record) == Some("app".into())), "{records:?}");
    assert_eq!(records.iter().filter(|record| record.get("app_name").is_some()).count(), 2);
    let times = records.iter().filter(|record| record["timestamp"].as_str().is_some_and(|time| time.starts_with("20")));
    assert_eq!(times.count(), 4, "{records:?}");
}

#[test]
fn rsyslog_forwards_over_tls_with_its_certificate() {
    if !has("logger") || !has("rsyslogd") {
        return;
    }
    let authority = Authority::new();
    authority.give("rsyslog", Some("relay 3"));
    let text = |file: &str| authority.path(file).to_str().expect("text").to_owned();
    let setup = authority.setup().env("HEADWORKS_SYSLOG_TLS_CLIENT_CA", &text("ca.pem")).env("HEADWORKS_SYSLOG_TLS_AUTH", "true");
    let server = setup.start();
    let global = format!(
        "DefaultNetstreamDriver=\"gtls\" DefaultNetstreamDriverCAFile=\"{}\" DefaultNetstreamDriverCertFile=\"{}\" \
         DefaultNetstreamDriverKeyFile=\"{}\"",
        text("ca.pem"),
        text("rsyslog.pem"),
        text("rsyslog.key")
    );
    let more = "protocol=\"tcp\" StreamDriver=\"gtls\" StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/name\" \
                StreamDriverPermittedPeers=\"localhost\" template=\"RSYSLOG_SyslogProtocol23Format\"";
    let rsyslog = Rsyslog::start(&global, &forward(&server, more));
    rsyslog.log("secret");
    let record = stored(&server, "default", 1).remove(0);
    assert_eq!((&record["message"], &record["tls_peer"]), (&" secret".into(), &"relay 3".into()), "{record}");
}

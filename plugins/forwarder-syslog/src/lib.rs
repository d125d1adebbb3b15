//! Sends records as syslog messages (FlowG 12.2).
//!
//! Owns the frame, `<PRI>TIMESTAMP HOSTNAME TAG[PID]: MESSAGE` and a line feed, the same over TCP and UDP. What must stay
//! true: over TCP every message has a connection of its own.

use headworks_forwarder_kit::config::or_default;
use headworks_forwarder_kit::endpoint::address;
use headworks_forwarder_kit::{About, Delivery, Dynamic, Failure, Forwarder, Network, OpenError};
use serde::Deserialize;
use std::rc::Rc;

/// The transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Transport {
    Tcp,
    Udp,
}

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    network: Transport,
    address: String,
    tag: String,
    severity: String,
    facility: String,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
}

/// The forwarder.
pub struct Syslog {
    transport: Transport,
    address: String,
    network: Rc<dyn Network>,
}

/// The tag where there is none.
const PROGRAM: &str = "headworks";
/// The largest UDP payload over IPv4, in bytes.
const MOST_UDP: usize = 65_507;
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const INFO: usize = 6;
/// By their numbers; 12 to 15 have no names here.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const USER: usize = 1;

impl Forwarder for Syslog {
    const ABOUT: About = About {
        name: "forwarder-syslog",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Sends records as syslog messages over TCP or UDP",
        schema: include_str!("../schema.json"),
        grants: &["tcp://*:*", "udp://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        address("address", &config.address)?;
        listed("severity", &config.severity, &SEVERITIES)?;
        listed("facility", &config.facility, &FACILITIES)?;
        let scheme = if config.network == Transport::Tcp { "tcp" } else { "udp" };
        Ok(vec![format!("{scheme}://{}", config.address)])
    }

    fn dynamic(config: &Config) -> Vec<Dynamic> {
        vec![
            Dynamic::or_text("tag", &config.tag, PROGRAM),
            Dynamic::or_text("severity", &config.severity, ""),
            Dynamic::or_text("facility", &config.facility, ""),
            Dynamic::or_log("message", &config.message),
        ]
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        Ok(Self { transport: config.network, address: config.address, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let frame = self.frame(delivery);
        match self.transport {
            Transport::Tcp => self.network.connect(&self.address, None)?.write(frame.as_bytes())?,
            Transport::Udp if frame.len() > MOST_UDP => {
                let reason = format!("the message has {} bytes, and a datagram takes at most {MOST_UDP}", frame.len());
                return Err(Failure::Rejected(reason));
            }
            Transport::Udp => self.network.datagram(&self.address, frame.as_bytes())?,
        }
        Ok(())
    }
}

impl Syslog {
    fn frame(&self, delivery: Delivery<'_>) -> String {
        let severity = number(delivery.text(1), &SEVERITIES).unwrap_or(INFO);
        let facility = number(delivery.text(2), &FACILITIES).unwrap_or(USER);
        let tag = Some(delivery.text(0)).filter(|tag| !tag.is_empty()).unwrap_or(PROGRAM);
        let message = delivery.text(3);
        let end = if message.ends_with('\n') { "" } else { "\n" };
        let machine = self.network.machine();
        let (time, host, process) = (self.network.now().rfc3339_seconds(), machine.host_name, machine.process_id);
        format!("<{}>{time} {host} {tag}[{process}]: {message}{end}", facility * 8 + severity)
    }
}

fn number(name: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|known| *known == name && !name.is_empty())
}

/// A fixed text has to be in the list; what an expression gives is looked at later.
fn listed(member: &str, text: &str, names: &[&str]) -> Result<(), String> {
    if text.starts_with("@expr:") || number(text, names).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    Err(format!("{member}: {text:?} is none of {} and no @expr:", names.join(", ")))
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Syslog);

#[cfg(test)]
mod tests {
    use super::Syslog;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, record, refusal};
    use headworks_forwarder_kit::{Report, Retry, read_targets};

    fn config(network: &str, tag: &str, severity: &str, facility: &str, message: &str) -> String {
        format!(
            r#"{{"network": "{network}", "address": "logs.example:514", "tag": "{tag}", "severity": "{severity}",
                "facility": "{facility}", "message": "{message}"}}"#
        )
    }

    #[test]
    fn the_description_is_whole() {
        check_description::<Syslog>(&["tag", "severity", "facility", "message"]);
    }

    #[test]
    fn every_message_over_tcp_has_a_connection_of_its_own() {
        let network = FakeNetwork::new();
        network.listen(|_| Vec::new());
        network.listen(|_| Vec::new());
        let records = [record(&[("message", "one")]), record(&[("message", "two\\n")])];
        let report = deliver::<Syslog>(&config("tcp", "web", "err", "local7", "@expr:log.message"), &network, &records);
        assert_eq!(report, Report::default());
        let written: Vec<String> =
            network.written.borrow().iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
        assert_eq!(
            written,
            [
                "<187>2026-01-02T03:03:05Z here.example web[4321]: one\n",
                "<187>2026-01-02T03:03:05Z here.example web[4321]: two\\n\n"
            ]
        );
        assert_eq!((network.dialled.borrow().len(), *network.closed.borrow()), (2, 2));
        assert_eq!(network.dialled.borrow()[0].address, "logs.example:514");
        assert_eq!(network.dialled.borrow()[0].tls, None);
    }

    #[test]
    fn a_datagram_has_the_same_frame() {
        let network = FakeNetwork::new();
        let record = record(&[("b", "2"), ("a", "1")]);
        assert_eq!(deliver::<Syslog>(&config("udp", "", "emerg", "kern", ""), &network, &[record]), Report::default());
        let (address, bytes) = network.datagrams.borrow()[0].clone();
        assert_eq!(address, "logs.example:514");
        let expected = "<0>2026-01-02T03:03:05Z here.example headworks[4321]: {\n  \"a\": \"1\",\n  \"b\": \"2\"\n}\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_line_feed_is_added_unless_there_is_one() {
        let network = FakeNetwork::new();
        deliver::<Syslog>(&config("udp", "t", "info", "user", "@expr:log.m"), &network, &[record(&[("m", "x\n")])]);
        assert!(network.datagrams.borrow()[0].1.ends_with(b": x\n"));
    }

    #[test]
    fn an_unknown_computed_severity_is_info_and_an_unknown_facility_user() {
        for (severity, facility, priority) in [("debug", "local0", 135), ("nope", "nope", 14), ("", "", 14)] {
            let network = FakeNetwork::new();
            let config = config("udp", "@expr:log.tag", "@expr:log.s", "@expr:log.f", "m");
            deliver::<Syslog>(&config, &network, &[record(&[("s", severity), ("f", facility)])]);
            let expected = format!("<{priority}>2026-01-02T03:03:05Z here.example headworks[4321]: m\n");
            assert_eq!(String::from_utf8(network.datagrams.borrow()[0].1.clone()).unwrap(), expected);
        }
    }

    #[test]
    fn what_does_not_fit_into_a_datagram_is_rejected_and_the_next_record_goes() {
        let network = FakeNetwork::new();
        let records = [record(&[("m", &"x".repeat(65_507))]), record(&[("m", "small")])];
        let report = deliver::<Syslog>(&config("udp", "t", "info", "user", "@expr:log.m"), &network, &records);
        assert_eq!(report.rejected.len(), 1);
        assert!(report.rejected[0].1.ends_with("a datagram takes at most 65507"), "{report:?}");
        assert_eq!(network.datagrams.borrow().len(), 1);
    }

    #[test]
    fn a_server_that_does_not_answer_stops_the_batch() {
        let report = deliver::<Syslog>(&config("tcp", "t", "info", "user", ""), &FakeNetwork::new(), &[record(&[])]);
        assert_eq!(report.stopped, Some((0, "logs.example:514: connection refused".to_owned(), Retry::After(1_000))));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert!(refusal::<Syslog>(&config("sctp", "t", "info", "user", "")).starts_with("network: unknown variant `sctp`"));
        assert!(refusal::<Syslog>(&config("tcp", "t", "loud", "user", "")).starts_with("severity: \"loud\" is none of emerg,"));
        assert!(refusal::<Syslog>(&config("tcp", "t", "info", "", "")).starts_with("facility: \"\" is none of kern,"));
        let config = config("udp", "t", "info", "user", "");
        assert_eq!(read_targets::<Syslog>(&config).unwrap(), ["udp://logs.example:514"]);
        let config = config.replace("logs.example:514", "logs.example");
        assert_eq!(refusal::<Syslog>(&config), "address: \"logs.example\" is no host:port");
    }
}

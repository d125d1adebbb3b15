//! A forwarder that misbehaves towards the network, in the way that the path of its `url` names.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.0", world: "forwarder" });

use exports::headworks::plugin::forwarding::{Guest as Forwarding, GuestSink, OpenError, Report, Retry, Sink, Stop};
use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use headworks::plugin::batches::Batch;
use headworks::plugin::http::{self, Request, Version};
use headworks::plugin::network::NetworkError;
use headworks::plugin::sockets::Connection;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-network".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves towards the network".to_owned(),
            config_schema: r#"{"type":"object"}"#.to_owned(),
            grants: vec!["http://*:*".to_owned(), "tcp://*:*".to_owned(), "udp://*:*".to_owned()],
        }
    }
}

impl Forwarding for Component {
    type Sink = Work;

    fn targets(config: String) -> Result<Vec<String>, OpenError> {
        let Work { address, .. } = Work::read(&config)?;
        Ok(["http", "tcp", "udp"].map(|scheme| format!("{scheme}://{address}")).to_vec())
    }
}

struct Work {
    /// `host:port`.
    address: String,
    kind: String,
}

impl Work {
    /// Reads `"url":"http://address/kind"` out of the configuration.
    fn read(config: &str) -> Result<Self, OpenError> {
        let url = config.split_once("\"url\":\"http://").and_then(|(_, rest)| rest.split('"').next());
        let parts = url.and_then(|url| url.split_once('/'));
        let (address, kind) = parts.ok_or_else(|| OpenError::InvalidConfig(format!("no url in {config}")))?;
        Ok(Self { address: address.to_owned(), kind: kind.to_owned() })
    }

    fn request(&self) -> Request {
        Request {
            method: "POST".to_owned(),
            url: format!("http://{}/", self.address),
            headers: Vec::new(),
            body: b"body".to_vec(),
            version: Version::Http1,
            redirects: 0,
            timeout_milliseconds: 0,
            proxy: None,
            tls: None,
        }
    }

    fn connect(&self) -> Result<Connection, NetworkError> {
        Connection::open(&self.address, None, 0)
    }

    /// What came of it.
    fn misbehave(&self) -> Result<String, NetworkError> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self.kind.as_str() {
            "leak" => loop {
                std::mem::forget(self.connect()?);
            },
            "open-and-close" => {
                for _ in 0..200 {
                    drop(self.connect()?);
                }
                Ok("opened 200".to_owned())
            }
            "read-for-ever" => {
                let connection = self.connect()?;
                let mut bytes = 0;
                loop {
                    let read = connection.read(1 << 20, 0)?;
                    if read.is_empty() {
                        return Ok(format!("read {bytes}"));
                    }
                    bytes += read.len();
                }
            }
            // One request after the other on the same connection: each must be taken as what it is.
            "smuggle" => {
                let lies: [&[(String, String)]; 4] = [
                    &[header("Content-Length", "100")],
                    &[header("Content-Length", "1"), header("content-length", "2")],
                    &[header("Transfer-Encoding", "chunked"), header("Content-Length", "4")],
                    &[header("Connection", "keep-alive, x"), header("Upgrade", "websocket"), header("Trailer", "x")],
                ];
                for lie in lies {
                    for body in ["", "body"] {
                        http::send(&Request { headers: lie.to_vec(), body: body.into(), ..self.request() })?;
                    }
                }
                Ok("sent 8".to_owned())
            }
            "elsewhere" => {
                http::send(&Request { url: "http://127.0.0.1:1/".to_owned(), ..self.request() })?;
                Ok("it was sent".to_owned())
            }
            "proxy-elsewhere" => {
                http::send(&Request { proxy: Some("http://127.0.0.1:1".to_owned()), ..self.request() })?;
                Ok("it was sent".to_owned())
            }
            other => Ok(format!("no such misbehaviour: {other}")),
        }
    }
}

impl GuestSink for Work {
    fn open(config: String) -> Result<Sink, OpenError> {
        Ok(Sink::new(Self::read(&config)?))
    }

    fn send(&self, _: Batch) -> Report {
        let reason = match self.misbehave() {
            Ok(done) => format!("done: {done}"),
            Err(error) => format!("{error:?}"),
        };
        Report { rejected: Vec::new(), stopped: Some(Stop { at: 0, reason, retry: Retry::Never }) }
    }

    fn flush(&self) -> Result<(), Stop> {
        Ok(())
    }
}

export!(Component);

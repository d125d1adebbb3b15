//! The component: what the host calls, on top of [`Sink`], and what it offers, behind [`Network`] and [`Expressions`].

use crate::failure::{NetworkError, OpenError, Retry};
use crate::http::{Request, Response, Version};
use crate::network::{Connection, Machine, Network, TIMEOUT_MILLISECONDS, Tls};
use crate::record::{Flat, Record, Time, records};
use crate::sink::{Expressions, Forwarder, Report, Sink, read_targets};
use bindings::exports::headworks::plugin::forwarding;
use bindings::exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use bindings::headworks::plugin::batches::Batch;
use bindings::headworks::plugin::expressions::Template;
use bindings::headworks::plugin::{http, network, sockets};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

#[allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]
pub mod bindings {
    //! What `wit-bindgen` makes of the world `forwarder`.
    wit_bindgen::generate!({
        path: "../../wit/headworks-plugin/0.1.0",
        world: "forwarder",
        pub_export_macro: true,
        export_macro_name: "export_forwarder",
    });
}

/// A forwarder as a component.
pub struct Component<F>(PhantomData<F>);

/// A sink of the host. Called by one task at a time.
pub struct Open<F: Forwarder>(RefCell<Sink<F, Host>>);

impl<F: Forwarder> Plugin for Component<F> {
    fn describe() -> Description {
        Description {
            name: F::ABOUT.name.to_owned(),
            version: F::ABOUT.version.to_owned(),
            summary: F::ABOUT.summary.to_owned(),
            config_schema: F::ABOUT.schema.to_owned(),
            grants: F::ABOUT.grants.iter().map(|grant| (*grant).to_owned()).collect(),
        }
    }
}

impl<F: Forwarder> forwarding::Guest for Component<F> {
    type Sink = Open<F>;

    fn targets(config: String) -> Result<Vec<String>, forwarding::OpenError> {
        read_targets::<F>(&config).map_err(forwarding::OpenError::InvalidConfig)
    }
}

impl<F: Forwarder> forwarding::GuestSink for Open<F> {
    fn open(config: String) -> Result<forwarding::Sink, forwarding::OpenError> {
        let sink = Sink::open(&config, Rc::new(Host), Host).map_err(|error| match error {
            OpenError::InvalidConfig(why) => forwarding::OpenError::InvalidConfig(why),
            OpenError::Failed(why) => forwarding::OpenError::Failed(why),
        })?;
        Ok(forwarding::Sink::new(Self(RefCell::new(sink))))
    }

    fn send(&self, batch: Batch) -> forwarding::Report {
        let Report { rejected, stopped } = self.0.borrow_mut().send(&batch);
        forwarding::Report {
            rejected: rejected.into_iter().map(|(index, reason)| forwarding::Rejection { index, reason }).collect(),
            stopped: stopped.map(|(at, reason, retry)| forwarding::Stop { at, reason, retry: crossing_retry(retry) }),
        }
    }

    /// Nothing is ever kept back: a record is delivered before `send` ends.
    fn flush(&self) -> Result<(), forwarding::Stop> {
        Ok(())
    }
}

fn crossing_retry(retry: Retry) -> forwarding::Retry {
    match retry {
        Retry::After(milliseconds) => forwarding::Retry::AfterMilliseconds(milliseconds),
        Retry::Never => forwarding::Retry::Never,
    }
}

/// The host that runs the component.
struct Host;

impl Expressions for Host {
    type Template = Template;
    type Batch = Batch;

    fn compile(&self, text: &str) -> Result<Template, String> {
        Template::compile(text)
    }

    fn texts(&self, template: &Template, batch: &Batch) -> Vec<Result<String, String>> {
        template.texts(batch)
    }

    fn records(&self, batch: &Batch) -> Vec<Record> {
        let times: Vec<Time> =
            batch.times().iter().map(|time| Time { seconds: time.seconds, nanoseconds: time.nanoseconds }).collect();
        let taken = batch.take();
        let flat = Flat {
            names: taken.names,
            rows: taken.rows,
            fields: taken.fields,
            kinds: taken.kinds,
            ends: taken.ends,
            pool: taken.pool,
        };
        records(&flat, &times)
    }
}

impl Network for Host {
    fn http(&self, request: Request) -> Result<Response, NetworkError> {
        let request = http::Request {
            method: request.method.to_owned(),
            url: request.url,
            headers: request.headers,
            body: request.body,
            version: match request.version {
                Version::Http1 => http::Version::Http1,
                Version::Http2 => http::Version::Http2,
            },
            redirects: request.redirects,
            timeout_milliseconds: request.timeout_milliseconds,
            proxy: request.proxy,
            tls: request.tls.as_ref().map(crossing_tls),
        };
        let http::Response { status, headers, body, trailers } = http::send(&request).map_err(error)?;
        Ok(Response { status, headers, body, trailers })
    }

    fn connect(&self, address: &str, tls: Option<&Tls>) -> Result<Box<dyn Connection>, NetworkError> {
        let tls = tls.map(crossing_tls);
        let connection = sockets::Connection::open(address, tls.as_ref(), TIMEOUT_MILLISECONDS).map_err(error)?;
        Ok(Box::new(Socket { connection, ended: false }))
    }

    fn datagram(&self, address: &str, bytes: &[u8]) -> Result<(), NetworkError> {
        sockets::send_datagram(address, bytes).map_err(error)
    }

    fn machine(&self) -> Machine {
        let sockets::Machine { host_name, process_id } = sockets::sender();
        Machine { host_name, process_id }
    }

    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanoseconds: since.subsec_nanos() }
    }

    fn random(&self) -> Result<[u8; 16], String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| format!("no entropy: {error}"))?;
        Ok(bytes)
    }
}

struct Socket {
    connection: sockets::Connection,
    ended: bool,
}

impl Connection for Socket {
    fn read(&mut self, most: u32) -> Result<Option<Vec<u8>>, NetworkError> {
        if self.ended {
            return Ok(None);
        }
        let bytes = self.connection.read(most, TIMEOUT_MILLISECONDS).map_err(error)?;
        self.ended = bytes.is_empty();
        Ok(if self.ended { None } else { Some(bytes) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        self.connection.write(bytes, TIMEOUT_MILLISECONDS).map_err(error)
    }
}

fn crossing_tls(tls: &Tls) -> network::Tls {
    network::Tls { server_name: None, roots: tls.roots.clone(), insecure: tls.insecure }
}

fn error(error: network::NetworkError) -> NetworkError {
    match error {
        network::NetworkError::Denied(why) => NetworkError::Denied(why),
        network::NetworkError::Invalid(why) => NetworkError::Invalid(why),
        network::NetworkError::Unreachable(why) => NetworkError::Unreachable(why),
        network::NetworkError::Untrusted(why) => NetworkError::Untrusted(why),
        network::NetworkError::Late(why) => NetworkError::Late(why),
        network::NetworkError::Protocol(why) => NetworkError::Protocol(why),
    }
}

//! A connection to a broker with one channel in confirm mode.
//!
//! Owns the order of what is said. What must stay true: a message counts as published when the broker has confirmed it. A
//! failed publication leaves the session usable only if it says so.

use crate::wire::{Arguments, BODY, Builder, Frame, HEADER, METHOD, Method, OVERHEAD, frame, method};
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::{Failure, Network, NetworkError, Stream, Tls};
use percent_encoding::percent_decode_str;

/// The only channel.
const CHANNEL: u16 = 1;
/// Where the server leaves the size of frames open, in bytes.
const FRAME: u32 = 128 * 1024;
/// Every 0-9-1 peer takes frames of this size, in bytes.
const SMALLEST_FRAME: u32 = 4_096;
/// Flags of the content header: content type only.
const HAS_CONTENT_TYPE: u16 = 0x8000;

/// Where to and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// `host:port`.
    pub address: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    user: String,
    password: String,
    virtual_host: String,
}

impl Broker {
    /// Reads `amqp://user:password@host:port/virtual-host`.
    ///
    /// # Errors
    /// Names the member.
    pub fn parse(member: &str, url: &str) -> Result<Self, String> {
        let endpoint = Endpoint::parse(member, url, &[("amqp", 5672), ("amqps", 5671)])?;
        let path = endpoint.path.split('?').next().unwrap_or_default();
        let virtual_host = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy().into_owned();
        let (address, tls) = (endpoint.address(), endpoint.scheme == "amqps");
        let (user, password) = match endpoint.credentials {
            Some(known) => (known.user, known.password),
            None => ("guest".to_owned(), "guest".to_owned()),
        };
        let virtual_host = if virtual_host.is_empty() { "/".to_owned() } else { virtual_host };
        Ok(Self { address, tls, user, password, virtual_host })
    }
}

/// What can go wrong while a session lives.
#[derive(Debug)]
pub enum Broken {
    /// The session is over; another may do better.
    Over(Failure),
    /// The broker has closed the channel; the connection is good.
    Channel(Failure),
    /// The session goes on; this message does not.
    Message(Failure),
}

impl Broken {
    /// Why.
    pub fn failure(self) -> Failure {
        match self {
            Self::Over(failure) | Self::Channel(failure) | Self::Message(failure) => failure,
        }
    }
}

impl From<NetworkError> for Broken {
    fn from(error: NetworkError) -> Self {
        Self::Over(error.into())
    }
}

/// An open session.
pub struct Session {
    stream: Stream,
    frame: u32,
    published: u64,
}

impl Session {
    /// Connects, logs in and opens the channel.
    ///
    /// # Errors
    /// Says what the broker said.
    pub fn open(network: &dyn Network, broker: &Broker) -> Result<Self, Failure> {
        let tls = broker.tls.then(Tls::default);
        let mut stream = Stream::new(network.connect(&broker.address, tls.as_ref())?);
        stream.write(b"AMQP\x00\x00\x09\x01")?;
        let mut session = Self { stream, frame: FRAME, published: 0 };
        session.log_in(broker).and_then(|()| session.open_channel()).map_err(Broken::failure)?;
        Ok(session)
    }

    fn log_in(&mut self, broker: &Broker) -> Result<(), Broken> {
        let start = self.expect(0, method::START)?;
        offers_plain(&start).map_err(|why| Broken::Over(Failure::never(why)))?;
        let secret = format!("\0{}\0{}", broker.user, broker.password);
        let ok = Builder::new(method::START_OK).long_text(&capabilities());
        let ok = ok.text("PLAIN").map(|ok| ok.long_text(secret.as_bytes())).and_then(|ok| ok.text("en_US"));
        self.send(0, ok)?;
        let tune = self.expect(0, method::TUNE).map_err(|broken| refused(broken, broker))?;
        let (channels, frame) = limits(&tune).unwrap_or((0, 0));
        self.frame = if frame == 0 { FRAME } else { frame.clamp(SMALLEST_FRAME, FRAME) };
        // Nothing is sent between two batches, so no heartbeats are promised.
        let ok = Builder::new(method::TUNE_OK).short(channels).long(self.frame).short(0);
        self.send(0, Ok(ok))?;
        let open = Builder::new(method::OPEN).text(&broker.virtual_host).and_then(|open| open.text(""));
        self.send(0, open.map(|open| open.byte(0)))?;
        self.expect(0, method::OPEN_OK).map_err(|broken| refused(broken, broker))?;
        Ok(())
    }

    fn open_channel(&mut self) -> Result<(), Broken> {
        self.send(CHANNEL, Builder::new(method::CHANNEL_OPEN).text(""))?;
        self.expect(CHANNEL, method::CHANNEL_OPEN_OK)?;
        self.send(CHANNEL, Ok(Builder::new(method::CONFIRM).byte(0)))?;
        self.expect(CHANNEL, method::CONFIRM_OK)?;
        self.published = 0;
        Ok(())
    }

    /// Publishes a JSON document and waits until the broker has it.
    ///
    /// # Errors
    /// The broker does not have it.
    pub fn publish(&mut self, exchange: &str, routing_key: &str, body: &[u8]) -> Result<(), Broken> {
        let publish = Builder::new(method::PUBLISH).short(0).text(exchange).and_then(|publish| publish.text(routing_key));
        let publish = publish.map_err(|why| Broken::Message(Failure::Rejected(why)))?;
        let mut bytes = publish.byte(0).frame(CHANNEL);
        bytes.extend(frame(HEADER, CHANNEL, &content_header(body.len())));
        let most = usize::try_from(self.frame.saturating_sub(OVERHEAD)).unwrap_or(usize::MAX);
        for part in body.chunks(most) {
            bytes.extend(frame(BODY, CHANNEL, part));
        }
        self.stream.write(&bytes)?;
        self.published += 1;
        match self.confirmed() {
            Err(Broken::Channel(failure)) => {
                self.open_channel()?;
                Err(Broken::Message(failure))
            }
            outcome => outcome,
        }
    }

    /// Waits for the confirmation of the last message.
    fn confirmed(&mut self) -> Result<(), Broken> {
        loop {
            let frame = self.next()?;
            let Some((method, mut arguments)) = frame.method() else { continue };
            let number = arguments.long_long();
            match method {
                method::ACK if number >= Some(self.published) => return Ok(()),
                method::NACK if number >= Some(self.published) => {
                    return Err(Broken::Message(Failure::later("the broker could not take the message")));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, channel: u16, method: Result<Builder, String>) -> Result<(), Broken> {
        let method = method.map_err(|why| Broken::Over(Failure::never(why)))?;
        Ok(self.stream.write(&method.frame(channel))?)
    }

    /// The next frame that must be this method.
    fn expect(&mut self, channel: u16, wanted: Method) -> Result<Frame, Broken> {
        loop {
            let frame = self.next()?;
            match frame.method() {
                Some((method, _)) if method == wanted && frame.channel == channel => return Ok(frame),
                Some((method::SECURE, _)) => {
                    return Err(Broken::Over(Failure::never("the broker asks for more than a user and a password")));
                }
                _ => {}
            }
        }
    }

    /// The next frame that is neither a heartbeat nor a farewell. A farewell is answered and becomes an error.
    fn next(&mut self) -> Result<Frame, Broken> {
        loop {
            let frame = Frame::read(&mut self.stream)?;
            match frame.method() {
                Some((method::CLOSE, arguments)) => {
                    self.send(0, Ok(Builder::new(method::CLOSE_OK)))?;
                    return Err(Broken::Over(farewell(arguments)));
                }
                Some((method::CHANNEL_CLOSE, arguments)) => {
                    let failure = farewell(arguments);
                    self.send(frame.channel, Ok(Builder::new(method::CHANNEL_CLOSE_OK)))?;
                    return Err(Broken::Channel(failure));
                }
                None if frame.kind != METHOD => {}
                _ => return Ok(frame),
            }
        }
    }
}

/// What the broker's reply code means for the message.
fn farewell(mut arguments: Arguments<'_>) -> Failure {
    let (code, text) = (arguments.short().unwrap_or(0), arguments.text().unwrap_or_default());
    let reason = format!("the broker closed the channel or connection: {code} {text}");
    match code {
        // connection-forced, resource-error, internal-error and the like
        320 | 311 | 506 | 541 => Failure::later(reason),
        404 | 406 => Failure::Rejected(reason),
        _ => Failure::never(reason),
    }
}

/// A broker that closes the connection in the middle of a login has refused it, most often without a word.
fn refused(broken: Broken, broker: &Broker) -> Broken {
    match broken {
        Broken::Over(Failure::Stopped(why, retry)) => {
            let Broker { user, virtual_host, .. } = broker;
            let reason = format!("login as {user:?} to virtual host {virtual_host:?} failed: {why}");
            Broken::Over(Failure::Stopped(reason, retry))
        }
        other => other,
    }
}

fn offers_plain(start: &Frame) -> Result<(), String> {
    let mechanisms = start.method().and_then(|(_, mut arguments)| {
        arguments.short()?;
        arguments.long_text()?;
        arguments.long_text().map(|mechanisms| String::from_utf8_lossy(mechanisms).into_owned())
    });
    match mechanisms {
        Some(known) if known.split(' ').any(|name| name == "PLAIN") => Ok(()),
        known => Err(format!("the broker takes no PLAIN login, only {:?}", known.unwrap_or_default())),
    }
}

fn limits(tune: &Frame) -> Option<(u16, u32)> {
    let (_, mut arguments) = tune.method()?;
    Some((arguments.short()?, arguments.long()?))
}

/// `{"product": "headworks", "capabilities": {"publisher_confirms": true, "authentication_failure_close": true}}`: with
/// the latter the broker tells why it refuses a login.
fn capabilities() -> Vec<u8> {
    let mut inner = Vec::new();
    for name in ["publisher_confirms", "authentication_failure_close"] {
        field(&mut inner, name, b't', &[1]);
    }
    let with_length = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes(), bytes].concat();
    let mut table = Vec::new();
    field(&mut table, "product", b'S', &with_length(b"headworks"));
    field(&mut table, "capabilities", b'F', &with_length(&inner));
    table
}

fn field(table: &mut Vec<u8>, name: &str, kind: u8, value: &[u8]) {
    table.push(u8::try_from(name.len()).unwrap_or(0));
    table.extend(name.as_bytes());
    table.push(kind);
    table.extend(value);
}

fn content_header(size: usize) -> Vec<u8> {
    const TYPE: &[u8] = b"application/json";
    let (class, _) = method::PUBLISH;
    let mut bytes = [class.to_be_bytes(), [0, 0]].concat();
    bytes.extend(u64::try_from(size).unwrap_or(u64::MAX).to_be_bytes());
    bytes.extend(HAS_CONTENT_TYPE.to_be_bytes());
    bytes.push(u8::try_from(TYPE.len()).unwrap_or(0));
    bytes.extend(TYPE);
    bytes
}

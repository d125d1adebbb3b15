//! Values and packets of ClickHouse's native protocol.
//!
//! Owns the bytes. What must stay true: [`REVISION`] is what both sides speak, because a newer server falls back to it; it
//! is the one before optional fields that this client has no use for.

use headworks_forwarder_kit::{NetworkError, Stream};

/// The revision spoken. From 54406 on servers send logs, from 54410 on descriptions of columns.
pub const REVISION: u64 = 54_405;
/// The longest text that is read, in bytes.
const MOST: u64 = 1 << 20;
/// The most columns a block may have.
const MOST_COLUMNS: u64 = 1 << 10;

/// How long a chain of causes may be.
const MOST_CAUSES: usize = 64;

/// Packets of a client.
pub mod client {
    /// Who wants to talk.
    pub const HELLO: u64 = 0;
    /// A query.
    pub const QUERY: u64 = 1;
    /// A block.
    pub const DATA: u64 = 2;
    /// Whether the server is there.
    pub const PING: u64 = 4;
}

/// Builds what is sent.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// An integer of variable length.
    pub fn number(&mut self, mut value: u64) -> &mut Self {
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                self.0.push(low);
                return self;
            }
            self.0.push(low | 0x80);
        }
    }

    /// A text with its length.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.number(value.len() as u64);
        self.bytes(value.as_bytes())
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }

    /// A block up to its columns: packet, no table, no overflow, no bucket.
    pub fn block(&mut self, columns: u64, rows: u64) -> &mut Self {
        self.number(client::DATA).text("");
        self.number(1).bytes(&[0]).number(2).bytes(&(-1_i32).to_le_bytes()).number(0);
        self.number(columns).number(rows)
    }
}

/// Reads an integer of variable length.
pub fn number(stream: &mut Stream) -> Result<u64, NetworkError> {
    let mut value = 0;
    for position in 0..10 {
        let byte = stream.byte()?;
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(NetworkError::Protocol("an integer does not end".to_owned()))
}

/// Reads a text.
pub fn text(stream: &mut Stream) -> Result<String, NetworkError> {
    let length = number(stream)?;
    let short = usize::try_from(length).ok().filter(|_| length <= MOST);
    let short =
        short.ok_or_else(|| NetworkError::Protocol(format!("a text of {length} bytes came, and {MOST} are read at most")))?;
    Ok(String::from_utf8_lossy(&stream.read(short)?).into_owned())
}

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet {
    /// Its version.
    Hello { revision: u64 },
    /// Names and types of the columns of a block without rows.
    Columns(Vec<(String, String)>),
    /// What went wrong: code and text.
    Exception { code: i32, text: String },
    /// It is there.
    Pong,
    /// Everything was done.
    EndOfStream,
    /// How far it is, and the like.
    Progress,
}

impl Packet {
    /// Reads a packet.
    ///
    /// # Errors
    /// The connection ended, or this is not what was asked for.
    pub fn read(stream: &mut Stream) -> Result<Self, NetworkError> {
        match number(stream)? {
            0 => hello(stream),
            1 => columns(stream),
            2 => exception(stream),
            3 => many(stream, 3).map(|()| Self::Progress),
            4 => Ok(Self::Pong),
            5 => Ok(Self::EndOfStream),
            6 => {
                many(stream, 3)?;
                stream.byte()?;
                many(stream, 1)?;
                stream.byte()?;
                Ok(Self::Progress)
            }
            other => Err(NetworkError::Protocol(format!("a packet of the unknown kind {other} came"))),
        }
    }
}

fn many(stream: &mut Stream, count: usize) -> Result<(), NetworkError> {
    (0..count).try_for_each(|_| number(stream).map(drop))
}

/// Name, version, revision, time zone, display name and patch. A server that is older than what is spoken sends less.
fn hello(stream: &mut Stream) -> Result<Packet, NetworkError> {
    text(stream)?;
    many(stream, 2)?;
    let revision = number(stream)?;
    if revision < REVISION {
        return Err(NetworkError::Protocol(format!("the server speaks revision {revision}, and {REVISION} is needed")));
    }
    text(stream)?;
    text(stream)?;
    many(stream, 1)?;
    Ok(Packet::Hello { revision })
}

fn columns(stream: &mut Stream) -> Result<Packet, NetworkError> {
    text(stream)?;
    loop {
        match number(stream)? {
            0 => break,
            1 => drop(stream.byte()?),
            2 => drop(stream.array::<4>()?),
            other => return Err(NetworkError::Protocol(format!("a block has the unknown property {other}"))),
        }
    }
    let (columns, rows) = (number(stream)?, number(stream)?);
    if rows > 0 || columns > MOST_COLUMNS {
        return Err(NetworkError::Protocol(format!("a block of {columns} columns and {rows} rows came unasked")));
    }
    let columns = (0..columns).map(|_| Ok((text(stream)?, text(stream)?))).collect::<Result<_, NetworkError>>()?;
    Ok(Packet::Columns(columns))
}

fn exception(stream: &mut Stream) -> Result<Packet, NetworkError> {
    let mut first = None;
    // What caused it follows in the same form.
    for _ in 0..MOST_CAUSES {
        let code = i32::from_le_bytes(stream.array()?);
        let (_name, message, _trace) = (text(stream)?, text(stream)?, text(stream)?);
        first.get_or_insert((code, message));
        if stream.byte()? == 0 {
            break;
        }
    }
    let (code, text) = first.unwrap_or_default();
    Ok(Packet::Exception { code, text })
}

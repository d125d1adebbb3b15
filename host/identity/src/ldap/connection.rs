//! One connection to a directory: bytes, TLS and messages (RFC 4511).
//!
//! What must stay true: nothing is sent in the clear where TLS was asked for, and nothing that was received before TLS counts
//! after it; a message of the directory is bounded in size, depth and time.

use super::options::{Network, Server};
use crate::login::Unverified;
use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapExtendedRequest, LdapMsg, LdapOp, LdapResult, LdapResultCode, LdapSearchRequest,
};
use rustls::pki_types::ServerName;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::codec::{Decoder, Encoder};

/// The most bytes of a message of a directory: entries are asked for without their attributes.
const MESSAGE: usize = 64 << 10;
/// How deep its parts may be nested.
const DEPTH: usize = 32;
/// The most messages that answer one search.
const MESSAGES: usize = 200;
/// The operation that begins TLS (RFC 4511 4.14).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// What bytes go through, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection that waits for an operation.
pub(super) struct Connection<S = Box<dyn Stream>> {
    stream: S,
    codec: LdapCodec,
    received: BytesMut,
    number: i32,
    read_timeout: Duration,
}

/// What a search found.
#[derive(Default)]
pub(super) struct Found {
    /// The names of entries, no more than were asked for.
    pub(super) names: Vec<String>,
    /// Addresses of directories that may know more.
    pub(super) elsewhere: Vec<String>,
}

impl Connection {
    /// Connects to this server.
    pub(super) async fn open(server: &Server, network: &Network) -> Result<Self, Unverified> {
        let failed = |what: &str, error: &dyn Display| Unverified::Failed(format!("{server}: {what}: {error}"));
        let late = |_| failed("it cannot be reached", &format_args!("no answer within {:?}", network.connect_timeout));
        let reaching = TcpStream::connect((server.host.as_str(), server.port));
        let reached = timeout(network.connect_timeout, reaching).await.map_err(late)?;
        let stream = reached.map_err(|error| failed("it cannot be reached", &error))?;
        let stream = match network.start_tls {
            false if !server.tls => return Ok(Self::over(Box::new(stream), network)),
            false => stream,
            true => Connection::over(stream, network).start_tls().await.map_err(|why| failed("START_TLS", &why))?,
        };
        let name = ServerName::try_from(server.host.clone()).map_err(|error| failed("no certificate can name it", &error))?;
        let greeting = TlsConnector::from(Arc::clone(&network.tls)).connect(name, stream);
        let greeted = timeout(network.connect_timeout, greeting).await.map_err(late)?;
        Ok(Self::over(Box::new(greeted.map_err(|error| failed("TLS", &error))?), network))
    }

    /// Proves to be somebody. What the answer means is the caller's to say.
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Result<LdapResult, Unverified> {
        let cred = LdapBindCred::Simple(password.to_owned());
        let request = LdapBindRequest { version: 3, dn: dn.to_owned(), cred };
        match within(self.read_timeout, self.ask(LdapOp::BindRequest(request))).await? {
            LdapOp::BindResponse(answer) => Ok(answer.res),
            _ => Err(Unverified::Failed("the directory answers a bind with something else".to_owned())),
        }
    }

    /// The names of entries, at most as many as the request's limit.
    pub(super) async fn search(&mut self, request: LdapSearchRequest) -> Result<Found, Unverified> {
        within(self.read_timeout, self.find(request)).await
    }

    /// Says goodbye. Nothing is answered, and nothing depends on it.
    pub(super) async fn close(mut self) {
        let _ = timeout(self.read_timeout, self.send(LdapOp::UnbindRequest)).await;
    }

    async fn find(&mut self, request: LdapSearchRequest) -> Result<Found, String> {
        let most = usize::try_from(request.sizelimit).unwrap_or_default();
        self.send(LdapOp::SearchRequest(request)).await?;
        let mut found = Found::default();
        for _ in 0..MESSAGES {
            match self.receive().await? {
                LdapOp::SearchResultEntry(entry) if found.names.len() < most => found.names.push(entry.dn),
                LdapOp::SearchResultEntry(_) | LdapOp::IntermediateResponse(_) => {}
                LdapOp::SearchResultReference(reference) => found.elsewhere.extend(reference.uris),
                LdapOp::SearchResultDone(result) => match result.code {
                    LdapResultCode::Success | LdapResultCode::SizeLimitExceeded => return Ok(found),
                    LdapResultCode::Referral => {
                        found.elsewhere.extend(result.referral);
                        return Ok(found);
                    }
                    _ => return Err(format!("the directory refuses the search: {}", told(&result))),
                },
                _ => return Err("the directory answers a search with something else".to_owned()),
            }
        }
        Err(format!("the directory answers a search with more than {MESSAGES} messages"))
    }
}

impl<S: Stream> Connection<S> {
    fn over(stream: S, network: &Network) -> Self {
        let codec = LdapCodec::new(Some(MESSAGE), Some(DEPTH));
        Self { stream, codec, received: BytesMut::new(), number: 0, read_timeout: network.read_timeout }
    }

    /// Gives the stream back when the directory is ready for TLS.
    async fn start_tls(mut self) -> Result<S, String> {
        let request = LdapExtendedRequest { name: START_TLS.to_owned(), value: None };
        let answer = timeout(self.read_timeout, self.ask(LdapOp::ExtendedRequest(request))).await;
        match answer.map_err(|_| format!("no answer within {:?}", self.read_timeout))?? {
            LdapOp::ExtendedResponse(answer) if answer.res.code == LdapResultCode::Success => {}
            LdapOp::ExtendedResponse(answer) => return Err(told(&answer.res)),
            _ => return Err("it answers something else".to_owned()),
        }
        // Whoever is in between could have sent it.
        if self.received.is_empty() { Ok(self.stream) } else { Err("it sends more before TLS has begun".to_owned()) }
    }

    async fn ask(&mut self, op: LdapOp) -> Result<LdapOp, String> {
        self.send(op).await?;
        self.receive().await
    }

    async fn send(&mut self, op: LdapOp) -> Result<(), String> {
        self.number = self.number.saturating_add(1);
        let mut bytes = BytesMut::new();
        let failed = |error: std::io::Error| format!("the directory cannot be asked: {error}");
        self.codec.encode(LdapMsg { msgid: self.number, op, ctrl: Vec::new() }, &mut bytes).map_err(failed)?;
        self.stream.write_all(&bytes).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)
    }

    /// The next message that answers the operation under way.
    async fn receive(&mut self) -> Result<LdapOp, String> {
        let failed = |error: std::io::Error| format!("the answer of the directory cannot be read: {error}");
        loop {
            if let Some(message) = self.codec.decode(&mut self.received).map_err(failed)? {
                return match message.op {
                    op if message.msgid == self.number => Ok(op),
                    // It says why before it hangs up.
                    LdapOp::ExtendedResponse(last) if message.msgid == 0 => {
                        Err(format!("the directory leaves: {}", told(&last.res)))
                    }
                    _ => Err("the directory answers what was not asked".to_owned()),
                };
            }
            if self.stream.read_buf(&mut self.received).await.map_err(failed)? == 0 {
                return Err("the directory hangs up".to_owned());
            }
        }
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, Unverified> {
    let done = timeout(patience, work).await;
    done.unwrap_or_else(|_| Err(format!("the directory does not answer within {patience:?}"))).map_err(Unverified::Failed)
}

/// What a directory says of an operation, for the log.
pub(super) fn told(result: &LdapResult) -> String {
    let message: String = result.message.chars().take(200).collect();
    format!("{:?} ({}) {message:?}", result.code, result.code.clone() as i64)
}

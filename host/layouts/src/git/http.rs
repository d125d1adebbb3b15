//! HTTP for the Git library, by the client that the rest of the program uses.
//!
//! What must stay true: a request body waits in a file and an answer is read as it comes, so memory stays flat whatever is
//! pushed; where a server sends the client elsewhere, it does not go, so the password goes to one place only.

#![allow(unsafe_code, reason = "registering a transport must not happen while another is made: it happens once, before")]

use super::remote::Access;
use base64::Engine;
use git2::transport::{self, Service, SmartSubtransport, SmartSubtransportStream, Transport};
use headworks_core::{Error, Result};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, SendBody};

/// How long a connection may take to be made, and the rest to go on.
const CONNECT: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(120);

/// Who calls, and where bodies wait.
#[derive(Clone)]
pub(super) struct Session {
    agent: Agent,
    authorization: Option<String>,
    folder: PathBuf,
}

thread_local! {
    /// The library calls back on the thread that calls it, and hands nothing on.
    static CURRENT: RefCell<Option<Session>> = const { RefCell::new(None) };
}

impl Session {
    /// Bodies wait in this folder.
    pub(super) fn new(access: &Access, folder: &Path) -> Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("git/headworks-", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(QUIET))
            .timeout_per_write(Some(QUIET));
        if let Some(pem) = &access.roots {
            let certificates: Vec<Certificate<'static>> = parse_pem(pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_, _>>()
                .map_err(|error| Error::invalid(format!("the certificates for remote repositories cannot be read: {error}")))?;
            config = config.tls_config(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build());
        }
        let coded = |(user, password): &(String, String)| {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
        };
        let authorization = access.credentials.as_ref().map(coded);
        Ok(Self { agent: config.build().into(), authorization, folder: folder.to_owned() })
    }
}

/// Runs something that may talk to a remote, as this caller.
pub(super) fn with<T>(session: Session, work: impl FnOnce() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    static REGISTERED: OnceLock<Result<(), String>> = OnceLock::new();
    REGISTERED.get_or_init(register).as_ref().map_err(|error| git2::Error::from_str(error))?;
    CURRENT.set(Some(session));
    let done = work();
    CURRENT.set(None);
    done
}

fn register() -> Result<(), String> {
    for scheme in ["http", "https"] {
        let made = |remote: &git2::Remote<'_>| {
            let session = CURRENT.with_borrow(Clone::clone).ok_or_else(|| git2::Error::from_str("nobody calls"))?;
            Transport::smart(remote, true, session)
        };
        // SAFETY: this is called once, before anything in this program makes a transport: all of that goes through `with`.
        unsafe { transport::register(scheme, made) }.map_err(|error| error.message().to_owned())?;
    }
    Ok(())
}

impl SmartSubtransport for Session {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let base = url.trim_end_matches('/');
        let (service, asks) = match action {
            Service::UploadPackLs => ("git-upload-pack", true),
            Service::UploadPack => ("git-upload-pack", false),
            Service::ReceivePackLs => ("git-receive-pack", true),
            Service::ReceivePack => ("git-receive-pack", false),
        };
        let url = if asks { format!("{base}/info/refs?service={service}") } else { format!("{base}/{service}") };
        Ok(Box::new(Exchange { session: self.clone(), url, service, stage: if asks { Stage::Ask } else { Stage::New } }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request and its answer.
struct Exchange {
    session: Session,
    url: String,
    service: &'static str,
    stage: Stage,
}

enum Stage {
    /// A request without a body.
    Ask,
    /// One that gets a body.
    New,
    Body(File),
    Answer(Box<dyn Read + Send>),
}

impl Exchange {
    fn send(&self, body: Option<File>) -> io::Result<Box<dyn Read + Send>> {
        let Session { agent, authorization, .. } = &self.session;
        let answer = match body {
            None => {
                let mut request = agent.get(&self.url);
                if let Some(value) = authorization {
                    request = request.header(header::AUTHORIZATION, value);
                }
                request.call()
            }
            Some(mut file) => {
                let length = file.seek(SeekFrom::End(0))?;
                file.rewind()?;
                let kind = |what: &str| format!("application/x-{}-{what}", self.service);
                let mut request = agent
                    .post(&self.url)
                    .header(header::CONTENT_TYPE, kind("request"))
                    .header(header::ACCEPT, kind("result"))
                    .header(header::CONTENT_LENGTH, length);
                if let Some(value) = authorization {
                    request = request.header(header::AUTHORIZATION, value);
                }
                request.send(SendBody::from_owned_reader(file))
            }
        };
        usable(answer.map_err(io::Error::other)?)
    }
}

/// The body of an answer that is one.
fn usable(answer: Response<Body>) -> io::Result<Box<dyn Read + Send>> {
    let status = answer.status();
    let why = match status {
        StatusCode::OK => return Ok(Box::new(answer.into_body().into_reader())),
        StatusCode::UNAUTHORIZED => "user or password is missing or wrong",
        StatusCode::FORBIDDEN => "the user may not do this",
        StatusCode::NOT_FOUND => "there is no such repository, or the user may not see it",
        status if status.is_redirection() => "the repository is elsewhere: use its present address",
        _ => "the server failed",
    };
    Err(io::Error::other(format!("{why} (HTTP {status})")))
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Answer(answer) => return answer.read(buffer),
            Stage::Ask => self.stage = Stage::Answer(self.send(None)?),
            Stage::New => return Err(io::Error::other("an answer is read before anything was asked")),
            Stage::Body(file) => {
                let body = file.try_clone()?;
                self.stage = Stage::Answer(self.send(Some(body))?);
            }
        }
        self.read(buffer)
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stage {
            Stage::New => {
                self.stage = Stage::Body(tempfile::tempfile_in(&self.session.folder)?);
                self.write(bytes)
            }
            Stage::Body(file) => file.write(bytes),
            Stage::Ask | Stage::Answer(_) => Err(io::Error::other("something is sent after the answer began")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

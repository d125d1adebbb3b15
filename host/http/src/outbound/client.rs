//! HTTP requests over kept connections, through proxies where there are any.

use super::dial::Dialer;
use bytes::Bytes;
use headworks_sandbox::outbound::{Connection, NetworkError, Place, Request, Response, Tls};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Method, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection as Kept};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// The most clients, one per way to connect, and the most idle connections of each to one host.
const CLIENTS: usize = 256;
const IDLE: usize = 16;
/// How long an idle connection is kept.
const KEEP: Duration = Duration::from_secs(30);
/// How long making a connection may take, with proxy and encryption: nobody may be waiting for it any more.
const ESTABLISH: Duration = Duration::from_secs(30);
/// The most bytes of an answer's head; hyper allows 100 fields in it.
const HEAD: usize = 64 << 10;
/// What says where a message ends, or is for the next hop only. It is the host's: connections are shared, and a component must
/// not bring a server to take its body for somebody else's request.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

type Io = TokioIo<Box<dyn Connection>>;
type Way<'a, T> = Pin<Box<dyn Future<Output = Result<T, NetworkError>> + Send + 'a>>;

/// A way to connect. Connections are shared by the requests that go the same way.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Route {
    tls: Tls,
    http2: bool,
    proxy: Option<Proxy>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Proxy {
    uri: Uri,
    auth: Option<(String, String)>,
    /// Whether the operator chose it, so that it may have any address.
    trusted: bool,
}

pub(super) struct Clients {
    dialer: Arc<Dialer>,
    environment: Matcher,
    made: Mutex<HashMap<Route, Client<Connector, Full<Bytes>>>>,
}

impl Clients {
    pub(super) fn new(dialer: Arc<Dialer>) -> Self {
        Self { dialer, environment: Matcher::from_env(), made: Mutex::default() }
    }

    pub(super) async fn exchange(&self, request: Request) -> Result<Response, NetworkError> {
        let invalid = |what: &str| NetworkError::Invalid(format!("{}: {what}", request.url));
        let proxy = match &request.proxy {
            Some(uri) => Some(Proxy::read(uri)?),
            None => self.environment.intercept(&request.url).map(|found| Proxy {
                uri: found.uri().clone(),
                auth: found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned())),
                trusted: true,
            }),
        };
        let route = Route { tls: request.tls.clone(), http2: request.http2, proxy };
        let plain = request.url.scheme_str() == Some("http");
        let proxy_auth = route.proxy.as_ref().filter(|proxy| plain && !proxy.is_socks()).and_then(Proxy::basic);
        let client = self.client(route);

        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("no such method"))?;
        if method == Method::CONNECT {
            return Err(invalid("CONNECT is not for plugins; name a proxy instead"));
        }
        let mut outgoing = hyper::Request::builder().method(method).uri(request.url.clone());
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(&format!("{name:?} is no header name")))?;
            let value =
                HeaderValue::from_str(value).map_err(|_| invalid(&format!("the value of the header {name} cannot be sent")))?;
            if !FRAMING.contains(&name.as_str()) {
                outgoing = outgoing.header(name, value);
            }
        }
        if let Some(auth) = proxy_auth {
            outgoing = outgoing.header("proxy-authorization", auth);
        }
        let outgoing = outgoing.body(Full::new(Bytes::from(request.body))).map_err(|error| invalid(&error.to_string()))?;
        let place = Place::of_url(&request.url).map_or_else(|| request.url.to_string(), |place| place.to_string());
        let answer = client.request(outgoing).await.map_err(|error| explain(&place, &error))?;
        let (head, body) = answer.into_parts();
        let (body, trailers) = read(&place, body, request.most).await?;
        Ok(Response { status: head.status.as_u16(), headers: texts(&head.headers), body, trailers: texts(&trailers) })
    }

    fn client(&self, route: Route) -> Client<Connector, Full<Bytes>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(&route) {
            return known.clone();
        }
        if made.len() >= CLIENTS {
            made.clear();
        }
        let connector = Connector { dialer: Arc::clone(&self.dialer), route: Arc::new(route.clone()) };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP)
            .pool_max_idle_per_host(IDLE)
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(HEAD)
            .http2_max_header_list_size(HEAD as u32)
            .http2_only(route.http2)
            .build(connector);
        made.insert(route, client.clone());
        client
    }
}

/// Names and values, as far as they are text.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

/// A body and its trailers. The pieces are copied together: each of many small ones may hold a buffer far larger than itself.
async fn read(place: &str, mut body: Incoming, most: usize) -> Result<(Vec<u8>, HeaderMap), NetworkError> {
    let (mut bytes, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.map_err(|error| explain(place, &error))?.into_data() {
            Ok(piece) if piece.len() > most - bytes.len() => {
                return Err(NetworkError::Protocol(format!(
                    "{place}: the answer has more than {most} bytes; the setting sandbox.response_bytes would allow it"
                )));
            }
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    Ok((bytes, trailers))
}

/// Our own reason where there is one, else the library's last words about this place.
fn explain(place: impl Display, error: &(dyn Error + 'static)) -> NetworkError {
    let (mut cause, mut last, mut garbled) = (Some(error), String::new(), false);
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<NetworkError>() {
            return own.clone();
        }
        garbled |= inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        last = inner.to_string();
        cause = inner.source();
    }
    let why = format!("{place}: {last}");
    if garbled { NetworkError::Protocol(why) } else { NetworkError::Unreachable(why) }
}

impl Proxy {
    fn read(uri: &Uri) -> Result<Self, NetworkError> {
        let wrong =
            || NetworkError::Invalid("the proxy has to be a URL such as http://proxy:3128 or socks5://proxy:1080".to_owned());
        let (scheme, authority) = (uri.scheme_str().ok_or_else(wrong)?, uri.authority().ok_or_else(wrong)?.as_str());
        if !matches!(scheme, "http" | "https" | "socks5" | "socks5h") {
            return Err(wrong());
        }
        let (auth, host) = match authority.rsplit_once('@') {
            Some((auth, host)) => (Some(auth.split_once(':').unwrap_or((auth, ""))), host),
            None => (None, authority),
        };
        let auth = auth.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(Self { uri: format!("{scheme}://{host}").parse().map_err(|_| wrong())?, auth, trusted: false })
    }

    fn is_socks(&self) -> bool {
        self.uri.scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
    }

    fn basic(&self) -> Option<HeaderValue> {
        use base64::Engine;
        let (user, password) = self.auth.as_ref()?;
        let value = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        HeaderValue::from_str(&format!("Basic {value}")).ok()
    }
}

/// Makes the connections of one route.
#[derive(Clone)]
struct Connector {
    dialer: Arc<Dialer>,
    route: Arc<Route>,
}

impl Connector {
    async fn connect(self, target: Uri) -> Result<Stream, NetworkError> {
        let invalid = || NetworkError::Invalid(format!("{target} has no host"));
        let place = Place::of_url(&target).ok_or_else(invalid)?;
        let encrypted = place.scheme == "https";
        let Route { tls, http2, proxy } = &*self.route;
        let hop = |trusted| Hop { dialer: Arc::clone(&self.dialer), trusted };
        let io: Box<dyn Connection> = match proxy {
            None => Box::new(self.dialer.tcp(&place).await?),
            Some(proxy) if proxy.is_socks() => {
                let mut socks = SocksV5::new(proxy.uri.clone(), hop(proxy.trusted));
                if let Some((user, password)) = &proxy.auth {
                    socks = socks.with_auth(user.clone(), password.clone());
                }
                socks
                    .call(target.clone())
                    .await
                    .map_err(|error| explain(format_args!("the proxy {}", proxy.uri), &error))?
                    .into_inner()
            }
            Some(proxy) if encrypted => {
                let mut tunnel = Tunnel::new(proxy.uri.clone(), hop(proxy.trusted));
                if let Some(auth) = proxy.basic() {
                    tunnel = tunnel.with_auth(auth);
                }
                tunnel
                    .call(target.clone())
                    .await
                    .map_err(|error| explain(format_args!("the proxy {}", proxy.uri), &error))?
                    .into_inner()
            }
            Some(proxy) => hop(proxy.trusted).call(proxy.uri.clone()).await?.into_inner(),
        };
        let forwarded = proxy.as_ref().is_some_and(|proxy| !proxy.is_socks() && !encrypted);
        let protocols: &[&str] = if *http2 { &["h2"] } else { &["http/1.1"] };
        let io = if encrypted { self.dialer.encrypt(io, &place.host, tls, protocols).await? } else { io };
        Ok(Stream { io: TokioIo::new(io), forwarded })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = NetworkError;
    type Future = Way<'static, Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetworkError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = self.clone().connect(target);
        Box::pin(async {
            let late = |_| NetworkError::Late(format!("no connection within {ESTABLISH:?}"));
            tokio::time::timeout(ESTABLISH, connecting).await.map_err(late)?
        })
    }
}

/// The connection to a proxy.
#[derive(Clone)]
struct Hop {
    dialer: Arc<Dialer>,
    trusted: bool,
}

impl Service<Uri> for Hop {
    type Response = Io;
    type Error = NetworkError;
    type Future = Way<'static, Io>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetworkError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, proxy: Uri) -> Self::Future {
        let Self { dialer, trusted } = self.clone();
        Box::pin(async move {
            let place = Place::of_url(&proxy).ok_or_else(|| NetworkError::Invalid(format!("the proxy {proxy} has no host")))?;
            let tcp = if trusted { dialer.tcp_unchecked(&place).await? } else { dialer.tcp(&place).await? };
            let io: Box<dyn Connection> = match place.scheme.as_str() {
                "https" => dialer.encrypt(Box::new(tcp), &place.host, &Tls::default(), &["http/1.1"]).await?,
                _ => Box::new(tcp),
            };
            Ok(TokioIo::new(io))
        })
    }
}

/// A connection that HTTP is spoken on.
struct Stream {
    io: Io,
    /// Whether a proxy passes requests on, so that they carry the whole URL.
    forwarded: bool,
}

impl Kept for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

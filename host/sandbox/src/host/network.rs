//! HTTP, connections and datagrams of components: grants are checked here, the rest is the network's.

use super::{Host, limit};
use crate::Granted;
use crate::bindings::headworks::plugin::{http, network, sockets};
use crate::outbound::{Connection, Grant, Network, NetworkError, Place, Request, Response, Tls};
use ::http::Uri;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::component::Resource;

/// The most redirects of one request.
const REDIRECTS: u8 = 10;
/// The most bytes of one read.
const READ: u32 = 1 << 20;

static HOST_NAME: LazyLock<String> = LazyLock::new(|| {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "localhost".to_owned() } else { name.trim().to_owned() }
});

/// What this machine calls itself.
pub fn host_name() -> &'static str {
    &HOST_NAME
}

/// What one instance may reach, and through what.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) network: Option<Arc<dyn Network>>,
    /// What the present configuration needs.
    pub(crate) granted: Arc<[Grant]>,
    /// What the component asks for in general: redirects may lead there.
    pub(crate) asked: Arc<[Grant]>,
    /// What was approved of that.
    pub(crate) approved: Granted,
}

#[allow(unreachable_pub, reason = "the generated bindings export it again")]
/// A connection in use by a component.
pub struct Link {
    connection: Box<dyn Connection>,
    /// How long the component waited for its peer since it last wrote something: what comes byte by byte ends, too.
    waited: Duration,
}

type Answer<T> = wasmtime::Result<Result<T, network::NetworkError>>;

impl From<NetworkError> for network::NetworkError {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Denied(why) => Self::Denied(why),
            NetworkError::Invalid(why) => Self::Invalid(why),
            NetworkError::Unreachable(why) => Self::Unreachable(why),
            NetworkError::Untrusted(why) => Self::Untrusted(why),
            NetworkError::Late(why) => Self::Late(why),
            NetworkError::Protocol(why) => Self::Protocol(why),
        }
    }
}

fn tls(tls: Option<network::Tls>) -> Tls {
    tls.map_or_else(Tls::default, |network::Tls { server_name, roots, insecure }| Tls { server_name, roots, insecure })
}

fn invalid(why: impl Into<String>) -> NetworkError {
    NetworkError::Invalid(why.into())
}

impl Outbound {
    /// Nothing is granted yet.
    pub(crate) fn new(network: Option<Arc<dyn Network>>) -> Self {
        Self { network, granted: Arc::default(), asked: Arc::default(), approved: Granted::All }
    }

    fn network(&self) -> Result<&Arc<dyn Network>, NetworkError> {
        self.network.as_ref().ok_or_else(|| NetworkError::Denied("this server reaches nothing outside".to_owned()))
    }

    fn check(&self, place: &Place, redirected: bool) -> Result<(), NetworkError> {
        let grants = if redirected { &self.asked } else { &self.granted };
        if grants.iter().any(|grant| grant.allows(place)) && self.approved.allows(place) {
            return Ok(());
        }
        Err(NetworkError::Denied(format!("the plugin was not granted {place}")))
    }

    fn place(&self, scheme: &str, address: &str) -> Result<Place, NetworkError> {
        let place = Place::of_address(scheme, address).ok_or_else(|| invalid(format!("{address:?} is no host:port")))?;
        self.check(&place, false).map(|()| place)
    }

    async fn send(&self, mut request: Request, redirects: u8) -> Result<Response, NetworkError> {
        let network = self.network()?;
        if let Some(proxy) = &request.proxy {
            self.check(&Place::of_url(proxy).ok_or_else(|| invalid("the proxy has no host"))?, false)?;
        }
        for hop in 0..=redirects.min(REDIRECTS) {
            if !matches!(request.url.scheme_str(), Some("http" | "https")) {
                return Err(invalid(format!("{}: only http:// and https:// can be requested", request.url)));
            }
            self.check(&Place::of_url(&request.url).ok_or_else(|| invalid("the URL has no host"))?, hop > 0)?;
            let response = network.exchange(request.clone()).await?;
            let Some(next) = redirect(&request, &response).filter(|_| redirects > 0) else { return Ok(response) };
            request = next;
        }
        Err(NetworkError::Protocol(format!("more than {redirects} redirects")))
    }
}

/// The request that a redirect asks for.
fn redirect(request: &Request, response: &Response) -> Option<Request> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let (_, location) = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    let url = join(&request.url, location)?;
    let mut next = request.clone();
    if response.status < 307 && request.method != "HEAD" {
        next.method = "GET".to_owned();
        next.body.clear();
        next.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
    }
    if Place::of_url(&url) != Place::of_url(&request.url) {
        // Credentials are for the host that they were given for.
        let secret = |name: &str| ["authorization", "cookie", "proxy-authorization", "host"].contains(&name);
        next.headers.retain(|(name, _)| !secret(&name.to_ascii_lowercase()));
    }
    next.url = url;
    Some(next)
}

/// Where a location of an answer leads, seen from the URL that was asked (RFC 3986 5.2, without dot segments).
fn join(base: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    if location.contains("://") {
        return location.parse().ok();
    }
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let folder = || base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    match location.as_bytes() {
        [b'/', b'/', ..] => format!("{scheme}:{location}"),
        [b'/', ..] => format!("{scheme}://{authority}{location}"),
        [b'?', ..] => format!("{scheme}://{authority}{}{location}", base.path()),
        _ => format!("{scheme}://{authority}{}/{location}", folder()),
    }
    .parse()
    .ok()
}

impl Host {
    /// Counts what went out: all of it unless it was refused here, for how much of the rest arrived is not known.
    fn count_sent(&mut self, bytes: usize, failure: Option<&NetworkError>) {
        if !matches!(failure, Some(NetworkError::Denied(_) | NetworkError::Invalid(_))) {
            self.sent = self.sent.saturating_add(bytes);
        }
    }

    fn timeout(&self, milliseconds: u32) -> Duration {
        let most = self.limits.network_wait;
        if milliseconds == 0 { most } else { Duration::from_millis(milliseconds.into()).min(most) }
    }

    fn request(&self, request: http::Request) -> Result<Request, NetworkError> {
        let url = |text: &str| text.parse::<Uri>().map_err(|error| invalid(format!("{text:?} is no URL: {error}")));
        Ok(Request {
            url: url(&request.url)?,
            proxy: request.proxy.as_deref().filter(|proxy| !proxy.is_empty()).map(url).transpose()?,
            method: request.method,
            headers: request.headers,
            body: request.body,
            http2: request.version == http::Version::Http2,
            tls: tls(request.tls),
            most: self.limits.response_bytes,
        })
    }
}

impl network::Host for Host {}

impl http::Host for Host {
    async fn send(&mut self, request: http::Request) -> Answer<http::Response> {
        let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let size = request.url.len() + request.body.len() + headers;
        self.charge(size)?;
        let (outbound, redirects) = (self.outbound.clone(), request.redirects);
        let timeout = self.timeout(request.timeout_milliseconds);
        let answer = match self.request(request) {
            Ok(request) => within(timeout, outbound.send(request, redirects)).await,
            Err(error) => Err(error),
        };
        self.count_sent(size, answer.as_ref().err());
        let Response { status, headers, body, trailers } = match answer {
            Ok(response) => response,
            Err(error) => return Ok(Err(error.into())),
        };
        let words = headers.iter().chain(&trailers).map(|(name, value)| name.len() + value.len() + 16);
        self.charge(body.len() + words.sum::<usize>())?;
        Ok(Ok(http::Response { status, headers, body, trailers }))
    }
}

impl sockets::Host for Host {
    async fn send_datagram(&mut self, address: String, bytes: Vec<u8>) -> Answer<()> {
        self.charge(bytes.len())?;
        let outbound = self.outbound.clone();
        let sent = async {
            let place = outbound.place("udp", &address)?;
            outbound.network()?.datagram(&place, &bytes).await
        };
        let sent = within(self.timeout(0), sent).await;
        self.count_sent(bytes.len(), sent.as_ref().err());
        Ok(sent.map_err(Into::into))
    }

    fn sender(&mut self) -> wasmtime::Result<sockets::Machine> {
        Ok(sockets::Machine { host_name: host_name().to_owned(), process_id: std::process::id() })
    }
}

impl sockets::HostConnection for Host {
    async fn open(&mut self, address: String, choice: Option<network::Tls>, milliseconds: u32) -> Answer<Resource<Link>> {
        if self.links >= self.limits.connections {
            return Err(limit(format!("the plugin holds {} connections and opens another one", self.links)).into());
        }
        let (timeout, outbound) = (self.timeout(milliseconds), self.outbound.clone());
        let opened = async {
            let place = outbound.place("tcp", &address)?;
            outbound.network()?.connect(&place, choice.map(|choice| tls(Some(choice)))).await
        };
        match within(timeout, opened).await {
            Ok(connection) => {
                let handle = self.table.push(Link { connection, waited: Duration::ZERO })?;
                self.links += 1;
                Ok(Ok(handle))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn read(&mut self, handle: Resource<Link>, most: u32, milliseconds: u32) -> Answer<Vec<u8>> {
        let (asked, longest) = (self.timeout(milliseconds), self.limits.network_wait);
        let Link { connection, waited } = self.table.get_mut(&handle)?;
        let mut bytes = vec![0; most.clamp(1, READ) as usize];
        let (begin, left) = (Instant::now(), longest.saturating_sub(*waited));
        let read = within(asked.min(left), async { connection.read(&mut bytes).await.map_err(|error| lost(&error)) }).await;
        *waited += begin.elapsed();
        match read {
            Err(NetworkError::Late(_)) if left < asked => Ok(Err(late(longest).into())),
            Err(error) => Ok(Err(error.into())),
            Ok(len) => {
                bytes.truncate(len);
                self.charge(len)?;
                Ok(Ok(bytes))
            }
        }
    }

    async fn write(&mut self, handle: Resource<Link>, bytes: Vec<u8>, milliseconds: u32) -> Answer<()> {
        self.charge(bytes.len())?;
        let timeout = self.timeout(milliseconds);
        let Link { connection, waited } = self.table.get_mut(&handle)?;
        *waited = Duration::ZERO;
        let write = async {
            connection.write_all(&bytes).await.map_err(|error| lost(&error))?;
            connection.flush().await.map_err(|error| lost(&error))
        };
        let written = within(timeout, write).await;
        self.count_sent(bytes.len(), written.as_ref().err());
        Ok(written.map_err(Into::into))
    }

    async fn drop(&mut self, handle: Resource<Link>) -> wasmtime::Result<()> {
        let Link { mut connection, .. } = self.table.delete(handle)?;
        self.links -= 1;
        // Says goodbye where the protocol has a way to; the peer may be gone already.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.shutdown()).await;
        Ok(())
    }
}

async fn within<T>(timeout: Duration, work: impl Future<Output = Result<T, NetworkError>>) -> Result<T, NetworkError> {
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(late(timeout)))
}

fn late(timeout: Duration) -> NetworkError {
    NetworkError::Late(format!("there was no answer within {timeout:?}"))
}

fn lost(error: &std::io::Error) -> NetworkError {
    NetworkError::Unreachable(format!("the connection was lost: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_seen_from_where_they_were_given() {
        let join = |location: &str| join(&Uri::from_static("https://a:8/b/c?d"), location).map(|url| url.to_string());
        assert_eq!(join("http://x/y").as_deref(), Some("http://x/y"));
        assert_eq!(join("//x/y").as_deref(), Some("https://x/y"));
        assert_eq!(join("/y?z#f").as_deref(), Some("https://a:8/y?z"));
        assert_eq!(join("y").as_deref(), Some("https://a:8/b/y"));
        assert_eq!(join("?y").as_deref(), Some("https://a:8/b/c?y"));
        assert_eq!(join("http://x y"), None);
    }

    #[test]
    fn a_redirect_drops_what_is_not_for_its_host() {
        let request = Request {
            method: "POST".to_owned(),
            url: Uri::from_static("https://a/x"),
            headers: ["Authorization", "Content-Type", "X-Own"].map(|name| (name.to_owned(), "v".to_owned())).to_vec(),
            body: b"body".to_vec(),
            http2: false,
            proxy: None,
            tls: Tls::default(),
            most: 1,
        };
        let to = |status: u16, location: &str| {
            let headers = vec![("Location".to_owned(), location.to_owned())];
            redirect(&request, &Response { status, headers, ..Response::default() })
        };
        let names = |request: &Request| request.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let same = to(307, "/y").unwrap();
        assert_eq!((same.method.as_str(), same.body.len(), names(&same).len()), ("POST", 4, 3));
        let get = to(302, "/y").unwrap();
        assert_eq!(
            (get.method.as_str(), get.body.len(), names(&get)),
            ("GET", 0, vec!["Authorization".to_owned(), "X-Own".to_owned()])
        );
        assert_eq!(names(&to(308, "https://b/y").unwrap()), ["Content-Type", "X-Own"]);
        assert!(to(200, "/y").is_none() && to(300, "/y").is_none());
    }
}

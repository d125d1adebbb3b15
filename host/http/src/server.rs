//! Listeners and connections, from accepting to the graceful end.

use crate::connection::{Overdue, Phase, Socket, interval};
use crate::service::{Connection, Meters, OnPanic, Shared, plain_panic};
use crate::tls::Proof;
use crate::{HttpLimits, RequestId, Shutdown, Tls};
use axum::Router;
use axum::body::Body;
use axum::http::Response;
use headworks_core::{Error, ErrorCode, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

/// Said to a connection above the limit, whatever it wants.
const FULL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 43\r\nRetry-After: 1\r\n\
                      Connection: close\r\n\r\nthe server has too many open connections\r\n\n";
/// Pause after a failed accept, which mostly means that file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One address and what is served there.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    router: Router,
    on_panic: OnPanic,
    tls: Option<Tls>,
}

impl Listener {
    /// Takes an address; port 0 takes a free port.
    ///
    /// # Errors
    /// [`ErrorCode::Io`] names the address that cannot be had.
    pub async fn bind(address: SocketAddr, router: Router) -> Result<Self> {
        let refused = |error| Error::new(ErrorCode::Io, format!("cannot listen on {address}: {error}"));
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address, router, on_panic: plain_panic, tls: None })
    }

    /// Sets the answer to a request whose handler panicked; it gets the path and the id of the request.
    #[must_use]
    pub fn on_panic(mut self, answer: fn(&str, &RequestId) -> Response<Body>) -> Self {
        self.on_panic = answer;
        self
    }

    /// Speaks TLS only.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// The address in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves until `shutdown` is cancelled, then lets requests under way finish within the drain limit.
pub async fn serve(listeners: Vec<Listener>, limits: HttpLimits, shutdown: Shutdown) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let drain = limits.drain_timeout;
    let shared = Arc::new(Shared {
        limits: Arc::new(limits),
        shutdown: shutdown.clone(),
        buffered: Arc::default(),
        meters: Meters::new(),
    });
    let connections = TaskTracker::new();
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&shared), Arc::clone(&permits), connections.clone()));
    }
    accepting.join_all().await;
    connections.close();
    if timeout(drain, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "requests did not finish within the drain limit; closing their connections");
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>, permits: Arc<Semaphore>, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = shared.shutdown.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, address = %listener.address, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            shared.meters.refused.increment(1);
            if listener.tls.is_none() {
                let _ = stream.try_write(FULL);
            }
            continue;
        };
        let connection = Connection {
            shared: Arc::clone(&shared),
            router: listener.router.clone(),
            on_panic: listener.on_panic,
            peer,
            proof: None,
            phase: Arc::new(Phase::new()),
            bond: Arc::default(),
        };
        connections.spawn(open(stream, listener.tls.clone(), connection, permit));
    }
}

/// Greets the client where the listener speaks TLS, and serves the connection to its end.
async fn open(stream: TcpStream, tls: Option<Tls>, connection: Connection, permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return run(stream, Arc::new(connection), permit).await };
    let shared = &connection.shared;
    let greeted = tokio::select! {
        greeted = timeout(shared.limits.header_timeout, tls.accept(stream)) => greeted,
        () = shared.shutdown.cancelled() => return,
    };
    match greeted {
        Ok(Ok(stream)) => {
            let connection = Connection { proof: Some(Proof::of(&stream)), ..connection };
            run(stream, Arc::new(connection), permit).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Serves one connection to its end.
async fn run<S>(stream: S, connection: Arc<Connection>, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (shared, phase) = (Arc::clone(&connection.shared), Arc::clone(&connection.phase));
    let limits = &shared.limits;
    let mut builder = http1::Builder::new();
    builder.max_headers(limits.headers).max_header_size(limits.header_bytes).max_buf_size(limits.header_bytes.max(64 << 10));
    // A connection's own timer does this, see `connection`.
    builder.header_read_timeout(None);
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&phase)));
    let service = service_fn(move |request| Arc::clone(&connection).answer(request));
    let mut http = std::pin::pin!(builder.serve_connection(socket, service));
    let mut look = std::pin::pin!(sleep(interval(limits)));
    let mut ending = false;
    shared.meters.connections.increment(1);
    loop {
        tokio::select! {
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                break;
            }
            () = shared.shutdown.cancelled(), if !ending => {
                if !phase.is_busy() {
                    break;
                }
                ending = true;
                http.as_mut().graceful_shutdown();
            }
            () = look.as_mut() => {
                match phase.overdue(limits) {
                    Some(Overdue::Slow) => break,
                    Some(Overdue::Idle) if !ending => {
                        ending = true;
                        http.as_mut().graceful_shutdown();
                    }
                    _ => {}
                }
                look.set(sleep_until(Instant::now() + interval(limits)));
            }
        }
    }
    shared.meters.connections.decrement(1);
    drop(permit);
}

//! TCP and TLS connections, from accepting to the end of their messages.

use crate::framing::{Frame, Framer};
use crate::queue::{Doors, Intake};
use crate::tls::peer_name;
use crate::{Shutdown, SyslogTls};
use headworks_pipelines::decode::SyslogSender;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;

/// Pause after a failed accept, which mostly means that file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a connection is quiet before it counts as read to its end when the server stops.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Open connections by address.
#[derive(Default)]
struct Guests(Mutex<HashMap<IpAddr, usize>>);

/// The place of one open connection.
struct Place {
    guests: Arc<Guests>,
    intake: Arc<Intake>,
    address: IpAddr,
}

impl Guests {
    /// A place for a connection, if there is one.
    fn admit(self: &Arc<Self>, intake: &Arc<Intake>, address: IpAddr) -> Option<Place> {
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (guests.values().sum::<usize>(), guests.get(&address).copied().unwrap_or_default());
        if all >= intake.limits.connections || own >= intake.limits.source_connections {
            return None;
        }
        guests.insert(address, own + 1);
        intake.meters.connections.increment(1);
        Some(Place { guests: Arc::clone(self), intake: Arc::clone(intake), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        match guests.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                guests.remove(&self.address);
            }
        }
        self.intake.meters.connections.decrement(1);
    }
}

/// Accepts until the end, then waits for what the open connections have sent.
pub(crate) async fn accept(listener: TcpListener, tls: Option<SyslogTls>, doors: Arc<Doors>, shutdown: Shutdown) {
    let (guests, connections) = (Arc::new(Guests::default()), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a syslog connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        let intake = doors.of(address);
        if !intake.origins.allow(address) {
            intake.meters.origin.increment(1);
            continue;
        }
        let Some(place) = guests.admit(intake, address) else {
            intake.meters.refused.increment(1);
            continue;
        };
        let (tls, intake, shutdown) = (tls.clone(), Arc::clone(intake), shutdown.clone());
        connections.spawn(async move {
            if let Err(error) = serve(stream, peer, tls, &intake, &shutdown).await {
                tracing::debug!(%error, %peer, "syslog connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<SyslogTls>,
    intake: &Intake,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let Some(tls) = tls else {
        return Connection::new(stream, peer, "", intake, shutdown).run().await;
    };
    let greeted = tokio::select! {
        greeted = timeout(intake.limits.handshake_timeout, tls.acceptor().accept(stream)) => greeted,
        () = shutdown.cancelled() => return Ok(()),
    };
    let greeted = greeted.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")));
    let stream = greeted.inspect_err(|_| intake.meters.bad_handshakes.increment(1))?;
    let certificates = stream.get_ref().1.peer_certificates();
    let name = certificates.and_then(|chain| chain.first()).map(peer_name).unwrap_or_default();
    Connection::new(stream, peer, &name, intake, shutdown).run().await
}

struct Connection<'c, S> {
    stream: S,
    sender: Arc<SyslogSender>,
    address: IpAddr,
    framer: Framer,
    intake: &'c Intake,
    shutdown: &'c Shutdown,
}

impl<'c, S: AsyncRead + Unpin> Connection<'c, S> {
    fn new(stream: S, peer: SocketAddr, name: &str, intake: &'c Intake, shutdown: &'c Shutdown) -> Self {
        let sender = Arc::new(SyslogSender::new(peer, name));
        let framer = Framer::new(intake.limits.message_bytes);
        Self { stream, sender, address: peer.ip(), framer, intake, shutdown }
    }

    /// Takes messages until the sender is done, too slow or not allowed any more, or the server stops.
    async fn run(mut self) -> io::Result<()> {
        let ended = self.read().await;
        match self.framer.finish() {
            Ok(Some(frame)) => take(frame, &self.sender, self.intake).await,
            Ok(None) => {}
            Err(()) => self.intake.meters.incomplete.increment(1),
        }
        ended
    }

    async fn read(&mut self) -> io::Result<()> {
        let limits = &self.intake.limits;
        let mut deadline = Instant::now() + limits.idle_timeout;
        loop {
            let read = tokio::select! {
                biased;
                read = timeout_at(deadline, self.stream.read_buf(self.framer.buffer())) => read,
                () = self.shutdown.cancelled() => return self.last_words().await,
            };
            let read = read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the sender was silent for too long"))?;
            if read? == 0 {
                return Ok(());
            }
            let taken = self.take_all().await?;
            if !self.framer.is_within() {
                deadline = Instant::now() + limits.idle_timeout;
            } else if taken || deadline > Instant::now() + limits.message_timeout {
                // A message has begun.
                deadline = Instant::now() + limits.message_timeout;
            }
        }
    }

    /// Takes every complete message; answers whether there was one.
    async fn take_all(&mut self) -> io::Result<bool> {
        let mut any = false;
        while let Some(frame) = self.framer.next() {
            // The list may have changed since the connection was accepted.
            if !self.intake.origins.allow(self.address) {
                self.intake.meters.origin.increment(1);
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the sender is not allowed any more"));
            }
            take(frame, &self.sender, self.intake).await;
            any = true;
        }
        Ok(any)
    }

    /// Takes what the sender had sent when the server was told to stop.
    async fn last_words(&mut self) -> io::Result<()> {
        while let Ok(read) = timeout(LAST_WORDS, self.stream.read_buf(self.framer.buffer())).await {
            if read? == 0 {
                break;
            }
            self.take_all().await?;
        }
        Ok(())
    }
}

async fn take(frame: Frame, sender: &Arc<SyslogSender>, intake: &Intake) {
    intake.meters.received_tcp.increment(1);
    if frame.cut {
        intake.meters.truncated.increment(1);
    }
    intake.push(frame.message, sender).await;
}

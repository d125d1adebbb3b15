//! Binding, serving and the graceful end.

use crate::meters::{Complaint, over_quota};
use crate::queue::{Doors, Intake, Runner, run};
use crate::{AllowedOrigins, Shutdown, SyslogLimits, SyslogTls, tcp, udp};
use headworks_core::AddressRange;
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_pipelines::Pipelines;
use std::cmp::Reverse;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How often a free port is looked for that both transports can have.
const TRIES: usize = 32;

/// Where and how to listen.
pub struct SyslogOptions {
    /// The address of both transports; port 0 takes a port that is free for both.
    pub address: SocketAddr,
    /// Whether to take datagrams.
    pub udp: bool,
    /// Whether to take connections.
    pub tcp: bool,
    /// Makes every TCP connection one of TLS.
    pub tls: Option<SyslogTls>,
    /// Bounds.
    pub limits: SyslogLimits,
}

/// A tenant whose pipelines get messages. Each has a queue of its own, so that none fills that of another.
pub struct Recipient {
    /// Whose pipelines.
    pub tenant: TenantId,
    /// Which senders are meant for it.
    pub senders: Vec<AddressRange>,
    /// Which of these may send.
    pub origins: AllowedOrigins,
}

/// Listeners that hold their addresses and do not serve yet.
pub struct SyslogServer {
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
    options: SyslogOptions,
}

impl SyslogServer {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ErrorCode::Io`] names the address that cannot be had; [`ErrorCode::Invalid`] a limit.
    pub async fn bind(options: SyslogOptions) -> Result<Self> {
        options.limits.check()?;
        let mut tries = TRIES;
        let (udp, tcp) = loop {
            tries -= 1;
            match bind(&options).await {
                Ok(bound) => break bound,
                // The other transport of the port that was free for one is taken.
                Err(error) if options.address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(error) => {
                    let text = format!("cannot listen on {} for syslog: {error}", options.address);
                    return Err(Error::new(ErrorCode::Io, text));
                }
            }
        };
        if let Some(socket) = &udp {
            udp::widen(socket);
        }
        Ok(Self { udp, tcp, options })
    }

    /// The address of the UDP listener.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp.as_ref().and_then(|socket| socket.local_addr().ok())
    }

    /// The address of the TCP listener.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Its bounds.
    pub fn limits(&self) -> &SyslogLimits {
        &self.options.limits
    }

    /// Serves until `shutdown` is cancelled, then lets the messages that were received run within the drain limit. Senders
    /// that none of the recipients names are meant for `others`.
    pub async fn serve(
        self,
        pipelines: Pipelines,
        recipients: Vec<Recipient>,
        others: Recipient,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
    ) {
        let Self { udp, tcp, options } = self;
        let SyslogOptions { tls, limits, .. } = options;
        let hurry = Shutdown::new();
        let mut running = JoinSet::new();
        let mut open = |tenant: TenantId, origins: AllowedOrigins| {
            let (intake, waiting) = Intake::new(limits.clone(), origins, Arc::clone(&clock));
            let (failed, over_quota, failing) = (intake.meters.failed.clone(), over_quota(tenant), Complaint::default());
            let (pipelines, hurry, limits) = (pipelines.clone(), hurry.clone(), limits.clone());
            running.spawn(async move {
                run(Runner { pipelines, tenant, failed, over_quota, failing, hurry }, &limits, waiting).await
            });
            Arc::new(intake)
        };
        let mut blocks = Vec::new();
        for Recipient { tenant, senders, origins } in recipients {
            let intake = open(tenant, origins);
            blocks.extend(senders.into_iter().map(|sender| (sender, Arc::clone(&intake))));
        }
        // A sender is meant by the smallest block that holds it.
        blocks.sort_by_key(|(block, _)| Reverse(block.prefix_len()));
        let doors = Arc::new(Doors { blocks, others: open(others.tenant, others.origins) });
        let mut listeners = JoinSet::new();
        if let Some(socket) = udp {
            listeners.spawn(udp::receive(socket, Arc::clone(&doors), shutdown.clone()));
        }
        if let Some(listener) = tcp {
            listeners.spawn(tcp::accept(listener, tls, Arc::clone(&doors), shutdown.clone()));
        }
        // The runners end when the listeners have: they hold the only ways into the queues.
        drop(doors);
        tokio::select! {
            () = all(&mut running) => return,
            () = shutdown.cancelled() => {}
        }
        if timeout(limits.drain_timeout, all(&mut running)).await.is_err() {
            hurry.cancel();
            tracing::warn!("syslog messages did not run within the drain limit and are lost");
            running.abort_all();
        }
    }
}

async fn all(running: &mut JoinSet<()>) {
    while running.join_next().await.is_some() {}
}

async fn bind(options: &SyslogOptions) -> io::Result<(Option<UdpSocket>, Option<TcpListener>)> {
    let mut address = options.address;
    let mut tcp = None;
    if options.tcp {
        let listener = TcpListener::bind(address).await?;
        address.set_port(listener.local_addr()?.port());
        tcp = Some(listener);
    }
    let udp = if options.udp { Some(UdpSocket::bind(address).await?) } else { None };
    Ok((udp, tcp))
}

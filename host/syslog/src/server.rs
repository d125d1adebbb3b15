//! Binding, serving and the graceful end.

use crate::meters::{Complaint, over_quota};
use crate::queue::{Intake, Runner, run};
use crate::{AllowedOrigins, Shutdown, SyslogLimits, SyslogTls, tcp, udp};
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_pipelines::Pipelines;
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
    /// Whose pipelines get the messages.
    pub tenant: TenantId,
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

    /// Serves until `shutdown` is cancelled, then lets the messages that were received run within the drain limit.
    pub async fn serve(self, pipelines: Pipelines, origins: AllowedOrigins, clock: Arc<dyn Clock>, shutdown: Shutdown) {
        let Self { udp, tcp, options } = self;
        let SyslogOptions { tls, limits, tenant, .. } = options;
        let hurry = Shutdown::new();
        let (intake, waiting) = Intake::new(limits.clone(), origins, clock);
        let failed = intake.meters.failed.clone();
        let runner = Runner {
            pipelines,
            tenant,
            failed,
            over_quota: over_quota(tenant),
            failing: Complaint::default(),
            hurry: hurry.clone(),
        };
        let intake = Arc::new(intake);
        let mut listeners = JoinSet::new();
        if let Some(socket) = udp {
            listeners.spawn(udp::receive(socket, Arc::clone(&intake), shutdown.clone()));
        }
        if let Some(listener) = tcp {
            listeners.spawn(tcp::accept(listener, tls, Arc::clone(&intake), shutdown.clone()));
        }
        // The runner ends when the listeners have: they hold the only ways into the queue.
        drop(intake);
        let drain = limits.drain_timeout;
        let mut running = tokio::spawn(async move { run(runner, &limits, waiting).await });
        tokio::select! {
            _ = &mut running => return,
            () = shutdown.cancelled() => {}
        }
        if timeout(drain, &mut running).await.is_err() {
            hurry.cancel();
            tracing::warn!("syslog messages did not run within the drain limit and are lost");
            running.abort();
        }
    }
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

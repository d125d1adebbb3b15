//! One datagram, one message.

use crate::Shutdown;
use crate::framing::whole_characters;
use crate::queue::{Doors, Intake};
use bytes::Bytes;
use headworks_pipelines::decode::SyslogSender;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::sleep;

/// What the system is asked to keep of datagrams that were not read yet, in bytes. It may give less.
const SYSTEM_BUFFER: usize = 4 << 20;
/// The largest datagram there is.
const MAX_DATAGRAM: usize = 65_535;
/// Pause after a failed receive.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks for a larger buffer; less is no reason not to start.
pub(crate) fn widen(socket: &UdpSocket) {
    if let Err(error) = rustix::net::sockopt::set_socket_recv_buffer_size(socket, SYSTEM_BUFFER) {
        tracing::debug!(%error, "the system gives no larger buffer for UDP");
    }
}

/// Receives until the end, then takes what had arrived before.
pub(crate) async fn receive(socket: UdpSocket, doors: Arc<Doors>, shutdown: Shutdown) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut sender: Option<(SocketAddr, Arc<SyslogSender>)> = None;
    loop {
        let received = tokio::select! {
            biased;
            received = socket.recv_from(&mut buffer) => received,
            () = shutdown.cancelled() => return,
        };
        match received {
            Ok((len, from)) => {
                let known = sender.as_ref().filter(|(known, _)| *known == from).map(|(_, sender)| Arc::clone(sender));
                let known = known.unwrap_or_else(|| Arc::new(SyslogSender::new(from, "")));
                take(doors.of(from.ip()), buffer.get(..len).unwrap_or_default(), from, &known);
                sender = Some((from, known));
            }
            Err(error) => {
                tracing::debug!(%error, "a datagram cannot be received");
                sleep(PAUSE).await;
            }
        }
    }
}

fn take(intake: &Intake, datagram: &[u8], from: SocketAddr, sender: &Arc<SyslogSender>) {
    intake.meters.received_udp.increment(1);
    if !intake.origins.allow(from.ip()) {
        return intake.meters.origin.increment(1);
    }
    let len = datagram.iter().rposition(|byte| !byte.is_ascii_control()).map_or(0, |last| last + 1);
    let kept = len.min(intake.limits.message_bytes);
    let mut message = Bytes::copy_from_slice(datagram.get(..kept).unwrap_or_default());
    if kept < len {
        intake.meters.truncated.increment(1);
        whole_characters(&mut message);
    }
    if !message.is_empty() {
        intake.offer(message, sender, from.ip().to_canonical());
    }
}

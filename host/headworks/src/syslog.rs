//! From the settings to the options of the syslog server (FlowG 17).

use crate::addresses::{Addresses, SyslogAddresses};
use crate::settings::{Settings, SyslogProtocol, SyslogTlsFiles, address};
use anyhow::{Context, Result, bail};
use headworks_core::TenantId;
use headworks_identity::Tenants;
use headworks_syslog::{SyslogLimits, SyslogOptions, SyslogServer, SyslogTls};
use std::path::PathBuf;
use std::time::Duration;

/// Takes the addresses of the syslog server and notes them. `None` where the operator wants no syslog server.
pub(crate) async fn bind(settings: &Settings, tenant: TenantId, listening: &mut Addresses) -> Result<Option<SyslogServer>> {
    let Some(options) = options(settings, tenant)? else { return Ok(None) };
    let tls = options.tls.is_some();
    let server = SyslogServer::bind(options).await?;
    listening.syslog = Some(SyslogAddresses { udp: server.udp_address(), tcp: server.tcp_address(), tls });
    Ok(Some(server))
}

/// The tenant whose pipelines get syslog messages.
pub(crate) fn tenant(settings: &Settings, tenants: &Tenants) -> Result<TenantId> {
    let name = &settings.syslog_tenant;
    let found = tenants.by_name(name).with_context(|| format!("syslog_tenant: there is no tenant {name:?}; make it first"))?;
    Ok(found.number)
}

fn options(settings: &Settings, tenant: TenantId) -> Result<Option<SyslogOptions>> {
    if settings.syslog == "off" {
        return Ok(None);
    }
    let tls = tls(&settings.syslog_tls)?;
    let usual = if tls.is_some() { SyslogProtocol::Tcp } else { SyslogProtocol::Both };
    let protocol = settings.syslog_protocol.unwrap_or(usual);
    if tls.is_some() && protocol == SyslogProtocol::Udp {
        bail!("syslog_tls is enabled, but syslog_protocol is udp, which has no TLS: use tcp or both, or disable syslog_tls");
    }
    Ok(Some(SyslogOptions {
        address: address(&settings.syslog).context("syslog")?,
        udp: protocol != SyslogProtocol::Tcp,
        tcp: protocol != SyslogProtocol::Udp,
        tls,
        limits: limits(settings),
        tenant,
    }))
}

fn limits(settings: &Settings) -> SyslogLimits {
    let (given, usual) = (&settings.syslog_limits, SyslogLimits::default());
    let ms = |given: Option<u64>, usual: Duration| given.map_or(usual, Duration::from_millis);
    let queue_bytes = given.queue_bytes.unwrap_or(usual.queue_bytes);
    SyslogLimits {
        message_bytes: given.message_bytes.unwrap_or(usual.message_bytes),
        queue_messages: given.queue_messages.unwrap_or(usual.queue_messages),
        queue_bytes,
        source_bytes: given.source_bytes.unwrap_or(queue_bytes / 2),
        connections: given.connections.unwrap_or(usual.connections),
        source_connections: given.source_connections.unwrap_or(usual.source_connections),
        handshake_timeout: ms(given.handshake_timeout_ms, usual.handshake_timeout),
        message_timeout: ms(given.message_timeout_ms, usual.message_timeout),
        idle_timeout: ms(given.idle_timeout_ms, usual.idle_timeout),
        drain_timeout: ms(given.drain_timeout_ms, usual.drain_timeout),
        ..usual
    }
}

fn tls(files: &SyslogTlsFiles) -> Result<Option<SyslogTls>> {
    if !files.enabled.unwrap_or(files.cert.is_some()) {
        return Ok(None);
    }
    let read = |name: &str, path: &Option<PathBuf>| {
        let path =
            path.as_ref().with_context(|| format!("syslog_tls is enabled, so syslog_tls.{name} has to name a PEM file"))?;
        std::fs::read(path).with_context(|| format!("cannot read syslog_tls.{name} {}", path.display()))
    };
    if files.auth && files.client_ca.is_none() {
        bail!(
            "syslog_tls.auth is set, so syslog_tls.client_ca has to name the PEM file of the authorities of client certificates"
        );
    }
    let authorities = files.client_ca.is_some().then(|| read("client_ca", &files.client_ca)).transpose()?;
    let (certificate, key) = (read("cert", &files.cert)?, read("key", &files.key)?);
    Ok(Some(SyslogTls::new(&certificate, &key, authorities.as_deref(), files.auth).context("syslog_tls")?))
}

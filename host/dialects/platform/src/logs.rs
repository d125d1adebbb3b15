//! What plugins log: the lines there are, or all lines as they come, by Server-Sent Events.

use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream;
use headworks_core::{Error, TenantId};
use headworks_http::Shutdown;
use headworks_identity::{Place, Scope};
use headworks_plugins::{LogLine, Plugins};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// How long nothing is sent at most.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct LineShape<'a> {
    number: u64,
    at: String,
    level: &'a str,
    component: String,
    text: &'a str,
}

impl<'a> From<&'a LogLine> for LineShape<'a> {
    fn from(line: &'a LogLine) -> Self {
        let LogLine { number, at, level, component, text } = line;
        Self { number: *number, at: at.rfc3339(), level: level.as_str(), component: component.to_string(), text }
    }
}

pub(crate) async fn logs(mut call: Call) -> Result<Response<Body>, Failure> {
    let plugin = call.name().await?;
    let after = match call.query()?.get("after") {
        Some(text) => text.parse().map_err(|_| Error::invalid("after is the number of a line").at("after"))?,
        None => 0,
    };
    let follow = call.flag("follow")?;
    call.allow(Scope::ReadTransformers)?;
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    if !follow {
        let lines = plugins.logs(tenant, &plugin, after)?;
        let shown: Vec<LineShape<'_>> = lines.iter().map(Into::into).collect();
        return Ok(json(&serde_json::json!({"lines": shown})));
    }
    let _place = call.app.identity.tenants().meter(tenant).live_tail()?;
    let news = plugins.follow_logs(tenant, &plugin)?;
    let follower = Follower { plugins, tenant, plugin, after, news, shutdown: call.context.shutdown().clone(), _place };
    let body = stream::unfold(follower, |mut follower| async move {
        let bytes = follower.next().await?;
        Some((Ok::<_, Infallible>(bytes), follower))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Who follows the log of a plugin.
struct Follower {
    plugins: Plugins,
    tenant: TenantId,
    plugin: String,
    /// The last line that was sent.
    after: u64,
    news: watch::Receiver<u64>,
    shutdown: Shutdown,
    _place: Place,
}

impl Follower {
    /// The next events; `None` when the plugin is gone or the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.news.mark_unchanged();
            let lines = self.plugins.logs(self.tenant, &self.plugin, self.after).ok()?;
            if let Some(last) = lines.last() {
                self.after = last.number;
                return Some(lines.iter().map(event).collect::<String>().into());
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b":\n")),
                () = self.shutdown.cancelled() => return None,
            }
        }
    }
}

fn event(line: &LogLine) -> String {
    // Serializing a line does not fail.
    let data = serde_json::to_string(&LineShape::from(line)).unwrap_or_default();
    format!("id: {}\nevent: log\ndata: {data}\n\n", line.number)
}

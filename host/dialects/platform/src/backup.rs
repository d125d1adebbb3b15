//! The whole of a server, for operators. It is sealed with the key in the data folder, which no answer ever holds: who may ask
//! for it still cannot read what belongs to tenants.

use crate::call::Call;
use crate::failure::Failure;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use headworks_core::{Error, ErrorCode};
use headworks_http::written;
use headworks_plugins::Envelope;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many may be under way at once: as long as one is, the database keeps what changes.
pub fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(1))
}

pub(crate) async fn backup(call: Call) -> Result<Response<Body>, Failure> {
    call.allow_operator()?;
    let place = Arc::clone(&call.app.backups).try_acquire_owned();
    let place = place.map_err(|_| Error::new(ErrorCode::Exhausted, "a backup of the server is under way; try again later"))?;
    tracing::info!(user = call.caller.user, "a backup of the whole server is taken");
    // What plugins remember reaches the store within a second only.
    call.app.plugins.flush().await;
    let (store, mut envelope) = (call.app.store.clone(), Envelope::new(call.app.plugins.seal())?);
    let body = written(move |send| {
        let _place = place;
        store.view(|view| view.dump(|piece| envelope.add(piece, |sealed| send(sealed.into()))))?;
        send(envelope.finish()?.into())
    });
    let mut response = Response::new(body.await?);
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=server.db"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

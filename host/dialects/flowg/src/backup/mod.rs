//! `backup_*` and `restore_*` (FlowG 14).
//!
//! What must stay true: a backup is one moment of the store, and what breaks it off breaks the answer off; a restore changes
//! nothing before the whole file was read and checked, and what it begins is finished, by the next start if need be.

mod auth;
mod badger;
mod config;
mod keys;
mod logs;
mod objects;
mod tarball;
mod transfers;

pub use transfers::Transfers;

use crate::App;
use crate::account::done;
use crate::call::Call;
use crate::failure::Failure;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_http::blocking;
use headworks_http::{Upload as Parts, written};
use headworks_identity::{Meter, Scope, Tenants};
use headworks_store::{Health, Store, View};
use std::io::{BufReader, Seek};
use std::sync::{Arc, Mutex, PoisonError};
use transfers::Upload;

type Answer = Result<Response<Body>, Failure>;
/// Writes the whole of one kind.
type Write = fn(&View<'_>, TenantId, &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()>;

/// Bytes that are read from an uploaded file at once.
const BUFFER: usize = 256 << 10;
/// The part of the body that holds the file.
const PART: &str = "backup";

const CONFIG_READ: [Scope; 3] = [Scope::ReadPipelines, Scope::ReadTransformers, Scope::ReadForwarders];
const CONFIG_WRITE: [Scope; 3] = [Scope::WritePipelines, Scope::WriteTransformers, Scope::WriteForwarders];

pub(crate) async fn backup_auth(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    send(call, "attachment; filename=auth.db", |view, tenant, send| auth::write(view, tenant, send)).await
}

pub(crate) async fn backup_config(call: Call) -> Answer {
    CONFIG_READ.into_iter().try_for_each(|scope| call.allow(scope))?;
    send(call, "attachment; filename=config.db", |view, tenant, send| config::write(view, tenant, send)).await
}

pub(crate) async fn backup_logs(call: Call) -> Answer {
    call.allow(Scope::ReadStreams)?;
    send(call, "attachment; filename=logs.db", |view, tenant, send| logs::write(view, tenant, send)).await
}

/// Answers with a file that is written while it is sent. A failure before the first block becomes a status.
async fn send(call: Call, disposition: &'static str, write: Write) -> Answer {
    let permit = call.app.transfers.download(call.caller.tenant)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let body = written(move |send| {
        let _permit = permit;
        store.view(|view| write(view, tenant, send))
    });
    let mut response = Response::new(body.await?);
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Takes the uploaded file. The form of the request is looked at before the scopes (FlowG 3.2), its content after them: what
/// somebody without the right sends is not put on the disk.
async fn receive(call: &mut Call, scopes: &[Scope]) -> Result<Upload, Failure> {
    let body = call.take_body();
    let mut parts = Parts::open(&call.context, call.headers(), body)?;
    scopes.iter().try_for_each(|scope| call.allow(*scope))?;
    let upload = call.app.transfers.upload(call.caller.tenant)?;
    let store = call.app.store.clone();
    let shared = Arc::new(Mutex::new(upload));
    let found = parts
        .file(PART, |piece| {
            let (shared, store) = (Arc::clone(&shared), store.clone());
            async move {
                let write = move || shared.lock().unwrap_or_else(PoisonError::into_inner).write(&store, &piece);
                tokio::task::spawn_blocking(write).await.map_err(|error| Error::internal(error.to_string()))?
            }
        })
        .await?;
    if !found {
        return Err(Failure::validation("body", vec![format!("#: missing file part: \"{PART}\"")]));
    }
    let upload = Arc::into_inner(shared).ok_or_else(|| Error::internal("an upload is still being written"))?;
    Ok(upload.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn second(app: &App) -> u64 {
    u64::try_from(app.clock.now().seconds()).unwrap_or(0)
}

/// The file from its beginning.
fn reader(upload: &mut Upload) -> Result<BufReader<&mut cap_std::fs::File>> {
    upload.file.rewind()?;
    Ok(BufReader::with_capacity(BUFFER, &mut upload.file))
}

pub(crate) async fn restore_auth(mut call: Call) -> Answer {
    let mut upload = receive(&mut call, &[Scope::WriteAcls]).await?;
    let second = second(&call.app);
    let facts = blocking(move || {
        let len = upload.len;
        auth::read(reader(&mut upload)?, len, second)
    })
    .await?;
    let _turn = call.app.transfers.applying.lock().await;
    call.app.identity.restore(&call.caller.user, call.caller.tenant, facts).await?;
    Ok(done())
}

pub(crate) async fn restore_config(mut call: Call) -> Answer {
    let mut upload = receive(&mut call, &CONFIG_WRITE).await?;
    let (second, tenant) = (second(&call.app), call.caller.tenant);
    let changes = blocking(move || {
        let len = upload.len;
        config::read(reader(&mut upload)?, len, second, tenant)
    })
    .await?;
    let _turn = call.app.transfers.applying.lock().await;
    call.app.store.write_unjudged(&call.caller.user, changes).await?;
    Ok(done())
}

pub(crate) async fn restore_logs(mut call: Call) -> Answer {
    let upload = receive(&mut call, &[Scope::WriteStreams]).await?;
    let (app, tenant) = (call.app.clone(), call.caller.tenant);
    // It goes on to the end when the client goes away.
    let restoring = tokio::spawn(async move {
        let _turn = app.transfers.applying.lock().await;
        let (store, second) = (app.store.clone(), second(&app));
        let meter = app.identity.tenants().meter(tenant);
        blocking(move || apply_logs(&store, &meter, upload, second)).await
    });
    restoring.await.unwrap_or_else(|error| Err(Error::internal(format!("restoring ended: {error}"))))?;
    Ok(done())
}

/// Checks a file of logs, then restores it, so that a next start would go on with it. Blocks.
fn apply_logs(store: &Store, meter: &Meter, mut upload: Upload, second: u64) -> Result<()> {
    let (len, tenant) = (upload.len, meter.tenant());
    let head = logs::check(reader(&mut upload)?, len, second)?;
    meter.check_storage(head.stored() as u64)?;
    store.reserve(head.bytes())?;
    upload.make_pending(tenant)?;
    let applied = logs::apply(store, tenant, reader(&mut upload)?, len, second, head);
    let stopping = applied.as_ref().is_err_and(|error| error.code == ErrorCode::Unavailable);
    if !stopping && !matches!(store.health(), Health::Failed(_)) {
        upload.done();
    }
    applied
}

/// Finishes the restore of logs that was under way when the process ended; what was for a tenant that is gone is removed.
/// Blocks.
///
/// # Errors
/// Those of the disk. What a file meets is logged, and the file tried again at the next start.
pub fn resume_restores(transfers: &Transfers, store: &Store, tenants: &Tenants, second: u64) -> Result<()> {
    for (tenant, mut upload) in transfers.pending()? {
        if tenants.get(tenant).is_none() {
            upload.done();
            continue;
        }
        tracing::info!(%tenant, bytes = upload.len, "restoring logs goes on where the last process ended");
        let len = upload.len;
        let applied = reader(&mut upload).and_then(|file| logs::check(file, len, second));
        let applied = applied.and_then(|head| logs::apply(store, tenant, reader(&mut upload)?, len, second, head));
        match applied {
            Ok(()) => upload.done(),
            Err(error) => tracing::error!(%tenant, %error, "logs could not be restored; the next start tries again"),
        }
    }
    Ok(())
}

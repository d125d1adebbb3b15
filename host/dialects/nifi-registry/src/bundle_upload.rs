//! Uploading an archive (NiFi Registry 12.1): written to the disk while it comes, decided on when all of it is there.

use crate::bundle_type;
use crate::bundles::VersionView;
use crate::call::Call;
use crate::failure::Failure;
use axum::Json;
use axum::http::StatusCode;
use headworks_core::{Digest, Error};
use headworks_http::{Part, Upload, media_type};
use headworks_identity::Action;
use headworks_registry::NewVersion;
use headworks_registry::archive::Coordinates;
use headworks_store::Content;

/// The most bytes of a part that is text.
const TEXT: usize = 8 << 10;

/// The parts that count. Of parts of the same name the first does.
#[derive(Default)]
struct Form {
    file: Option<Content>,
    sha256: Option<String>,
    group: Option<String>,
    artifact: Option<String>,
    version: Option<String>,
}

pub(crate) async fn upload(mut call: Call) -> Result<Json<VersionView>, Failure> {
    let [bucket, kind] = call.path().await?;
    let kind = bundle_type::read(&kind)?;
    call.allow_in(Action::Write, &bucket)?;
    call.app.registry.bucket(call.caller.tenant, &bucket)?;
    let form = receive(&mut call).await?;
    let content = form.file.ok_or_else(|| Failure::invalid("The part `file` with the extension bundle is missing."))?;
    let digest = match form.sha256.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Some(text.parse::<Digest>().map_err(|error| Failure::invalid(format!("sha256: {}", error.message)))?),
        None => None,
    };
    let given = match (named(form.group), named(form.artifact), named(form.version)) {
        (Some(group), Some(artifact), Some(version)) => Some(Coordinates { group, artifact, version }),
        _ => None,
    };
    let new = NewVersion { bucket, kind, content, digest, given, origin: None };
    let added = call.app.registry.add_version(call.caller.tenant, &call.caller.identity, new).await?;
    Ok(Json(VersionView::of(&call, added.bucket, added.bundle, added.version)))
}

fn named(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Takes the whole body, its parts in whatever order.
async fn receive(call: &mut Call) -> Result<Form, Failure> {
    if media_type(call.headers()).is_none_or(|kind| !kind.eq_ignore_ascii_case("multipart/form-data")) {
        let text = "the body has to be multipart/form-data with a part named file";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let body = call.take_body();
    let mut parts = Upload::open(&call.context, call.headers(), body)?;
    let mut form = Form::default();
    while let Some(part) = parts.part().await? {
        let text = match part.name() {
            "file" if form.file.is_none() => {
                form.file = Some(store(call, part).await?);
                continue;
            }
            "sha256" => &mut form.sha256,
            "groupId" => &mut form.group,
            "artifactId" => &mut form.artifact,
            "version" => &mut form.version,
            _ => {
                part.pass_over().await?;
                continue;
            }
        };
        let read = part.text(TEXT).await?;
        text.get_or_insert(read);
    }
    Ok(form)
}

/// Writes a part to the disk as it comes, while the tenant may store more.
async fn store(call: &mut Call, mut part: Part) -> Result<Content, Error> {
    let tenant = call.caller.tenant;
    let meter = call.app.identity.tenants().meter(tenant);
    let mut writer = call.app.store.start_content(tenant).await?;
    while let Some(piece) = part.piece().await? {
        meter.check_storage(piece.len() as u64)?;
        writer.write(&piece).await?;
    }
    writer.finish().await
}

//! Addresses about the server itself, each behind a resource of its own (NiFi Registry 2.6 and 17.1): how it is, and what its
//! API looks like.

use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::{base, outside};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use headworks_identity::{Action, Resource};
use headworks_store::Health;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The API as OpenAPI; its release is put in when it is asked for.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../docs/openapi.json")).unwrap_or_default());
/// Where a browser is led to.
const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headworks registry</title></head><body>\
                    <h1>Headworks registry</h1><p>The API as <a href=\"swagger.json\">OpenAPI</a>.</p></body></html>\n";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/actuator", any(actuator))
        .route("/actuator/{*rest}", any(actuator))
        .route("/swagger", any(swagger))
        .route("/swagger/{*rest}", any(swagger))
}

/// Refuses callers without the right that a method takes.
fn guard(call: &Call, method: &Method, resource: &Resource) -> Result<(), Failure> {
    let action = match *method {
        Method::POST | Method::PUT | Method::PATCH => Action::Write,
        Method::DELETE => Action::Delete,
        _ => Action::Read,
    };
    call.allow(action, resource).map_err(Failure::guarded)
}

async fn actuator(method: Method, call: Call) -> Result<Response, Failure> {
    guard(&call, &method, &Resource::Actuator)?;
    let path = call.uri().path().to_owned();
    read_only(&method)?;
    let own = base::of(&call);
    match path.as_str() {
        "/actuator" => {
            let link = |path: &str| json!({"href": format!("{own}/{path}"), "templated": false});
            Ok(Json(json!({"_links": {"self": link("actuator"), "health": link("actuator/health")}})).into_response())
        }
        "/actuator/health" => match call.app.store.health() {
            Health::Ok => Ok(Json(json!({"status": "UP"})).into_response()),
            _ => Ok((StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "DOWN"}))).into_response()),
        },
        _ => Err(outside::unknown_path().await),
    }
}

async fn swagger(method: Method, call: Call) -> Result<Response, Failure> {
    guard(&call, &method, &Resource::Swagger)?;
    let path = call.uri().path().to_owned();
    read_only(&method)?;
    match path.as_str() {
        "/swagger/swagger.json" => Ok(Json(document(&call)).into_response()),
        "/swagger/ui.html" => Ok(Html(PAGE).into_response()),
        _ => Err(outside::unknown_path().await),
    }
}

fn document(call: &Call) -> Value {
    let mut document = DOCUMENT.clone();
    if let Some(info) = document.get_mut("info").and_then(Value::as_object_mut) {
        info.insert("version".to_owned(), Value::String(call.app.options.version.clone()));
    }
    document
}

fn read_only(method: &Method) -> Result<(), Failure> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")),
    }
}

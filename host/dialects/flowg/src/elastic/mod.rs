//! The Elasticsearch-shaped endpoint (FlowG 6.5): an index is a pipeline, a document a record.
//!
//! Owns what shippers that were made for Elasticsearch read: paths, answers, error bodies. What must stay true: every answer
//! below the mount carries `X-Elastic-Product`, without which the official clients refuse to go on; a document that was
//! answered as created is durable.

mod answer;
mod bulk;
mod caller;
mod document;
mod probes;

use crate::App;
use answer::Refusal;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::middleware::map_response;
use axum::routing::{get, head, post, put};

/// Where everything is. The base URL that is given to a client.
const MOUNT: &str = "/api/v1/middlewares/elastic";
/// The same from clients that put a slash behind it.
const MOUNT_SLASH: &str = "/api/v1/middlewares/elastic/";

const PRODUCT: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));

/// The routes of the endpoint.
pub(crate) fn router() -> Router<App> {
    let below = Router::new()
        .route("/", get(probes::info))
        .route("/_license", get(probes::license))
        .route("/_cluster/health", get(probes::health))
        .route("/_cat/health", get(probes::cat_health))
        .route("/_xpack", get(probes::xpack))
        .route("/_cat/templates/{name}", get(probes::cat_templates))
        .route("/_template/{name}", get(probes::not_kept).put(probes::acknowledge))
        .route("/_index_template/{name}", get(probes::not_kept).put(probes::acknowledge))
        .route("/_component_template/{name}", get(probes::not_kept).put(probes::acknowledge))
        .route("/_ilm/policy/{name}", get(probes::not_kept).put(probes::acknowledge))
        .route("/_data_stream/{index}", get(probes::data_stream).put(document::create_data_stream))
        .route("/_bulk", post(bulk::bulk).put(bulk::bulk))
        .route("/{index}", head(probes::exists).put(document::create_index))
        .route("/{index}/_bulk", post(bulk::bulk).put(bulk::bulk))
        .route("/{index}/_doc", post(document::index))
        .route("/{index}/_doc/{id}", put(document::index).post(document::index))
        .route("/{index}/_create/{id}", put(document::index).post(document::index))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method);
    Router::new().nest(MOUNT, below).route(MOUNT_SLASH, get(probes::info)).method_not_allowed_fallback(wrong_method).layer(
        map_response(async |mut response: Response<Body>| {
            let (name, value) = PRODUCT;
            response.headers_mut().insert(name, value);
            response
        }),
    )
}

async fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "resource_not_found_exception", "there is no such operation here")
}

async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed_exception", "this method is not allowed for this path")
}

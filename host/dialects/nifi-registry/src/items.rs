//! Flows and bundles together (NiFi Registry 11).

use crate::App;
use crate::buckets::resource;
use crate::bundles::BundleView;
use crate::call::Call;
use crate::failure::Failure;
use crate::flows::FlowView;
use crate::links::Permissions;
use axum::routing::get;
use axum::{Json, Router};
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::{Bucket, Bundle};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/items", get(all)).route("/items/fields", get(fields)).route("/items/{bucket}", get(of_bucket))
}

/// What a bucket holds, whatever it is.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item {
    Flow(FlowView),
    Bundle(BundleView),
}

async fn all(mut call: Call) -> Result<Json<Vec<Item>>, Failure> {
    let buckets = call.readable_buckets().await?;
    items(&mut call, buckets).await
}

async fn of_bucket(mut call: Call) -> Result<Json<Vec<Item>>, Failure> {
    let [bucket] = call.path().await?;
    call.allow_in(Action::Read, &bucket)?;
    let bucket = call.app.registry.bucket(call.caller.tenant, &bucket)?;
    items(&mut call, vec![bucket]).await
}

/// By bucket, type and name: of each bucket bundles come before flows.
async fn items(call: &mut Call, buckets: Vec<Bucket>) -> Result<Json<Vec<Item>>, Failure> {
    let page = call.page()?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let found = blocking(move || {
        buckets
            .into_iter()
            .map(|bucket| {
                let mut bundles = registry.bundles(tenant, &bucket.id)?;
                bundles.sort_by_cached_key(Bundle::name);
                registry.flows(tenant, &bucket.id).map(|flows| (bucket, bundles, flows))
            })
            .collect::<Result<Vec<_>, _>>()
    });
    let found = found.await?;
    let call = &*call;
    let items = found.into_iter().flat_map(|(bucket, bundles, flows)| {
        let permissions = Permissions::of(call, &resource(&bucket));
        let bundles: Vec<_> = bundles.into_iter().map(|bundle| Item::Bundle(BundleView::of(call, &bucket, bundle))).collect();
        let flows = flows.into_iter().map(move |flow| Item::Flow(FlowView::of(call, &bucket.name, flow, permissions)));
        bundles.into_iter().chain(flows)
    });
    Ok(Json(page.of(items)))
}

async fn fields(_: Call) -> Json<Value> {
    fields_of_items()
}

/// Those of items and of flows.
pub(crate) fn fields_of_items() -> Json<Value> {
    Json(json!({"fields": ["ID", "NAME", "DESCRIPTION", "CREATED", "MODIFIED", "ITEM_TYPE", "BUCKET_ID"]}))
}

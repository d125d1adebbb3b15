//! What is between two versions of a flow (NiFi Registry 10).

use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::outside::number;
use axum::routing::get;
use axum::{Json, Router};
use headworks_identity::Action;
use headworks_registry::diff::{ComponentDifferences, Difference};
use serde::Serialize;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/buckets/{bucket}/flows/{flow}/diff/{a}/{b}", get(diff))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiffView {
    bucket_id: String,
    flow_id: String,
    version_a: u32,
    version_b: u32,
    component_difference_groups: Vec<GroupView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupView {
    component_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_name: Option<String>,
    component_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_group_id: Option<String>,
    differences: Vec<DifferenceView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DifferenceView {
    difference_type: &'static str,
    difference_type_description: &'static str,
    change_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_b: Option<String>,
}

impl From<ComponentDifferences> for GroupView {
    fn from(component: ComponentDifferences) -> Self {
        Self {
            component_id: component.id,
            component_name: component.name,
            component_type: component.kind.as_str(),
            process_group_id: component.group,
            differences: component.differences.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        Self {
            difference_type: difference.kind.as_str(),
            difference_type_description: difference.kind.description(),
            change_description: difference.change,
            value_a: difference.a,
            value_b: difference.b,
        }
    }
}

/// The reference asks for the content at once; bucket, flow and version are looked up here, which says more (10.1).
async fn diff(mut call: Call) -> Result<Json<DiffView>, Failure> {
    let [bucket, flow, a, b] = call.path().await?;
    let (a, b) = (number(&a)?, number(&b)?);
    call.allow_in(Action::Read, &bucket)?;
    let (registry, tenant) = (&call.app.registry, call.caller.tenant);
    let (bucket, flow) = registry.flow(tenant, &bucket, &flow)?;
    let compared = registry.compare_versions(tenant, &flow, a, b, call.app.options.comparison_bytes).await?;
    Ok(Json(DiffView {
        bucket_id: bucket.id,
        flow_id: flow.id,
        version_a: compared.a,
        version_b: compared.b,
        component_difference_groups: compared.components.into_iter().map(Into::into).collect(),
    }))
}

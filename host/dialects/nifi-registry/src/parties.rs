//! Users, groups and policies as clients see them (NiFi Registry 17.5 and 18).

use crate::call::Call;
use crate::failure::Failure;
use crate::links::Permissions;
use crate::revisions::RevisionInfo;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headworks_identity::{Action, Party, Policy, Resource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A user or group inside something else.
#[derive(Debug, Serialize)]
pub(crate) struct Nested {
    configurable: bool,
    identifier: String,
    identity: String,
}

impl Nested {
    pub(crate) fn all(call: &Call, parties: &[Arc<Party>]) -> Vec<Self> {
        let configurable = call.app.options.configurable_tenants;
        let nested = |party: &Arc<Party>| Self { configurable, identifier: party.id.clone(), identity: party.name.clone() };
        let mut all: Vec<Self> = parties.iter().map(nested).collect();
        all.sort_by(|one, other| one.identity.cmp(&other.identity));
        all
    }
}

/// A policy without those that it is about.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    action: &'static str,
    configurable: bool,
    identifier: String,
    resource: String,
    revision: RevisionInfo,
}

impl Summary {
    pub(crate) fn of(call: &Call, policy: &Policy) -> Self {
        Self {
            action: policy.action.as_str(),
            configurable: call.app.options.configurable_policies,
            identifier: policy.id.clone(),
            resource: policy.resource.clone(),
            revision: RevisionInfo::of(&call.app.options, &policy.revision),
        }
    }
}

/// Rights on the resources at the top.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourcePermissions {
    any_top_level_resource: Permissions,
    buckets: Permissions,
    policies: Permissions,
    proxy: Permissions,
    tenants: Permissions,
}

impl ResourcePermissions {
    fn each(of: impl Fn(&Resource) -> Permissions) -> Self {
        let (buckets, policies) = (of(&Resource::Buckets), of(&Resource::Policies));
        let (proxy, tenants) = (of(&Resource::Proxy), of(&Resource::Tenants));
        Self { any_top_level_resource: buckets.or(policies).or(proxy).or(tenants), buckets, policies, proxy, tenants }
    }

    /// Of the caller.
    pub(crate) fn of(call: &Call) -> Self {
        Self::each(|resource| Permissions::of(call, resource))
    }

    /// What these policies give together.
    pub(crate) fn given(policies: &[Arc<Policy>]) -> Self {
        Self::each(|resource| {
            let path = resource.path();
            let may = |action| policies.iter().any(|policy| policy.action == action && policy.resource == path);
            Permissions { can_read: may(Action::Read), can_write: may(Action::Write), can_delete: may(Action::Delete) }
        })
    }
}

/// A user or group as clients send it inside something else. Only who it is counts.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    identifier: Option<String>,
}

/// The identifiers of members; none where nothing was sent.
pub(crate) fn identifiers(members: Option<Vec<Member>>) -> BTreeSet<String> {
    members.into_iter().flatten().filter_map(|member| member.identifier).collect()
}

/// Refuses where nobody is known by whom users, groups and policies could be about (NiFi Registry 20).
pub(crate) fn managed(call: &Call) -> Result<(), Failure> {
    if !call.caller.open {
        return Ok(());
    }
    Err(Failure::conflict(
        "This NiFi Registry is not configured to internally manage users, groups, or policies. Please contact your system \
         administrator.",
    ))
}

/// 201 with the address of what was made (NiFi Registry 2.3).
pub(crate) fn created(address: &str, body: &impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

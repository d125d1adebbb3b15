//! Users and groups (NiFi Registry 18): the users and roles of everywhere else in Headworks.

use crate::call::Call;
use crate::failure::Failure;
use crate::parties::{Member, Nested, ResourcePermissions, Summary, created, identifiers, managed};
use crate::revisions::RevisionInfo;
use crate::{App, base};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use headworks_identity::{Action, Party, Resource};
use headworks_registry::{Event, EventKind};
use serde::{Deserialize, Serialize};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/tenants/users", get(users).post(create_user))
        .route("/tenants/users/{id}", get(user).put(update_user).delete(delete_user))
        .route("/tenants/user-groups", get(groups).post(create_group))
        .route("/tenants/user-groups/{id}", get(group).put(update_group).delete(delete_group))
}

/// A user or a group as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartyView {
    access_policies: Vec<Summary>,
    configurable: bool,
    identifier: String,
    identity: String,
    resource_permissions: ResourcePermissions,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionInfo>,
    /// Of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_groups: Option<Vec<Nested>>,
    /// Of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<Nested>>,
}

impl PartyView {
    fn user(call: &Call, user: &Party) -> Self {
        let (identity, tenant) = (&call.app.identity, call.caller.tenant);
        let groups = identity.groups_of(tenant, user);
        let policies = identity.policies_naming(tenant, user, &groups);
        let access_policies = policies.iter().map(|policy| Summary::of(call, policy)).collect();
        let direct = identity.policies_naming(tenant, user, &[]);
        Self {
            access_policies,
            resource_permissions: ResourcePermissions::given(&direct),
            user_groups: Some(Nested::all(call, &groups)),
            ..Self::bare(call, user)
        }
    }

    fn group(call: &Call, group: &Party) -> Self {
        let members = call.app.identity.members_of(call.caller.tenant, group);
        Self { users: Some(Nested::all(call, &members)), ..Self::bare(call, group) }
    }

    /// With what its own policies give.
    fn bare(call: &Call, party: &Party) -> Self {
        let policies = call.app.identity.policies_naming(call.caller.tenant, party, &[]);
        Self {
            access_policies: policies.iter().map(|policy| Summary::of(call, policy)).collect(),
            configurable: call.app.options.configurable_tenants,
            identifier: party.id.clone(),
            identity: party.name.clone(),
            resource_permissions: ResourcePermissions::given(&policies),
            revision: Some(RevisionInfo::of(&call.app.options, &party.revision)),
            user_groups: None,
            users: None,
        }
    }

    fn changed(self, call: &Call, party: &Party) -> Self {
        Self { revision: Some(RevisionInfo::changed(call, &party.revision)), ..self }
    }

    fn gone(self) -> Self {
        Self { revision: None, ..self }
    }
}

/// A user or a group as clients send it. What is not here is ignored.
#[derive(Deserialize)]
struct Body {
    identifier: Option<String>,
    identity: Option<String>,
    /// Of a group.
    users: Option<Vec<Member>>,
    revision: Option<RevisionInfo>,
}

impl Body {
    fn name(&self) -> &str {
        self.identity.as_deref().unwrap_or_default()
    }

    /// Refuses a body that names another thing than the path; `what` is how messages call it.
    fn same(&self, id: &str, what: &str) -> Result<(), Failure> {
        match &self.identifier {
            Some(other) if other != id => Err(Failure::invalid(format!(
                "The {what} id in the request body ({other}) does not equal the {what} id of the requested resource ({id})."
            ))),
            _ => Ok(()),
        }
    }
}

/// Refuses changes where users and groups are only read.
fn configurable(call: &Call) -> Result<(), Failure> {
    managed(call)?;
    if call.app.options.configurable_tenants {
        return Ok(());
    }
    Err(Failure::conflict(
        "This NiFi Registry is not configured to allow configurable users and groups. Please contact your system administrator.",
    ))
}

fn tell(call: &Call, kind: EventKind, id: &'static str, identity: &'static str, party: &Party) {
    let fields = [(id, party.id.clone()), (identity, party.name.clone())];
    call.app.registry.tell(Event::new(call.caller.tenant, kind, fields));
}

fn tell_user(call: &Call, kind: EventKind, user: &Party) {
    tell(call, kind, "USER_ID", "USER_IDENTITY", user);
}

fn tell_group(call: &Call, kind: EventKind, group: &Party) {
    tell(call, kind, "USER_GROUP_ID", "USER_GROUP_IDENTITY", group);
}

async fn users(call: Call) -> Result<Json<Vec<PartyView>>, Failure> {
    managed(&call)?;
    call.allow(Action::Read, &Resource::Tenants)?;
    let users = call.app.identity.people(call.caller.tenant);
    Ok(Json(users.iter().map(|user| PartyView::user(&call, user)).collect()))
}

async fn user(mut call: Call) -> Result<Json<PartyView>, Failure> {
    managed(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Read, &Resource::Tenants)?;
    let user = call.app.identity.person(call.caller.tenant, &id)?;
    Ok(Json(PartyView::user(&call, &user)))
}

async fn create_user(mut call: Call) -> Result<Response, Failure> {
    configurable(&call)?;
    let body: Body = call.needed("User").await?;
    call.allow(Action::Write, &Resource::Tenants)?;
    if body.identifier.is_some() {
        return Err(Failure::invalid("User identifier cannot be specified when creating a new user."));
    }
    let basis = call.basis(body.revision.clone());
    let user = call.app.identity.create_person(&call.caller, body.name(), &basis).await?;
    tell_user(&call, EventKind::CreateUser, &user);
    let address = format!("{}/tenants/users/{}", base::of(&call), user.id);
    Ok(created(&address, &PartyView::user(&call, &user).changed(&call, &user)))
}

async fn update_user(mut call: Call) -> Result<Json<PartyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    let body: Body = call.needed("User").await?;
    body.same(&id, "user")?;
    call.allow(Action::Write, &Resource::Tenants)?;
    let basis = call.basis(body.revision.clone());
    let user = call.app.identity.rename_person(&call.caller, &id, body.name(), &basis).await?;
    tell_user(&call, EventKind::UpdateUser, &user);
    Ok(Json(PartyView::user(&call, &user).changed(&call, &user)))
}

async fn delete_user(mut call: Call) -> Result<Json<PartyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Delete, &Resource::Tenants)?;
    let before = call.app.identity.person(call.caller.tenant, &id)?;
    let before = PartyView::user(&call, &before).gone();
    let basis = call.basis_in_query()?;
    let user = call.app.identity.delete_person(&call.caller, &id, &basis).await?;
    tell_user(&call, EventKind::DeleteUser, &user);
    Ok(Json(before))
}

async fn groups(call: Call) -> Result<Json<Vec<PartyView>>, Failure> {
    managed(&call)?;
    call.allow(Action::Read, &Resource::Tenants)?;
    let groups = call.app.identity.groups(call.caller.tenant);
    Ok(Json(groups.iter().map(|group| PartyView::group(&call, group)).collect()))
}

async fn group(mut call: Call) -> Result<Json<PartyView>, Failure> {
    managed(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Read, &Resource::Tenants)?;
    let group = call.app.identity.group(call.caller.tenant, &id)?;
    Ok(Json(PartyView::group(&call, &group)))
}

async fn create_group(mut call: Call) -> Result<Response, Failure> {
    configurable(&call)?;
    let mut body: Body = call.needed("User group").await?;
    call.allow(Action::Write, &Resource::Tenants)?;
    if body.identifier.is_some() {
        return Err(Failure::invalid("User group identifier cannot be specified when creating a new user group."));
    }
    let (members, basis) = (identifiers(body.users.take()), call.basis(body.revision.take()));
    let group = call.app.identity.create_group(&call.caller, body.name(), &members, &basis).await?;
    tell_group(&call, EventKind::CreateUserGroup, &group);
    let address = format!("{}/tenants/user-groups/{}", base::of(&call), group.id);
    Ok(created(&address, &PartyView::group(&call, &group).changed(&call, &group)))
}

async fn update_group(mut call: Call) -> Result<Json<PartyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    let mut body: Body = call.needed("User group").await?;
    body.same(&id, "user group")?;
    call.allow(Action::Write, &Resource::Tenants)?;
    let (members, basis) = (identifiers(body.users.take()), call.basis(body.revision.take()));
    let group = call.app.identity.update_group(&call.caller, &id, body.name(), &members, &basis).await?;
    tell_group(&call, EventKind::UpdateUserGroup, &group);
    Ok(Json(PartyView::group(&call, &group).changed(&call, &group)))
}

async fn delete_group(mut call: Call) -> Result<Json<PartyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Delete, &Resource::Tenants)?;
    let before = call.app.identity.group(call.caller.tenant, &id)?;
    let before = PartyView::group(&call, &before).gone();
    let basis = call.basis_in_query()?;
    let group = call.app.identity.delete_group(&call.caller, &id, &basis).await?;
    tell_group(&call, EventKind::DeleteUserGroup, &group);
    Ok(Json(before))
}

//! Rules of the tenant: validators bound to kinds of documents.

use crate::App;
use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{Error, TenantId};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_rules::{Place, Rule, Saved, Scan};
use serde::Deserialize;
use serde_json::{Value, json as value};

type Answer = Result<Response<Body>, Failure>;

/// Documents that one piece of a scan looks at, where nobody says how many.
const PIECE: usize = 500;

/// `list_validators`.
pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    let (rules, tenant) = (call.app.rules.clone(), call.caller.tenant);
    let rules = blocking(move || rules.list(tenant)).await?;
    Ok(json(&value!({"validators": rules.iter().map(shown).collect::<Vec<_>>()})))
}

/// `get_validator`.
pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadAcls)?;
    Ok(json(&shown(&find(&call.app, call.caller.tenant, &name).await?)))
}

/// `save_validator`.
pub(crate) async fn save(mut call: Call) -> Answer {
    let name = call.name().await?;
    let rule = Rule::read(&call.body().await?)?;
    call.allow(Scope::WriteAcls)?;
    let saved = call.app.rules.save(&call.caller.user, call.caller.tenant, &name, rule).await?;
    Ok(json(&shown(&saved)))
}

/// `delete_validator`.
pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAcls)?;
    if !call.app.rules.delete(&call.caller.user, call.caller.tenant, &name).await? {
        return Err(missing(&name).into());
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `scan_validator`: one piece of an audit scan with the saved rule, or with one that is sent along and not saved.
pub(crate) async fn scan(mut call: Call) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        rule: Option<Value>,
        after: Option<Place>,
        limit: Option<usize>,
    }
    let name = call.name().await?;
    let Asked { rule, after, limit } = call.optional_json().await?;
    let rule = rule.map(|rule| Rule::read(rule.to_string().as_bytes())).transpose()?;
    // It tells what documents say of which the caller may not read everything.
    call.allow(Scope::WriteAcls)?;
    let rule = match rule {
        Some(rule) => rule,
        None => find(&call.app, call.caller.tenant, &name).await?.rule,
    };
    let scan = Scan { name, rule, after, limit: limit.unwrap_or(PIECE) };
    let scanned = call.app.rules.scan(&call.caller.user, call.caller.tenant, scan).await?;
    Ok(json(&scanned))
}

async fn find(app: &App, tenant: TenantId, name: &str) -> Result<Saved, Failure> {
    let (rules, wanted) = (app.rules.clone(), name.to_owned());
    let found = blocking(move || rules.get(tenant, &wanted)).await?;
    Ok(found.ok_or_else(|| missing(name))?)
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("there is no validator {name:?}"))
}

fn shown(saved: &Saved) -> Value {
    let Saved { name, rule, revision, author, updated } = saved;
    value!({
        "name": name, "plugin": rule.plugin, "config": rule.config, "kinds": rule.kinds, "operations": rule.operations,
        "mode": rule.mode, "revision": revision, "author": author, "updated": updated.rfc3339(),
    })
}

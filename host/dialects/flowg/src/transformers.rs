//! Transformers: VRL scripts by name.

use crate::account::done;
use crate::call::{Call, WireRecord, batch};
use crate::failure::{Failure, json};
use crate::record::Fields;
use crate::shape::{Member, RECORD, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_core::DocumentKey;
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{TRANSFORMER, decode_script, encode_script};
use headworks_store::Change;
use serde::{Deserialize, Serialize};

type Answer = Result<Response<Body>, Failure>;

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadTransformers)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let names = blocking(move || store.list_names(tenant, TRANSFORMER, "")).await?;
    Ok(json(&serde_json::json!({"success": true, "transformers": names})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, TRANSFORMER, &call.name().await?);
    call.allow(Scope::ReadTransformers)?;
    let document = call.app.store.get(&key)?.ok_or_else(Failure::not_found)?;
    let script = decode_script(&document.body)?;
    Ok(json(&serde_json::json!({"success": true, "script": script})))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        script: String,
    }
    const SHAPE: Shape = Shape::Object(&[Member("script", Shape::Text, Required)]);
    let key = DocumentKey::new(call.caller.tenant, TRANSFORMER, &call.name().await?);
    let Body { script } = call.json(&SHAPE).await?;
    call.allow(Scope::WriteTransformers)?;
    call.app.store.write(&call.caller.user, vec![Change::put(key, encode_script(&script))]).await?;
    Ok(done())
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, TRANSFORMER, &call.name().await?);
    call.allow(Scope::WriteTransformers)?;
    call.app.store.write(&call.caller.user, vec![Change::delete(key)]).await?;
    Ok(done())
}

pub(crate) async fn test(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        code: String,
        record: Option<WireRecord>,
    }
    #[derive(Serialize)]
    struct Tested<'a> {
        success: bool,
        /// What a seed client reads (FlowG 1).
        record: Option<&'a Fields<'a>>,
        records: &'a [Fields<'a>],
    }
    const SHAPE: Shape =
        Shape::Object(&[Member("code", Shape::Text, Required), Member("record", Shape::Nullable(&RECORD), Required)]);
    let Body { code, record } = call.json(&SHAPE).await?;
    call.allow(Scope::ReadTransformers)?;
    let record = batch(&[record.unwrap_or_default()], call.app.clock.now())?;
    let outcome = call.app.pipelines.test_transformer(call.caller.tenant, &code, record).await.map_err(Failure::of_test)?;
    let records: Vec<Fields<'_>> = outcome.records().map(Fields).collect();
    Ok(json(&Tested { success: true, record: records.first(), records: &records }))
}

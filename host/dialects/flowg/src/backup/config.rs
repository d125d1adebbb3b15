//! Transformers, pipelines, forwarders and the system configuration as keys, or as files of the first generation (FlowG 14, 16).

use super::badger::{Kv, Writer};
use super::{keys, objects, tarball};
use bytes::Bytes;
use headworks_core::system::{SYSTEM_CONFIGURATION, SystemConfiguration};
use headworks_core::{DocumentKey, Error, Result, TenantId};
use headworks_pipelines::{FORWARDER, Graph, PIPELINE, Saved, TRANSFORMER, decode_script, encode_script};
use headworks_store::{Change, View};
use keys::{join, under};
use serde::Deserialize;
use std::io::{Read, Seek};

/// Writes everything of a tenant.
pub(super) fn write(view: &View<'_>, tenant: TenantId, send: impl FnMut(Bytes) -> Result<()>) -> Result<()> {
    let version = view.version()?;
    let mut writer = Writer::new(send);
    writer.put(&keys::marker(version))?;
    let mut put = |segments: &[&str], value: Vec<u8>| writer.put(&Kv::new(join(segments), value, version, 0));
    view.documents(tenant, TRANSFORMER, |document| {
        put(&["transformer", &document.key.name], decode_script(&document.body)?.into_bytes())
    })?;
    view.documents(tenant, PIPELINE, |document| put(&["pipeline", &document.key.name], document.body))?;
    view.documents(tenant, FORWARDER, |document| {
        put(&["forwarder", &document.key.name], Saved::decode(&document.body)?.encode())
    })?;
    view.documents(tenant, SYSTEM_CONFIGURATION, |document| put(&["system", "config"], document.body))?;
    writer.finish()
}

/// Reads a file of either form whole and checks all of it.
pub(super) fn read(mut file: impl Read + Seek, len: u64, second: u64, tenant: TenantId) -> Result<Vec<Change>> {
    let tarball = if tarball::is_one(&mut file)? { Some(tarball::read(&mut file)) } else { None };
    if let Some(Ok(objects)) = tarball {
        return objects.into_iter().map(|(kind, name, body)| object(tenant, kind, &name, Some(&body))).collect();
    }
    file.rewind()?;
    let changes = objects::read(file, len, second).and_then(|all| {
        let change = |(key, kv): (&String, &Kv)| change(tenant, key, kv);
        all.iter().map(change).collect()
    });
    // What begins like a tarball and is none of both is most likely a damaged tarball.
    changes.map_err(|error| tarball.and_then(Result::err).unwrap_or(error))
}

fn change(tenant: TenantId, key: &str, kv: &Kv) -> Result<Change> {
    let body = if kv.is_deleted() { None } else { Some(keys::value(key, kv)?) };
    for kind in [TRANSFORMER, PIPELINE, FORWARDER] {
        if let Some(rest) = under(key, &[kind]) {
            return object(tenant, kind, rest.text, body);
        }
    }
    if under(key, &["system"]).is_some_and(|rest| rest.text == "config") {
        let key = SystemConfiguration::key(tenant);
        return body.map_or(Ok(Change::delete(key.clone())), |body| Ok(Change::put(key, system(body)?)));
    }
    Err(keys::refused(
        key,
        "is none of transformers, pipelines, forwarders and the system configuration: this is another kind of backup",
    ))
}

/// One object, its body as others write it.
fn object(tenant: TenantId, kind: &'static str, name: &str, body: Option<&str>) -> Result<Change> {
    let key = DocumentKey::new(tenant, kind, name);
    let wrong = |error: Error| Error::invalid(format!("the {kind} {name:?} of the backup cannot be used: {}", error.message));
    let Some(body) = body else { return Ok(Change::delete(key)) };
    let stored = match kind {
        TRANSFORMER => encode_script(body),
        PIPELINE => {
            let graph = Graph::from_stored(body.as_bytes()).map_err(wrong)?;
            serde_json::to_vec(&graph).map_err(|error| Error::internal(error.to_string()))?
        }
        _ => Saved::decode(body.as_bytes()).map_err(wrong)?.encode(),
    };
    Ok(Change::put(key, stored))
}

/// The body of the system configuration; a list may be absent or null.
fn system(body: &str) -> Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Given {
        syslog_allowed_origins: Option<Vec<String>>,
        default_roles: Option<Vec<String>>,
    }
    let wrong = |cause: String| Error::invalid(format!("the system configuration of the backup cannot be used: {cause}"));
    let given: Given = serde_json::from_str(body).map_err(|error| wrong(error.to_string()))?;
    let origins = given.syslog_allowed_origins.unwrap_or_default();
    let configuration = SystemConfiguration::parse(&origins, given.default_roles.unwrap_or_default());
    configuration.map_err(|error| wrong(error.message))?.to_stored()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::ErrorCode;

    fn parsed(key: &str, value: &str) -> Result<Change> {
        change(TenantId::DEFAULT, key, &Kv::new(key.to_owned(), value.to_owned(), 1, 0))
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        assert!(parsed("transformer:a:b", ".x = 1").unwrap().key.name == "a:b");
        let error = parsed("pipeline:p", "{}").err();
        assert!(error.is_none_or(|error| error.message.contains("\"p\"")));
        for (key, value) in [
            ("pipeline:p", "[]"),
            ("forwarder:f", "{}"),
            ("system:config", "7"),
            ("system:config", "{\"syslog_allowed_origins\": [\"x\"]}"),
            ("role:a:b", ""),
            ("x", ""),
        ] {
            assert_eq!(parsed(key, value).unwrap_err().code, ErrorCode::Invalid, "{key}");
        }
        let system = parsed("system\u{1b}config", "{\"syslog_allowed_origins\": null, \"default_roles\": [\"a\"]}").unwrap();
        assert_eq!(system.body.unwrap(), br#"{"syslog_allowed_origins":[],"default_roles":["a"]}"#);
    }
}

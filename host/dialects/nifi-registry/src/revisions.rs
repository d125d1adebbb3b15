//! Revisions as clients send and get them (NiFi Registry 5).

use crate::RegistryOptions;
use crate::call::Call;
use crate::failure::Failure;
use headworks_core::Revision;
use headworks_core::revision::{Basis, Claim};
use serde::{Deserialize, Serialize};

/// The revision in a body.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionInfo {
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    last_modifier: Option<String>,
}

impl RevisionInfo {
    /// Of an object that is read.
    pub(crate) fn of(options: &RegistryOptions, revision: &Revision) -> Self {
        if options.revisions {
            return Self { version: Some(revision.version), client_id: revision.client.clone(), last_modifier: None };
        }
        Self { version: Some(0), ..Self::default() }
    }

    /// Of an object that the caller has just made or changed.
    pub(crate) fn changed(call: &Call, revision: &Revision) -> Self {
        let last_modifier = call.app.options.revisions.then(|| call.caller.identity.clone());
        Self { last_modifier, ..Self::of(&call.app.options, revision) }
    }
}

impl Call {
    /// What the caller's change is based on, from the revision in the body.
    pub(crate) fn basis(&self, revision: Option<RevisionInfo>) -> Basis {
        if !self.app.options.revisions {
            return Basis::Unchecked;
        }
        let RevisionInfo { version, client_id, .. } = revision.unwrap_or_default();
        Basis::Claimed(Claim { version, client: client_id })
    }

    /// What the caller's deletion is based on, from the query.
    pub(crate) fn basis_in_query(&self) -> Result<Basis, Failure> {
        if !self.app.options.revisions {
            return Ok(Basis::Unchecked);
        }
        let version = self.number("version")?;
        let client = self.parameter("clientId")?.or_else(|| Some(uuid::Uuid::new_v4().to_string()));
        Ok(Basis::Claimed(Claim { version, client }))
    }
}

//! Objects of a tenant under version control in a bucket: what is saved elsewhere as a document is kept here as the versions
//! of a flow that is marked as theirs.
//!
//! What must stay true: only documents that were given to [`Registry::save_object`] are versions of an object, so that nobody
//! who may write a bucket can plant one; clients of NiFi see a flow that is valid and shows the document as a label. Knows
//! nothing of what documents mean: who calls leaves out what nobody may read.

mod changes;

pub use changes::{Change, ChangeKind, changes};

use crate::{Bucket, Flow, NewFlow, Registry, Saving, Version, blocking};
use headworks_core::revision::Basis;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::io::Cursor;

/// The most bytes of a version that is read as a whole: more than the largest document takes in both of its forms.
const MOST: u64 = 128 << 20;
/// How many versions are tried when two make the first one at the same time.
const TRIES: usize = 2;

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The kind of its documents, such as `pipeline`.
    pub kind: String,
    /// Its name among those of its kind.
    pub name: String,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Object {
    /// The name of its flow in a bucket.
    fn flow_name(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Why nobody else changes its flow.
    pub(crate) fn kept(&self) -> Error {
        let message = format!("The flow holds the versions of the {self}, which are saved through /platform/v1 only");
        Error::new(ErrorCode::InUse, message)
    }
}

/// What the member of ours in a snapshot holds.
#[derive(Deserialize)]
struct Kept {
    headworks: Document,
}

#[derive(Deserialize)]
struct Document {
    document: Value,
}

/// A version of an object with its document.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectVersion {
    /// The flow that holds it.
    pub flow: String,
    /// Number, author, time and comments.
    pub version: Version,
    /// The document as it was given.
    pub document: Value,
}

impl Registry {
    /// A bucket by identifier or name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn find_bucket(&self, tenant: TenantId, named: &str) -> Result<Bucket> {
        match self.bucket(tenant, named) {
            Err(error) if error.code == ErrorCode::NotFound => self.bucket_named(tenant, named),
            found => found,
        }
    }

    /// The objects that have versions in a bucket, by kind and name, each with its flow. Blocks.
    ///
    /// # Errors
    /// Those of [`flows`](Self::flows).
    pub fn objects(&self, tenant: TenantId, bucket: &Bucket) -> Result<Vec<(Object, Flow)>> {
        let flows = self.flows(tenant, &bucket.id)?;
        let mut objects: Vec<_> =
            flows.into_iter().filter_map(|flow| Some((flow.object.clone().filter(|_| flow.versions > 0)?, flow))).collect();
        objects.sort_by(|(one, _), (other, _)| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
        Ok(objects)
    }

    /// The flow that holds the versions of an object.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where it has none; [`ErrorCode::Exists`] where its name belongs to another flow.
    pub fn object_flow(&self, tenant: TenantId, bucket: &Bucket, object: &Object) -> Result<Flow> {
        match self.flow_of(tenant, bucket, object)? {
            Some(flow) if flow.versions > 0 => Ok(flow),
            _ => Err(Error::not_found(format!("the {object} has no versions in the bucket {}", bucket.name))),
        }
    }

    fn flow_of(&self, tenant: TenantId, bucket: &Bucket, object: &Object) -> Result<Option<Flow>> {
        let name = object.flow_name();
        let Some(flow) = self.flow_named(tenant, &bucket.id, &name)? else { return Ok(None) };
        if flow.object.as_ref() != Some(object) {
            let message = format!("the bucket {} has a flow {name} that holds no versions of the {object}", bucket.name);
            return Err(Error::new(ErrorCode::Exists, message));
        }
        Ok(Some(flow))
    }

    /// One version of an object with its document. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Lost`] for a version without contents, [`ErrorCode::Corrupt`] for one without a
    /// document.
    pub fn object_version(&self, tenant: TenantId, bucket: &Bucket, object: &Object, number: u32) -> Result<ObjectVersion> {
        let flow = self.object_flow(tenant, bucket, object)?;
        let missing = |error: Error| match error.code {
            ErrorCode::NotFound => {
                Error::not_found(format!("the {object} has no version {number} in the bucket {}", bucket.name))
            }
            _ => error,
        };
        let version = self.version(tenant, &flow.id, number).map_err(missing)?;
        let snapshot = self.snapshot(tenant, &version)?;
        if snapshot.size() > MOST {
            return Err(Error::new(ErrorCode::TooLarge, format!("version {number} of the {object} is too large to be read")));
        }
        let mut bytes = vec![b'{'];
        snapshot.write_to(&mut bytes)?;
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(ErrorCode::Corrupt, format!("version {number} of the {object} holds no document: {error}"))
        })?;
        Ok(ObjectVersion { flow: flow.id, version, document: kept.headworks.document })
    }

    /// Saves a document as the next version of an object. Where the newest version holds the same, that one is answered, and
    /// false.
    ///
    /// # Errors
    /// Those of making a flow and of saving a version.
    pub async fn save_object(
        &self,
        tenant: TenantId,
        author: &str,
        bucket: &Bucket,
        object: &Object,
        document: Value,
        comments: Option<String>,
    ) -> Result<(ObjectVersion, bool)> {
        let flow = self.flow_for(tenant, author, bucket, object).await?;
        if flow.versions > 0 {
            let (registry, in_bucket, wanted, newest) = (self.clone(), bucket.clone(), object.clone(), flow.versions);
            let newest = blocking(move || registry.object_version(tenant, &in_bucket, &wanted, newest)).await?;
            if newest.document == document {
                return Ok((newest, false));
            }
        }
        let snapshot = snapshot(&flow, object, &document, comments)?;
        let taken = self.take_snapshot(tenant, Cursor::new(snapshot)).await?;
        let (_, flow, version) = self.save_version(tenant, author, (&bucket.id, &flow.id), taken, Saving::Object).await?;
        Ok((ObjectVersion { flow: flow.id, version, document }, true))
    }

    /// The flow of an object, made if need be.
    async fn flow_for(&self, tenant: TenantId, author: &str, bucket: &Bucket, object: &Object) -> Result<Flow> {
        let mut error = None;
        for _ in 0..TRIES {
            if let Some(flow) = self.flow_of(tenant, bucket, object)? {
                return Ok(flow);
            }
            let description = format!("Versions of the {object} of Headworks. It holds nothing that NiFi could run.");
            let new = NewFlow {
                name: Some(object.flow_name()),
                description: Some(description),
                object: Some(object.clone()),
                ..NewFlow::default()
            };
            match self.create_flow(tenant, author, &bucket.id, new, &Basis::Unchecked).await {
                Ok((_, flow)) => return Ok(flow),
                // Somebody else was quicker.
                Err(exists) if exists.code == ErrorCode::Exists => error = Some(exists),
                Err(other) => return Err(other),
            }
        }
        Err(error.unwrap_or_else(|| Error::internal("a flow could not be made")))
    }
}

/// A flow without anything to run, which shows the document to people, with the document beside it.
fn snapshot(flow: &Flow, object: &Object, document: &Value, comments: Option<String>) -> Result<Vec<u8>> {
    let text = serde_json::to_string_pretty(document).map_err(|error| Error::internal(error.to_string()))?;
    let label = json!({
        "identifier": "00000000-0000-8000-8000-000000000001", "groupIdentifier": flow.id, "componentType": "LABEL", "label": text,
        "position": {"x": 0.0, "y": 0.0}, "width": 800.0, "height": 600.0, "style": {},
    });
    let contents = json!({
        "identifier": flow.id, "name": flow.name, "comments": "", "componentType": "PROCESS_GROUP",
        "position": {"x": 0.0, "y": 0.0}, "labels": [label], "processGroups": [], "remoteProcessGroups": [], "processors": [],
        "inputPorts": [], "outputPorts": [], "connections": [], "funnels": [], "controllerServices": [], "variables": {},
    });
    let snapshot = json!({
        "snapshotMetadata": {"version": -1, "comments": comments}, "flowContents": contents, "flowEncodingVersion": "1.0",
        "headworks": {"kind": object.kind, "name": object.name, "document": document},
    });
    serde_json::to_vec(&snapshot).map_err(|error| Error::internal(error.to_string()))
}

//! Flows of buckets, without their versions (NiFi Registry 8).
//!
//! What must stay true: an identifier belongs to one flow of a tenant and a name to one flow of a bucket, which documents of
//! their own make sure of; the number of versions in a flow's document is the number of its newest version.

use crate::bucket::Bucket;
use crate::check::{Check, IDENTIFIER, NAME};
use crate::objects::Object;
use crate::{Event, EventKind, Registry, TRIES, busy, read, written};
use headworks_core::revision::{Basis, Step};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};

/// The kind of the documents that are flows; they belong to their bucket, and their names are identifiers.
pub(crate) const KIND: &str = "flow";
/// The kind of the documents that lead from an identifier to a bucket.
const IDS: &str = "flow-id";
/// The kind of the documents that lead from a name in a bucket to an identifier.
const NAMES: &str = "flow-name";
/// What messages call it.
const WHAT: &str = "Versioned Flow";

/// One flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// A UUID, or what a client chose.
    #[serde(skip)]
    pub id: String,
    /// The identifier of its bucket, for life.
    #[serde(skip)]
    pub bucket: String,
    /// Unique among the flows of its bucket.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was last changed or a version was saved, in milliseconds since 1970.
    pub modified: i64,
    /// The number of its newest version; 0 without one.
    #[serde(default)]
    pub versions: u32,
    /// The object whose versions it holds, where it holds any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// The one that clients name.
    #[serde(default)]
    pub revision: Revision,
    /// The one that the store counts.
    #[serde(skip)]
    pub(crate) stored: u64,
}

/// What a flow is made from.
#[derive(Clone, Debug, Default)]
pub struct NewFlow {
    /// Its identifier, where the client has one.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The object whose versions it will hold.
    pub object: Option<Object>,
    /// When it was made and last changed elsewhere, in milliseconds since 1970; now where it is made here.
    pub times: Option<(i64, i64)>,
}

/// What becomes different; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct FlowChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
}

pub(crate) fn key(tenant: TenantId, bucket: &str, id: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, KIND, bucket, id)
}

pub(crate) fn id_key(tenant: TenantId, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, IDS, id)
}

pub(crate) fn name_key(tenant: TenantId, bucket: &str, name: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, NAMES, bucket, name)
}

fn name_taken() -> Error {
    Error::new(ErrorCode::Exists, "A versioned flow with the same name already exists in the selected bucket")
}

impl Flow {
    fn of(document: &Document) -> Result<Self> {
        let flow: Self = read(document)?;
        let DocumentKey { scope, name, .. } = &document.key;
        Ok(Self { id: name.clone(), bucket: scope.clone(), stored: document.revision, ..flow })
    }
}

impl Registry {
    /// A flow of a bucket (NiFi Registry 8, look-up rules).
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for bucket and flow; [`ErrorCode::InUse`] for a flow of another bucket.
    pub fn flow(&self, tenant: TenantId, bucket: &str, id: &str) -> Result<(Bucket, Flow)> {
        let bucket = self.bucket(tenant, bucket)?;
        if let Some(document) = self.store().get(&key(tenant, &bucket.id, id))? {
            return Ok((bucket, Flow::of(&document)?));
        }
        Err(match self.flow_anywhere(tenant, id) {
            Ok(_) => Error::new(ErrorCode::InUse, "The requested flow is not located in the given bucket"),
            Err(error) if error.code == ErrorCode::NotFound => {
                Error::not_found("The specified flow ID does not exist in this bucket.")
            }
            Err(error) => error,
        })
    }

    /// A flow of whatever bucket.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn flow_anywhere(&self, tenant: TenantId, id: &str) -> Result<(Bucket, Flow)> {
        let none = || Error::not_found("The specified flow ID does not exist.");
        let bucket: String = read(&self.store().get(&id_key(tenant, id))?.ok_or_else(none)?)?;
        let missing = |error: Error| if error.code == ErrorCode::NotFound { none() } else { error };
        let bucket = self.bucket(tenant, &bucket).map_err(missing)?;
        let flow = Flow::of(&self.store().get(&key(tenant, &bucket.id, id))?.ok_or_else(none)?)?;
        Ok((bucket, flow))
    }

    /// The flow of a bucket with this name.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] for one that cannot be read.
    pub fn flow_named(&self, tenant: TenantId, bucket: &str, name: &str) -> Result<Option<Flow>> {
        let Some(document) = self.store().get(&name_key(tenant, bucket, name))? else { return Ok(None) };
        let id: String = read(&document)?;
        self.store().get(&key(tenant, bucket, &id))?.map(|document| Flow::of(&document)).transpose()
    }

    /// The flows of a bucket, by name and identifier. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] for one that cannot be read.
    pub fn flows(&self, tenant: TenantId, bucket: &str) -> Result<Vec<Flow>> {
        let documents = self.store().list(tenant, KIND, bucket)?;
        let mut flows = documents.iter().map(Flow::of).collect::<Result<Vec<_>>>()?;
        flows.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        Ok(flows)
    }

    /// Makes a flow in a bucket.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] for a name or identifier that is taken.
    pub async fn create_flow(
        &self,
        tenant: TenantId,
        author: &str,
        bucket: &str,
        new: NewFlow,
        basis: &Basis,
    ) -> Result<(Bucket, Flow)> {
        let (bucket, flow) = self.make_flow(tenant, author, bucket, new, basis).await?;
        self.tell_flow(tenant, EventKind::CreateFlow, &flow, author);
        Ok((bucket, flow))
    }

    /// The same without telling anybody.
    pub(crate) async fn make_flow(
        &self,
        tenant: TenantId,
        author: &str,
        bucket: &str,
        new: NewFlow,
        basis: &Basis,
    ) -> Result<(Bucket, Flow)> {
        let using = self.use_bucket(tenant, bucket).await?;
        let revision = Revision::first(basis, WHAT)?;
        let check = Check::new("Cannot create versioned flow").named("name", new.name.as_deref(), NAME);
        let check = check.text("description", new.description.as_deref()).at_most("identifier", new.id.as_deref(), IDENTIFIER);
        check.done()?;
        let now = self.clock().now().millis();
        let (created, modified) = new.times.unwrap_or((now, now));
        let flow = Flow {
            id: new.id.filter(|id| !id.trim().is_empty()).unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            bucket: using.bucket.id.clone(),
            name: new.name.unwrap_or_default(),
            description: new.description,
            created,
            modified,
            versions: 0,
            object: new.object,
            revision,
            stored: 1,
        };
        let changes = vec![
            Change::put(key(tenant, bucket, &flow.id), written(&flow)?).expecting(Expect::Absent),
            Change::put(id_key(tenant, &flow.id), written(&flow.bucket)?).expecting(Expect::Absent),
            Change::put(name_key(tenant, bucket, &flow.name), written(&flow.id)?).expecting(Expect::Absent),
        ];
        if let Err(error) = self.store().write(author, changes).await {
            if error.code != ErrorCode::Exists {
                return Err(error);
            }
            // An identifier is free again only when everything that had it is gone.
            let same = self.store().get(&id_key(tenant, &flow.id))?.is_some();
            let taken = || Error::new(ErrorCode::Exists, "A versioned flow with the same identifier already exists");
            return Err(if same { taken() } else { name_taken() });
        }
        Ok((using.bucket, flow))
    }

    /// Changes a flow.
    ///
    /// # Errors
    /// Those of [`flow`](Self::flow); [`ErrorCode::Invalid`], also for what its basis is not; [`ErrorCode::Exists`] for a
    /// name that is taken.
    pub async fn update_flow(
        &self,
        tenant: TenantId,
        author: &str,
        (bucket, id): (&str, &str),
        change: &FlowChange,
        basis: &Basis,
    ) -> Result<(Bucket, Flow)> {
        let _using = self.use_bucket(tenant, bucket).await?;
        for _ in 0..TRIES {
            let (in_bucket, before) = self.flow(tenant, bucket, id)?;
            let revision = before.revision.next(basis, WHAT, Step::Update, id)?;
            if let Some(object) = before.object.as_ref().filter(|_| change.name.as_ref().is_some_and(|name| *name != before.name))
            {
                return Err(object.kept());
            }
            let mut check = Check::new("Cannot update versioned flow").text("description", change.description.as_deref());
            if change.name.is_some() {
                check = check.named("name", change.name.as_deref(), NAME);
            }
            check.done()?;
            let after = Flow {
                name: change.name.clone().unwrap_or_else(|| before.name.clone()),
                description: change.description.clone().or_else(|| before.description.clone()),
                modified: self.clock().now().millis(),
                revision,
                ..before.clone()
            };
            let mut changes =
                vec![Change::put(key(tenant, bucket, id), written(&after)?).expecting(Expect::Revision(before.stored))];
            if after.name != before.name {
                changes.push(Change::delete(name_key(tenant, bucket, &before.name)));
                changes.push(Change::put(name_key(tenant, bucket, &after.name), written(&after.id)?).expecting(Expect::Absent));
            }
            match self.store().write(author, changes).await {
                Ok(_) => {
                    self.tell_flow(tenant, EventKind::UpdateFlow, &after, author);
                    return Ok((in_bucket, after));
                }
                Err(error) if error.code == ErrorCode::RevisionConflict => {}
                Err(error) if error.code == ErrorCode::Exists => return Err(name_taken()),
                Err(error) => return Err(error),
            }
        }
        Err(busy(WHAT, id))
    }

    /// Deletes a flow with all its versions; answers it as it was. What the end of the process leaves undone is done at the
    /// next start; until then the identifier is not free.
    ///
    /// # Errors
    /// Those of [`flow`](Self::flow); [`ErrorCode::Invalid`] for what its basis is not.
    pub async fn delete_flow(
        &self,
        tenant: TenantId,
        author: &str,
        (bucket, id): (&str, &str),
        basis: &Basis,
    ) -> Result<(Bucket, Flow)> {
        for _ in 0..TRIES {
            let (in_bucket, flow) = self.flow(tenant, bucket, id)?;
            flow.revision.next(basis, WHAT, Step::Delete, id)?;
            let changes = vec![
                Change::delete(key(tenant, bucket, id)).expecting(Expect::Revision(flow.stored)),
                Change::delete(name_key(tenant, bucket, &flow.name)),
            ];
            match self.doom(tenant, author, &flow, changes).await {
                Ok(()) => {
                    self.tell_flow(tenant, EventKind::DeleteFlow, &flow, author);
                    return Ok((in_bucket, flow));
                }
                Err(error) if error.code == ErrorCode::RevisionConflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy(WHAT, id))
    }

    fn tell_flow(&self, tenant: TenantId, kind: EventKind, flow: &Flow, author: &str) {
        let fields = [("BUCKET_ID", flow.bucket.clone()), ("FLOW_ID", flow.id.clone()), ("USER", author.to_owned())];
        self.tell(Event::new(tenant, kind, fields));
    }
}

/// The flows of a bucket, in whatever order, without those behind the first `limit`.
pub(crate) fn some_of(registry: &Registry, tenant: TenantId, bucket: &str, limit: usize) -> Result<Vec<Flow>> {
    let documents = registry.store().documents_after(tenant, KIND, Some((bucket, "")), limit)?;
    documents.iter().take_while(|document| document.key.scope == bucket).map(Flow::of).collect()
}

//! Buckets (NiFi Registry 7).
//!
//! What must stay true: a name belongs to one bucket of a tenant, which a document of its own makes sure of; whatever is made
//! in a bucket is made while nobody deletes the bucket.

use crate::check::{Check, IDENTIFIER, NAME};
use crate::clearing::Doomed;
use crate::{Event, EventKind, Registry, TRIES, busy, read, written};
use headworks_core::revision::{Basis, Step};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, Revision, TenantId};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLockReadGuard;

/// The kind of the documents that are buckets; their names are identifiers.
pub(crate) const KIND: &str = "bucket";
/// The kind of the documents that lead from a name to an identifier.
const NAMES: &str = "bucket-name";
/// What messages call it.
const WHAT: &str = "Bucket";

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// A UUID.
    #[serde(skip)]
    pub id: String,
    /// Unique in its tenant.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether a version of a bundle may be uploaded again.
    #[serde(default)]
    pub allow_bundle_redeploy: bool,
    /// Whether everybody may read it.
    #[serde(default)]
    pub allow_public_read: bool,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// The one that clients name.
    #[serde(default)]
    pub revision: Revision,
    /// The one that the store counts.
    #[serde(skip)]
    stored: u64,
}

/// What a bucket is made from.
#[derive(Clone, Debug, Default)]
pub struct NewBucket {
    /// Its identifier, which only [`preserve`](Self::preserve) allows.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether a version of a bundle may be uploaded again.
    pub allow_bundle_redeploy: bool,
    /// Whether everybody may read it.
    pub allow_public_read: bool,
    /// When it was made elsewhere, in milliseconds since 1970.
    pub created: Option<i64>,
    /// Whether identifier and time come from elsewhere (NiFi Registry 23.4).
    pub preserve: bool,
}

/// What becomes different; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct BucketChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Whether a version of a bundle may be uploaded again.
    pub allow_bundle_redeploy: Option<bool>,
    /// Whether everybody may read it.
    pub allow_public_read: Option<bool>,
}

pub(crate) fn no_bucket() -> Error {
    Error::not_found("The specified bucket ID does not exist in this registry.")
}

fn key(tenant: TenantId, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, KIND, id)
}

fn name_key(tenant: TenantId, name: &str) -> DocumentKey {
    DocumentKey::new(tenant, NAMES, name)
}

impl Bucket {
    fn of(document: &Document) -> Result<Self> {
        let bucket: Self = read(document)?;
        Ok(Self { id: document.key.name.clone(), stored: document.revision, ..bucket })
    }
}

/// Nobody deletes the bucket while this is held.
pub struct BucketInUse<'r> {
    /// The bucket as it is.
    pub bucket: Bucket,
    _held: RwLockReadGuard<'r, ()>,
}

impl Registry {
    /// A bucket.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn bucket(&self, tenant: TenantId, id: &str) -> Result<Bucket> {
        Bucket::of(&self.store().get(&key(tenant, id))?.ok_or_else(no_bucket)?)
    }

    /// A bucket by its name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn bucket_named(&self, tenant: TenantId, name: &str) -> Result<Bucket> {
        let none = || Error::not_found("The specified bucket name does not exist in this registry.");
        let id: String = read(&self.store().get(&name_key(tenant, name))?.ok_or_else(none)?)?;
        self.bucket(tenant, &id).map_err(|error| if error.code == ErrorCode::NotFound { none() } else { error })
    }

    /// All buckets of a tenant, by name. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] for one that cannot be read.
    pub fn buckets(&self, tenant: TenantId) -> Result<Vec<Bucket>> {
        let documents = self.store().list(tenant, KIND, "")?;
        let mut buckets = documents.iter().map(Bucket::of).collect::<Result<Vec<_>>>()?;
        buckets.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(buckets)
    }

    /// A bucket that stays while something is made in it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn use_bucket(&self, tenant: TenantId, id: &str) -> Result<BucketInUse<'_>> {
        let held = self.bucket_lock(tenant, id)?.read().await;
        Ok(BucketInUse { bucket: self.bucket(tenant, id)?, _held: held })
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] and, for a name or identifier that is taken, [`ErrorCode::Exists`].
    pub async fn create_bucket(&self, tenant: TenantId, author: &str, new: NewBucket, basis: &Basis) -> Result<Bucket> {
        let bucket = self.make_bucket(tenant, author, new, basis).await?;
        self.tell_bucket(tenant, EventKind::CreateBucket, &bucket.id, author);
        Ok(bucket)
    }

    /// The same without telling anybody.
    pub(crate) async fn make_bucket(&self, tenant: TenantId, author: &str, new: NewBucket, basis: &Basis) -> Result<Bucket> {
        if new.id.is_some() && !new.preserve {
            return Err(Error::invalid("Bucket identifier cannot be specified when creating a new bucket."));
        }
        let revision = Revision::first(basis, WHAT)?;
        let check = Check::new("Cannot create Bucket").named("name", new.name.as_deref(), NAME);
        let check = check.text("description", new.description.as_deref()).at_most("identifier", new.id.as_deref(), IDENTIFIER);
        check.done()?;
        let preserved = new.id.filter(|id| !id.trim().is_empty());
        let bucket = Bucket {
            id: preserved.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            name: new.name.unwrap_or_default(),
            description: new.description,
            allow_bundle_redeploy: new.allow_bundle_redeploy,
            allow_public_read: new.allow_public_read,
            created: new.created.filter(|created| new.preserve && *created > 0).unwrap_or_else(|| self.clock().now().millis()),
            revision,
            stored: 1,
        };
        let changes = vec![
            Change::put(key(tenant, &bucket.id), written(&bucket)?).expecting(Expect::Absent),
            Change::put(name_key(tenant, &bucket.name), written(&bucket.id)?).expecting(Expect::Absent),
        ];
        // An identifier is free again only when everything that had it is gone.
        let taken = || Error::new(ErrorCode::Exists, "A bucket with the same identifier already exists");
        if self.is_doomed(tenant, &Doomed::Bucket { bucket: bucket.id.clone() })? {
            return Err(taken());
        }
        if let Err(error) = self.store().write(author, changes).await {
            if error.code != ErrorCode::Exists {
                return Err(error);
            }
            let same = self.store().get(&key(tenant, &bucket.id))?.is_some();
            return Err(if same { taken() } else { Error::new(ErrorCode::Exists, "A bucket with the same name already exists") });
        }
        Ok(bucket)
    }

    /// Changes a bucket.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`], also for what its basis is not; [`ErrorCode::Exists`] for a name that
    /// is taken.
    pub async fn update_bucket(
        &self,
        tenant: TenantId,
        author: &str,
        id: &str,
        change: &BucketChange,
        basis: &Basis,
    ) -> Result<Bucket> {
        for _ in 0..TRIES {
            let before = self.bucket(tenant, id)?;
            let revision = before.revision.next(basis, WHAT, Step::Update, id)?;
            if change.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                return Err(Error::invalid("Bucket name cannot be blank"));
            }
            let check = Check::new("Cannot update Bucket").at_most("name", change.name.as_deref(), NAME);
            check.text("description", change.description.as_deref()).done()?;
            let after = Bucket {
                name: change.name.clone().unwrap_or_else(|| before.name.clone()),
                description: change.description.clone().or_else(|| before.description.clone()),
                allow_bundle_redeploy: change.allow_bundle_redeploy.unwrap_or(before.allow_bundle_redeploy),
                allow_public_read: change.allow_public_read.unwrap_or(before.allow_public_read),
                revision,
                ..before.clone()
            };
            let mut changes = vec![Change::put(key(tenant, id), written(&after)?).expecting(Expect::Revision(before.stored))];
            if after.name != before.name {
                changes.push(Change::delete(name_key(tenant, &before.name)));
                changes.push(Change::put(name_key(tenant, &after.name), written(&after.id)?).expecting(Expect::Absent));
            }
            match self.store().write(author, changes).await {
                Ok(_) => {
                    self.tell_bucket(tenant, EventKind::UpdateBucket, id, author);
                    return Ok(after);
                }
                Err(error) if error.code == ErrorCode::RevisionConflict => {}
                Err(error) if error.code == ErrorCode::Exists => {
                    let message = format!("A bucket with the same name already exists - {}", after.name);
                    return Err(Error::new(ErrorCode::Exists, message));
                }
                Err(error) => return Err(error),
            }
        }
        Err(busy(WHAT, id))
    }

    /// Deletes a bucket with everything in it; answers it as it was. From the moment that the deletion is durable nothing of
    /// it can be seen, and what the end of the process leaves undone is done at the next start.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Invalid`] for what its basis is not.
    pub async fn delete_bucket(&self, tenant: TenantId, author: &str, id: &str, basis: &Basis) -> Result<Bucket> {
        let bucket = self.forget_bucket(tenant, author, id, basis).await?;
        self.tell_bucket(tenant, EventKind::DeleteBucket, id, author);
        self.clear(tenant, author, Doomed::Bucket { bucket: id.to_owned() }).await;
        Ok(bucket)
    }

    /// Makes a bucket invisible, to be cleared.
    async fn forget_bucket(&self, tenant: TenantId, author: &str, id: &str, basis: &Basis) -> Result<Bucket> {
        let _alone = self.bucket_lock(tenant, id)?.write().await;
        for _ in 0..TRIES {
            let bucket = self.bucket(tenant, id)?;
            bucket.revision.next(basis, WHAT, Step::Delete, id)?;
            let changes = vec![
                Change::delete(key(tenant, id)).expecting(Expect::Revision(bucket.stored)),
                Change::delete(name_key(tenant, &bucket.name)),
                Doomed::Bucket { bucket: id.to_owned() }.mark(tenant)?,
            ];
            match self.store().write(author, changes).await {
                Ok(_) => return Ok(bucket),
                Err(error) if error.code == ErrorCode::RevisionConflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy(WHAT, id))
    }

    fn tell_bucket(&self, tenant: TenantId, kind: EventKind, id: &str, author: &str) {
        self.tell(Event::new(tenant, kind, [("BUCKET_ID", id.to_owned()), ("USER", author.to_owned())]));
    }
}

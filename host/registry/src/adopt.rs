//! Taking over what another registry kept: buckets, flows and versions with the identifiers, names, people and times they had.
//!
//! What must stay true: the same again changes nothing, so that a migration that broke off is simply run again; where
//! something else is there already, nothing is written and the error names what differs; what ordinary saves check is checked
//! here too. Nobody is told: hooks heard of these changes where they were made.

use crate::bucket::{Bucket, NewBucket};
use crate::check::{AUTHOR, Check, IDENTIFIER};
use crate::flow::{Flow, NewFlow};
use crate::version::{Saving, Taken, Version};
use crate::{BundleVersion, Metadata, NewVersion, Registry};
use headworks_core::revision::Basis;
use headworks_core::{Error, ErrorCode, Result, TenantId};

/// Something that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted<T> {
    /// What is here now.
    pub it: T,
    /// Whether it was not there before.
    pub new: bool,
}

/// Who saved a version elsewhere, what they said and when. What is absent is unknown there, and not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who saved it; where it is unknown, whoever takes it over.
    pub author: Option<String>,
    /// What was new.
    pub comments: Option<String>,
    /// When, in milliseconds since 1970; where it is unknown, now.
    pub timestamp: Option<i64>,
}

/// Collects in which members two things differ.
struct Differences(Vec<&'static str>);

impl Differences {
    fn none() -> Self {
        Self(Vec::new())
    }

    fn where_not(mut self, same: bool, member: &'static str) -> Self {
        if !same {
            self.0.push(member);
        }
        self
    }

    /// The thing that is there, unless it is another one.
    fn there<T>(self, it: T, what: &str) -> Result<Adopted<T>> {
        if self.0.is_empty() {
            return Ok(Adopted { it, new: false });
        }
        Err(conflict(format!("{what} is here already with another {}", self.0.join(", "))))
    }
}

/// The identifier, which nobody makes up here.
fn identifier(id: Option<&String>) -> Result<String> {
    let id = id.filter(|id| !id.trim().is_empty());
    id.cloned().ok_or_else(|| Error::invalid("the identifier must not be blank"))
}

fn conflict(message: String) -> Error {
    Error::new(ErrorCode::Exists, message)
}

/// Descriptions and comments that are empty say nothing.
fn same_text(one: Option<&str>, other: Option<&str>) -> bool {
    one.unwrap_or_default() == other.unwrap_or_default()
}

/// What is found, or nothing.
fn found<T>(looked: Result<T>) -> Result<Option<T>> {
    match looked {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Registry {
    /// Takes over a bucket. Identifier, name and time have to be given.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] where the identifier has something else here or the name another bucket.
    pub async fn adopt_bucket(&self, tenant: TenantId, caller: &str, new: NewBucket) -> Result<Adopted<Bucket>> {
        let id = identifier(new.id.as_ref())?;
        if let Some(there) = found(self.bucket(tenant, &id))? {
            let differ = Differences::none()
                .where_not(Some(&there.name) == new.name.as_ref(), "name")
                .where_not(same_text(there.description.as_deref(), new.description.as_deref()), "description")
                .where_not(new.created.is_none_or(|created| created == there.created), "created")
                .where_not(there.allow_public_read == new.allow_public_read, "allow_public_read")
                .where_not(there.allow_bundle_redeploy == new.allow_bundle_redeploy, "allow_bundle_redeploy");
            return differ.there(there, &format!("the bucket {id}"));
        }
        if let Some(name) = &new.name
            && let Some(other) = found(self.bucket_named(tenant, name))?
        {
            return Err(conflict(format!("the name {name:?} belongs to the bucket {} here", other.id)));
        }
        let new = NewBucket { preserve: true, ..new };
        let it = self.make_bucket(tenant, caller, new, &Basis::Unchecked).await?;
        Ok(Adopted { it, new: true })
    }

    /// Takes over a flow of a bucket, without its versions. Identifier and name have to be given.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for the bucket; [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] where the identifier has something
    /// else here, be it in another bucket, or the name another flow.
    pub async fn adopt_flow(&self, tenant: TenantId, caller: &str, bucket: &str, new: NewFlow) -> Result<Adopted<Flow>> {
        let id = identifier(new.id.as_ref())?;
        self.bucket(tenant, bucket)?;
        if let Some((_, there)) = found(self.flow_anywhere(tenant, &id))? {
            let differ = Differences::none()
                .where_not(there.bucket == bucket, "bucket")
                .where_not(Some(&there.name) == new.name.as_ref(), "name")
                .where_not(same_text(there.description.as_deref(), new.description.as_deref()), "description")
                .where_not(new.times.is_none_or(|(created, _)| created == there.created), "created");
            return differ.there(there, &format!("the flow {id}"));
        }
        if let Some(name) = &new.name
            && let Some(other) = self.flow_named(tenant, bucket, name)?
        {
            return Err(conflict(format!("the name {name:?} belongs to the flow {} of the bucket here", other.id)));
        }
        let (_, it) = self.make_flow(tenant, caller, bucket, new, &Basis::Unchecked).await?;
        Ok(Adopted { it, new: true })
    }

    /// Takes over a version of a flow, whose versions come in order.
    ///
    /// # Errors
    /// Those of [`flow`](Self::flow); [`ErrorCode::Invalid`]; [`ErrorCode::Exists`] where the number has another version here;
    /// [`ErrorCode::RevisionConflict`] where an earlier version is missing.
    pub async fn adopt_version(
        &self,
        tenant: TenantId,
        caller: &str,
        (bucket, flow): (&str, &str),
        (number, origin): (u32, Origin),
        taken: Taken,
    ) -> Result<Adopted<Version>> {
        let (_, in_flow) = self.flow(tenant, bucket, flow)?;
        if let Some(there) = found(self.version(tenant, &in_flow.id, number))? {
            let differ = Differences::none()
                .where_not(there.content.digest == taken.content.digest.to_string(), "content")
                .where_not(origin.author.is_none_or(|author| author == there.author), "author")
                .where_not(same_text(there.comments.as_deref(), origin.comments.as_deref()), "comments")
                .where_not(origin.timestamp.is_none_or(|time| time == there.timestamp), "timestamp");
            return differ.there(there, &format!("the version {number} of the flow {flow}"));
        }
        let version = i32::try_from(number).map_err(|_| Error::invalid(format!("no version has the number {number}")))?;
        let metadata = Metadata {
            version: Some(version),
            author: origin.author.or_else(|| Some(caller.to_owned())),
            comments: origin.comments,
            timestamp: origin.timestamp.or_else(|| Some(self.clock().now().millis())),
            ..Metadata::default()
        };
        let mut taken = taken;
        taken.metadata = Some(metadata);
        let (_, _, it) = self.save_version(tenant, caller, (bucket, flow), taken, Saving::Adopted).await?;
        Ok(Adopted { it, new: true })
    }

    /// Takes over a version of a bundle. Coordinates and origin have to be given.
    ///
    /// # Errors
    /// Those of [`add_version`](Self::add_version); [`ErrorCode::Exists`] where the version is here with other bytes.
    pub async fn adopt_bundle(&self, tenant: TenantId, caller: &str, new: NewVersion) -> Result<Adopted<BundleVersion>> {
        let of = new.given.clone().ok_or_else(|| Error::internal("a bundle is taken over without its coordinates"))?;
        self.bucket(tenant, &new.bucket)?;
        let said = new.origin.clone().unwrap_or_default();
        let check = Check::new("Cannot take over a bundle").at_most("author", said.author.as_deref(), AUTHOR);
        let check = check.at_most("bundle_id", said.bundle.as_deref(), IDENTIFIER);
        check.at_most("version_id", said.version.as_deref(), IDENTIFIER).done()?;
        let place = (of.group.as_str(), of.artifact.as_str(), of.version.as_str());
        if let Some((bundle, there)) = found(self.version_in(tenant, &new.bucket, place))? {
            let differ = Differences::none()
                .where_not(bundle.kind == new.kind, "type")
                .where_not(there.digest == new.content.digest, "content");
            return differ.there(there, &format!("{}:{}:{}", of.group, of.artifact, of.version));
        }
        let new = NewVersion { origin: Some(new.origin.unwrap_or_default()), ..new };
        let it = self.add_version(tenant, caller, new).await?.version;
        Ok(Adopted { it, new: true })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Event, Observer};
    use headworks_core::time::SystemClock;
    use headworks_store::{Store, StoreOptions};
    use std::sync::Arc;

    const T: TenantId = TenantId::DEFAULT;

    struct Nobody;

    impl Observer for Nobody {
        fn observe(&self, event: Event) {
            panic!("{event:?} was told");
        }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn bucket(id: &str, name: &str) -> NewBucket {
        NewBucket { id: text(id), name: text(name), created: Some(5), ..NewBucket::default() }
    }

    fn flow(id: &str, name: &str) -> NewFlow {
        NewFlow { id: text(id), name: text(name), times: Some((6, 7)), ..NewFlow::default() }
    }

    fn origin() -> Origin {
        Origin { author: text("ann"), comments: text("first"), timestamp: Some(9) }
    }

    fn told<X: std::fmt::Debug>(result: Result<X>) -> String {
        result.unwrap_err().message
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_again_changes_nothing_and_what_differs_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { path: folder.path().to_owned(), min_free_bytes: 0, ..StoreOptions::default() };
        let registry = Registry::new(Store::open(options).unwrap(), Arc::new(SystemClock), Some(Arc::new(Nobody)));
        for new in [true, false] {
            assert_eq!(registry.adopt_bucket(T, "root", bucket("b", "B")).await.unwrap().new, new);
        }
        let described = NewBucket { description: text("d"), ..bucket("b", "C") };
        assert_eq!(
            told(registry.adopt_bucket(T, "root", described).await),
            "the bucket b is here already with another name, description"
        );
        assert_eq!(told(registry.adopt_bucket(T, "root", bucket("c", "B")).await), "the name \"B\" belongs to the bucket b here");
        assert_eq!(told(registry.adopt_bucket(T, "root", bucket(" ", "C")).await), "the identifier must not be blank");
        registry.adopt_bucket(T, "root", bucket("c", "C")).await.unwrap();
        for new in [true, false] {
            assert_eq!(registry.adopt_flow(T, "root", "b", flow("f", "F")).await.unwrap().new, new);
        }
        assert_eq!(
            told(registry.adopt_flow(T, "root", "c", flow("f", "F")).await),
            "the flow f is here already with another bucket"
        );
        assert_eq!(
            told(registry.adopt_flow(T, "root", "b", flow("g", "F")).await),
            "the name \"F\" belongs to the flow f of the bucket here"
        );
        let adopt = async |number, origin, content: &'static str| {
            let taken = registry.take_snapshot(T, content.as_bytes()).await.unwrap();
            registry.adopt_version(T, "root", ("b", "f"), (number, origin), taken).await
        };
        assert_eq!(told(adopt(2, origin(), r#"{"flowContents":{}}"#).await), "Version of first snapshot must be 1");
        for new in [true, false] {
            assert_eq!(adopt(1, origin(), r#"{"flowContents":{}}"#).await.unwrap().new, new);
        }
        let other = Origin { author: text("bob"), ..origin() };
        let message = "the version 1 of the flow f is here already with another content, author";
        assert_eq!(told(adopt(1, other, r#"{"flowContents":{"a":1}}"#).await), message);
        let (_, flow) = registry.flow(T, "b", "f").unwrap();
        assert_eq!((flow.created, flow.modified, flow.versions), (6, 9, 1));
        let version = registry.version(T, "f", 1).unwrap();
        assert_eq!((version.author.as_str(), version.timestamp), ("ann", 9));
        adopt(2, Origin::default(), r#"{"flowContents":{}}"#).await.unwrap();
        assert_eq!(registry.version(T, "f", 2).unwrap().author, "root");
    }
}

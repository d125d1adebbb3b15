//! What cannot be seen through the front door: events, and what a refused upload leaves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{Added, BundleKind, NewVersion};
use crate::archive::Coordinates;
use crate::archive::tests::archives::{Entry, descriptor, entry, nar};
use crate::{Event, NewBucket, Observer, Registry};
use headworks_core::revision::Basis;
use headworks_core::time::SystemClock;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_store::{Guard, Judging, Proposal, Store, StoreOptions};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const T: TenantId = TenantId::DEFAULT;

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Observer for Heard {
    fn observe(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

struct Bench {
    registry: Registry,
    heard: Arc<Heard>,
    bucket: String,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { path: folder.path().to_owned(), min_free_bytes: 0, ..StoreOptions::default() };
        let store = Store::open(options).unwrap();
        let heard = Arc::new(Heard::default());
        let registry = Registry::new(store, Arc::new(SystemClock), Some(Arc::clone(&heard) as Arc<dyn Observer>));
        let new = NewBucket { name: Some("b".to_owned()), ..NewBucket::default() };
        let bucket = registry.create_bucket(T, "ann", new, &Basis::Unchecked).await.unwrap().id;
        heard.0.lock().unwrap().clear();
        Self { registry, heard, bucket, folder }
    }

    async fn add(&self, archive: &[u8]) -> Result<Added> {
        let mut writer = self.registry.store().start_content(T).await?;
        writer.write(archive).await?;
        let content = writer.finish().await?;
        let new = NewVersion {
            bucket: self.bucket.clone(),
            kind: BundleKind::NifiNar,
            content,
            digest: None,
            given: None,
            origin: None,
        };
        self.registry.add_version(T, "ann", new).await
    }

    /// What was heard since the last call.
    fn heard(&self) -> Vec<(String, Vec<(&'static str, String)>)> {
        let events = std::mem::take(&mut *self.heard.0.lock().unwrap());
        events.into_iter().map(|event| (event.kind.as_str().to_owned(), event.fields)).collect()
    }
}

fn described(name: &str) -> Entry {
    descriptor(&format!("<extension><name>{name}</name><type>PROCESSOR</type><tags><tag>a</tag></tags></extension>"))
}

#[tokio::test]
async fn a_bundle_is_told_of_once_and_its_versions_each_time() {
    let bench = Bench::new().await;
    let added = bench.add(&nar("g", "a", "1-SNAPSHOT", &[])).await.unwrap();
    let (bucket, bundle) = (("BUCKET_ID", bench.bucket.clone()), ("EXTENSION_BUNDLE_ID", added.bundle.id.clone()));
    let (version, user) = (("VERSION", "1-SNAPSHOT".to_owned()), ("USER", "ann".to_owned()));
    let of_bundle = vec![bucket.clone(), bundle.clone(), user.clone()];
    let of_version = vec![bucket, bundle, version, user];
    let event = |kind: &str, fields: &Vec<(&'static str, String)>| (kind.to_owned(), fields.clone());
    let both = [event("CREATE_EXTENSION_BUNDLE", &of_bundle), event("CREATE_EXTENSION_BUNDLE_VERSION", &of_version)];
    assert_eq!(bench.heard(), both);
    bench.add(&nar("g", "a", "1-SNAPSHOT", &[described("x.Y")])).await.unwrap();
    assert_eq!(bench.heard(), both[1..]);
    assert!(bench.add(b"nothing").await.is_err());
    assert_eq!(bench.heard(), []);
    bench.registry.delete_bundle_version(T, "ann", &added.bundle.id, "1-SNAPSHOT").await.unwrap();
    assert_eq!(bench.heard(), [event("DELETE_EXTENSION_BUNDLE_VERSION", &of_version)]);
    bench.registry.delete_bundle(T, "ann", &added.bundle.id).await.unwrap();
    assert_eq!(bench.heard(), [event("DELETE_EXTENSION_BUNDLE", &of_bundle)]);
}

#[tokio::test]
async fn extensions_come_and_go_with_their_version() {
    let bench = Bench::new().await;
    let page = entry("META-INF/docs/additional-details/x.One/additionalDetails.html", "<p>one</p>");
    let added = bench.add(&nar("g", "a", "1-SNAPSHOT", &[described("x.One"), page])).await.unwrap();
    let id = &added.bundle.id;
    let list = bench.registry.extensions(T, id, "1-SNAPSHOT").unwrap();
    let found = list.find("x.One").unwrap();
    assert_eq!((found.summary.tags.as_slice(), found.has_details()), (["a".to_owned()].as_slice(), true));
    assert_eq!(bench.registry.extension(T, &list, found).unwrap().name, "x.One");
    assert_eq!(bench.registry.details(T, &list, found).unwrap(), "<p>one</p>");
    assert_eq!(list.find("x.Two").unwrap_err().code, ErrorCode::NotFound);

    bench.add(&nar("g", "a", "1-SNAPSHOT", &[described("x.Two")])).await.unwrap();
    let other = bench.registry.extensions(T, id, "1-SNAPSHOT").unwrap();
    let found = other.find("x.Two").unwrap();
    assert!(other.find("x.One").is_err());
    let none = bench.registry.details(T, &other, found).unwrap_err();
    assert_eq!(none.message, "The specified extension does not have additional details.");
    let gone = bench.registry.extension(T, &list, list.find("x.One").unwrap()).unwrap_err();
    assert_eq!(gone.code, ErrorCode::NotFound, "what was replaced is gone");
    bench.registry.delete_bundle_version(T, "ann", id, "1-SNAPSHOT").await.unwrap();
    assert_eq!(bench.registry.extensions(T, id, "1-SNAPSHOT").unwrap().extensions, []);
    assert_eq!(bench.registry.store().tenant_usage(T), 0);
}

/// Refuses every change of a version.
struct Refusing;

impl Guard for Refusing {
    fn watches(&self, _: TenantId, kind: &str) -> bool {
        kind == "bundle-version"
    }

    fn check<'a>(&'a self, _: &'a str, _: &'a [Proposal]) -> Judging<'a> {
        Box::pin(std::future::ready(Err(Error::new(ErrorCode::RuleViolation, "not here"))))
    }
}

#[tokio::test]
async fn an_upload_that_a_rule_refuses_leaves_nothing() {
    let bench = Bench::new().await;
    bench.registry.store().guard_with(Arc::new(Refusing));
    let refused = bench.add(&nar("g", "a", "1", &[described("x.Y")])).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RuleViolation);
    assert_eq!((bench.registry.bundles(T, &bench.bucket).unwrap(), bench.heard()), (Vec::new(), Vec::new()));
    bench.registry.store().sweep().await.unwrap();
    assert_eq!(bench.registry.store().tenant_usage(T), 0);
    let Bench { registry, folder, .. } = bench;
    registry.store().clone().close().await;
    drop(registry);
    let report = Store::verify(folder.path(), |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.tables.iter().find(|table| table.table == "contents").unwrap().entries, 0);
}

#[tokio::test]
async fn coordinates_beside_an_archive_count_where_it_has_none() {
    let bench = Bench::new().await;
    let given = Coordinates { group: "g".to_owned(), artifact: "native".to_owned(), version: "3".to_owned() };
    for (archive, expected) in [(b"\x7fELF".to_vec(), "g:native"), (nar("h", "own", "1", &[]), "h:own")] {
        let mut writer = bench.registry.store().start_content(T).await.unwrap();
        writer.write(&archive).await.unwrap();
        let content = writer.finish().await.unwrap();
        let (bucket, given) = (bench.bucket.clone(), Some(given.clone()));
        let new = NewVersion { bucket, kind: BundleKind::MinifiCpp, content, digest: None, given, origin: None };
        assert_eq!(bench.registry.add_version(T, "ann", new).await.unwrap().bundle.name(), expected);
    }
}

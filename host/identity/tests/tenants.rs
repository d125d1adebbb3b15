//! Tenants over a real store: what a crash leaves, and quotas that cannot be seen from outside without waiting.
#![allow(clippy::unwrap_used)]

use headworks_core::{DocumentKey, Error, ErrorCode, TenantId};
use headworks_identity::{Administrator, Identity, IdentityOptions, NewTenant, Quotas, State, TenantOptions, TenantSettings};
use headworks_store::{Change, Store, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn open(folder: &Path) -> Store {
    Store::open(StoreOptions { path: folder.join("db"), min_free_bytes: 0, ..StoreOptions::default() }).unwrap()
}

fn options() -> IdentityOptions {
    IdentityOptions { bootstrap_password: Some("first".to_owned()), ..IdentityOptions::default() }
}

async fn start(store: &Store) -> Identity {
    Identity::start(store.clone(), options()).await.unwrap().0
}

fn named(name: &str, quotas: Quotas) -> NewTenant {
    let settings = TenantSettings { quotas, ..TenantSettings::default() };
    let administrator = Administrator { name: "root".to_owned(), password: Some("first".to_owned()) };
    NewTenant { name: name.to_owned(), settings, administrator }
}

fn document(name: &str) -> DocumentKey {
    DocumentKey::new(TenantId::HOST, "tenant", name)
}

#[tokio::test]
async fn a_tenant_whose_making_fails_is_not_there_and_takes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let furnish = Arc::new(|_| Err(Error::internal("no")));
    let tenants = TenantOptions { furnish, ..TenantOptions::default() };
    let (identity, _) = Identity::start(store.clone(), IdentityOptions { tenants, ..options() }).await.unwrap();
    assert!(identity.create_tenant("root", named("acme", Quotas::default())).await.is_err());
    assert!(identity.tenants().by_name("acme").is_none());
    assert_eq!(store.list_names(TenantId(2), "role", "").unwrap(), Vec::<String>::new());
    drop(identity);
    let made = start(&store).await.create_tenant("root", named("acme", Quotas::default())).await.unwrap();
    assert_eq!(made.tenant.number, TenantId(2));
}

#[tokio::test]
async fn a_deletion_that_was_broken_off_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let identity = start(&store).await;
    for name in ["acme", "other"] {
        identity.create_tenant("root", named(name, Quotas::default())).await.unwrap();
    }
    // As the process leaves it that ends behind the note and before the removal.
    let body = String::from_utf8(store.get(&document("acme")).unwrap().unwrap().body).unwrap();
    let marked = body.replace("\"active\"", "\"deleting\"");
    assert_ne!(marked, body);
    store.write("root", vec![Change::put(document("acme"), marked)]).await.unwrap();
    drop(identity);
    let identity = start(&store).await;
    assert!(identity.tenants().by_name("acme").is_none() && store.get(&document("acme")).unwrap().is_none());
    assert_eq!(store.list_names(TenantId(2), "user", "").unwrap(), Vec::<String>::new());
    assert_eq!(store.list_names(TenantId(3), "user", "").unwrap(), ["root"]);
    let made = identity.create_tenant("root", named("acme", Quotas::default())).await.unwrap();
    assert_eq!(made.tenant.number, TenantId(4));
}

#[tokio::test]
async fn a_store_of_a_version_without_tenants_gets_the_first_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    drop(start(&store).await);
    store.write("root", vec![Change::delete(document("default"))]).await.unwrap();
    let identity = start(&store).await;
    let tenant = identity.tenants().by_name("default").unwrap();
    assert_eq!((tenant.number, tenant.state), (TenantId::DEFAULT, State::Active));
    identity.login(TenantId::DEFAULT, "root", "first", [127, 0, 0, 1].into()).await.unwrap();
}

#[tokio::test]
async fn changes_that_others_wrote_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let identity = start(&store).await;
    identity.create_tenant("root", named("acme", Quotas::default())).await.unwrap();
    let body = String::from_utf8(store.get(&document("acme")).unwrap().unwrap().body).unwrap();
    store.write("other", vec![Change::put(document("acme"), body.replace("\"active\"", "\"suspended\""))]).await.unwrap();
    let begin = Instant::now();
    while identity.tenants().by_name("acme").unwrap().state != State::Suspended {
        assert!(begin.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(identity.tenants().meter(TenantId(2)).take_ingest(1, 1).unwrap_err().code, ErrorCode::Denied);
}

#[tokio::test]
async fn calls_wait_for_a_place_and_are_refused_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let identity = start(&store).await;
    let quotas = Quotas { concurrent_calls: Some(2), ..Quotas::default() };
    identity.create_tenant("root", named("acme", quotas)).await.unwrap();
    let meter = identity.tenants().meter(TenantId(2));
    let admission = meter.admission();
    let first = admission.admit().await.unwrap();
    let _second = admission.admit().await.unwrap();
    let error = admission.admit().await.map(drop).unwrap_err();
    assert_eq!((error.code, error.retry_after_seconds()), (ErrorCode::Exhausted, Some(1)));
    assert!(error.message.contains("2 times at once"), "{}", error.message);
    let waiting = tokio::spawn(async move { admission.admit().await.map(drop) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(first);
    waiting.await.unwrap().unwrap();
    let usage = meter.usage();
    assert_eq!((usage.plugin_calls, usage.plugin_calls_refused), (3, 1));
}

#[tokio::test]
async fn plugins_are_counted_against_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let identity = start(&store).await;
    let quotas = Quotas { plugins: Some(2), ..Quotas::default() };
    identity.create_tenant("root", named("acme", quotas)).await.unwrap();
    let meter = identity.tenants().meter(TenantId(2));
    meter.check_plugins(1).unwrap();
    assert_eq!(meter.check_plugins(2).unwrap_err().code, ErrorCode::Exhausted);
    identity.tenants().meter(TenantId::DEFAULT).check_plugins(1_000_000).unwrap();
}

#[tokio::test]
async fn grants_follow_the_policy_of_the_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let identity = start(&store).await;
    let mut new = named("acme", Quotas::default());
    new.settings.grants = vec!["https://*.example.com:443".to_owned()];
    let tenant = identity.create_tenant("root", new).await.unwrap().tenant;
    assert!(tenant.allows_grant("https://a.example.com:443") && !tenant.allows_grant("https://a.example.org:443"));
    assert!(identity.tenants().by_name("default").unwrap().allows_grant("secret:any"));
}

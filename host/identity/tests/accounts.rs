//! Users, roles and tokens over a real store.
#![allow(clippy::unwrap_used)]

use headworks_core::{ErrorCode, TenantId};
use headworks_identity::{Identity, IdentityOptions, Role, Scope, ScopeSet, User};
use headworks_store::{Store, StoreOptions};
use std::net::IpAddr;
use std::path::Path;

const TENANT: TenantId = TenantId::DEFAULT;
const TOKEN: &str = "pat_0123456789abcdefghijABCDEFGHIJ01";

fn here() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

fn open(folder: &Path) -> Store {
    Store::open(StoreOptions { path: folder.join("db"), min_free_bytes: 0, ..StoreOptions::default() }).unwrap()
}

fn options() -> IdentityOptions {
    IdentityOptions {
        bootstrap_password: Some("first".to_owned()),
        bootstrap_token: Some(TOKEN.to_owned()),
        ..IdentityOptions::default()
    }
}

async fn start(folder: &Path) -> Identity {
    Identity::start(open(folder), options()).await.unwrap().0
}

fn bearer(token: &str) -> Option<String> {
    Some(format!("Bearer {token}"))
}

fn code(identity: &Identity, token: &str) -> Result<String, ErrorCode> {
    identity.authenticate(bearer(token).as_deref()).map(|caller| caller.user.clone()).map_err(|error| error.code)
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_later_starts_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let random = IdentityOptions { bootstrap_user: "op".to_owned(), ..IdentityOptions::default() };
    let (identity, told) = Identity::start(store.clone(), random.clone()).await.unwrap();
    let password = told.password.unwrap();
    assert_eq!((told.user.as_deref(), password.len()), (Some("op"), 20));
    let session = identity.login(TENANT, "op", &password, here()).await.unwrap();
    let caller = identity.authenticate(bearer(&session).as_deref()).unwrap();
    assert!(Scope::ALL.iter().all(|scope| caller.scopes.allows(*scope)));
    let roles: Vec<String> = identity.list_roles(TENANT).unwrap().into_iter().map(|role| role.name).collect();
    assert_eq!(roles, ["admin", "viewer"]);

    let (again, told) = Identity::start(store, random).await.unwrap();
    assert!(told.user.is_none() && told.password.is_none());
    again.login(TENANT, "op", &password, here()).await.unwrap();
    assert_eq!(code(&again, &session), Err(ErrorCode::Unauthenticated), "each start has its own key");
}

#[tokio::test]
async fn passwords_can_be_reset_by_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    Identity::start(store.clone(), options()).await.unwrap();
    let reset = |user: &str| IdentityOptions { reset: Some((user.to_owned(), "second".to_owned())), ..options() };
    let (identity, _) = Identity::start(store.clone(), reset("root")).await.unwrap();
    assert_eq!(identity.login(TENANT, "root", "first", here()).await.unwrap_err().code, ErrorCode::Unauthenticated);
    identity.login(TENANT, "root", "second", here()).await.unwrap();
    let roles = identity.get_user(TENANT, "root").unwrap().unwrap().roles;
    assert!(roles.contains("admin"));
    assert_eq!(Identity::start(store, reset("nobody")).await.err().unwrap().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn unknown_users_and_wrong_passwords_are_told_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let wrong = identity.login(TENANT, "root", "x", here()).await.unwrap_err();
    assert_eq!(wrong, identity.login(TENANT, "nobody", "x", here()).await.unwrap_err());
    assert_eq!((wrong.code, wrong.message.as_str()), (ErrorCode::Unauthenticated, "invalid credentials"));
    let mut last = wrong;
    for _ in 0..20 {
        last = identity.login(TENANT, "root", "x", here()).await.unwrap_err();
    }
    assert_eq!(last.code, ErrorCode::Exhausted);
    assert_eq!(identity.login(TENANT, "root", "first", here()).await.unwrap_err().code, ErrorCode::Exhausted);
}

#[tokio::test]
async fn a_token_lives_as_long_as_it_and_its_owner_do() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let user = |roles: &[&str]| User { name: "anna".to_owned(), roles: roles.iter().map(|role| (*role).to_owned()).collect() };
    identity.save_user("test", TENANT, user(&[]), "a").await.unwrap();
    let session = identity.login(TENANT, "anna", "a", here()).await.unwrap();
    let anna = identity.authenticate(bearer(&session).as_deref()).unwrap();
    let (first, token) = identity.create_token(&anna).await.unwrap();
    let (second, other) = identity.create_token(&anna).await.unwrap();
    assert_eq!(identity.list_tokens(&anna).unwrap().len(), 2);
    assert_eq!(code(&identity, &token).as_deref(), Ok("anna"));
    identity.delete_token(&anna, first).await.unwrap();
    identity.delete_token(&anna, first).await.unwrap();
    assert_eq!(code(&identity, &token), Err(ErrorCode::Unauthenticated));

    let root = identity.authenticate(bearer(TOKEN).as_deref()).unwrap();
    identity.delete_token(&root, second).await.unwrap();
    assert_eq!(code(&identity, &other).as_deref(), Ok("anna"), "nobody revokes another's token");
    identity.delete_user("test", TENANT, "anna").await.unwrap();
    assert_eq!(code(&identity, &other), Err(ErrorCode::Unauthenticated));
    assert_eq!(code(&identity, &session), Err(ErrorCode::Unauthenticated));
    identity.save_user("test", TENANT, user(&[]), "a").await.unwrap();
    assert_eq!(code(&identity, &other), Err(ErrorCode::Unauthenticated), "a namesake does not inherit tokens");
}

#[tokio::test]
async fn changes_of_roles_work_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let allowed = |scope| identity.authenticate(bearer(TOKEN).as_deref()).unwrap().scopes.allows(scope);
    assert!(allowed(Scope::SendLogs));
    let role = |scopes: &[Scope]| Role { name: "admin".to_owned(), scopes: scopes.iter().copied().collect::<ScopeSet>() };
    identity.save_role("test", TENANT, role(&[Scope::WriteStreams])).await.unwrap();
    assert!(!allowed(Scope::SendLogs) && allowed(Scope::ReadStreams));
    identity.delete_role("test", TENANT, "admin").await.unwrap();
    assert!(!allowed(Scope::ReadStreams));
    identity.save_role("test", TENANT, role(&[Scope::SendLogs])).await.unwrap();
    assert!(allowed(Scope::SendLogs), "users keep the name of a role that is gone");
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_secrets_are_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (identity, _) = Identity::start(store.clone(), options()).await.unwrap();
    let root = identity.authenticate(bearer(TOKEN).as_deref()).unwrap();
    let (_, token) = identity.create_token(&root).await.unwrap();
    identity.change_password(&root, "wrong", "x", here()).await.unwrap_err();
    identity.change_password(&root, "first", "second", here()).await.unwrap();
    for kind in ["user", "role"] {
        for document in store.list(TENANT, kind, "").unwrap() {
            let body = String::from_utf8(document.body).unwrap();
            assert!(!body.contains("second") && !body.contains("first"), "{body}");
        }
    }
    for document in store.list(TENANT, "token", "root").unwrap() {
        assert!(!String::from_utf8(document.body).unwrap().contains("pat_"));
    }
    drop(identity);
    store.close().await;
    let identity = start(folder.path()).await;
    assert_eq!(code(&identity, &token).as_deref(), Ok("root"));
    identity.login(TENANT, "root", "second", here()).await.unwrap();
}

fn basic(user: &str, password: &str) -> Option<String> {
    use base64::Engine;
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

#[tokio::test]
async fn basic_credentials_end_with_the_password_and_with_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let ask = async |user: &str, password: &str| {
        let asked = identity.authenticate_basic(TENANT, basic(user, password).as_deref(), here()).await;
        asked.map(|caller| caller.user.clone()).map_err(|error| error.code)
    };
    let anna = |password: &'static str| {
        let user = User { name: "anna".to_owned(), roles: Default::default() };
        identity.save_user("test", TENANT, user, password)
    };
    anna("one:with colon").await.unwrap();
    for _ in 0..3 {
        assert_eq!(ask("anna", "one:with colon").await, Ok("anna".to_owned()));
        assert_eq!(ask("anna", "one:with colo").await, Err(ErrorCode::Unauthenticated));
        assert_eq!(ask("root", "one:with colon").await, Err(ErrorCode::Unauthenticated));
    }
    anna("two").await.unwrap();
    assert_eq!(ask("anna", "one:with colon").await, Err(ErrorCode::Unauthenticated));
    assert_eq!(ask("anna", "two").await, Ok("anna".to_owned()));
    identity.delete_user("test", TENANT, "anna").await.unwrap();
    assert_eq!(ask("anna", "two").await, Err(ErrorCode::Unauthenticated));
    // A user of the same name and password is another one: its password is verified anew.
    anna("two").await.unwrap();
    assert_eq!(ask("anna", "two").await, Ok("anna".to_owned()));
}

#[tokio::test]
async fn guessing_basic_credentials_is_slowed_down_and_does_not_lock_out_who_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let ask = async |password: &str| {
        let asked = identity.authenticate_basic(TENANT, basic("root", password).as_deref(), here()).await;
        asked.map(|caller| caller.user.clone()).map_err(|error| error.code)
    };
    assert_eq!(ask("first").await, Ok("root".to_owned()));
    let mut refusals = Vec::new();
    for _ in 0..11 {
        refusals.push(ask("wrong").await.unwrap_err());
    }
    assert_eq!(refusals.first(), Some(&ErrorCode::Unauthenticated));
    assert_eq!(refusals.last(), Some(&ErrorCode::Exhausted));
    assert_eq!(ask("first").await, Ok("root".to_owned()));
}

#[tokio::test]
async fn malformed_basic_values_are_told_apart_from_wrong_ones() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    for (header, code) in [
        (None, ErrorCode::Unauthenticated),
        (Some("Basic"), ErrorCode::Unauthenticated),
        (Some("Digest x"), ErrorCode::Unauthenticated),
        (Some("Basic ***"), ErrorCode::Invalid),
        (Some("Basic cm9vdA=="), ErrorCode::Invalid),
        (Some("basic /////w=="), ErrorCode::Invalid),
    ] {
        let asked = identity.authenticate_basic(TENANT, header, here()).await;
        assert_eq!(asked.unwrap_err().code, code, "{header:?}");
    }
    assert!(identity.authenticate_basic(TENANT, bearer(TOKEN).as_deref(), here()).await.is_ok());
    assert!(identity.authenticate_basic(TENANT, Some("basic cm9vdDpmaXJzdA"), here()).await.is_ok(), "without padding");
}

#[tokio::test]
async fn the_first_requests_of_a_shipper_may_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let identity = start(folder.path()).await;
    let asked: Vec<_> = (0..40)
        .map(|_| {
            let identity = identity.clone();
            tokio::spawn(async move { identity.authenticate_basic(TENANT, basic("root", "first").as_deref(), here()).await })
        })
        .collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
}

//! Users with limited rights. No operation makes them yet, so they are put into a data folder before its server starts.

use crate::server::{Folder, PASSWORD, TOKEN, USER};
use headworks_core::TenantId;
use headworks_identity::{Identity, IdentityOptions, Role, Scope, User};
use headworks_store::{Store, StoreOptions};
use std::net::{IpAddr, Ipv4Addr};

/// Fills a new data folder with the usual first user and, for each name, a user of that name (its password too) with a role
/// of these scopes. Answers a token of each.
pub fn add(folder: &Folder, people: &[(&str, &[&str])]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        std::fs::create_dir_all(folder.data()).expect("the data folder");
        let options = StoreOptions { path: folder.data().join("db"), ..StoreOptions::default() };
        let store = Store::open(options).expect("the store");
        let options = IdentityOptions {
            bootstrap_user: USER.to_owned(),
            bootstrap_password: Some(PASSWORD.to_owned()),
            bootstrap_token: Some(TOKEN.to_owned()),
            ..IdentityOptions::default()
        };
        let (identity, _) = Identity::start(store.clone(), options).await.expect("the identity");
        let mut tokens = Vec::new();
        for (name, scopes) in people {
            let scopes = scopes.iter().map(|scope| Scope::parse(scope).expect("a scope")).collect();
            let role = Role { name: format!("role of {name}"), scopes };
            let user = User { name: (*name).to_owned(), roles: [role.name.clone()].into() };
            identity.save_role("test", TenantId::DEFAULT, role).await.expect("the role");
            identity.save_user("test", TenantId::DEFAULT, user, name).await.expect("the user");
            let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let session = identity.login(TenantId::DEFAULT, name, name, from).await.expect("a session");
            let caller = identity.authenticate(Some(&format!("Bearer {session}"))).expect("the user");
            tokens.push(identity.create_token(&caller).await.expect("a token").1);
        }
        drop(identity);
        store.close().await;
        tokens
    })
}

//! Looking at plugins and versions, approving, deleting.

use crate::documents::{self, PluginState, VersionState};
use crate::users::{Named, check_unused};
use crate::{Inner, Plugins};
use headworks_core::{Digest, Document, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::golden::Tests;
use headworks_store::{Beside, Change, Expect};
use std::collections::HashSet;

/// A plugin as it is stored.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// What it is and which versions are in use.
    pub state: PluginState,
    /// Who changed it when.
    pub document: Document,
}

/// A version of a plugin as it is stored.
#[derive(Clone, Debug)]
pub struct Version {
    /// The plugin.
    pub plugin: String,
    /// The version.
    pub version: String,
    /// What is known of it.
    pub state: VersionState,
    /// Who changed it when.
    pub document: Document,
}

impl Plugins {
    /// The plugins of a tenant, by name.
    ///
    /// # Errors
    /// Those of the store. Blocks.
    pub fn list(&self, tenant: TenantId) -> Result<Vec<Plugin>> {
        let documents = self.0.store.list(tenant, documents::PLUGIN, "")?;
        let read = |document: Document| {
            let state = documents::decode(&document.key, &document.body)?;
            Ok(Plugin { name: document.key.name.clone(), state, document })
        };
        documents.into_iter().map(read).collect()
    }

    /// One plugin.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn get(&self, tenant: TenantId, plugin: &str) -> Result<Plugin> {
        let (document, state) = self.0.plugin(tenant, plugin)?;
        Ok(Plugin { name: plugin.to_owned(), state, document })
    }

    /// The versions of a plugin, oldest upload first.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]. Blocks.
    pub fn versions(&self, tenant: TenantId, plugin: &str) -> Result<Vec<Version>> {
        self.0.plugin(tenant, plugin)?;
        let mut documents = self.0.store.list(tenant, documents::VERSION, plugin)?;
        documents.sort_by_key(|document| document.created);
        let read = |document: Document| {
            let state = documents::decode(&document.key, &document.body)?;
            Ok(Version { plugin: plugin.to_owned(), version: document.key.name.clone(), state, document })
        };
        documents.into_iter().map(read).collect()
    }

    /// One version.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn version(&self, tenant: TenantId, plugin: &str, version: &str) -> Result<Version> {
        let (document, state) = self.0.version(tenant, plugin, version)?;
        Ok(Version { plugin: plugin.to_owned(), version: version.to_owned(), state, document })
    }

    /// The component of a version, as it was uploaded.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn component(&self, tenant: TenantId, plugin: &str, version: &str) -> Result<Vec<u8>> {
        let (_, state) = self.0.version(tenant, plugin, version)?;
        self.0.component(tenant, state.digest.parse()?).await
    }

    /// Approves what a version asks for. Approved are those of its grants that one of these allows.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn approve(
        &self,
        tenant: TenantId,
        author: &str,
        plugin: &str,
        version: &str,
        grants: Vec<String>,
    ) -> Result<Version> {
        let entry = self.0.existing(tenant, plugin)?;
        let _turn = entry.changing.lock().await;
        let (document, state) = self.0.version(tenant, plugin, version)?;
        self.0.approve(author, &document, state, grants).await?;
        self.version(tenant, plugin, version)
    }

    /// How a version on trial compares with the active one: records compared, and those that came out differently.
    pub fn progress(&self, plugin: &Plugin) -> Option<(u64, u64)> {
        let entry = self.0.entry(plugin.document.key.tenant, &plugin.name);
        entry.progress(plugin.state.candidate.as_ref()?)
    }

    /// Keeps the tests of a version, which it has to pass before it is released.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; what [`Tests::read`] refuses.
    pub async fn set_tests(&self, tenant: TenantId, author: &str, plugin: &str, version: &str, tests: &[u8]) -> Result<()> {
        let entry = self.0.existing(tenant, plugin)?;
        let _turn = entry.changing.lock().await;
        self.0.version(tenant, plugin, version)?;
        Tests::read(str::from_utf8(tests).map_err(|error| Error::invalid(format!("the tests are no text: {error}")))?)?;
        let change = Change::put(documents::tests_key(tenant, plugin, version), tests);
        self.0.store.write(author, vec![change]).await?;
        Ok(())
    }

    /// Deletes a version that is neither in use nor on trial, and that no document names by its digest.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::InUse`], which names the documents.
    pub async fn delete_version(&self, tenant: TenantId, author: &str, plugin: &str, version: &str) -> Result<()> {
        let entry = self.0.existing(tenant, plugin)?;
        let _turn = entry.changing.lock().await;
        let (document, state) = self.0.plugin(tenant, plugin)?;
        let (_, gone) = self.0.version(tenant, plugin, version)?;
        let named = |other: Option<&str>| other == Some(version);
        if named(state.active.as_deref()) || named(state.candidate.as_ref().map(|candidate| candidate.version.as_str())) {
            let message =
                format!("the version {version} of the plugin {plugin} is in use: release another one or roll back first");
            return Err(Error::new(ErrorCode::InUse, message));
        }
        let digest: Digest = gone.digest.parse()?;
        let users = self.0.users(tenant, move |named| *named == Named::Version(digest)).await?;
        check_unused(&format!("the version {version} of the plugin {plugin}"), &users)?;
        let mut changes = vec![
            Change::delete(documents::version_key(tenant, plugin, version)),
            Change::delete(documents::tests_key(tenant, plugin, version)),
        ];
        if named(state.previous.as_deref()) {
            let state = PluginState { previous: None, ..state };
            let expect = Expect::Revision(document.revision);
            changes.push(Change::put(document.key, documents::encode(&state)?).expecting(expect));
        }
        self.0.store.write_with(author, changes, vec![Beside::NoBlob { tenant, digest }]).await?;
        Ok(())
    }

    /// Deletes a plugin with its versions and everything that it remembers.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::InUse`] names who uses it.
    pub async fn delete(&self, tenant: TenantId, author: &str, plugin: &str) -> Result<()> {
        let entry = self.0.existing(tenant, plugin)?;
        let _turn = entry.changing.lock().await;
        let (document, _) = self.0.plugin(tenant, plugin)?;
        let mut changes = vec![Change::delete(document.key)];
        let mut beside = vec![Beside::NoState { tenant, plugin: plugin.to_owned() }];
        let mut digests = HashSet::new();
        for version in self.versions(tenant, plugin)? {
            changes.push(Change::delete(version.document.key));
            changes.push(Change::delete(documents::tests_key(tenant, plugin, &version.version)));
            let digest = version.state.digest.parse()?;
            digests.insert(digest);
            beside.push(Beside::NoBlob { tenant, digest });
        }
        let name = plugin.to_owned();
        let is_meant = move |named: &Named| match named {
            Named::Plugin(plugin) => *plugin == name,
            Named::Version(digest) => digests.contains(digest),
        };
        check_unused(&format!("the plugin {plugin}"), &self.0.users(tenant, is_meant).await?)?;
        let turning = entry.turning.write().await;
        // What runs on must not bring back what is deleted.
        entry.slots().iter().for_each(|slot| slot.turn(None));
        entry.state.close().await;
        let written = self.0.store.write_with(author, changes, beside).await;
        drop(turning);
        match written {
            Ok(_) if entry.slots().is_empty() => self.0.forget(tenant, plugin),
            Ok(_) => {}
            Err(error) => {
                entry.state.open().await;
                self.0.settle(&entry).await?;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Plugins {
    /// Whether the operator lets a tenant use this, such as `https://example.com:443` or `secret:token`.
    ///
    /// # Errors
    /// [`ErrorCode::Denied`] names it.
    pub fn check_grant(&self, tenant: TenantId, grant: &str) -> Result<()> {
        let known = self.0.tenants.get(tenant).ok_or_else(|| Error::not_found("the tenant was deleted"))?;
        if known.allows_grant(grant) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Denied, format!("the operator does not allow this tenant {grant:?}")))
    }
}

impl Inner {
    /// What is kept in memory of a plugin that exists.
    pub(crate) fn existing(&self, tenant: TenantId, plugin: &str) -> Result<std::sync::Arc<crate::entry::Entry>> {
        self.plugin(tenant, plugin)?;
        Ok(self.entry(tenant, plugin))
    }

    /// Refuses grants that the operator does not allow the plugins of a tenant.
    pub(crate) fn check_policy<'g>(&self, tenant: TenantId, grants: impl IntoIterator<Item = &'g String>) -> Result<()> {
        let known = self.tenants.get(tenant).ok_or_else(|| Error::not_found("the tenant was deleted"))?;
        match grants.into_iter().find(|grant| !known.allows_grant(grant)) {
            Some(grant) => {
                let text = format!("the operator does not allow plugins of this tenant the grant {grant:?}");
                Err(Error::new(ErrorCode::Denied, text).at("approve"))
            }
            None => Ok(()),
        }
    }

    /// Writes down what is approved of a version, if that is more than before.
    pub(crate) async fn approve(
        &self,
        author: &str,
        document: &Document,
        state: VersionState,
        allowed: Vec<String>,
    ) -> Result<()> {
        let next = state.clone().with_approved(&allowed);
        if next == state {
            return Ok(());
        }
        self.check_policy(document.key.tenant, next.approved.iter().filter(|grant| !state.approved.contains(grant)))?;
        let change = Change::put(document.key.clone(), documents::encode(&next)?);
        self.store.write(author, vec![change.expecting(Expect::Revision(document.revision))]).await?;
        Ok(())
    }
}

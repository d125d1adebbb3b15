//! Settings of keeping flows in a Git repository: the section `registry.git` (NiFi Registry 22.1).

use crate::settings::Settings;
use anyhow::{Context, Result, anyhow, bail};
use headworks_identity::Tenants;
use headworks_layouts::git::{Access, Committer, Export, ExportOptions, GitOptions, check};
use headworks_registry::Registry;
use serde::Deserialize;
use std::path::PathBuf;

/// Off without a folder. Holds a secret, hence no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GitSettings {
    /// Where the repository is.
    repository: Option<PathBuf>,
    /// The name of the tenant whose flows are in it.
    tenant: String,
    /// What it is cloned from where the folder is empty.
    clone: Option<String>,
    /// What is pushed to: the name of a remote of the repository, or an address.
    remote: Option<String>,
    /// Who clones and pushes.
    user: Option<String>,
    password: Option<String>,
    /// PEM file of the certificates that are trusted for it instead of the public ones.
    ca: Option<PathBuf>,
    /// Who commits.
    committer_name: String,
    committer_address: String,
}

impl Default for GitSettings {
    fn default() -> Self {
        Self {
            repository: None,
            tenant: "default".to_owned(),
            clone: None,
            remote: None,
            user: None,
            password: None,
            ca: None,
            committer_name: "Headworks".to_owned(),
            committer_address: "headworks@localhost".to_owned(),
        }
    }
}

impl GitSettings {
    /// The repository, if the settings name one.
    pub(crate) fn options(&self) -> Result<Option<GitOptions>> {
        let Some(folder) = self.repository.clone() else {
            if self.clone.is_some() || self.remote.is_some() {
                bail!("registry.git.clone and registry.git.remote need registry.git.repository");
            }
            return Ok(None);
        };
        for (name, address) in [("clone", &self.clone), ("remote", &self.remote)] {
            if let Some(address) = address {
                check(address).map_err(|error| anyhow!("registry.git.{name}: {error}"))?;
            }
        }
        let credentials = match (self.user.clone(), self.password.clone()) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => bail!("registry.git.user and registry.git.password need each other"),
        };
        let read =
            |path: &PathBuf| std::fs::read(path).with_context(|| format!("registry.git.ca: cannot read {}", path.display()));
        let roots = self.ca.as_ref().map(read).transpose()?;
        let committer = Committer { name: self.committer_name.clone(), address: self.committer_address.clone() };
        let (clone, remote) = (self.clone.clone(), self.remote.clone());
        Ok(Some(GitOptions { folder, clone, remote, access: Access { credentials, roots }, committer }))
    }
}

/// Takes over what is in the repository where the registry is empty, and commits from then on.
pub(crate) async fn export(settings: &Settings, registry: &Registry, tenants: &Tenants, most: u64) -> Result<Option<Export>> {
    let given = &settings.registry.git;
    let Some(git) = given.options()? else { return Ok(None) };
    let tenant =
        tenants.by_name(&given.tenant).with_context(|| format!("registry.git.tenant: there is no tenant {:?}", given.tenant))?;
    let folder = git.folder.display().to_string();
    // Made once for each data folder, and kept in its backups.
    let store = format!("{}-{}", tenant.name, tenant.created.rfc3339());
    let options = ExportOptions { registry: registry.clone(), tenant: tenant.number, store, git, most };
    let opened = Export::open(options).await;
    opened.map(Some).with_context(|| format!("registry.git.repository: {folder} cannot be used"))
}

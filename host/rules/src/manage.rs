//! Saving, listing and deleting rules.

use crate::judge::Bound;
use crate::rule::check_name;
use crate::{MAX_RULES, Rule, Rules, VALIDATOR};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_store::Change;

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What it says.
    pub rule: Rule,
    /// 1 when it was made, one more with each change.
    pub revision: u64,
    /// Who changed it last.
    pub author: String,
    /// When.
    pub updated: Timestamp,
}

impl Saved {
    fn read(document: Document) -> Result<Self> {
        let rule = Rule::decode(&document)?;
        let Document { key, revision, author, updated, .. } = document;
        Ok(Self { name: key.name, rule, revision, author, updated })
    }
}

impl Rules {
    /// All rules of a tenant in ascending order of their names. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list(&self, tenant: TenantId) -> Result<Vec<Saved>> {
        self.0.store.list(tenant, VALIDATOR, "")?.into_iter().map(Saved::read).collect()
    }

    /// One rule.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get(&self, tenant: TenantId, name: &str) -> Result<Option<Saved>> {
        self.0.store.get(&DocumentKey::new(tenant, VALIDATOR, name))?.map(Saved::read).transpose()
    }

    /// Makes or replaces a rule, which judges from the next write on. Its plugin is opened first: one that cannot be used is
    /// refused.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame, [`ErrorCode::Exhausted`] with [`MAX_RULES`] rules already; what the
    /// rules for rules say; those of the store.
    pub async fn save(&self, author: &str, tenant: TenantId, name: &str, rule: Rule) -> Result<Saved> {
        check_name(name)?;
        self.try_open(tenant, name, &rule).await?;
        let store = self.0.store.clone();
        let names = tokio::task::spawn_blocking(move || store.list_names(tenant, VALIDATOR, "")).await;
        let names = names.map_err(|error| Error::internal(error.to_string()))??;
        if names.len() >= MAX_RULES && !names.iter().any(|known| known == name) {
            let message = format!("there are {} rules already, and {MAX_RULES} is the most: delete one first", names.len());
            return Err(Error::new(ErrorCode::Exhausted, message));
        }
        let key = DocumentKey::new(tenant, VALIDATOR, name);
        let written = self.0.store.write(author, vec![Change::put(key, rule.encode()?)]).await?;
        let document = written.into_iter().next().flatten().ok_or_else(|| Error::internal("a saved rule is not there"))?;
        Saved::read(document)
    }

    /// Opens the plugin of a rule that is not saved.
    pub(crate) async fn try_open(&self, tenant: TenantId, name: &str, rule: &Rule) -> Result<Bound> {
        let bound = Bound::new(name.to_owned(), rule.clone());
        let opened = bound.judge(self.0.rulebook.as_ref(), tenant).await.map(drop);
        opened.map_err(|error| match error.code {
            ErrorCode::InvalidProgram | ErrorCode::PluginRefused | ErrorCode::NotFound => {
                let member = error.member.clone().unwrap_or_else(|| "config".to_owned());
                Error::invalid(error.message).at(member)
            }
            _ => error,
        })?;
        Ok(bound)
    }

    /// Deletes a rule, whatever rules say. Answers whether it was there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete(&self, author: &str, tenant: TenantId, name: &str) -> Result<bool> {
        let change = Change::delete(DocumentKey::new(tenant, VALIDATOR, name));
        let written = self.0.store.write_unjudged(author, vec![change]).await?;
        Ok(written.into_iter().flatten().next().is_some())
    }
}

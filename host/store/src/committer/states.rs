//! What is written beside documents, and what plugins remember.

use super::Group;
use crate::engine::Table;
use crate::format::{VERSION, keys};
use crate::types::Beside;
use headworks_core::{Result, TenantId};

impl Group<'_> {
    pub(crate) fn beside(&mut self, beside: Vec<Beside>) -> Result<()> {
        for one in beside {
            match one {
                Beside::Blob { tenant, digest, bytes } => {
                    self.put(Table::Blobs, &keys::blob(tenant, &digest.0), &versioned(&bytes))?;
                }
                Beside::NoBlob { tenant, digest } => self.delete(Table::Blobs, &keys::blob(tenant, &digest.0))?,
                Beside::Content { tenant, id } => self.keep_content(tenant, id)?,
                Beside::NoContent { tenant, id } => self.drop_content(tenant, id)?,
                Beside::NoState { tenant, plugin } => self.delete_prefix(Table::State, &keys::states(tenant, &plugin))?,
            }
        }
        Ok(())
    }

    /// Sets and removes what a plugin remembers.
    pub(crate) fn remember(&mut self, tenant: TenantId, plugin: &str, values: &[(String, Option<Vec<u8>>)]) -> Result<()> {
        self.check_exists(tenant)?;
        for (name, value) in values {
            let key = keys::state(tenant, plugin, name);
            match value {
                Some(value) => self.put(Table::State, &key, &versioned(value))?,
                None => self.delete(Table::State, &key)?,
            }
        }
        Ok(())
    }
}

fn versioned(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(VERSION);
    value.extend_from_slice(bytes);
    value
}

//! Purge: everything of a stream goes at once, by range (FlowG 10.6).
//!
//! The next write makes the stream anew under a number of its own, so what is staged before the purge in the same group is
//! deleted and what is staged after it is kept.

use super::Group;
use super::streams::KIND;
use crate::engine::Table;
use crate::format::keys::{meta, stream_prefix};
use crate::types::Change;
use headworks_core::{DocumentKey, Result, TenantId};

impl Group<'_> {
    /// Deletes records, indexes, field names and settings. A stream that does not exist is fine.
    pub(crate) fn purge(&mut self, tenant: TenantId, name: &str, author: &str) -> Result<()> {
        let Some(writing) = self.writer.streams.remove(&(tenant, name.to_owned())) else { return Ok(()) };
        let number = writing.stream.number;
        self.writer.names.remove(&number);
        let prefix = stream_prefix(tenant, number);
        self.delete_prefix(Table::Records, &prefix)?;
        self.delete_prefix(Table::Indexes, &prefix)?;
        self.delete_prefix(Table::Meta, &meta::of_stream(meta::FIELD, tenant, number))?;
        self.delete(Table::Meta, &meta::of_stream(meta::TALLY, tenant, number))?;
        self.delete(Table::Meta, &meta::of_stream(meta::BUILDING, tenant, number))?;
        // Expiry ranges of a number that is gone are dropped when they are due.
        self.write(author, vec![Change::delete(DocumentKey::new(tenant, KIND, name))])?;
        let name = name.to_owned();
        self.publish.push(Box::new(move |catalog| catalog.remove(tenant, &name)));
        Ok(())
    }
}

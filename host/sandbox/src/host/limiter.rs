//! Memory, tables and instances of a store.

use crate::Limits;
use headworks_core::{Error, ErrorCode};
use wasmtime::ResourceLimiter;

/// Refuses growth past the limits and remembers that it did, because the component only sees an allocation that failed.
pub(crate) struct Limiter {
    memory: usize,
    memories: usize,
    tables: usize,
    table_elements: usize,
    instances: usize,
    used: usize,
    refused: Option<String>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory: limits.memory,
            memories: limits.memories,
            tables: limits.tables,
            table_elements: limits.table_elements,
            instances: limits.core_instances,
            used: 0,
            refused: None,
        }
    }

    /// Bytes of linear memory in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// The limit that stood in the way of growing, if one did since the last question.
    pub(crate) fn refusal(&mut self) -> Option<Error> {
        self.refused.take().map(|message| Error::new(ErrorCode::PluginLimit, message))
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.memory {
            self.refused = Some(format!("the plugin needs more than {} MiB of memory", self.memory >> 20));
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            self.refused = Some(format!("the plugin needs a table of more than {} elements", self.table_elements));
        }
        Ok(desired <= self.table_elements)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

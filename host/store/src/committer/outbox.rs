//! Records that wait to be delivered: a bounded queue per name, first in, first out.

use super::Group;
use crate::engine::{Engine, Table, failed};
use crate::format::{encode_waiting, keys};
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId};
use std::collections::HashMap;

/// What waits in each queue; a queue is read when it is first used.
pub(crate) struct Outbox {
    /// The most bytes of one queue.
    limit: u64,
    queues: HashMap<(TenantId, String), Queue>,
}

#[derive(Clone, Copy, Default)]
struct Queue {
    next: u64,
    bytes: u64,
}

impl Outbox {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, queues: HashMap::new() }
    }

    /// Forgets what is known of a tenant that is gone.
    pub(crate) fn forget(&mut self, tenant: TenantId) {
        self.queues.retain(|(of, _), _| *of != tenant);
    }
}

impl Queue {
    fn load(engine: &Engine, tenant: TenantId, name: &str) -> Result<Self> {
        let mut queue = Self { next: 1, bytes: 0 };
        let mut walk = engine.walk_prefix(Table::Outbox, &keys::outbox(tenant, name))?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            if let Some((.., number)) = keys::parse_waiting(key) {
                queue.next = queue.next.max(number.saturating_add(1));
            }
            queue.bytes += value.len() as u64;
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(queue)
    }
}

impl Group<'_> {
    fn queue(&mut self, tenant: TenantId, name: &str) -> Result<Queue> {
        match self.writer.outbox.queues.get(&(tenant, name.to_owned())) {
            Some(queue) => Ok(*queue),
            None => Queue::load(&self.writer.engine, tenant, name),
        }
    }

    /// Puts records at the end of queues: all, or none where one queue would become too long.
    pub(crate) fn enqueue(&mut self, tenant: TenantId, parts: &[(String, Batch)]) -> Result<()> {
        self.check_exists(tenant)?;
        let limit = self.writer.outbox.limit;
        let mut staged: HashMap<&str, Queue> = HashMap::new();
        let mut values = Vec::with_capacity(parts.len());
        for (name, batch) in parts {
            let mut queue = match staged.get(name.as_str()) {
                Some(queue) => *queue,
                None => self.queue(tenant, name)?,
            };
            let value = encode_waiting(batch);
            queue.bytes += value.len() as u64;
            if queue.bytes > limit {
                let message = format!("{limit} bytes of records wait for the forwarder {name} already; try again later");
                return Err(Error::new(ErrorCode::Exhausted, message));
            }
            values.push((keys::waiting(tenant, name, queue.next), value));
            queue.next += 1;
            staged.insert(name, queue);
        }
        for (key, value) in values {
            self.put(Table::Outbox, &key, &value)?;
        }
        let staged: Vec<(String, Queue)> = staged.into_iter().map(|(name, queue)| (name.to_owned(), queue)).collect();
        for (name, queue) in staged {
            self.writer.outbox.queues.insert((tenant, name), queue);
        }
        Ok(())
    }

    /// Takes an entry out of its queue, or leaves the rest of it in its place.
    pub(crate) fn dequeue(&mut self, tenant: TenantId, name: &str, number: u64, rest: Option<&Batch>) -> Result<()> {
        self.check_exists(tenant)?;
        let key = keys::waiting(tenant, name, number);
        let mut queue = self.queue(tenant, name)?;
        let before = self.writer.engine.get(Table::Outbox, &key)?.map_or(0, |value| value.len() as u64);
        queue.bytes = queue.bytes.saturating_sub(before);
        match rest {
            Some(rest) => {
                let value = encode_waiting(rest);
                queue.bytes += value.len() as u64;
                self.put(Table::Outbox, &key, &value)?;
            }
            None => self.delete(Table::Outbox, &key)?,
        }
        self.writer.outbox.queues.insert((tenant, name.to_owned()), queue);
        Ok(())
    }
}

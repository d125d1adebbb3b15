//! Identifiers.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The number that every key on disk begins with. `0` is the host itself, `1` the tenant `default`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub u32);

impl TenantId {
    /// What belongs to the host and to no tenant.
    pub const HOST: Self = Self(0);
    /// The tenant made at first start.
    pub const DEFAULT: Self = Self(1);
    /// A tenant that never exists and has nothing: what is asked of a tenant whose name is unknown is asked of this one, so
    /// that it takes the same way.
    pub const NOBODY: Self = Self(u32::MAX);
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenant {}", self.0)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The identity of a document: it stays when the document is changed and is new when it is deleted and made again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub uuid::Uuid);

impl Uid {
    /// A new identity, ordered by the time of making.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl Default for Uid {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

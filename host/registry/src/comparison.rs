//! Two versions of a flow beside each other (NiFi Registry 10).
//!
//! What must stay true: what is held in memory at once is bounded, whatever is asked for by however many.

use crate::diff::{ComponentDifferences, compare};
use crate::{Flow, Registry, Version, blocking};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use serde::Deserialize;
use serde_json::Value;

/// KiB of contents that all comparisons read at the same time; a comparison that needs more than all of it has it alone.
pub(crate) const AT_ONCE: u32 = 128 << 10;

/// What is between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The lower number.
    pub a: u32,
    /// The higher number.
    pub b: u32,
    /// What is different in the second.
    pub components: Vec<ComponentDifferences>,
}

/// What is read of a snapshot; nothing else of it is held.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compared {
    flow_contents: Value,
}

impl Registry {
    /// Compares two versions of a flow, the lower number first, where neither has more bytes than `most`.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a version that does not exist, [`ErrorCode::Lost`] for one without contents;
    /// [`ErrorCode::TooLarge`] for one that is too large or too deep; [`ErrorCode::Invalid`] for what is no flow.
    pub async fn compare_versions(&self, tenant: TenantId, flow: &Flow, one: u32, other: u32, most: u64) -> Result<Comparison> {
        let (a, b) = (one.min(other), one.max(other));
        let (first, second) = (self.version(tenant, &flow.id, a)?, self.version(tenant, &flow.id, b)?);
        if a == b {
            return Ok(Comparison { a, b, components: Vec::new() });
        }
        let bytes = self.comparable(tenant, &first, most)? + self.comparable(tenant, &second, most)?;
        let share = u32::try_from(bytes.div_ceil(1024)).unwrap_or(AT_ONCE).min(AT_ONCE);
        let _share = self.0.comparisons.acquire_many(share).await.map_err(|error| Error::internal(error.to_string()))?;
        let registry = self.clone();
        let components = blocking(move || {
            let (a, b) = (registry.contents(tenant, &first)?, registry.contents(tenant, &second)?);
            compare(&a, &b)
        })
        .await?;
        Ok(Comparison { a, b, components })
    }

    /// The bytes of a version that is not too large.
    fn comparable(&self, tenant: TenantId, version: &Version, most: u64) -> Result<u64> {
        let size = self.snapshot(tenant, version)?.size();
        if size > most {
            let number = version.number;
            let message = format!("Version {number} has {size} bytes and cannot be compared: {most} bytes are the limit");
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        Ok(size)
    }

    /// The root group of a version, with the addresses that clients know.
    fn contents(&self, tenant: TenantId, version: &Version) -> Result<Value> {
        let mut bytes = vec![b'{'];
        self.snapshot(tenant, version)?.write_to(&mut bytes)?;
        // It was read when it was saved, but not as deep, and with numbers of any size.
        let read: Compared = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("Version {} cannot be compared: {error}", version.number);
            Error::new(ErrorCode::TooLarge, message)
        })?;
        Ok(read.flow_contents)
    }
}

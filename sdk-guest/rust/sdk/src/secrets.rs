//! Secrets of the tenant. A plugin asks for each with the grant `secret:NAME` ([`About::grants`](crate::About::grants)).

use crate::host;

/// A secret; none where it is not granted or not set.
pub fn get(name: &str) -> Option<String> {
    host::secret(name)
}

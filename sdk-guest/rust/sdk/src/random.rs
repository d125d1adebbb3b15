//! Unpredictable bytes.

use crate::host;

/// So many bytes; what one call may ask for in all is limited.
pub fn bytes(length: u32) -> Vec<u8> {
    host::random(length)
}

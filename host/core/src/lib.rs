//! The nouns of Headworks that need no I/O.
//!
//! Owns ids, digests, the [`Batch`](batch::Batch), the [`Document`](document::Document), the form of the
//! [`SystemConfiguration`](system::SystemConfiguration), ranges of addresses, PEM, the revisions that clients name, error
//! codes and time. Knows nothing of storage, plugins, HTTP or any dialect.

pub mod address;
pub mod batch;
pub mod digest;
pub mod document;
pub mod error;
pub mod id;
pub mod masking;
pub mod pem;
pub mod revision;
pub mod system;
pub mod time;

pub use address::AddressRange;
pub use batch::{Batch, BatchBuilder, Kind, Value};
pub use digest::{Digest, Hasher};
pub use document::{Document, DocumentKey};
pub use error::{Error, ErrorClass, ErrorCode, Result, Severity, Violation};
pub use id::{TenantId, Uid};
pub use revision::Revision;
pub use system::SystemConfiguration;
pub use time::Timestamp;

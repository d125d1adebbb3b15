//! Objects of a tenant under version control in a bucket.

mod changes;

pub use changes::{Change, ChangeKind, changes};

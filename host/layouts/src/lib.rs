//! Layouts in which a registry keeps flows outside of a database (NiFi Registry 22.1).
//!
//! Owns reading them, so that what another registry kept is taken over, and the one that is written: a Git repository. What
//! must stay true: nothing that a layout says of itself is believed before it is checked; who writes into the registry here
//! writes through it. Knows nothing of HTTP servers or of any dialect.

mod bundles;
mod dump;
mod files;
pub mod git;
mod history;
mod inventory;
mod snapshot;

pub use bundles::from_folder as bundles_from_folder;
pub use dump::{ContentsIn, Zone, read as from_database};
pub use files::without_database;
pub use history::from_git;
pub use inventory::{Bucket, BundleVersion, Flow, Inventory, Refused, Version};

//! What a success answer promises: the records are there after a kill, a torn write, a full disk, a failed fsync; damage is
//! never skipped.
//!
//! The truth about what was acknowledged is kept outside the store, in a file that is synced after every answer.

mod damage;
mod failing_disk;
mod full_disk;
mod kills;
mod restore;
mod truth;

//! Rules over a real store, with judges written in Rust.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub)]

mod judging;
mod saving;
mod scanning;
mod support;

//! The store through its public interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, unreachable_pub)]

mod audit;
mod contents;
mod disk;
mod documents;
mod guard;
mod indexes;
mod letters;
mod model;
mod open;
mod outbox;
mod restore;
mod retention;
mod streams;
mod support;
mod tenants;

//! The engine over a real store, with transformers written in Rust.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod faults;
mod model;
mod outbox;
mod reload;
mod replay;
mod rules;
mod search;
mod support;
mod traces;

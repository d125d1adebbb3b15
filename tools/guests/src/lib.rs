//! Builds WebAssembly components from sources.
//!
//! Owns the route from a language's sources to a component: the project of one plugin ([`project`]), one module per
//! language ([`languages`]), the workspaces of the first-party components ([`workspace`]), and the adapter that lets
//! a module built for WASI import nothing but what Headworks offers ([`adapter`]). What must stay true: an error points at
//! the author's mistake or names what to install. Knows nothing of the server.

pub mod adapter;
pub mod languages;
pub mod project;
pub mod toolchain;
pub mod tools;
pub mod wit;
pub mod workspace;

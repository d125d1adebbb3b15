//! The rules of the FlowG dialect, one test each, named after the rule. Every test talks to the real server over HTTP.
//!
//! Tests of one run share a server where they cannot feel each other, and use names of their own in it. A test that needs
//! a fresh data folder, wrong passwords or a restart starts its own.

mod api_docs;
mod auth;
mod auth_providers;
mod backup;
mod dead_letters;
mod dry_run;
mod elastic;
mod errors;
mod filter_language;
mod first_start;
mod forwarders;
mod indexing;
mod ingestion;
mod management;
mod metrics;
mod names;
mod otlp;
mod permissions;
mod pipelines;
mod platform_docs;
mod plugin_objects;
mod plugin_surroundings;
mod plugins;
mod queries;
mod releases;
mod retention;
mod roles;
mod rules;
mod streams;
mod system;
mod tokens;
mod transformers;
mod users;
mod versions;
mod watch;
mod web;

use headworks_tests::{Client, Flow, Server, unique};
use std::sync::Arc;

/// A shared server and a client of its first user.
fn shared() -> (Arc<Server>, Client) {
    let server = Server::shared();
    let client = server.client();
    (server, client)
}

/// A pipeline of its own that writes into a stream of its own: their names.
fn pipeline_into_stream(client: &Client) -> (String, String) {
    let (pipeline, stream) = (unique("pipeline"), unique("stream"));
    client.save_pipeline(&pipeline, &Flow::to_stream(&stream));
    (pipeline, stream)
}

/// A pipeline of its own that runs a script and writes into a stream of its own: their names.
fn pipeline_through(client: &Client, script: &str) -> (String, String) {
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, script);
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    (pipeline, stream)
}

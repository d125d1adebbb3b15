//! Many clients at once, programs that misbehave, and changes under load.

mod hostile_scripts;
mod mixing;
mod plugin_failures;
mod saving;

use headworks_tests::{Client, Flow, unique};

/// A pipeline of its own that runs a script and writes into a stream of its own: their names and the transformer's.
fn pipeline_through(client: &Client, script: &str) -> (String, String, String) {
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, script);
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    (pipeline, stream, transformer)
}

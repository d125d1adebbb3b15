//! Pipeline graphs.

use serde_json::{Value, json};

/// A FlowG graph, built node by node.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Flow {
    /// A graph that has the source node `in` of type `direct` and nothing else.
    pub fn direct() -> Self {
        Self::default().node("in", "source", json!({ "type": "direct" }))
    }

    /// Syslog messages straight into a stream.
    pub fn syslog_to_stream(stream: &str) -> Value {
        Self::default().node("in", "source", json!({ "type": "syslog" })).router("out", stream).edge("in", "out").build()
    }

    /// Syslog messages through a transformer into a stream.
    pub fn syslog_through(transformer: &str, stream: &str) -> Value {
        let flow = Self::default().node("in", "source", json!({ "type": "syslog" }));
        flow.transform("t", transformer).router("out", stream).edge("in", "t").edge("t", "out").build()
    }

    /// Records straight into a stream.
    pub fn to_stream(stream: &str) -> Value {
        Self::direct().router("out", stream).edge("in", "out").build()
    }

    /// Records through a transformer into a stream.
    pub fn through(transformer: &str, stream: &str) -> Value {
        Self::direct().transform("t", transformer).router("out", stream).edge("in", "t").edge("t", "out").build()
    }

    /// Records straight to a forwarder.
    pub fn to_forwarder(forwarder: &str) -> Value {
        Self::direct().forwarder("out", forwarder).edge("in", "out").build()
    }

    /// Adds a node.
    #[must_use]
    pub fn node(mut self, id: &str, kind: &str, data: Value) -> Self {
        self.nodes.push(json!({ "id": id, "type": kind, "position": { "x": 0, "y": 0 }, "data": data }));
        self
    }

    /// Adds a transform node.
    #[must_use]
    pub fn transform(self, id: &str, transformer: &str) -> Self {
        self.node(id, "transform", json!({ "transformer": transformer }))
    }

    /// Adds a switch node.
    #[must_use]
    pub fn switch(self, id: &str, condition: &str) -> Self {
        self.node(id, "switch", json!({ "condition": condition }))
    }

    /// Adds a router node.
    #[must_use]
    pub fn router(self, id: &str, stream: &str) -> Self {
        self.node(id, "router", json!({ "stream": stream }))
    }

    /// Adds a pipeline node.
    #[must_use]
    pub fn pipeline(self, id: &str, pipeline: &str) -> Self {
        self.node(id, "pipeline", json!({ "pipeline": pipeline }))
    }

    /// Adds a metric node.
    #[must_use]
    pub fn metric(self, id: &str, name: &str) -> Self {
        self.node(id, "metric", json!({ "name": name }))
    }

    /// Adds a forwarder node.
    #[must_use]
    pub fn forwarder(self, id: &str, forwarder: &str) -> Self {
        self.node(id, "forwarder", json!({ "forwarder": forwarder }))
    }

    /// Adds an edge.
    #[must_use]
    pub fn edge(mut self, source: &str, target: &str) -> Self {
        let id = format!("xy-edge__{source}-{target}");
        self.edges.push(json!({ "id": id, "source": source, "sourceHandle": "", "target": target, "targetHandle": "" }));
        self
    }

    /// The graph as JSON, version 2.1.
    pub fn build(self) -> Value {
        json!({ "version": 2, "version.minor": 1, "hasLayout": false, "nodes": self.nodes, "edges": self.edges })
    }
}

//! The pipeline graph as users send, store and read it (FlowG 7.1, 7.6).
//!
//! Owns the shape only: whether a graph can run is found when it is built. What must stay true: a graph that was read and
//! written again is the same for an editor; members the contract does not name are dropped, settings are all kept.

use headworks_core::{Error, ErrorCode, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

/// The newest version of the shape.
pub const VERSION: i64 = 2;
/// The newest minor version of the shape.
pub const VERSION_MINOR: i64 = 1;

/// `FlowGraphV2`: nodes and edges, with what an editor wants to remember.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graph {
    /// 2.
    pub version: i64,
    /// 1.
    #[serde(rename = "version.minor")]
    pub version_minor: i64,
    /// Whether somebody has chosen the positions.
    #[serde(rename = "hasLayout")]
    pub has_layout: bool,
    /// In the order of the list, which decides between sources of one type.
    pub nodes: Vec<Node>,
    /// From node to node.
    pub edges: Vec<Edge>,
}

/// `FlowNodeV2`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Names the node within the graph.
    pub id: String,
    /// What it does, such as `router`. Any text: what is unknown fails when the graph is built.
    #[serde(rename = "type")]
    pub kind: String,
    /// For the editor.
    pub position: Position,
    /// Settings; which ones count depends on the type.
    pub data: std::collections::BTreeMap<String, String>,
}

/// Where an editor shows a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Position {
    /// Pixels to the right.
    pub x: Number,
    /// Pixels downwards.
    pub y: Number,
}

/// `FlowEdgeV2`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// For the editor.
    pub id: String,
    /// The id of the node it starts at.
    pub source: String,
    /// For the editor.
    #[serde(rename = "sourceHandle")]
    pub source_handle: String,
    /// The id of the node it leads to.
    pub target: String,
}

impl Graph {
    /// Checks a graph that a client sent. Member names are matched exactly first, then without regard to case.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame, such as `nodes[3].data`.
    pub fn from_json(value: &Value) -> Result<Self> {
        let graph = object(value, "")?;
        Ok(Self {
            version: integer(graph, "version", VERSION)?,
            version_minor: integer(graph, "version.minor", VERSION_MINOR)?,
            has_layout: match optional(graph, "hasLayout") {
                None => false,
                Some(value) => value.as_bool().ok_or_else(|| expected("a boolean", "hasLayout"))?,
            },
            nodes: list(graph, "nodes")?.iter().enumerate().map(|(at, node)| Node::read(node, at)).collect::<Result<_>>()?,
            edges: list(graph, "edges")?.iter().enumerate().map(|(at, edge)| Edge::read(edge, at)).collect::<Result<_>>()?,
        })
    }

    /// Reads a stored graph of any version. Conditions of older graphs stay as they are: which language they are in is
    /// decided when they are compiled (FlowG 7.6, 9.4).
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when the bytes are no graph.
    pub fn from_stored(bytes: &[u8]) -> Result<Self> {
        let corrupt = |cause: String| Error::new(ErrorCode::Corrupt, format!("the stored pipeline is no graph: {cause}"));
        let value: Value = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        let first_version = match value.get("version") {
            None | Some(Value::Null) => true,
            Some(version) => version.as_i64() == Some(1),
        };
        let mut graph = Self::from_json(&value).map_err(|error| corrupt(error.message))?;
        if first_version {
            graph.nodes.iter_mut().for_each(Node::convert_alert);
        }
        (graph.version, graph.version_minor) = (VERSION, VERSION_MINOR);
        Ok(graph)
    }
}

/// As [`Graph::from_json`].
impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value).map_err(|error| match error.member {
            Some(member) if !member.is_empty() => D::Error::custom(format!("{member}: {}", error.message)),
            _ => D::Error::custom(error.message),
        })
    }
}

impl Node {
    fn read(value: &Value, at: usize) -> Result<Self> {
        let path = format!("nodes[{at}]");
        let node = object(value, &path)?;
        let place = format!("{path}.position");
        let position = object(required(node, "position", &path)?, &place)?;
        let coordinate = |axis| match required(position, axis, &place)? {
            Value::Number(number) => Ok(number.clone()),
            _ => Err(expected("a number", &format!("{place}.{axis}"))),
        };
        let data = format!("{path}.data");
        let mut settings = std::collections::BTreeMap::new();
        for (key, value) in object(required(node, "data", &path)?, &data)? {
            let text = value.as_str().ok_or_else(|| expected("a text", &format!("{data}.{key}")))?;
            settings.insert(key.clone(), text.to_owned());
        }
        Ok(Self {
            id: name(node, "id", &path)?,
            kind: name(node, "type", &path)?,
            position: Position { x: coordinate("x")?, y: coordinate("y")? },
            data: settings,
        })
    }

    /// Version 1 called a forwarder an alert.
    fn convert_alert(&mut self) {
        if self.kind == "alert" {
            self.kind = "forwarder".to_owned();
            if let Some(name) = self.data.remove("alert") {
                self.data.insert("forwarder".to_owned(), name);
            }
        }
    }
}

impl Edge {
    fn read(value: &Value, at: usize) -> Result<Self> {
        let path = format!("edges[{at}]");
        let edge = object(value, &path)?;
        let source_handle = match optional(edge, "sourceHandle") {
            None => String::new(),
            Some(Value::String(handle)) => handle.clone(),
            Some(_) => return Err(expected("a text", &format!("{path}.sourceHandle"))),
        };
        Ok(Self {
            id: name(edge, "id", &path)?,
            source: name(edge, "source", &path)?,
            source_handle,
            target: name(edge, "target", &path)?,
        })
    }
}

fn expected(what: &str, path: &str) -> Error {
    Error::invalid(format!("{what} is expected")).at(path)
}

fn object<'v>(value: &'v Value, path: &str) -> Result<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| expected("an object", path))
}

/// A member by its exact name, else by its name without regard to case (FlowG 3.1); null counts as absent.
fn optional<'v>(object: &'v Map<String, Value>, member: &str) -> Option<&'v Value> {
    let found =
        object.get(member).or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(member)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

fn required<'v>(object: &'v Map<String, Value>, member: &str, path: &str) -> Result<&'v Value> {
    optional(object, member).ok_or_else(|| Error::invalid(format!("missing properties: \"{member}\"")).at(path))
}

/// A text of at least one character.
fn name(object: &Map<String, Value>, member: &str, path: &str) -> Result<String> {
    match required(object, member, path)? {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(expected("a text of at least one character", &format!("{path}.{member}"))),
    }
}

fn integer(object: &Map<String, Value>, member: &str, default: i64) -> Result<i64> {
    match optional(object, member) {
        None => Ok(default),
        Some(value) => value.as_i64().ok_or_else(|| expected("an integer", member)),
    }
}

/// A list that must be given, although it may be null.
fn list<'v>(object: &'v Map<String, Value>, member: &str) -> Result<&'v [Value]> {
    let given = object.iter().any(|(name, _)| name.eq_ignore_ascii_case(member));
    match optional(object, member) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(expected("a list", member)),
        None if given => Ok(&[]),
        None => Err(Error::invalid(format!("missing properties: \"{member}\"")).at("")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(kind: &str, data: Value) -> Value {
        json!({"id": "n", "type": kind, "position": {"x": 1, "y": -2.5}, "data": data, "measured": {"width": 3}, "selected": true})
    }

    #[test]
    fn what_was_read_is_written_again_without_editor_members() {
        let graph = Graph::from_json(&json!({
            "version": 2, "version.minor": 1, "hasLayout": true, "viewport": {},
            "nodes": [node("router", json!({"stream": "a", "color": "red"}))],
            "edges": [{"id": "e", "source": "n", "target": "n", "animated": true}],
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(&graph).unwrap(),
            json!({
                "version": 2, "version.minor": 1, "hasLayout": true,
                "nodes": [{"id": "n", "type": "router", "position": {"x": 1, "y": -2.5}, "data": {"stream": "a", "color": "red"}}],
                "edges": [{"id": "e", "source": "n", "sourceHandle": "", "target": "n"}],
            })
        );
        assert_eq!(Graph::from_stored(&serde_json::to_vec(&graph).unwrap()).unwrap(), graph);
    }

    #[test]
    fn defaults_null_lists_and_foreign_case() {
        let graph = Graph::from_json(&json!({"Nodes": null, "EDGES": []})).unwrap();
        assert_eq!((graph.version, graph.version_minor, graph.has_layout), (2, 1, false));
        assert!(graph.nodes.is_empty() && graph.edges.is_empty());
    }

    #[test]
    fn the_member_to_blame_is_named() {
        for (value, member) in [
            (json!([]), ""),
            (json!({"edges": []}), ""),
            (json!({"nodes": {}, "edges": []}), "nodes"),
            (json!({"nodes": [], "edges": [], "version": "2"}), "version"),
            (json!({"nodes": [node("x", json!({"a": 1}))], "edges": []}), "nodes[0].data.a"),
            (json!({"nodes": [{"id": "", "type": "x", "position": {"x": 0, "y": 0}, "data": {}}], "edges": []}), "nodes[0].id"),
            (json!({"nodes": [{"id": "a", "type": "x", "data": {}}], "edges": []}), "nodes[0]"),
            (json!({"nodes": [], "edges": [{"id": "e", "source": "a", "target": ""}]}), "edges[0].target"),
        ] {
            let error = Graph::from_json(&value).unwrap_err();
            assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some(member)), "{value}");
        }
    }

    #[test]
    fn alerts_are_converted_in_stored_graphs_of_version_1_only() {
        let alert = |version: Option<i64>| {
            let mut graph = json!({"nodes": [node("alert", json!({"alert": "mail"}))], "edges": []});
            if let Some(version) = version {
                graph["version"] = version.into();
            }
            graph
        };
        for version in [None, Some(1)] {
            let graph = Graph::from_stored(alert(version).to_string().as_bytes()).unwrap();
            assert_eq!(graph.nodes[0].kind, "forwarder");
            assert_eq!(graph.nodes[0].data["forwarder"], "mail");
            assert!(!graph.nodes[0].data.contains_key("alert"));
            assert_eq!((graph.version, graph.version_minor), (2, 1));
        }
        assert_eq!(Graph::from_stored(alert(Some(2)).to_string().as_bytes()).unwrap().nodes[0].kind, "alert");
        assert_eq!(Graph::from_json(&alert(None)).unwrap().nodes[0].kind, "alert");
    }

    #[test]
    fn conditions_of_old_graphs_stay_as_they_are() {
        let old = json!({"version": 2, "nodes": [node("switch", json!({"condition": "'a.b' = \"x\""}))], "edges": []});
        let graph = Graph::from_stored(old.to_string().as_bytes()).unwrap();
        assert_eq!(graph.nodes[0].data["condition"], "'a.b' = \"x\"");
    }
}

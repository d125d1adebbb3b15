//! A pipeline as a Mermaid flow chart.

use serde_json::Value;

/// The chart of a graph. Nodes are numbered, because their identifiers may be any text.
pub(super) fn chart(flow: &Value) -> String {
    let list = |member: &str| flow.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let nodes = list("nodes");
    let number = |id: Option<&Value>| nodes.iter().position(|node| node.get("id") == id && id.is_some());
    let mut text = String::from("flowchart LR\n");
    for (number, node) in nodes.iter().enumerate() {
        let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
        let what = node.get("data").and_then(Value::as_object).and_then(|data| data.values().find_map(Value::as_str));
        let label = quoted(&format!("{kind}: {}", what.unwrap_or_default()));
        let (open, close) = match kind {
            "source" => ("([", "])"),
            "switch" => ("{", "}"),
            "router" => ("[(", ")]"),
            "pipeline" => ("[[", "]]"),
            "forwarder" => (">", "]"),
            _ => ("[", "]"),
        };
        text.push_str(&format!("  n{number}{open}{label}{close}\n"));
    }
    for edge in list("edges") {
        if let (Some(source), Some(target)) = (number(edge.get("source")), number(edge.get("target"))) {
            text.push_str(&format!("  n{source} --> n{target}\n"));
        }
    }
    text
}

/// A label that means only itself: Mermaid writes characters as numbers between `#` and `;`.
fn quoted(label: &str) -> String {
    let mut text = String::from("\"");
    for c in label.chars() {
        if c == '"' || c == '#' || c == '&' || c == '<' || c == '>' || c.is_control() {
            text.push_str(&format!("#{};", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_node_has_a_shape_and_each_edge_an_arrow() {
        let flow = json!({
            "nodes": [
                {"id": "a b", "type": "source", "data": {"type": "direct"}},
                {"id": "s", "type": "switch", "data": {"condition": "level == \"error\""}},
                {"id": "r", "type": "router", "data": {"stream": "errors"}},
            ],
            "edges": [{"source": "a b", "target": "s"}, {"source": "s", "target": "r"}, {"source": "s", "target": "gone"}],
        });
        assert_eq!(
            chart(&flow),
            "flowchart LR\n  n0([\"source: direct\"])\n  n1{\"switch: level == #34;error#34;\"}\n  n2[(\"router: errors\")]\n\
             \x20 n0 --> n1\n  n1 --> n2\n"
        );
    }
}

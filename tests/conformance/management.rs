//! The management listener (FlowG 18, architecture 7).

use headworks_tests::Server;

#[test]
fn health_is_ok_and_a_line_end() {
    let server = Server::shared();
    let answer = server.management().get("/health");
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK\r\n"));
    assert!(answer.header("content-type").starts_with("text/plain"));
}

#[test]
fn ready_is_200_once_the_server_serves() {
    let server = Server::shared();
    assert_eq!(server.management().get("/ready").status, 200);
}

#[test]
fn metrics_are_prometheus_text_with_process_counters() {
    let server = Server::shared();
    let answer = server.management().get("/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    let text = answer.text();
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'), "{line}");
    }
}

#[test]
fn management_needs_no_authorization_and_serves_no_dialect() {
    let server = Server::shared();
    assert_eq!(server.management().get("/api/v1/pipelines").status, 404);
    assert_eq!(server.client().get("/metrics").status, 404);
}

#[test]
fn a_server_is_the_only_node_of_its_cluster() {
    let server = Server::shared();
    let nodes = server.management().get("/cluster/nodes").json();
    let endpoint = format!("http://{}", server.management_address());
    assert_eq!((nodes["nodes"].as_array().map(Vec::len), &nodes["nodes"][0]["endpoint"]), (Some(1), &endpoint.into()), "{nodes}");
    assert!(!nodes["nodes"][0]["node-id"].as_str().expect("a text").is_empty());
    assert_eq!(server.management().send(http::Method::POST, "/cluster/gossip", &[], Some(b"{}")).status, 404);
}

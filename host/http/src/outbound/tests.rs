//! Names that change their mind, and servers that do not speak the protocol.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers the first addresses once, then the second ones.
struct Changing {
    asked: AtomicUsize,
    answers: [Vec<IpAddr>; 2],
}

impl Resolve for Changing {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, std::io::Result<Vec<SocketAddr>>> {
        let answer = &self.answers[self.asked.fetch_add(1, Ordering::SeqCst).min(1)];
        Box::pin(async move { Ok(answer.iter().map(|address| SocketAddr::new(*address, port)).collect()) })
    }
}

/// What may be reached: nothing but 127.0.0.1, which stands for the public internet here.
fn outbound(first: &[&str], then: &[&str]) -> (Outbound, Arc<Changing>) {
    let read = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let names = Arc::new(Changing { asked: AtomicUsize::new(0), answers: [read(first), read(then)] });
    let options = OutboundOptions { allow: Allowed::parse(&["127.0.0.1"]).unwrap(), ..OutboundOptions::default() };
    (Outbound::with_names(options, Arc::clone(&names) as Arc<dyn Resolve>).unwrap(), names)
}

fn request(port: u16) -> Request {
    Request {
        method: "GET".to_owned(),
        url: format!("http://changing.example:{port}/").parse().unwrap(),
        headers: Vec::new(),
        body: Vec::new(),
        http2: false,
        proxy: None,
        tls: Tls::default(),
        most: 100,
    }
}

/// Listens on two addresses of this machine with the same port; answers the port and how often each was reached.
async fn two_servers() -> (u16, [Arc<AtomicUsize>; 2]) {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let Ok(second) = TcpListener::bind(("127.0.0.2", port)).await else { continue };
        return (port, [serve(first, EMPTY), serve(second, EMPTY)]);
    }
}

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

fn serve(listener: TcpListener, answer: &'static [u8]) -> Arc<AtomicUsize> {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(answer).await;
        }
    });
    reached
}

fn reached(servers: &[Arc<AtomicUsize>; 2]) -> [usize; 2] {
    servers.each_ref().map(|server| server.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    let (port, servers) = two_servers().await;
    let (outbound, names) = outbound(&["127.0.0.1"], &["127.0.0.2"]);
    assert_eq!(outbound.exchange(request(port)).await.unwrap().status, 200);
    // One look at the name per connection: what is dialled cannot differ from what was checked.
    assert_eq!((names.asked.load(Ordering::SeqCst), reached(&servers)), (1, [1, 0]));
    let error = outbound.exchange(request(port)).await.unwrap_err();
    assert!(matches!(&error, NetworkError::Denied(why) if why.contains("127.0.0.2")), "{error:?}");
    assert_eq!(reached(&servers), [1, 0]);
}

#[tokio::test]
async fn connections_and_datagrams_are_checked_like_requests() {
    let (port, servers) = two_servers().await;
    let place = Place { scheme: "tcp".to_owned(), host: "changing.example".to_owned(), port };
    let (outbound, names) = outbound(&["127.0.0.2"], &["127.0.0.2"]);
    assert!(matches!(outbound.connect(&place, None).await.err(), Some(NetworkError::Denied(_))));
    assert!(matches!(outbound.connect(&place, Some(Tls::default())).await.err(), Some(NetworkError::Denied(_))));
    assert!(matches!(outbound.datagram(&place, b"x").await, Err(NetworkError::Denied(_))));
    let proxy = format!("http://changing.example:{port}").parse().ok();
    let through = Request { proxy, url: "http://elsewhere.example/".parse().unwrap(), ..request(port) };
    assert!(matches!(outbound.exchange(through).await, Err(NetworkError::Denied(_))));
    assert_eq!((names.asked.load(Ordering::SeqCst), reached(&servers)), (4, [0, 0]));
}

#[tokio::test]
async fn of_several_addresses_only_allowed_ones_are_dialled() {
    let (port, servers) = two_servers().await;
    let (outbound, _) = outbound(&["127.0.0.2", "127.0.0.1", "10.0.0.1"], &[]);
    assert_eq!(outbound.exchange(request(port)).await.unwrap().status, 200);
    assert_eq!(reached(&servers), [1, 0]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    let (port, servers) = two_servers().await;
    let (outbound, _) = outbound(&["127.0.0.1"], &["127.0.0.1"]);
    let header = |name: &str, value: &str| Request { headers: vec![(name.to_owned(), value.to_owned())], ..request(port) };
    let method = |method: &str| Request { method: method.to_owned(), ..request(port) };
    for wrong in [
        header("x", "1\r\nevil: 1"),
        header("x", "1\nevil: 1"),
        header("x", "1\0"),
        header("x\r\nevil", "1"),
        header("x: 1\r\nevil", "1"),
        header("", "1"),
        method("GET / HTTP/1.1\r\nevil: 1\r\n\r\nGET"),
        method(""),
        method("CONNECT"),
    ] {
        let error = outbound.exchange(wrong.clone()).await.unwrap_err();
        assert!(matches!(error, NetworkError::Invalid(_)), "{wrong:?}: {error:?}");
    }
    assert_eq!(reached(&servers), [0, 0]);
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_apart_from_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    serve(listener, b"SSH-2.0-OpenSSH_9.6\r\n");
    let (outbound, _) = outbound(&["127.0.0.1"], &["127.0.0.1"]);
    let error = outbound.exchange(request(port)).await.unwrap_err();
    assert!(matches!(&error, NetworkError::Protocol(why) if why.contains("http://changing.example")), "{error:?}");
}

//! The limits of the listeners, over real connections.
#![allow(clippy::unwrap_used, clippy::panic)]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use headworks_core::ErrorClass;
use headworks_http::{HttpLimits, Listener, RequestContext, Shutdown, read, serve};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A request or answer that is small enough for one test.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    stop: Shutdown,
    serving: JoinHandle<()>,
}

async fn length(context: RequestContext, request: Request) -> Response {
    match read(&context, request.into_body()).await {
        Ok(body) => body.len().to_string().into_response(),
        Err(error) => {
            let status = match error.class() {
                ErrorClass::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                ErrorClass::Exhausted => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            };
            (status, error.message).into_response()
        }
    }
}

async fn endless(context: RequestContext) -> Response {
    let stop = context.shutdown().clone();
    let chunks = futures_util::stream::unfold(stop, |stop| async move {
        tokio::select! {
            () = stop.cancelled() => None,
            () = tokio::time::sleep(Duration::from_millis(1)) => Some((Ok::<_, std::io::Error>("x".repeat(1 << 16)), stop)),
        }
    });
    Body::from_stream(chunks).into_response()
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(300)).await;
    "done"
}

async fn defect() -> &'static str {
    panic!("on purpose")
}

async fn start(limits: HttpLimits) -> Server {
    let router = Router::new()
        .route("/length", any(length))
        .route("/endless", get(endless))
        .route("/slow", get(slow))
        .route("/defect", get(defect));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), router).await.unwrap();
    let (address, stop) = (listener.address(), Shutdown::new());
    let serving = tokio::spawn(serve(vec![listener], limits, stop.clone()));
    Server { address, stop, serving }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends text and reads until the server closes the connection.
    async fn talk(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get_close(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn headers_are_bounded() {
    let server = start(HttpLimits { header_bytes: 8192, headers: 10, ..HttpLimits::default() }).await;
    let long = "x".repeat(9000);
    let answer = server.talk(&format!("GET /length HTTP/1.1\r\nHost: x\r\nLong: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many: String = (0..20).map(|index| format!("H{index}: x\r\n")).collect();
    let answer = server.talk(&format!("GET /length HTTP/1.1\r\nHost: x\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn bodies_are_bounded_whether_announced_or_not() {
    let server = start(HttpLimits { body_bytes: 10, ..HttpLimits::default() }).await;
    let with =
        |headers: &str, body: &str| format!("POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n{body}");
    let answer = server.talk(&with("Content-Length: 10", "0123456789")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n10"), "{answer}");
    let answer = server.talk(&with("Content-Length: 11", "0")).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("at most 10 bytes"), "{answer}");
    let chunked = with("Transfer-Encoding: chunked", "6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n");
    let answer = server.talk(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn bodies_together_are_bounded() {
    let server = start(HttpLimits { buffered_bytes: 5, ..HttpLimits::default() }).await;
    let with = |body: &str| {
        format!("POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    assert!(server.talk(&with("123456")).await.starts_with("HTTP/1.1 429 "));
    assert!(server.talk(&with("12345")).await.starts_with("HTTP/1.1 200 "), "what was held is given back");
}

#[tokio::test]
async fn slow_clients_are_given_up() {
    let short = Duration::from_millis(100);
    let limits = HttpLimits {
        header_timeout: short,
        body_timeout: short,
        idle_timeout: short,
        write_timeout: short,
        ..HttpLimits::default()
    };
    let server = start(limits).await;
    assert_eq!(server.talk("").await, "", "a connection that says nothing");
    assert_eq!(server.talk("GET /len").await, "", "headers that never end");
    let answer = server.talk("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not arrive within"), "{answer}");
    let answer = server.talk("GET /length HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "then idle: {answer}");
    let mut stream = server.connect().await;
    stream.write_all(get_close("/endless").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(count @ 1..) = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap() {
        taken += count;
        assert!(taken < 64 << 20, "the connection goes on");
    }
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = start(HttpLimits { connections: 1, ..HttpLimits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /length HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    first.read_u8().await.unwrap();
    let mut second = server.connect().await;
    let answer = rest(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    drop(first);
    let begin = Instant::now();
    while !server.talk(&get_close("/length")).await.starts_with("HTTP/1.1 200 ") {
        assert!(begin.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn a_defect_is_an_answer_and_no_more() {
    let server = start(HttpLimits::default()).await;
    let request = "GET /defect HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1\r\n\r\n".to_owned() + &get_close("/length");
    let answer = server.talk(&request).await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("x-request-id: mine-1"), "{answer}");
    assert!(!answer.contains("on purpose"), "{answer}");
    assert!(answer.contains("HTTP/1.1 200 "), "the connection goes on: {answer}");
}

#[tokio::test]
async fn the_end_waits_for_requests_under_way_only() {
    let server = start(HttpLimits::default()).await;
    let (mut idle, mut busy, mut endless) = (server.connect().await, server.connect().await, server.connect().await);
    idle.write_all(b"GET /length HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.read_u8().await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    endless.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    endless.read_u8().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.cancel();
    let begin = Instant::now();
    let (busy, _) = tokio::join!(rest(&mut busy), rest(&mut endless));
    assert!(busy.ends_with("done"), "{busy}");
    server.serving.await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let server = start(HttpLimits { drain_timeout: Duration::from_millis(50), ..HttpLimits::default() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.cancel();
    tokio::time::timeout(Duration::from_millis(250), server.serving).await.unwrap().unwrap();
}

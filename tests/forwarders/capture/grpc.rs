//! A gRPC server over HTTP/2 without TLS that keeps every call.

use super::Taken;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::thread;

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// `/package.Service/Method`.
    pub path: String,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The framed message.
    pub body: Vec<u8>,
}

/// Answers every call with an empty message and this status. Answers the port.
pub fn start(status: &'static str) -> (u16, Taken<Call>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let (sender, taken) = Taken::new();
    let serve = async move {
        listener.set_nonblocking(true).expect("a listener for tokio");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener for tokio");
        loop {
            let (connection, _) = listener.accept().await.expect("a connection");
            let sender = sender.clone();
            let answer = service_fn(move |request: http::Request<Incoming>| {
                let sender = sender.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.expect("the body").to_bytes().to_vec();
                    let _ = sender.send(Call { path: head.uri.path().to_owned(), headers: head.headers, body });
                    let mut trailers = http::HeaderMap::new();
                    trailers.insert("grpc-status", http::HeaderValue::from_static(status));
                    trailers.insert("grpc-message", http::HeaderValue::from_static("as%20told"));
                    let frames = [Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
                    let body = StreamBody::new(futures_util::stream::iter(frames));
                    http::Response::builder().header("content-type", "application/grpc").body(body)
                }
            });
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http2.serve_connection(TokioIo::new(connection), answer));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    thread::spawn(move || runtime.block_on(serve));
    (port, taken)
}

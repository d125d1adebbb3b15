//! Listening, and everything that holds for a request whatever its dialect.
//!
//! Owns listeners, TLS, connections and their limits, the request id, the access log, reading bodies, and the graceful end. The
//! only crate that names hyper. What must stay true: nothing a client sends is read, kept or waited for without a bound from
//! [`HttpLimits`]. Knows nothing of users, of documents or of any dialect's answers.

mod answer;
mod blocking;
mod body;
mod connection;
mod context;
mod download;
mod incoming;
mod limits;
pub mod outbound;
mod passing;
mod server;
mod service;
mod tls;
mod upload;

pub use answer::{json, status};
pub use blocking::blocking;
pub use body::{Encoding, decompress, encoding, media_type, read};
pub use context::{Quiet, RequestContext, RequestId, Told};
pub use download::written;
pub use incoming::Incoming;
pub use limits::HttpLimits;
pub use passing::PassingBody;
pub use server::{Listener, serve};
pub use service::ERRORS;
pub use tls::{ClientCertificates, Tls};
pub use tokio_util::sync::CancellationToken as Shutdown;
pub use upload::{Part, Upload};

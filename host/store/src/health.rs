//! Whether the store takes writes. Once it failed it stays so: a failed `fsync` is never retried, because the operating
//! system may have dropped what it could not write.

use headworks_core::{Error, ErrorCode};
use tokio::sync::watch;

/// The first failure, for everybody who waits for it.
pub(crate) struct Failure(watch::Sender<Option<Error>>);

impl Failure {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Stops all further writes. Only the first reason counts.
    pub(crate) fn set(&self, error: &Error) {
        let first = self.0.send_if_modified(|known| match known {
            Some(_) => false,
            None => {
                *known = Some(error.clone());
                true
            }
        });
        if first {
            tracing::error!(code = %error.code, reason = %error.message, "the store failed and takes no more writes; restart it");
        }
    }

    /// What a writer is told after the failure.
    pub(crate) fn get(&self) -> Option<Error> {
        let known = self.0.borrow();
        let error = known.as_ref()?;
        let code = if error.code == ErrorCode::DiskFull { ErrorCode::DiskFull } else { ErrorCode::Unavailable };
        Some(Error::new(code, format!("the store takes no more writes since one failed: {}", error.message)))
    }

    pub(crate) fn reason(&self) -> Option<String> {
        self.0.borrow().as_ref().map(|error| error.message.clone())
    }

    /// Waits for the failure.
    pub(crate) async fn wait(&self) -> String {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(reason) = self.reason() {
                return reason;
            }
            if receiver.changed().await.is_err() {
                // The sender is `self`, which is still there.
                std::future::pending::<()>().await;
            }
        }
    }
}

//! What a transform node calls: the seam between the engine and the sandbox, where its failures are counted.

use crate::counters;
use headworks_core::{Batch, Result, TenantId};
use headworks_sandbox::{CallFailure, Plugin, Transformed, Transformer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A future that can be handed between threads.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Maps batches; may be called by many tasks at once.
pub trait Transform: Send + Sync {
    /// Maps one batch.
    fn transform(&self, batch: Batch) -> Boxed<'_, Result<Transformed, CallFailure>>;
}

/// Turns scripts into transforms.
pub trait Language: Send + Sync {
    /// Compiles a script of a tenant.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`](headworks_core::ErrorCode::InvalidProgram) with the compiler's report.
    fn open<'a>(&'a self, tenant: TenantId, script: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>>;
}

impl Transform for Transformer {
    fn transform(&self, batch: Batch) -> Boxed<'_, Result<Transformed, CallFailure>> {
        Box::pin(async move { Self::transform(self, batch).await.inspect_err(|failure| counters::failed(&failure.error)) })
    }
}

impl Language for Plugin {
    fn open<'a>(&'a self, _: TenantId, script: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>> {
        Box::pin(async move {
            let opened = self.open_transformer(script).await?;
            Ok(Arc::new(opened) as Arc<dyn Transform>)
        })
    }
}

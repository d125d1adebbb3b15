//! What a rule calls: the seam between who guards documents and the sandbox.

use headworks_pipelines::Boxed;
use headworks_sandbox::{CallFailure, Subject, Violation};

/// Judges documents; may be called by many tasks at once.
pub trait Judge: Send + Sync {
    /// Everything that is wrong with a document.
    fn validate<'a>(&'a self, subject: &'a Subject) -> Boxed<'a, Result<Vec<Violation>, CallFailure>>;

    /// The name by content of what judges.
    fn digest(&self) -> String;
}

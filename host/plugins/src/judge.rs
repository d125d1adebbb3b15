//! What rules, event hooks and logins call: the seams between them and the sandbox.

use headworks_pipelines::Boxed;
use headworks_sandbox::{CallFailure, Denial, Event, Handled, IdentityRequest, Proven, Subject, Violation};

/// Judges documents; may be called by many tasks at once.
pub trait Judge: Send + Sync {
    /// Everything that is wrong with a document.
    fn validate<'a>(&'a self, subject: &'a Subject) -> Boxed<'a, Result<Vec<Violation>, CallFailure>>;

    /// The name by content of what judges.
    fn digest(&self) -> String;
}

/// Hears of what was done; may be called by many tasks at once.
pub trait Hear: Send + Sync {
    /// Gives it an event.
    fn handle<'a>(&'a self, event: &'a Event) -> Boxed<'a, Result<Handled, CallFailure>>;
}

/// Says who sent a request; may be called by many tasks at once.
pub trait Identify: Send + Sync {
    /// For people: how credentials are put into a request.
    fn usage(&self) -> Boxed<'_, Result<Option<String>, CallFailure>>;

    /// Whether a request holds credentials of its kind; they are not verified.
    fn test<'a>(&'a self, request: &'a IdentityRequest) -> Boxed<'a, Result<bool, CallFailure>>;

    /// Who sent a request.
    fn authenticate<'a>(&'a self, request: &'a IdentityRequest) -> Boxed<'a, Result<Result<Proven, Denial>, CallFailure>>;
}

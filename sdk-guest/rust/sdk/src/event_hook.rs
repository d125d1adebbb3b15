//! Plugins that hear of what was done in the registry.

use crate::http::{NetworkError, Response};
use crate::{About, OpenError, Retry, Time};
use serde::de::DeserializeOwned;

/// Hears of what was done in the registry.
pub trait EventHook: Sized + 'static {
    /// What it says of itself. It asks for the places it may have to reach: `https://*:443`.
    const ABOUT: About;
    /// Its configuration.
    type Config: DeserializeOwned;

    /// What this configuration needs to reach, such as `https://example.com:443`; see [`http::target`](crate::http::target).
    /// Nothing by default.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn targets(_config: &Self::Config) -> Result<Vec<String>, OpenError> {
        Ok(Vec::new())
    }

    /// Gets ready. An instance is kept and called for many events.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn open(config: Self::Config) -> Result<Self, OpenError>;

    /// Handles an event. Whatever it answers changes nothing about what was done.
    fn handle(&mut self, event: &Event) -> Outcome;
}

/// Something that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Such as `CREATE_BUCKET`.
    pub kind: String,
    /// When it was done.
    pub at: Time,
    /// Names and values, in the order that belongs to the kind.
    pub fields: Vec<(String, String)>,
}

impl Event {
    /// An event that was done now, for tests.
    #[cfg(not(feature = "interface-0-1-0"))]
    pub fn new(kind: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { kind: kind.to_owned(), at: crate::clock::now(), fields }
    }

    /// A field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What came of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was handled.
    Done,
    /// It may be handled after so many milliseconds: the host gives the same event again, a few times at most.
    RetryAfter(u32, String),
    /// It is of no use to try again. The reason is logged.
    Failed(String),
}

impl Outcome {
    /// What the answer to a request, or that there was none, says about the event.
    pub fn of(answer: Result<Response, NetworkError>) -> Self {
        match answer {
            Ok(answer) if answer.is_success() => Self::Done,
            Ok(answer) => {
                let stop = answer.stop(0);
                match stop.retry {
                    Retry::After(milliseconds) => Self::RetryAfter(milliseconds, stop.reason),
                    Retry::Never => Self::Failed(stop.reason),
                }
            }
            Err(error) if error.is_passing() => Self::RetryAfter(1_000, error.to_string()),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_came_of_an_event() {
        let answer = |status| Ok(Response { status, ..Response::default() });
        assert_eq!(Outcome::of(answer(204)), Outcome::Done);
        assert!(matches!(Outcome::of(answer(503)), Outcome::RetryAfter(1_000, _)));
        assert!(matches!(Outcome::of(answer(404)), Outcome::Failed(_)));
        assert!(matches!(Outcome::of(Err(NetworkError::Late("x".to_owned()))), Outcome::RetryAfter(..)));
        assert!(matches!(Outcome::of(Err(NetworkError::Denied("x".to_owned()))), Outcome::Failed(_)));
    }
}

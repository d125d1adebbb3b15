//! What members of requests may be (NiFi Registry 4.1 and 24).

use headworks_core::{Error, Result};

/// The most characters of an identifier.
pub(crate) const IDENTIFIER: usize = 50;
/// The most characters of the name of a user or group.
pub(crate) const IDENTITY: usize = 4096;
/// The most characters of the address of a resource.
pub(crate) const RESOURCE: usize = 1000;

/// Collects what is wrong with the members of one thing.
pub(crate) struct Check {
    what: &'static str,
    wrong: Vec<String>,
}

impl Check {
    /// Of something that its messages call `what`.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, wrong: Vec::new() }
    }

    /// A text that has to be there and short.
    pub(crate) fn named(mut self, member: &str, text: &str, most: usize) -> Self {
        if text.trim().is_empty() {
            self.wrong.push(format!("{member} must not be blank"));
            return self;
        }
        self.at_most(member, text, most)
    }

    /// A text that has to be short; in characters.
    pub(crate) fn at_most(mut self, member: &str, text: &str, most: usize) -> Self {
        if text.chars().count() > most {
            self.wrong.push(format!("{member} must not have more than {most} characters"));
        }
        self
    }

    /// Everything that is wrong, in one message.
    pub(crate) fn done(self) -> Result<()> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Error::invalid(format!("{} - {}", self.what, self.wrong.join(", ")))) }
    }
}

//! What members of requests may be (NiFi Registry 4.1 and 24).

use headworks_core::{Error, Result};

/// The most characters of the name of a bucket or flow.
pub(crate) const NAME: usize = 1000;
/// The most characters of an identifier.
pub(crate) const IDENTIFIER: usize = 50;
/// The most characters of an author.
pub(crate) const AUTHOR: usize = 4096;
/// The most bytes of a description or of comments; longer ones would not fit where everything of a bucket is held at once.
pub(crate) const TEXT: usize = 1 << 20;

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
    pub(crate) fn named(self, member: &str, text: Option<&str>, most: usize) -> Self {
        match text.filter(|text| !text.trim().is_empty()) {
            None => self.wrong(format!("{member} must not be blank")),
            Some(text) => self.at_most(member, Some(text), most),
        }
    }

    /// A text that has to be short where it is there; in characters.
    pub(crate) fn at_most(self, member: &str, text: Option<&str>, most: usize) -> Self {
        if text.is_some_and(|text| text.chars().count() > most) {
            return self.wrong(format!("{member} must not have more than {most} characters"));
        }
        self
    }

    /// A text without a bound of its own in the contract.
    pub(crate) fn text(self, member: &str, text: Option<&str>) -> Self {
        if text.is_some_and(|text| text.len() > TEXT) {
            return self.wrong(format!("{member} must not have more than {TEXT} bytes"));
        }
        self
    }

    fn wrong(mut self, text: String) -> Self {
        self.wrong.push(text);
        self
    }

    /// Everything that is wrong, in one message.
    pub(crate) fn done(self) -> Result<()> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!("{} - {}", self.what, self.wrong.join(", "))))
    }
}

//! Dynamic fields: texts that may be computed from each record (FlowG 11).

use crate::json;
use crate::record::Record;

/// What an expression begins with.
const EXPRESSION: &str = "@expr:";

/// A dynamic field of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic {
    pub(crate) member: &'static str,
    pub(crate) source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The same for every record.
    Fixed(String),
    /// The fields as JSON: `toJSON(log)`.
    Log,
    /// One field; empty where it is absent.
    Field(&'static str),
    /// An expression of the server's filter language, with its mark.
    Expression(String),
}

impl Dynamic {
    /// A text for which empty means the fields as JSON.
    pub fn or_log(member: &'static str, text: &str) -> Self {
        Self::or(member, text, Source::Log)
    }

    /// A text for which empty means a field of the record.
    pub fn or_field(member: &'static str, text: &str, field: &'static str) -> Self {
        Self::or(member, text, Source::Field(field))
    }

    /// A text for which empty means another text.
    pub fn or_text(member: &'static str, text: &str, other: &str) -> Self {
        Self::or(member, text, Source::Fixed(other.to_owned()))
    }

    fn or(member: &'static str, text: &str, empty: Source) -> Self {
        let source = match text {
            "" => empty,
            text if text.starts_with(EXPRESSION) => Source::Expression(text.to_owned()),
            text => Source::Fixed(text.to_owned()),
        };
        Self { member, source }
    }
}

impl Source {
    /// The text, unless it takes an expression.
    pub(crate) fn text(&self, record: &Record) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.clone()),
            Self::Log => Some(json::indented(&record.fields)),
            Self::Field(name) => Some(record.field(name).to_owned()),
            Self::Expression(_) => None,
        }
    }
}

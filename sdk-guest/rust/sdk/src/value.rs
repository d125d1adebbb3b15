//! Values of fields.

use std::borrow::Cow;
use std::rc::Rc;

/// The value of a field. Log pipelines carry [`Text`](Self::Text) only. Clones are cheap.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, on purpose.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Rc<str>),
    /// Bytes that need not be text.
    Bytes(Rc<[u8]>),
    /// A JSON document.
    Json(Rc<str>),
}

impl Value {
    /// The value as text, as the host renders it: null is empty, invalid UTF-8 in bytes is replaced.
    pub fn to_text(&self) -> Rc<str> {
        match self {
            Self::Null => Rc::from(""),
            Self::Boolean(value) => Rc::from(if *value { "true" } else { "false" }),
            Self::Integer(value) => Rc::from(value.to_string()),
            Self::Float(value) => Rc::from(value.to_string()),
            Self::Text(value) | Self::Json(value) => Rc::clone(value),
            Self::Bytes(value) => match String::from_utf8_lossy(value) {
                Cow::Borrowed(text) => Rc::from(text),
                Cow::Owned(text) => Rc::from(text),
            },
        }
    }

    /// The value as JSON; a JSON document that does not parse becomes text.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Json(value) => serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::from(&**value)),
            Self::Text(_) | Self::Bytes(_) => serde_json::Value::from(&*self.to_text()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Rc<str>> for Value {
    fn from(text: Rc<str>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

//! Values and how they lie in the pool.

use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;

/// What a cell's bytes mean. The numbers are those of the plugin interface and of the stored form: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// No bytes.
    Null = 0,
    /// One byte, 0 or 1.
    Boolean = 1,
    /// Eight bytes, little-endian, signed.
    Integer = 2,
    /// Eight bytes, little-endian, IEEE 754.
    Float = 3,
    /// UTF-8.
    Text = 4,
    /// Any bytes.
    Bytes = 5,
    /// A JSON document in UTF-8.
    Json = 6,
}

impl Kind {
    /// The kind with this number.
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Boolean,
            2 => Self::Integer,
            3 => Self::Float,
            4 => Self::Text,
            5 => Self::Bytes,
            6 => Self::Json,
            _ => return None,
        })
    }

    /// Whether these bytes are a value of this kind (a JSON document is checked for UTF-8 only).
    pub fn accepts(self, bytes: &[u8]) -> bool {
        match self {
            Self::Null => bytes.is_empty(),
            Self::Boolean => matches!(bytes, [0 | 1]),
            Self::Integer | Self::Float => bytes.len() == 8,
            Self::Text | Self::Json => std::str::from_utf8(bytes).is_ok(),
            Self::Bytes => true,
        }
    }
}

/// One value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing, on purpose.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Bytes that need not be text.
    Bytes(&'a [u8]),
    /// A JSON document.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// Reads the bytes of a cell. Bytes that the kind does not accept read as null.
    pub fn read(kind: Kind, bytes: &'a [u8]) -> Self {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        match kind {
            Kind::Null => None,
            Kind::Boolean => bytes.first().map(|&byte| Self::Boolean(byte != 0)),
            Kind::Integer => bytes.try_into().ok().map(|bytes| Self::Integer(i64::from_le_bytes(bytes))),
            Kind::Float => bytes.try_into().ok().map(|bytes| Self::Float(f64::from_le_bytes(bytes))),
            Kind::Text => text(bytes).map(Self::Text),
            Kind::Bytes => Some(Self::Bytes(bytes)),
            Kind::Json => text(bytes).map(Self::Json),
        }
        .unwrap_or(Self::Null)
    }

    /// How many bytes [`write`](Self::write) appends.
    pub const fn size(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Integer(_) | Self::Float(_) => 8,
            Self::Text(value) | Self::Json(value) => value.len(),
            Self::Bytes(value) => value.len(),
        }
    }

    /// Appends the bytes of a cell and tells their kind.
    pub fn write(self, pool: &mut Vec<u8>) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Boolean(value) => {
                pool.push(u8::from(value));
                Kind::Boolean
            }
            Self::Integer(value) => {
                pool.extend_from_slice(&value.to_le_bytes());
                Kind::Integer
            }
            Self::Float(value) => {
                pool.extend_from_slice(&value.to_le_bytes());
                Kind::Float
            }
            Self::Text(value) => {
                pool.extend_from_slice(value.as_bytes());
                Kind::Text
            }
            Self::Bytes(value) => {
                pool.extend_from_slice(value);
                Kind::Bytes
            }
            Self::Json(value) => {
                pool.extend_from_slice(value.as_bytes());
                Kind::Json
            }
        }
    }

    /// The value as text: text and JSON as they are, null empty, invalid UTF-8 in bytes replaced.
    pub fn to_text(self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Boolean(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Self::Integer(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(value.to_string()),
            Self::Text(value) | Self::Json(value) => Cow::Borrowed(value),
            Self::Bytes(value) => String::from_utf8_lossy(value),
        }
    }
}

/// JSON: bytes become text with invalid UTF-8 replaced; a JSON document that does not parse becomes text.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(value),
            Self::Integer(value) => serializer.serialize_i64(value),
            Self::Float(value) => serializer.serialize_f64(value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_str(&String::from_utf8_lossy(value)),
            Self::Json(value) => match serde_json::from_str::<&serde_json::value::RawValue>(value) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_str(value),
            },
        }
    }
}

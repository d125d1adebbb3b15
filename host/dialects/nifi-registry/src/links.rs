//! Where things are, and what the caller may do with them (NiFi Registry 6).

use crate::call::Call;
use headworks_identity::{Action, Resource};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// What stands for itself in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address and what it is to the object that carries it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Link {
    href: String,
    params: Rel,
}

#[derive(Clone, Debug, Serialize)]
struct Rel {
    rel: &'static str,
}

impl Link {
    /// A link to `base` and the parts below it, which are encoded. The base is empty for links relative to the API.
    pub(crate) fn new(rel: &'static str, base: &str, parts: &[&str]) -> Self {
        let mut href = base.to_owned();
        for part in parts {
            if !href.is_empty() {
                href.push('/');
            }
            href.extend(utf8_percent_encode(part, PLAIN));
        }
        Self { href, params: Rel { rel } }
    }

    /// The address alone.
    pub(crate) fn href(&self) -> &str {
        &self.href
    }
}

/// What the caller may do with a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Permissions {
    pub(crate) can_read: bool,
    pub(crate) can_write: bool,
    pub(crate) can_delete: bool,
}

impl Permissions {
    /// What either of them allows.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            can_read: self.can_read || other.can_read,
            can_write: self.can_write || other.can_write,
            can_delete: self.can_delete || other.can_delete,
        }
    }

    /// Of the caller.
    pub(crate) fn of(call: &Call, resource: &Resource) -> Self {
        Self {
            can_read: call.may(Action::Read, resource),
            can_write: call.may(Action::Write, resource),
            can_delete: call.may(Action::Delete, resource),
        }
    }
}

//! A part of a list, for clients that ask for one (NiFi Registry 11).

use crate::call::Call;
use crate::failure::Failure;
use std::str::FromStr;

/// Which part. Everything, where nothing is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    /// Of what is wanted and is already in its order.
    pub(crate) fn of<T>(self, all: impl IntoIterator<Item = T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

impl Call {
    /// The part that `limit` and `offset` ask for.
    pub(crate) fn page(&self) -> Result<Page, Failure> {
        Ok(Page { offset: self.number("offset")?.unwrap_or(0), limit: self.number("limit")?.unwrap_or(usize::MAX) })
    }

    /// A number in the query; nothing where it is absent or empty.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Failure> {
        let text = self.parameter(name)?.filter(|text| !text.trim().is_empty());
        let unreadable = |_| Failure::invalid(format!("Invalid value for {name}"));
        text.map(|text| text.trim().parse().map_err(unreadable)).transpose()
    }
}

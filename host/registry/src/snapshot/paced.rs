//! A source that cannot make its reader gather without end.
//!
//! The JSON reader holds names and numbers as a whole, and hands texts on. Before each of the former it is allowed so many
//! bytes, so that memory stays bounded whatever the size of a document.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

/// The most bytes of a name or a number, with the space around it.
const TOKEN: u64 = 1 << 20;

/// How much may be read until it is renewed.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    /// For what is held as a whole.
    pub(super) fn token(&self) {
        self.0.set(TOKEN);
    }

    /// For what is handed on while it is read.
    pub(super) fn unbounded(&self) {
        self.0.set(u64::MAX);
    }

    /// For something of at most so many bytes.
    pub(super) fn bytes(&self, most: u64) {
        self.0.set(most);
    }
}

/// Reads within an allowance.
pub(super) struct Paced<R> {
    inner: BufReader<R>,
    allowance: Allowance,
}

impl<R: Read> Paced<R> {
    pub(super) fn new(inner: R, allowance: Allowance) -> Self {
        Self { inner: BufReader::with_capacity(64 << 10, inner), allowance }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.0.get();
        if left == 0 {
            let text = format!("a name or number in the document, or the space around it, has more than {TOKEN} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.allowance.0.set(left.saturating_sub(count as u64));
        Ok(count)
    }
}

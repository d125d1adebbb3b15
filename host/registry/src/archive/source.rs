//! The file behind an archive: tells a file that cannot be read from an archive that makes no sense.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// A reader with a fixed length, in which every position can be sought.
pub(super) struct Source<R> {
    inner: R,
    at: u64,
    length: u64,
    fault: Fault,
}

/// The first failure of the reader.
#[derive(Clone, Default)]
pub(super) struct Fault(Rc<RefCell<Option<io::Error>>>);

impl Fault {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.borrow_mut().take()
    }

    fn keep<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let told = io::Error::new(error.kind(), error.to_string());
            self.0.borrow_mut().get_or_insert(error);
            told
        })
    }
}

impl<R: Read + Seek> Source<R> {
    pub(super) fn new(mut inner: R) -> io::Result<(Self, Fault)> {
        let length = inner.seek(SeekFrom::End(0))?;
        let fault = Fault::default();
        Ok((Self { inner, at: length, length, fault: fault.clone() }, fault))
    }
}

impl<R: Read + Seek> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length {
            return Ok(0);
        }
        let read = self.fault.keep(self.inner.read(buffer))?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if at < self.length && at != self.at {
            self.fault.keep(self.inner.seek(SeekFrom::Start(at)))?;
        }
        self.at = at;
        Ok(at)
    }
}

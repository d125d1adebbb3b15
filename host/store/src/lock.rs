//! One process per folder.

use crate::engine::in_use;
use headworks_core::Result;
use std::fs::{File, TryLockError};
use std::path::Path;

const NAME: &str = "headworks.lock";

/// Holds a folder until it is dropped or the process ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, which has to exist.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`](headworks_core::ErrorCode::Unavailable) when another process has it.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let file = File::options().create(true).truncate(false).write(true).open(folder.join(NAME))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(in_use(folder)),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

//! Files on their way in: a folder of the data folder, and how many may be under way.
//!
//! What must stay true: a file that is being applied has a name of its own from before the first change until after the last
//! one, so that whatever ends the process meanwhile, the next start finishes it; every other file is rubbish.

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_store::Store;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Backups, and uploads, that may be under way at once.
const MOST: usize = 4;
const PENDING: &str = ".pending";

/// What backups and restores of a server share.
pub struct Transfers {
    dir: Dir,
    downloads: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    /// Restores of one server wait for each other.
    pub(super) applying: Mutex<()>,
}

/// An uploaded file, removed when this is dropped unless it is [pending](Self::make_pending).
pub(super) struct Upload {
    dir: Dir,
    name: String,
    pub(super) file: File,
    pub(super) len: u64,
    keep: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Transfers {
    /// Uses a folder that nobody else uses.
    pub fn new(dir: Dir) -> Self {
        let (downloads, uploads) = (Arc::new(Semaphore::new(MOST)), Arc::new(Semaphore::new(MOST)));
        Self { dir, downloads, uploads, applying: Mutex::default() }
    }

    fn permit(of: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit> {
        let busy = || Error::new(ErrorCode::Exhausted, format!("{MOST} {what} are under way already; try again later"));
        Arc::clone(of).try_acquire_owned().map_err(|_| busy())
    }

    /// Holds the place of a backup.
    pub(super) fn download(&self) -> Result<OwnedSemaphorePermit> {
        Self::permit(&self.downloads, "backups")
    }

    /// A new file, for this user only: it may hold hashes and secrets.
    pub(super) fn upload(&self) -> Result<Upload> {
        let permit = Self::permit(&self.uploads, "restores")?;
        let name = uuid::Uuid::new_v4().to_string();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = self.dir.open_with(&name, &options)?;
        Ok(Upload { dir: self.dir.try_clone()?, name, file, len: 0, keep: false, _permit: Some(permit) })
    }

    /// The logs that were being restored when the process ended; removes what else is there.
    pub(super) fn pending(&self) -> Result<Vec<(TenantId, Upload)>> {
        let mut found = Vec::new();
        for entry in self.dir.entries()? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            match name.strip_suffix(PENDING).and_then(|tenant| tenant.parse().ok()) {
                Some(tenant) => {
                    let (dir, file) = (self.dir.try_clone()?, self.dir.open(&name)?);
                    let len = file.metadata()?.len();
                    found.push((TenantId(tenant), Upload { dir, name, file, len, keep: true, _permit: None }));
                }
                None => self.dir.remove_file(&name)?,
            }
        }
        Ok(found)
    }
}

impl Upload {
    /// Adds to the file. Blocks.
    pub(super) fn write(&mut self, store: &Store, bytes: &[u8]) -> Result<()> {
        use std::io::Write;
        store.reserve(bytes.len())?;
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// From now on the next start applies the file again, until this is dropped after [`done`](Self::done). Blocks.
    pub(super) fn make_pending(&mut self, tenant: TenantId) -> Result<()> {
        self.file.sync_all()?;
        let name = format!("{}{PENDING}", tenant.0);
        self.dir.rename(&self.name, &self.dir, &name)?;
        (self.name, self.keep) = (name, true);
        self.dir.open(".")?.sync_all()?;
        Ok(())
    }

    /// The file is not needed any more.
    pub(super) fn done(&mut self) {
        self.keep = false;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.dir.remove_file(&self.name)
        {
            tracing::warn!(name = self.name, %error, "an uploaded file could not be removed; the next start does that");
        }
    }
}

//! Files on their way in: a folder of the data folder, and how many may be under way.
//!
//! What must stay true: a file that is being applied has a name of its own from before the first change until after the last
//! one, so that whatever ends the process meanwhile, the next start finishes it; every other file is rubbish.

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Backups, and uploads, of one tenant that may be under way at once, and of all tenants together.
const MOST: usize = 4;
const MOST_OF_ALL: usize = 16;
const PENDING: &str = ".pending";

/// What backups and restores of a server share.
pub struct Transfers {
    dir: Dir,
    downloads: Places,
    uploads: Places,
    /// Restores of one server wait for each other.
    pub(super) applying: Mutex<()>,
}

/// How many of a kind may be under way: of each tenant, and of all.
struct Places {
    all: Arc<Semaphore>,
    tenants: std::sync::Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A place among those of a tenant and among all.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

impl Places {
    fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(MOST_OF_ALL)), tenants: Default::default() }
    }

    fn take(&self, tenant: TenantId, what: &str) -> Result<Place> {
        let busy = |most: usize, whose: &str| {
            let text = format!("{most} {what} {whose}are under way already; try again later");
            Error::new(ErrorCode::Exhausted, text)
        };
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, places| Arc::strong_count(places) > 1);
        let places = tenants.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(MOST)));
        let own = Arc::clone(places).try_acquire_owned().map_err(|_| busy(MOST, ""))?;
        let shared = Arc::clone(&self.all).try_acquire_owned().map_err(|_| busy(MOST_OF_ALL, "of all tenants "))?;
        Ok(Place { _own: own, _shared: shared })
    }
}

/// An uploaded file, removed when this is dropped unless it is [pending](Self::make_pending).
pub(super) struct Upload {
    dir: Dir,
    name: String,
    pub(super) file: File,
    pub(super) len: u64,
    keep: bool,
    _place: Option<Place>,
}

impl Transfers {
    /// Uses a folder that nobody else uses.
    pub fn new(dir: Dir) -> Self {
        Self { dir, downloads: Places::new(), uploads: Places::new(), applying: Mutex::default() }
    }

    /// Holds the place of a backup.
    pub(super) fn download(&self, tenant: TenantId) -> Result<Place> {
        self.downloads.take(tenant, "backups")
    }

    /// A new file, for this user only: it may hold hashes and secrets.
    pub(super) fn upload(&self, tenant: TenantId) -> Result<Upload> {
        let place = self.uploads.take(tenant, "restores")?;
        let name = uuid::Uuid::new_v4().to_string();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = self.dir.open_with(&name, &options)?;
        Ok(Upload { dir: self.dir.try_clone()?, name, file, len: 0, keep: false, _place: Some(place) })
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
                    found.push((TenantId(tenant), Upload { dir, name, file, len, keep: true, _place: None }));
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

//! `admin`: the three stores as files, and back.

use super::Printer;
use super::api::Api;
use anyhow::{Context, Result};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write everything that the server has into a folder.
    Backup {
        /// The folder; it is made where it does not exist.
        #[arg(long, value_name = "DIR", default_value = "./backup")]
        dest: PathBuf,
    },
    /// Bring back what a backup holds.
    Restore {
        /// The folder of the backup.
        #[arg(long, value_name = "DIR")]
        src: PathBuf,
    },
}

/// The stores in the order in which they are restored: users last, because with them the caller's own rights may change.
const STORES: [&str; 3] = ["config", "logs", "auth"];

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        let mut sizes = serde_json::Map::new();
        let (folder, takes) = match &self {
            Self::Backup { dest } => (dest, true),
            Self::Restore { src } => (src, false),
        };
        if takes {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        for name in STORES {
            let file = folder.join(format!("{name}.db"));
            let done = if takes { backup(api, &file, name) } else { restore(api, &file, name) };
            let bytes = done.with_context(|| file.display().to_string())?;
            sizes.insert(format!("{name}.db"), bytes.into());
        }
        let lines: Vec<String> = sizes.iter().map(|(name, bytes)| format!("{name}\t{bytes} bytes")).collect();
        printer.print(&sizes.into(), lines)
    }
}

/// Downloads one store. The file has its name once it is complete.
fn backup(api: &Api, file: &Path, name: &str) -> Result<u64> {
    let body = api.open(&["backup", name], &[])?;
    let unfinished = file.with_extension("db.new");
    let mut out = create_private(&unfinished)?;
    let bytes = io::copy(&mut progress(name, None).wrap_read(body), &mut out).context("the backup broke off")?;
    out.sync_all()?;
    fs::rename(&unfinished, file)?;
    Ok(bytes)
}

/// Makes a file that its owner alone can read: a backup holds password hashes and secrets.
fn create_private(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.create(true).write(true).truncate(true).mode(0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Uploads one store as a file part (FlowG 14).
fn restore(api: &Api, file: &Path, name: &str) -> Result<u64> {
    let content = File::open(file).context("it cannot be opened")?;
    let bytes = content.metadata()?.len();
    // Random, so that no record can hold it on purpose.
    let boundary = uuid::Uuid::new_v4().simple();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"backup\"; filename=\"{name}.db\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = bytes + (head.len() + tail.len()) as u64;
    let content = progress(name, Some(bytes)).wrap_read(content.take(bytes));
    let body = head.as_bytes().chain(content).chain(tail.as_bytes());
    api.upload(&["restore", name], &format!("multipart/form-data; boundary={boundary}"), length, body)?;
    Ok(bytes)
}

/// On standard error, where that is a terminal.
fn progress(name: &str, bytes: Option<u64>) -> ProgressBar {
    let (bar, form) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), "{msg:7} {bar:40} {bytes}/{total_bytes} {bytes_per_sec}"),
        None => (ProgressBar::new_spinner(), "{msg:7} {spinner} {bytes} {bytes_per_sec}"),
    };
    let bar = bar.with_message(name.to_owned());
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

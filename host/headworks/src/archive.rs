//! `backup` and `restore`: what a running server holds as a folder of files with a manifest: of one tenant over the FlowG
//! interface, or all of it, which becomes a new data folder.
//!
//! What must stay true: a folder has its name once it is complete; nothing is sent or made before every file of the folder was
//! compared with the manifest; the files are for their owner only, for they hold hashes and secrets.

use crate::cli::{Output, Server};
use crate::remote::Api;
use anyhow::{Context, Result, ensure};
use headworks_core::Timestamp;
use headworks_plugins::{KEY_FILE, Opened, Seal};
use headworks_store::Store;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use ureq::SendBody;

/// In the order in which they are restored: users before what only they may see.
const KINDS: [&str; 3] = ["auth", "config", "logs"];
/// What a backup of a whole server is.
const WHOLE: [&str; 1] = ["server"];
const MANIFEST: &str = "manifest.json";
/// The form of the folder.
const FORMAT: u32 = 1;
/// The most bytes of a manifest.
const SMALL: u64 = 1 << 20;
const BUFFER: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// When the backup began.
    created: String,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    kind: String,
    bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

impl Entry {
    fn name(&self) -> String {
        format!("{}.db", self.kind)
    }
}

impl Api {
    fn url(&self, operation: &str, kind: &str) -> String {
        if WHOLE.contains(&kind) {
            return format!("{}/platform/v1/{operation}", self.base);
        }
        format!("{}/api/v1/{operation}/{kind}", self.base)
    }

    fn download(&self, kind: &str) -> Result<impl Read> {
        let request = self.agent.get(self.url("backup", kind)).header("Authorization", format!("Bearer {}", self.token));
        let answer = request.call().with_context(|| format!("{} cannot be reached", self.base))?;
        Ok(self.checked(answer)?.into_reader())
    }

    fn upload(&self, kind: &str, length: u64, content: impl Read) -> Result<()> {
        // Random, so that no record can hold it on purpose.
        let boundary = uuid::Uuid::new_v4().simple();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"backup\"; filename=\"{kind}.db\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let whole = length + (head.len() + tail.len()) as u64;
        let mut body = head.as_bytes().chain(content).chain(tail.as_bytes());
        let request = self.agent.post(self.url("restore", kind)).header("Authorization", format!("Bearer {}", self.token));
        let request = request.header("Content-Type", format!("multipart/form-data; boundary={boundary}"));
        let request = request.header("Content-Length", whole.to_string());
        let answer =
            request.send(SendBody::from_reader(&mut body)).with_context(|| format!("sending to {} failed", self.base))?;
        self.checked(answer).map(drop)
    }
}

/// Downloads everything into a new folder.
pub(crate) fn backup(server: Server, to: &Path, whole: bool, output: Output) -> Result<ExitCode> {
    let api = Api::new(server)?;
    ensure!(!to.exists(), "{} exists already: name a new folder", to.display());
    let unfinished = unfinished(to)?;
    let mut manifest = Manifest { format: FORMAT, created: Timestamp::now().rfc3339(), files: Vec::new() };
    fs::DirBuilder::new().mode(0o700).create(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    let kinds: &[&str] = if whole { &WHOLE } else { &KINDS };
    let done = kinds.iter().try_for_each(|kind| {
        manifest.files.push(save(&api, kind, &unfinished).with_context(|| format!("the backup of {kind}"))?);
        anyhow::Ok(())
    });
    let done = done.and_then(|()| {
        let mut file = create(&unfinished.join(MANIFEST))?;
        file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, to).with_context(|| format!("cannot name {}", to.display()))
    });
    if let Err(error) = done {
        // What is there is no backup.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error);
    }
    tell(&manifest, to, "saved", output);
    Ok(ExitCode::SUCCESS)
}

/// The folder beside `to` that becomes it.
fn unfinished(to: &Path) -> Result<PathBuf> {
    let name = to.file_name().with_context(|| format!("{} has no name", to.display()))?.to_string_lossy();
    Ok(to.with_file_name(format!(".{name}.{}", std::process::id())))
}

fn create(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

fn save(api: &Api, kind: &str, folder: &Path) -> Result<Entry> {
    let mut entry = Entry { kind: kind.to_owned(), bytes: 0, sha256: String::new() };
    let mut from = progress(kind, None).wrap_read(api.download(kind)?);
    let mut to = create(&folder.join(entry.name()))?;
    (entry.bytes, entry.sha256) = copy(&mut from, &mut to).context("it broke off")?;
    to.sync_all()?;
    Ok(entry)
}

/// Answers how many bytes were copied, and their digest.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut bytes, mut digest, mut buffer) = (0, Sha256::new(), vec![0; BUFFER]);
    loop {
        let count = from.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        digest.update(piece);
        to.write_all(piece)?;
        bytes += count as u64;
    }
    Ok((bytes, digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The manifest of a folder all of whose files are as it says.
fn checked(from: &Path, expected: &[&str]) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    let mut text = Vec::new();
    let file = File::open(&path).with_context(|| format!("{} is no backup: {MANIFEST} cannot be read", from.display()))?;
    file.take(SMALL).read_to_end(&mut text)?;
    let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    ensure!(
        manifest.format <= FORMAT,
        "{} has format {}, and this program reads up to {FORMAT}",
        from.display(),
        manifest.format
    );
    let kinds: Vec<&str> = manifest.files.iter().map(|entry| entry.kind.as_str()).collect();
    ensure!(
        kinds == expected || kinds != WHOLE,
        "{} is the backup of a whole server: --into names the new data folder that it becomes",
        from.display()
    );
    ensure!(kinds == expected, "{} has the files {kinds:?}, and this takes {expected:?}", path.display());
    for entry in &manifest.files {
        let path = from.join(entry.name());
        let file = File::open(&path).with_context(|| format!("{} is missing; nothing was restored", path.display()))?;
        let mut file = progress("checking", Some(entry.bytes)).wrap_read(file);
        let found = copy(&mut file, &mut io::sink()).with_context(|| path.display().to_string())?;
        ensure!(
            found == (entry.bytes, entry.sha256.clone()),
            "{} is damaged: it does not have the size and the digest of the manifest; nothing was restored",
            path.display()
        );
    }
    Ok(manifest)
}

/// Uploads everything of a folder, once all of it was found whole.
pub(crate) fn restore(server: Server, from: &Path, output: Output) -> Result<ExitCode> {
    let api = Api::new(server)?;
    let manifest = checked(from, &KINDS)?;
    for entry in &manifest.files {
        let file = File::open(from.join(entry.name()))?;
        let file = progress(&entry.kind, Some(entry.bytes)).wrap_read(file.take(entry.bytes));
        api.upload(&entry.kind, entry.bytes, file).with_context(|| format!("restoring {}", entry.kind))?;
    }
    tell(&manifest, from, "restored", output);
    Ok(ExitCode::SUCCESS)
}

/// Makes a data folder of the backup of a whole server.
pub(crate) fn make(from: &Path, into: &Path, key: &Path, output: Output) -> Result<ExitCode> {
    let seal = Seal::of_file(key)?;
    let manifest = checked(from, &WHOLE)?;
    let is_free = !into.exists() || fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_none());
    ensure!(is_free, "{} holds something already: name a new folder", into.display());
    let unfinished = unfinished(into)?;
    fs::DirBuilder::new().mode(0o700).create(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    let done = manifest.files.iter().try_for_each(|entry| {
        let file = progress(&entry.kind, Some(entry.bytes)).wrap_read(File::open(from.join(entry.name()))?);
        Store::make(&unfinished.join("db"), Opened::new(&seal, io::BufReader::with_capacity(BUFFER, file))?)?;
        let mut file = create(&unfinished.join(KEY_FILE))?;
        file.write_all(&fs::read(key)?)?;
        file.sync_all()?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, into).with_context(|| format!("cannot name {}", into.display()))
    });
    if let Err(error) = done {
        // What is there is no data folder.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error.context("nothing was restored"));
    }
    tell(&manifest, into, "restored", output);
    Ok(ExitCode::SUCCESS)
}

fn tell(manifest: &Manifest, folder: &Path, what: &str, output: Output) {
    match output {
        Output::Json => println!("{}", serde_json::json!({"folder": folder, what: manifest.files, "created": manifest.created})),
        Output::Text => {
            for entry in &manifest.files {
                println!("{:<10} {:>15} bytes  {what}", entry.name(), entry.bytes);
            }
            println!("{what}: {}", folder.display());
        }
    }
}

/// On standard error, where that is a terminal.
fn progress(name: &str, bytes: Option<u64>) -> ProgressBar {
    let (bar, form) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), "{msg:8} {bar:40} {bytes}/{total_bytes} {bytes_per_sec}"),
        None => (ProgressBar::new_spinner(), "{msg:8} {spinner} {bytes} {bytes_per_sec}"),
    };
    let bar = bar.with_message(name.to_owned());
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

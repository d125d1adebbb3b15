//! The guest workspaces: which components they hold, and the hash of everything a component is made from.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the names of guest packages begin with; the rest names the component.
const PREFIX: &str = "headworks-plugin-";

/// A package that becomes a component.
pub struct Guest {
    /// File name of the component, without its ending.
    pub name: String,
    /// File name of the module that cargo makes.
    pub module: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// The components of the workspace in `folder`: its packages with a `cdylib`.
///
/// # Errors
/// Cargo cannot read the workspace, or a package is not named as guests are.
pub fn guests(folder: &Path) -> Result<Vec<Guest>> {
    let manifest = folder.join("Cargo.toml");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1", "--manifest-path"])
        .arg(&manifest)
        .output()
        .context("cargo cannot be started")?;
    ensure!(output.status.success(), "{}: {}", manifest.display(), String::from_utf8_lossy(&output.stderr).trim());
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let mut guests = Vec::new();
    for package in metadata.packages {
        let library = package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"));
        if let Some(library) = library {
            let name = package.name.strip_prefix(PREFIX);
            let name = name.with_context(|| format!("package {} should be named {PREFIX}…", package.name))?.to_owned();
            guests.push(Guest { name, module: format!("{}.wasm", library.name.replace('-', "_")) });
        }
    }
    ensure!(!guests.is_empty(), "{} has no package with a cdylib", manifest.display());
    Ok(guests)
}

/// The profile that the workspaces define.
pub const PROFILE: &str = "guest";

/// The hash of every file of the workspace, of `toolchain`, and of what this tool adds.
///
/// # Errors
/// A file cannot be read.
pub fn inputs(folder: &Path, toolchain: &str) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(toolchain.as_bytes());
    add(include_bytes!("toolchain.rs"));
    add(include_bytes!("adapter.rs"));
    for text in crate::adapter::inputs() {
        add(text.as_bytes());
    }
    for file in files {
        add(file.strip_prefix(folder)?.as_os_str().as_encoded_bytes());
        add(&std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(&entry.path(), files)?;
            }
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

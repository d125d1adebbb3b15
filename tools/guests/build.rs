//! Embeds the SDKs and templates of `sdk-guest/`, so that `headworks plugin new` needs nothing but the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What tools leave behind; never part of an SDK.
const SKIPPED: &[&str] = &["target", "build", "node_modules", "__pycache__", ".headworks", "Cargo.lock", "package-lock.json"];

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../sdk-guest").canonicalize().unwrap();
    let mut files = Vec::new();
    for language in sorted(&root) {
        for part in ["sdk", "template"] {
            let folder = language.join(part);
            if folder.is_dir() {
                collect(&folder, &mut files);
            }
        }
    }
    println!("cargo::rerun-if-changed={}", root.display());
    let mut table = String::from("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        writeln!(table, "    ({:?}, include_bytes!({:?})),", name.to_str().unwrap(), file.to_str().unwrap()).unwrap();
    }
    table.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    std::fs::write(out.join("sdks.rs"), table).unwrap();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for path in sorted(folder) {
        if SKIPPED.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

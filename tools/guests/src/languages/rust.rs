//! Rust: cargo with the toolchain that [`Toolchain`] finds.

use super::Language;
use crate::adapter;
use crate::project::Project;
use crate::toolchain::Toolchain;
use crate::wit;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Rust.
pub struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["0.1.0", wit::VERSION, wit::LATEST]
    }

    fn usual_interface(&self) -> &'static str {
        wit::LATEST
    }

    fn check(&self) -> Result<()> {
        Toolchain::find(&std::env::temp_dir()).map(drop)
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        // Whoever sets this shares what is built among plugins: the standard library above all.
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project.folder.join("target"), PathBuf::from);
        let toolchain = Toolchain::find(&std::path::absolute(target)?.join("plugins"))?;
        let modules = toolchain.build(&project.folder, "release", false)?;
        let path = modules.join(format!("{}.wasm", project.manifest.name.replace('-', "_")));
        let module = std::fs::read(&path).with_context(|| {
            let name = &project.manifest.name;
            format!(
                "{} was not made: Cargo.toml has to say name = {name:?} and crate-type = [\"cdylib\", \"rlib\"]",
                path.display()
            )
        })?;
        adapter::componentize(&module)
    }
}

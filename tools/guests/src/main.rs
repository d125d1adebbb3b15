//! Builds WebAssembly components from Cargo workspaces: `headworks-guests build plugins --out target/components`.
//!
//! Needs no wasm-tools and no rustup target where Debian's packages are installed. What was built from the same inputs is
//! not built again.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use headworks_guests::{adapter, toolchain, workspace};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Parser)]
#[command(about = "Builds the WebAssembly components of Headworks")]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Builds every component of Cargo workspaces
    Build {
        /// Folders of the workspaces
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// Folder for the components [default: $CARGO_TARGET_DIR/components]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Makes a component of a core module built for wasm32-wasip1 or wasm32-unknown-unknown
    Componentize {
        /// The core module
        module: PathBuf,
        /// The component
        #[arg(long, short)]
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Action::Build { folders, out } => build(&folders, out),
        Action::Componentize { module, out } => write(&module, &out).map(drop),
    }
}

fn build(folders: &[PathBuf], out: Option<PathBuf>) -> Result<()> {
    let target =
        std::path::absolute(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from))?;
    let out = out.unwrap_or_else(|| target.join("components"));
    std::fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let toolchain = toolchain::Toolchain::find(&target.join("guests"))?;
    for folder in folders {
        build_workspace(folder, &out, &toolchain)?;
    }
    Ok(())
}

fn build_workspace(folder: &Path, out: &Path, toolchain: &toolchain::Toolchain) -> Result<()> {
    let guests = workspace::guests(folder)?;
    let inputs = workspace::inputs(folder, &toolchain.name)?;
    let stamp = |name: &str| out.join(format!("{name}.inputs"));
    let component = |name: &str| out.join(format!("{name}.wasm"));
    let fresh = |name: &str| component(name).exists() && std::fs::read_to_string(stamp(name)).is_ok_and(|known| known == inputs);
    if guests.iter().all(|guest| fresh(&guest.name)) {
        println!("guests: {} is up to date", folder.display());
        return Ok(());
    }
    println!("guests: building {} with {}", folder.display(), toolchain.name);
    let started = Instant::now();
    let modules = toolchain.build(folder, workspace::PROFILE, true)?;
    for guest in &guests {
        let bytes = write(&modules.join(&guest.module), &component(&guest.name))?;
        std::fs::write(stamp(&guest.name), &inputs)?;
        println!("guests: {} ({} KiB)", component(&guest.name).display(), bytes.div_ceil(1024));
    }
    println!("guests: {} took {} s", folder.display(), started.elapsed().as_secs());
    Ok(())
}

/// Writes the component of a module, whole or not at all, and answers its size in bytes.
fn write(module: &Path, to: &Path) -> Result<usize> {
    let bytes = std::fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    let component = adapter::componentize(&bytes).with_context(|| module.display().to_string())?;
    let part = to.with_extension("part");
    std::fs::write(&part, &component).with_context(|| format!("writing {}", part.display()))?;
    std::fs::rename(&part, to)?;
    Ok(component.len())
}

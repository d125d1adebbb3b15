//! Finds what can build Rust for `wasm32-wasip1` on this machine, and calls it.
//!
//! In this order: the toolchain of rustup where the target's standard library is installed; else Debian's `rustc-web` with
//! `rust-web-src`, which builds the standard library along. C code inside guests is compiled by clang with wasi-libc.

use crate::tools::{find, output, run};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What guests are built for.
pub const TARGET: &str = "wasm32-wasip1";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Where Debian keeps wasi-libc.
pub const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";
const DEBIAN_HEADERS: &str = "/usr/include/wasm32-wasi";
/// The oldest rustc whose standard library links with Debian's wasi-libc.
const NEEDED: (u32, u32) = (1, 96);

/// One way to build guests.
pub struct Toolchain {
    /// For people, and part of the hash of the inputs.
    pub name: String,
    route: Route,
    sysroot: PathBuf,
    target_dir: PathBuf,
}

enum Route {
    Rustup,
    Debian,
}

impl Toolchain {
    /// The first route that works here.
    ///
    /// # Errors
    /// None does: the message says what each lacks.
    pub fn find(target_dir: &Path) -> Result<Self> {
        let (sysroot, target_dir) = (target_dir.join("sysroot"), target_dir.to_owned());
        let version = output(Command::new("rustc").arg("--version"))?;
        let home = PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"]))?);
        let installed = home.join("lib/rustlib").join(TARGET);
        if installed.join("lib").is_dir() {
            return Ok(Self { name: format!("{version} with its {TARGET} library"), route: Route::Rustup, sysroot, target_dir });
        }
        let lacks = format!("{} is not installed (`rustup target add {TARGET}` brings it)", installed.display());
        let debian = debian_rustc().map_err(|why| {
            anyhow::anyhow!("no way to build WebAssembly here:\n  - {lacks}\n  - {why:#}\n`make setup` installs what is missing")
        })?;
        Ok(Self {
            name: format!("{debian} of Debian, building its own {TARGET} library"),
            route: Route::Debian,
            sysroot,
            target_dir,
        })
    }

    /// Builds the workspace in `folder` with a profile and answers the folder of its modules. `locked` refuses a lock file
    /// that does not fit.
    ///
    /// # Errors
    /// What cargo printed is on standard error already.
    pub fn build(&self, folder: &Path, profile: &str, locked: bool) -> Result<PathBuf> {
        make_sysroot(&self.sysroot)?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--profile", profile, "--target", TARGET, "--manifest-path"]);
        cargo.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", &self.target_dir);
        if locked {
            cargo.arg("--locked");
        }
        cargo.env_remove("RUSTFLAGS").env_remove("RUSTC_WRAPPER").env_remove("CARGO_BUILD_RUSTFLAGS");
        let mut flags = vec!["-Ctarget-feature=+simd128".to_owned()];
        if matches!(self.route, Route::Debian) {
            cargo.args(["-Zbuild-std=std,panic_abort"]).env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
            flags.extend(["-Clink-self-contained=no".to_owned(), format!("-Clinker={}", llvm("wasm-ld")?)]);
            flags.extend(["-Clinker-flavor=wasm-ld".to_owned(), format!("-Lnative={DEBIAN_LIBC}")]);
            flags.push(format!("-Clink-arg={DEBIAN_LIBC}/crt1-reactor.o"));
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        if let (Ok(clang), Ok(ar)) = (llvm("clang"), llvm("llvm-ar")) {
            cargo.env("CC_wasm32_wasip1", clang).env("AR_wasm32_wasip1", ar);
            cargo.env("CFLAGS_wasm32_wasip1", format!("--sysroot={}", self.sysroot.display()));
        }
        run(&mut cargo, &format!("building {}", folder.display()))?;
        Ok(self.target_dir.join(TARGET).join(profile))
    }
}

/// Makes a folder in which clang finds the headers and libraries of Debian's wasi-libc: it looks under the target's name,
/// Debian keeps them elsewhere, and a plain `--sysroot=/usr` would fall through to the headers of the host.
///
/// # Errors
/// It cannot be made.
pub fn make_sysroot(sysroot: &Path) -> Result<()> {
    for (name, source) in [("include", DEBIAN_HEADERS), ("lib", DEBIAN_LIBC)] {
        let link = sysroot.join(name).join(TARGET);
        if Path::new(source).is_dir() && !link.exists() {
            std::fs::create_dir_all(sysroot.join(name))?;
            std::os::unix::fs::symlink(source, &link).with_context(|| format!("making {}", link.display()))?;
        }
    }
    Ok(())
}

/// The version of Debian's rustc, if everything is there that its route needs.
fn debian_rustc() -> Result<String> {
    ensure!(Path::new(DEBIAN_RUSTC).exists(), "{DEBIAN_RUSTC} is missing (package rustc-web)");
    let version = output(Command::new(DEBIAN_RUSTC).arg("--version"))?;
    let numbers: Vec<u32> = version.split([' ', '.']).filter_map(|part| part.parse().ok()).take(2).collect();
    ensure!(
        matches!(numbers[..], [major, minor] if (major, minor) >= NEEDED),
        "{version} is older than {}.{}",
        NEEDED.0,
        NEEDED.1
    );
    let home = output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    let source = Path::new(&home).join("lib/rustlib/src/rust/library/std");
    ensure!(source.is_dir(), "{} is missing (package rust-web-src)", source.display());
    ensure!(Path::new(DEBIAN_LIBC).join("crt1-reactor.o").exists(), "{DEBIAN_LIBC} is missing (package wasi-libc)");
    llvm("wasm-ld").context("package lld-22")?;
    llvm("clang").context("package clang-22")?;
    llvm("llvm-ar").context("package llvm-22")?;
    Ok(version)
}

/// The name under which an LLVM tool can be called: the version-numbered one of Debian first.
///
/// # Errors
/// It is missing.
pub fn llvm(name: &str) -> Result<String> {
    find(&[&format!("{name}-22"), name])
}

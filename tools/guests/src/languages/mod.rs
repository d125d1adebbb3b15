//! What it takes to make a component of each language: one module per language.

mod c;
mod go;
mod js;
mod python;
mod rust;

use crate::project::Project;
use crate::wit;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// One language that plugins are written in.
pub trait Language: Sync {
    /// As it is chosen by `--lang` and written in `headworks.toml`.
    fn name(&self) -> &'static str;

    /// The folder below `sdk-guest/` whose `sdk` the projects get as `.headworks/sdk`.
    fn sdk(&self) -> &'static str {
        self.name()
    }

    /// The folder below `sdk-guest/` whose `template` new projects are made from.
    fn template(&self) -> &'static str {
        self.name()
    }

    /// The versions of the plugin interface that its SDK can be built against.
    fn interfaces(&self) -> &'static [&'static str] {
        &[wit::VERSION, wit::LATEST]
    }

    /// The one of them that a plugin is built against unless it says otherwise: the oldest that has all that the SDK offers, so
    /// that older servers can run it.
    fn usual_interface(&self) -> &'static str {
        wit::VERSION
    }

    /// Whether a component can be built on this machine.
    ///
    /// # Errors
    /// Says what is missing and the command that installs it.
    fn check(&self) -> Result<()>;

    /// Files that are made for this project, such as bindings: path below `.headworks`, and content. They are written
    /// when the project is made and before each build, together with the SDK.
    ///
    /// # Errors
    /// They cannot be made.
    fn generate(&self, _project: &Project) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        Ok(Vec::new())
    }

    /// Builds the project, whose `.headworks` is up to date, and answers the component.
    ///
    /// # Errors
    /// The author's mistake, as the language's own tools print it on standard error, or what is missing.
    fn build(&self, project: &Project) -> Result<Vec<u8>>;
}

/// Every language.
pub const ALL: &[&dyn Language] = &[&rust::Rust, &python::Python, &js::JavaScript, &js::TypeScript, &go::Go, &c::C];

/// The language of this name.
///
/// # Errors
/// There is none; the message lists them.
pub fn by_name(name: &str) -> Result<&'static dyn Language> {
    match ALL.iter().find(|language| language.name() == name) {
        Some(language) => Ok(*language),
        None => {
            let known: Vec<&str> = ALL.iter().map(|language| language.name()).collect();
            bail!("there is no language {name:?}; there are {}", known.join(", "))
        }
    }
}

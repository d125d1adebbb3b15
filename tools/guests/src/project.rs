//! A plugin's folder: `headworks.toml`, the sources, and `.headworks` with the SDK of its language.
//!
//! What must stay true: `.headworks` holds nothing of the author's; it is written anew before each build, from the program
//! alone, and only where a file differs, so that the language's own tools see what changed. Nothing outside of it is
//! ever overwritten.

use crate::languages::{self, Language};
use crate::wit;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/sdks.rs"));

/// The file that makes a folder a plugin's.
pub const MANIFEST: &str = "headworks.toml";
/// The folder that belongs to the tool.
const OWN: &str = ".headworks";
/// What [`Language::generate`] makes goes below this part of it, or into the SDK.
pub const GENERATED: &str = "gen";
/// The longest name of a plugin, in bytes.
const MAX_NAME: usize = 64;

/// `headworks.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Lower-case words with hyphens; names the component.
    pub name: String,
    /// One of [`languages::ALL`].
    pub lang: String,
    /// One of those that the interface has.
    pub world: String,
    /// The version of the plugin interface: one of [`Language::interfaces`]; [`Language::usual_interface`] where it is not said.
    #[serde(default)]
    pub interface: String,
    /// What the builder of the language wants to know besides.
    #[serde(default)]
    pub build: toml::Table,
}

/// One plugin's folder.
#[derive(Clone, Debug)]
pub struct Project {
    /// Absolute.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

impl Project {
    /// Opens the project in a folder.
    ///
    /// # Errors
    /// There is none, or its manifest is wrong.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "{} is missing: run this in a plugin's folder, or make one with `headworks plugin new --lang rust NAME`",
                path.display()
            ),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut manifest: Manifest = toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?;
        check_name(&manifest.name).with_context(|| format!("{} is wrong", path.display()))?;
        let language = languages::by_name(&manifest.lang).with_context(|| format!("{} is wrong", path.display()))?;
        if manifest.interface.is_empty() {
            manifest.interface = language.usual_interface().to_owned();
        }
        ensure!(
            language.interfaces().contains(&manifest.interface.as_str()),
            "{} is wrong: plugins in {} are built against version {} of the interface, not {}",
            path.display(),
            language.name(),
            language.interfaces().join(" or "),
            manifest.interface
        );
        check_world(language, &manifest.interface, &manifest.world).with_context(|| format!("{} is wrong", path.display()))?;
        Ok(Self { folder: std::path::absolute(folder)?, manifest })
    }

    /// Makes a project from the template of a language and opens it.
    ///
    /// # Errors
    /// The folder holds something already, or the name, language or world is not one.
    pub fn create(folder: &Path, name: &str, lang: &str, world: &str) -> Result<Self> {
        check_name(name)?;
        let language = languages::by_name(lang)?;
        check_world(language, language.usual_interface(), world).with_context(|| format!("plugins in {lang}"))?;
        let taken = folder.exists() && fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_some());
        ensure!(!taken, "{} exists already", folder.display());
        let ident = name.replace('-', "_");
        let fill = |text: &str| text.replace("{{name}}", name).replace("{{ident}}", &ident).replace("{{world}}", world);
        for part in ["shared", world] {
            for (path, bytes) in embedded(&format!("{}/template/{part}/", language.template())) {
                let path = folder.join(fill(path));
                match std::str::from_utf8(bytes) {
                    Ok(text) => write(&path, fill(text).as_bytes())?,
                    Err(_) => write(&path, bytes)?,
                }
            }
        }
        let project = Self::open(folder)?;
        project.prepare()?;
        Ok(project)
    }

    /// The language.
    ///
    /// # Errors
    /// It is not one; [`open`](Self::open) has checked that.
    pub fn language(&self) -> Result<&'static dyn Language> {
        languages::by_name(&self.manifest.lang)
    }

    /// `.headworks/sdk`: what the author's sources are built with.
    pub fn sdk(&self) -> PathBuf {
        self.folder.join(OWN).join("sdk")
    }

    /// `.headworks/gen`: what was made for this project and is not part of the SDK's own tree.
    pub fn generated(&self) -> PathBuf {
        self.folder.join(OWN).join(GENERATED)
    }

    /// `.headworks/wit`: the interface.
    pub fn wit(&self) -> PathBuf {
        self.folder.join(OWN).join("wit")
    }

    /// `build`: the component and whatever is left on the way to it.
    pub fn build_dir(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Where the component is.
    pub fn component(&self) -> PathBuf {
        self.build_dir().join(format!("{}.wasm", self.manifest.name))
    }

    /// Writes `.headworks`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn prepare(&self) -> Result<()> {
        let language = self.language()?;
        write(&self.folder.join(OWN).join(".gitignore"), b"*\n")?;
        write(&self.wit().join("plugin.wit"), wit::released(&self.manifest.interface)?.text.as_bytes())?;
        for (path, bytes) in embedded(&format!("{}/sdk/", language.sdk())) {
            write(&self.sdk().join(path), bytes)?;
        }
        for (path, bytes) in language.generate(self)? {
            write(&self.folder.join(OWN).join(path), &bytes)?;
        }
        Ok(())
    }

    /// Builds the component and answers where it is.
    ///
    /// # Errors
    /// As [`Language::build`].
    pub fn build(&self) -> Result<PathBuf> {
        let language = self.language()?;
        self.prepare()?;
        let component = language.build(self)?;
        let path = self.component();
        write(&path, &component)?;
        Ok(path)
    }
}

/// The files below a folder of `sdk-guest/`, by their paths within it.
fn embedded(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> + use<'_> {
    FILES.iter().filter_map(move |(path, bytes)| path.strip_prefix(folder).map(|path| (path, *bytes)))
}

/// Writes a file unless it holds the same already.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn check_name(name: &str) -> Result<()> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    ensure!(
        starts && name.len() <= MAX_NAME && name.split('-').all(word),
        "{name:?} is no name of a plugin: it takes lower-case words of letters and digits with hyphens between them"
    );
    Ok(())
}

fn check_world(language: &dyn Language, interface: &str, world: &str) -> Result<()> {
    let worlds = wit::released(interface)?.worlds;
    ensure!(
        worlds.contains(&world),
        "there is no world {world:?} in version {interface} of the interface; there are {}",
        worlds.join(", ")
    );
    let has_template = embedded(&format!("{}/template/{world}/", language.template())).next().is_some();
    ensure!(has_template, "the SDK of {} has no world {world:?}", language.name());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_whole() {
        for language in languages::ALL {
            for world in wit::released(language.usual_interface()).unwrap().worlds {
                let folder = std::env::temp_dir().join(format!("headworks-{}-{}-{world}", std::process::id(), language.name()));
                let project = Project::create(&folder, "two-words", language.name(), world).unwrap();
                for file in [MANIFEST, "tests.json", "README.md", ".gitignore"] {
                    assert!(folder.join(file).is_file(), "{} {world}: {file}", language.name());
                }
                assert_eq!((project.manifest.name.as_str(), project.manifest.world.as_str()), ("two-words", *world));
                assert_eq!(project.manifest.lang, language.name());
                assert!(project.sdk().is_dir() && project.wit().join("plugin.wit").is_file());
                fs::remove_dir_all(&folder).unwrap();
            }
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in languages::ALL {
            for world in wit::released(language.usual_interface()).unwrap().worlds {
                for part in ["shared", world] {
                    for (path, bytes) in embedded(&format!("{}/template/{part}/", language.template())) {
                        let mut text = String::from_utf8_lossy(bytes).into_owned();
                        for known in ["{{name}}", "{{ident}}", "{{world}}"] {
                            text = text.replace(known, "");
                        }
                        assert!(!text.contains("{{na") && !text.contains("{{id") && !text.contains("{{wo"), "{path}");
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_words_with_hyphens() {
        for name in ["a", "a-b", "a1-2b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "1a", "a_b", "-a", "a-", "a--b", "a/b", "..", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}

//! The released versions of the plugin interface, as text and resolved.

use anyhow::{Context, Result};
use wit_component::StringEncoding;
use wit_parser::{Resolve, WorldId};

/// The version that plugins are built against unless they say otherwise.
pub const VERSION: &str = "0.1.1";
/// Every version, with its text.
pub const RELEASED: &[(&str, &str)] = &[
    ("0.1.0", include_str!("../../../wit/headworks-plugin/0.1.0/plugin.wit")),
    (VERSION, include_str!("../../../wit/headworks-plugin/0.1.1/plugin.wit")),
];

/// The text of a version.
///
/// # Errors
/// It was not released.
pub fn text(version: &str) -> Result<&'static str> {
    let known = RELEASED.iter().find(|(released, _)| *released == version);
    known.map(|(_, text)| *text).with_context(|| format!("there is no version {version} of the plugin interface"))
}

/// A version of the interface with one of its worlds.
///
/// # Errors
/// There is no such version or world.
pub fn resolve(version: &str, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("plugin.wit", text(version)?)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// Puts the description of a world into a core module, for toolchains that do not.
///
/// # Errors
/// There is no such world, or `module` is no module.
pub fn embed(module: &mut Vec<u8>, world: &str) -> Result<()> {
    let (resolve, world) = resolve(VERSION, world)?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

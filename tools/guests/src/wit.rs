//! The plugin interface that SDKs are made for, as text and resolved.

use anyhow::Result;
use wit_component::StringEncoding;
use wit_parser::{Resolve, WorldId};

/// The version of the interface.
pub const VERSION: &str = "0.1.1";
/// Its text.
pub const TEXT: &str = include_str!("../../../wit/headworks-plugin/0.1.1/plugin.wit");

/// The interface with one of its worlds.
///
/// # Errors
/// There is no such world.
pub fn resolve(world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("plugin.wit", TEXT)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// Puts the description of a world into a core module, for toolchains that do not.
///
/// # Errors
/// There is no such world, or `module` is no module.
pub fn embed(module: &mut Vec<u8>, world: &str) -> Result<()> {
    let (resolve, world) = resolve(world)?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

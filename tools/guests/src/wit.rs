//! The plugin interface that SDKs are made for, as text and resolved.

use anyhow::Result;
use wit_component::StringEncoding;
use wit_parser::{Resolve, WorldId};

/// One version of the interface.
#[derive(Debug)]
pub struct Interface {
    /// Its number.
    pub version: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The worlds a plugin can be of.
    pub worlds: &'static [&'static str],
}

/// The version that the SDKs of most languages are made for.
pub const V0_1_1: Interface = Interface {
    version: "0.1.1",
    text: include_str!("../../../wit/headworks-plugin/0.1.1/plugin.wit"),
    worlds: &["transformer", "forwarder", "validator"],
};

/// The latest.
pub const V0_1_2: Interface = Interface {
    version: "0.1.2",
    text: include_str!("../../../wit/headworks-plugin/0.1.2/plugin.wit"),
    worlds: &["transformer", "forwarder", "validator", "event-hook", "identity-provider"],
};

/// The interface, as far as every language has it, with one of its worlds.
///
/// # Errors
/// There is no such world.
pub fn resolve(world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("plugin.wit", V0_1_1.text)?;
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

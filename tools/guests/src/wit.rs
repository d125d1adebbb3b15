//! The released versions of the plugin interface, as text and resolved.

use anyhow::{Context, Result};
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

/// The version that has all that the SDKs of all languages offer.
pub const VERSION: &str = "0.1.1";
/// The latest version.
pub const LATEST: &str = "0.1.2";
/// Every version.
pub const RELEASED: &[Interface] = &[
    Interface {
        version: "0.1.0",
        text: include_str!("../../../wit/headworks-plugin/0.1.0/plugin.wit"),
        worlds: &["transformer", "forwarder"],
    },
    Interface {
        version: VERSION,
        text: include_str!("../../../wit/headworks-plugin/0.1.1/plugin.wit"),
        worlds: &["transformer", "forwarder", "validator"],
    },
    Interface {
        version: LATEST,
        text: include_str!("../../../wit/headworks-plugin/0.1.2/plugin.wit"),
        worlds: &["transformer", "forwarder", "validator", "event-hook", "identity-provider"],
    },
];

/// One version.
///
/// # Errors
/// It was not released.
pub fn released(version: &str) -> Result<&'static Interface> {
    let known = RELEASED.iter().find(|released| released.version == version);
    known.with_context(|| format!("there is no version {version} of the plugin interface"))
}

/// A version of the interface with one of its worlds.
///
/// # Errors
/// There is no such version or world.
pub fn resolve(version: &str, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("plugin.wit", released(version)?.text)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

/// Puts the description of a world into a core module, for toolchains that do not.
///
/// # Errors
/// There is no such version or world, or `module` is no module.
pub fn embed(module: &mut Vec<u8>, version: &str, world: &str) -> Result<()> {
    let (resolve, world) = resolve(version, world)?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

//! What a component says of itself, looked at before anything is compiled.

use crate::Limits;
use headworks_core::{Error, ErrorCode, Result};
use std::fmt;
use wasmparser::{Encoding, Parser, Payload};

/// The versions of `headworks:plugin` that are served, side by side.
pub const INTERFACES: &[&str] = &["0.1.0", "0.1.1", "0.1.2"];

/// What a component is, by what it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum World {
    /// Maps records.
    Transformer,
    /// Delivers records.
    Forwarder,
    /// Judges documents.
    Validator,
    /// Hears of what was done.
    EventHook,
    /// Says who sent a request.
    IdentityProvider,
}

/// What is known of a component before it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What it is.
    pub world: World,
    /// The version of the interface that it was made for: one of [`INTERFACES`].
    pub interface: String,
}

/// Offered to all, in every version of [`INTERFACES`] that has it.
const OFFERED: &[&str] = &["batches", "clock", "log", "metrics", "random", "secrets", "state"];

/// Offered to forwarders besides.
const OUTBOUND: &[&str] = &["expressions", "http", "network", "sockets"];

/// Offered besides to those that may ask somebody.
const ASKING: &[&str] = &["http", "network"];

/// What is offered of WASI, in all versions that begin so.
const WASI: &[(&str, &str)] = &[
    ("wasi:clocks/wall-clock", "0.2."),
    ("wasi:clocks/monotonic-clock", "0.2."),
    ("wasi:random/random", "0.2."),
    ("wasi:random/insecure", "0.2."),
    ("wasi:random/insecure-seed", "0.2."),
];

/// What the names of the interface begin with.
const PACKAGE: &str = "headworks:plugin/";

impl World {
    const ALL: [Self; 5] = [Self::Transformer, Self::Forwarder, Self::Validator, Self::EventHook, Self::IdentityProvider];

    /// Its name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transformer => "transformer",
            Self::Forwarder => "forwarder",
            Self::Validator => "validator",
            Self::EventHook => "event-hook",
            Self::IdentityProvider => "identity-provider",
        }
    }

    /// The interface whose export makes a component one of this world.
    const fn export(self) -> &'static str {
        match self {
            Self::Transformer => "transforming",
            Self::Forwarder => "forwarding",
            Self::Validator => "validating",
            Self::EventHook => "hooking",
            Self::IdentityProvider => "identifying",
        }
    }

    /// What it is offered besides what all are.
    const fn outbound(self) -> &'static [&'static str] {
        match self {
            Self::Transformer | Self::Validator => &[],
            Self::Forwarder => OUTBOUND,
            Self::EventHook | Self::IdentityProvider => ASKING,
        }
    }

    /// The refusal of a plugin that is something else.
    pub(crate) fn missing(self) -> Error {
        refused(format!("this plugin is no {self}"))
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(crate) fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorCode::PluginRefused, why)
}

/// Checks size, form, exports and imports.
///
/// # Errors
/// [`ErrorCode::PluginRefused`] names what is wrong; an import by its name.
pub(crate) fn check(component: &[u8], limits: &Limits) -> Result<Inspection> {
    if component.len() > limits.component_bytes {
        return Err(refused(format!(
            "the component has {} bytes, and at most {} are allowed",
            component.len(),
            limits.component_bytes
        )));
    }
    if component.starts_with(b"\x7fELF") {
        return Err(refused("this is native code (ELF), which is never loaded; send the WebAssembly component"));
    }
    if !component.starts_with(b"\0asm") {
        return Err(refused("this is not a WebAssembly component"));
    }
    let (mut depth, mut imports, mut exports) = (0_usize, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(refused("this is a core module, not a component; see the plugin guide for how to make one"));
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(damaged)?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(damaged)?.name.name);
                }
            }
            _ => {}
        }
    }
    let inspection = read_exports(&exports)?;
    imports.into_iter().try_for_each(|name| check_import(name, inspection.world))?;
    Ok(inspection)
}

fn damaged(error: wasmparser::BinaryReaderError) -> Error {
    refused(format!("the component is damaged: {error}"))
}

fn read_exports(exports: &[&str]) -> Result<Inspection> {
    // The version of an exported interface.
    let version = |interface: &str| {
        let mut names = exports.iter().filter_map(|name| name.strip_prefix(PACKAGE)?.split_once('@'));
        names.find(|(name, _)| *name == interface).map(|(_, version)| version)
    };
    let interface = version("plugin").ok_or_else(|| {
        refused(format!("the component does not fit the plugin interface: it exports no {PACKAGE}plugin; see the plugin guide"))
    })?;
    if !INTERFACES.contains(&interface) {
        let offered = INTERFACES.join(", ");
        return Err(refused(format!(
            "the component was made for version {interface} of the plugin interface, and this server offers {offered}; \
             build it with an SDK of one of these"
        )));
    }
    let found: Vec<World> = World::ALL.into_iter().filter(|world| version(world.export()).is_some()).collect();
    let [world] = found[..] else {
        let names = World::ALL.map(|world| format!("{PACKAGE}{}", world.export())).join(", ");
        return Err(refused(format!(
            "the component does not fit the plugin interface: it has to export one of {names}, and it exports {}",
            found.len()
        )));
    };
    match version(world.export()) {
        Some(other) if other != interface => Err(refused(format!(
            "the component exports {PACKAGE}plugin@{interface} and {PACKAGE}{}@{other}, and both have to be of one version",
            world.export()
        ))),
        _ => Ok(Inspection { world, interface: interface.to_owned() }),
    }
}

fn check_import(name: &str, world: World) -> Result<()> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let own = || OFFERED.iter().chain(world.outbound());
    let only = |versions: &str| Err(refused(format!("the component imports {name}, and only version {versions} is offered")));
    if let Some((_, versions)) = WASI.iter().find(|(offered, _)| *offered == interface) {
        return if version.starts_with(versions) { Ok(()) } else { only(&format!("{versions}x")) };
    }
    if interface.strip_prefix(PACKAGE).is_some_and(|short| own().any(|offered| *offered == short)) {
        return if INTERFACES.contains(&version) { Ok(()) } else { only(&INTERFACES.join(" or ")) };
    }
    let own = own().map(|short| format!("{PACKAGE}{short}"));
    let offered: Vec<String> = own.chain(WASI.iter().map(|(name, _)| (*name).to_owned())).collect();
    Err(refused(format!("the component imports {name}, which is not offered to a {world}; offered are {}", offered.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(bytes: &[u8]) -> String {
        check(bytes, &Limits::default()).unwrap_err().message
    }

    #[test]
    fn only_components_pass() {
        assert!(why(b"\0asm\x0d\0\x01\0").contains("exports no headworks:plugin/plugin"));
        assert!(why(b"\0asm\x01\0\0\0").contains("core module"));
        assert!(why(b"\x7fELF\x02\x01\x01\0").contains("native code"));
        assert!(why(b"hello").contains("not a WebAssembly component"));
        assert!(why(b"").contains("not a WebAssembly component"));
        assert!(why(b"\0asm\x0d\0\x01\0\x01").contains("damaged"));
        let limits = Limits { component_bytes: 7, ..Limits::default() };
        assert!(check(b"\0asm\x0d\0\x01\0", &limits).unwrap_err().message.contains("8 bytes"));
    }

    #[test]
    fn exports_tell_world_and_version() {
        for (exports, world, interface) in [
            (["headworks:plugin/plugin@0.1.0", "headworks:plugin/transforming@0.1.0"], World::Transformer, "0.1.0"),
            (["headworks:plugin/forwarding@0.1.1", "headworks:plugin/plugin@0.1.1"], World::Forwarder, "0.1.1"),
            (["headworks:plugin/plugin@0.1.1", "headworks:plugin/validating@0.1.1"], World::Validator, "0.1.1"),
            (["headworks:plugin/hooking@0.1.2", "headworks:plugin/plugin@0.1.2"], World::EventHook, "0.1.2"),
            (["headworks:plugin/identifying@0.1.2", "headworks:plugin/plugin@0.1.2"], World::IdentityProvider, "0.1.2"),
        ] {
            assert_eq!(read_exports(&exports), Ok(Inspection { world, interface: interface.to_owned() }));
        }
        let plugin = "headworks:plugin/plugin@0.1.1";
        for (exports, part) in [
            (&["headworks:plugin/plugin", "other:plugin/plugin@0.1.0"][..], "exports no headworks:plugin/plugin"),
            (
                &["headworks:plugin/plugin@0.2.0"],
                "version 0.2.0 of the plugin interface, and this server offers 0.1.0, 0.1.1, 0.1.2",
            ),
            (&["headworks:plugin/plugin@0.1.9"], "0.1.9"),
            (&[plugin], "it exports 0"),
            (&[plugin, "headworks:plugin/transforming@0.1.1", "headworks:plugin/validating@0.1.1"], "it exports 2"),
            (&[plugin, "headworks:plugin/transforming@0.1.0"], "of one version"),
        ] {
            let error = read_exports(exports).unwrap_err();
            assert_eq!(error.code, ErrorCode::PluginRefused);
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn imports_are_refused_by_name() {
        for (name, world) in [
            ("headworks:plugin/batches@0.1.0", World::Transformer),
            ("headworks:plugin/state@0.1.1", World::Validator),
            ("wasi:clocks/wall-clock@0.2.6", World::Validator),
            ("headworks:plugin/http@0.1.0", World::Forwarder),
            ("headworks:plugin/http@0.1.2", World::EventHook),
            ("headworks:plugin/network@0.1.2", World::IdentityProvider),
        ] {
            assert_eq!(check_import(name, world), Ok(()));
        }
        for world in [World::Transformer, World::Validator] {
            let error = check_import("headworks:plugin/http@0.1.0", world).unwrap_err();
            assert!(error.message.contains(&format!("not offered to a {world}")), "{error}");
        }
        for world in [World::EventHook, World::IdentityProvider] {
            let error = check_import("headworks:plugin/sockets@0.1.2", world).unwrap_err();
            assert!(error.message.contains(&format!("not offered to a {world}")), "{error}");
        }
        let other = ["wasi:filesystem/types@0.2.0", "wasi:random/random", "env", "headworks:plugin/plugin@0.1.0"];
        for name in other.into_iter().chain(["headworks:plugin/batches@0.2.0", "headworks:plugin/log@0.1.7"]) {
            assert!(check_import(name, World::Forwarder).unwrap_err().message.contains(name));
        }
    }
}

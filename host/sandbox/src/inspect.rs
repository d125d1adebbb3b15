//! What a component says of itself, looked at before anything is compiled.

use crate::Limits;
use headworks_core::{Error, ErrorCode, Result};
use wasmparser::{Encoding, Parser, Payload};

/// What a component is, by what it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    Transformer,
    Forwarder,
}

/// Offered to forwarders only, as [`OFFERED`].
const OUTBOUND: &[(&str, &str)] = &[
    ("headworks:plugin/expressions", "0.1."),
    ("headworks:plugin/http", "0.1."),
    ("headworks:plugin/network", "0.1."),
    ("headworks:plugin/sockets", "0.1."),
];

/// Interfaces by name and the versions that are offered: all that begin so.
const OFFERED: &[(&str, &str)] = &[
    ("headworks:plugin/batches", "0.1."),
    ("headworks:plugin/log", "0.1."),
    ("wasi:clocks/wall-clock", "0.2."),
    ("wasi:clocks/monotonic-clock", "0.2."),
    ("wasi:random/random", "0.2."),
    ("wasi:random/insecure", "0.2."),
    ("wasi:random/insecure-seed", "0.2."),
];

pub(crate) fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorCode::PluginRefused, why)
}

/// Checks size, form and imports.
///
/// # Errors
/// [`ErrorCode::PluginRefused`] names what is wrong; an import by its name.
pub(crate) fn check(component: &[u8], limits: &Limits) -> Result<World> {
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
    let (mut depth, mut imports, mut world) = (0_usize, Vec::new(), World::Transformer);
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
                    if export.map_err(damaged)?.name.name.starts_with("headworks:plugin/forwarding@") {
                        world = World::Forwarder;
                    }
                }
            }
            _ => {}
        }
    }
    imports.into_iter().try_for_each(|name| check_import(name, world))?;
    Ok(world)
}

fn damaged(error: wasmparser::BinaryReaderError) -> Error {
    refused(format!("the component is damaged: {error}"))
}

fn check_import(name: &str, world: World) -> Result<()> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let outbound = if world == World::Forwarder { OUTBOUND } else { &[] };
    let all = || OFFERED.iter().chain(outbound);
    match all().find(|(offered, _)| *offered == interface) {
        Some((_, versions)) if version.starts_with(versions) => Ok(()),
        Some((_, versions)) => Err(refused(format!("the component imports {name}, and only version {versions}x is offered"))),
        None => {
            let offered: Vec<&str> = all().map(|(name, _)| *name).collect();
            Err(refused(format!("the component imports {name}, which is not offered here; offered are {}", offered.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(bytes: &[u8]) -> String {
        check(bytes, &Limits::default()).unwrap_err().message
    }

    #[test]
    fn only_components_pass() {
        assert!(check(b"\0asm\x0d\0\x01\0", &Limits::default()).is_ok());
        assert!(why(b"\0asm\x01\0\0\0").contains("core module"));
        assert!(why(b"\x7fELF\x02\x01\x01\0").contains("native code"));
        assert!(why(b"hello").contains("not a WebAssembly component"));
        assert!(why(b"").contains("not a WebAssembly component"));
        assert!(why(b"\0asm\x0d\0\x01\0\x01").contains("damaged"));
        let limits = Limits { component_bytes: 7, ..Limits::default() };
        assert!(check(b"\0asm\x0d\0\x01\0", &limits).unwrap_err().message.contains("8 bytes"));
    }

    #[test]
    fn imports_are_refused_by_name() {
        assert!(check_import("headworks:plugin/batches@0.1.0", World::Transformer).is_ok());
        assert!(check_import("wasi:clocks/wall-clock@0.2.6", World::Transformer).is_ok());
        assert!(check_import("headworks:plugin/http@0.1.0", World::Forwarder).is_ok());
        assert!(check_import("headworks:plugin/http@0.1.0", World::Transformer).is_err());
        for name in ["wasi:filesystem/types@0.2.0", "headworks:plugin/batches@0.2.0", "wasi:random/random", "env"] {
            assert!(check_import(name, World::Forwarder).unwrap_err().message.contains(name));
        }
    }
}

//! What a component says of itself, looked at before anything is compiled.

use crate::Limits;
use headworks_core::{Error, ErrorCode, Result};
use wasmparser::{Encoding, Parser, Payload};

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
pub(crate) fn check(component: &[u8], limits: &Limits) -> Result<()> {
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
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| refused(format!("the component is damaged: {error}")))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(refused("this is a core module, not a component; see the plugin guide for how to make one"));
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(|error| refused(format!("the component is damaged: {error}")))?;
                    check_import(import.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_import(name: &str) -> Result<()> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    match OFFERED.iter().find(|(offered, _)| *offered == interface) {
        Some((_, versions)) if version.starts_with(versions) => Ok(()),
        Some((_, versions)) => Err(refused(format!("the component imports {name}, and only version {versions}x is offered"))),
        None => {
            let offered: Vec<&str> = OFFERED.iter().map(|(name, _)| *name).collect();
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
        assert!(check_import("headworks:plugin/batches@0.1.0").is_ok());
        assert!(check_import("wasi:clocks/wall-clock@0.2.6").is_ok());
        for name in ["wasi:filesystem/types@0.2.0", "headworks:plugin/batches@0.2.0", "wasi:random/random", "env"] {
            assert!(check_import(name).unwrap_err().message.contains(name));
        }
    }
}

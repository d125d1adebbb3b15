//! Turns a core module that was built for WASI preview 1 into a component that imports nothing but what Headworks offers.

use anyhow::{Context, Result};
use std::fmt::Write as _;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

const WAT: &str = include_str!("adapter.wat");
const WIT: &str = include_str!("adapter.wit");
const PLUGIN_WIT: &str = include_str!("../../../wit/headworks-plugin/0.1.0/plugin.wit");

/// Functions that are refused: name, parameter types (`i` 32 bits, `I` 64 bits), error number.
const REFUSED: &[(&str, &str, u32)] = &[
    ("fd_advise", "iIIi", 8),
    ("fd_allocate", "iII", 8),
    ("fd_close", "i", 8),
    ("fd_datasync", "i", 8),
    ("fd_fdstat_get", "ii", 8),
    ("fd_fdstat_set_flags", "ii", 8),
    ("fd_fdstat_set_rights", "iII", 8),
    ("fd_filestat_get", "ii", 8),
    ("fd_filestat_set_size", "iI", 8),
    ("fd_filestat_set_times", "iIIi", 8),
    ("fd_pread", "iiiIi", 8),
    ("fd_prestat_dir_name", "iii", 8),
    ("fd_prestat_get", "ii", 8),
    ("fd_pwrite", "iiiIi", 8),
    ("fd_read", "iiii", 8),
    ("fd_readdir", "iiiIi", 8),
    ("fd_renumber", "ii", 8),
    ("fd_seek", "iIii", 8),
    ("fd_sync", "i", 8),
    ("fd_tell", "ii", 8),
    ("path_create_directory", "iii", 8),
    ("path_filestat_get", "iiiii", 8),
    ("path_filestat_set_times", "iiiiIIi", 8),
    ("path_link", "iiiiiii", 8),
    ("path_open", "iiiiiIIii", 8),
    ("path_readlink", "iiiiii", 8),
    ("path_remove_directory", "iii", 8),
    ("path_rename", "iiiiii", 8),
    ("path_symlink", "iiiii", 8),
    ("path_unlink_file", "iii", 8),
    ("poll_oneoff", "iiii", 52),
    ("proc_raise", "i", 52),
    ("sock_accept", "iii", 8),
    ("sock_recv", "iiiiii", 8),
    ("sock_send", "iiiii", 8),
    ("sock_shutdown", "ii", 8),
];

/// What the components depend on besides their own sources.
pub fn inputs() -> [&'static str; 3] {
    [WAT, WIT, PLUGIN_WIT]
}

/// The adapter as a core module with the description that `wit-component` reads.
fn adapter() -> Result<Vec<u8>> {
    let mut refused = String::new();
    for (name, parameters, error) in REFUSED {
        let types: String = parameters.chars().map(|kind| if kind == 'I' { " i64" } else { " i32" }).collect();
        writeln!(refused, "(func (export \"{name}\") (param{types}) (result i32) (i32.const {error}))")?;
    }
    let mut module = wat::parse_str(WAT.replace("{{refused}}", &refused))?;
    let mut resolve = Resolve::default();
    resolve.push_source("plugin.wit", PLUGIN_WIT)?;
    let package = resolve.push_source("adapter.wit", WIT)?;
    let world = resolve.select_world(&[package], Some("adapter"))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(module)
}

/// The component of a core module.
///
/// # Errors
/// The module is not one that `wit-bindgen` made, or it needs an interface that Headworks does not offer.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    let adapter = adapter().context("the WASI adapter does not assemble")?;
    ComponentEncoder::default()
        .module(module)?
        .adapter("wasi_snapshot_preview1", &adapter)?
        .validate(true)
        .encode()
        .context("the module cannot be made a component")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adapter_is_a_valid_module() {
        wasmparser::validate(&adapter().unwrap()).unwrap();
    }

    #[test]
    fn a_component_imports_only_what_is_offered() {
        let mut module = wat::parse_str(
            r#"(module
                (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
                (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
                (memory (export "memory") 1)
                (func (export "run")))"#,
        )
        .unwrap();
        let mut resolve = Resolve::default();
        let package = resolve.push_source("test.wit", "package test:test; world test { export run: func(); }").unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        let component = componentize(&module).unwrap();
        let mut imports = Vec::new();
        let mut depth = 0;
        for payload in wasmparser::Parser::new(0).parse_all(&component) {
            match payload.unwrap() {
                wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => depth += 1,
                wasmparser::Payload::End(_) => depth -= 1,
                wasmparser::Payload::ComponentImportSection(section) if depth == 0 => {
                    imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
                }
                _ => {}
            }
        }
        imports.sort();
        assert_eq!(
            imports,
            [
                "headworks:plugin/log@0.1.0",
                "wasi:clocks/monotonic-clock@0.2.0",
                "wasi:clocks/wall-clock@0.2.0",
                "wasi:random/random@0.2.0",
            ]
        );
    }
}

//! Components made to break the compiler, or the store they are instantiated in.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Error, ErrorCode};
use headworks_sandbox::{Limits, Sandbox};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use support::{component, dressed, sandbox_in, sandbox_with};
use wasmparser::{Parser, Payload};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

/// One function of 5 MiB.
fn one_large_function() -> String {
    let mut text = String::from("(component (core module (func (param i64) (result i64) local.get 0");
    for number in 0_u64..1_000_000 {
        write!(text, " local.get 0 i64.const {} i64.mul i64.xor", number % 60).unwrap();
    }
    text + ")))"
}

/// As many functions as the format allows.
fn very_many_functions() -> Vec<u8> {
    let count = 999_999_u32;
    let body = [&[4, 0, 0x41, 0, 0x0b][..], &[4, 0, 0x41, 1, 0x0b]];
    let mut types = leb(count);
    types.extend(std::iter::repeat_n(0, count as usize));
    let mut code = leb(count);
    (0..count as usize).for_each(|index| code.extend(body[index % 2]));
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend(section(1, &[1, 0x60, 0, 1, 0x7f]));
    module.extend(section(3, &types));
    module.extend(section(10, &code));
    in_component(&module)
}

fn deep_nesting(depth: usize) -> String {
    format!("(component (core module (func {} {})))", "block ".repeat(depth), "end ".repeat(depth))
}

/// A component in a component in a component …
fn nested_components(depth: usize) -> Vec<u8> {
    (0..depth).fold(b"\0asm\x0d\0\x01\0".to_vec(), |inner, _| {
        let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
        outer.extend(section(4, &inner));
        outer
    })
}

/// 1,000 components beside each other.
fn sibling_components() -> String {
    format!("(component {})", "(component (core module (func)))".repeat(1000))
}

/// Types that refer to each other: written out they would be 2^60 long.
fn exploding_type() -> String {
    let mut text = String::from("(component (type $t0 (tuple u8 u8))");
    (1..60).for_each(|n| write!(text, "(type $t{n} (tuple $t{0} $t{0}))", n - 1).unwrap());
    text + "(import \"headworks:plugin/log@0.1.0\" (func (param \"x\" $t59))))"
}

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    bytes.extend(leb(content.len() as u32));
    bytes.extend(content);
    bytes
}

fn in_component(module: &[u8]) -> Vec<u8> {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    component.extend(section(1, module));
    component
}

/// A good component that, when it is instantiated, also makes so many instances of this module.
fn with_instances(module: &str, count: u32) -> Vec<u8> {
    let mut bytes = component("test-columns");
    let (mut depth, mut modules) = (0, 0);
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ModuleSection { .. } if depth == 1 => modules += 1,
            _ => {}
        }
    }
    bytes.extend(section(1, &wat::parse_str(module).unwrap()));
    let mut instances = leb(count);
    for _ in 0..count {
        instances.push(0);
        instances.extend(leb(modules));
        instances.push(0);
    }
    bytes.extend(section(2, &instances));
    bytes
}

async fn refusal(sandbox: &Sandbox, bytes: &[u8]) -> Error {
    sandbox.load(bytes).await.unwrap_err()
}

#[tokio::test]
async fn compile_bombs_end_with_a_refusal_that_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { compile_cpu: Duration::from_secs(2), compile_memory: 512 << 20, ..Limits::default() };
    let sandbox = sandbox_in(folder.path().to_owned(), limits);
    for (name, bytes) in [
        ("one large function", wat::parse_str(one_large_function()).unwrap()),
        ("very many functions", very_many_functions()),
        ("deep nesting", wat::parse_str(deep_nesting(200_000)).unwrap()),
        ("nested components", nested_components(1000)),
        ("sibling components", wat::parse_str(sibling_components()).unwrap()),
        ("exploding type", wat::parse_str(exploding_type()).unwrap()),
    ] {
        let (bytes, started) = (dressed(&bytes), Instant::now());
        let error = refusal(&sandbox, &bytes).await;
        assert_eq!(error.code, ErrorCode::PluginRefused, "{name}: {error}");
        assert!(started.elapsed() < Duration::from_secs(20), "{name}: {:?}", started.elapsed());
        // What is no bomb to this compiler is refused for what it lacks.
        let compiled = error.message.contains("does not fit the plugin interface");
        assert!(!compiled || name == "deep nesting" || name.ends_with("components"), "{name}: {error}");
        // What the compiler failed on is not given to it again.
        if !compiled {
            let again = refusal(&sandbox, &bytes).await;
            assert!(again.message.contains("tried before"), "{name}: {again}");
        }
    }
    assert!(sandbox_with(Limits::default()).load(&component("test-columns")).await.is_ok());
}

#[tokio::test]
async fn what_a_component_declares_is_limited_when_it_is_instantiated() {
    let sandbox = sandbox_with(Limits::default());
    let table = "(table 20000 funcref)";
    assert!(sandbox.load(&with_instances(&format!("(module {table})"), 1)).await.is_ok(), "what is allowed works");
    for (module, count, part) in [
        (format!("(module {})", "(memory 0)".repeat(100)), 1, "memory count"),
        ("(module (memory 65536))".to_owned(), 1, "64 MiB of memory"),
        (format!("(module {})", "(memory 400)".repeat(3)), 1, "64 MiB of memory"),
        ("(module (table 20001 funcref))".to_owned(), 1, "table of more than 20000 elements"),
        ("(module (table 4294967295 funcref))".to_owned(), 1, "table of more than 20000 elements"),
        (format!("(module {})", table.repeat(17)), 1, "table count"),
        ("(module)".to_owned(), 900, "at most 4 memories, 16 tables and 64 core instances"),
        ("(module (memory 1))".to_owned(), 12, "memory count"),
    ] {
        let error = refusal(&sandbox, &with_instances(&module, count)).await;
        assert_eq!(error.code, ErrorCode::PluginLimit, "{part}: {error}");
        assert!(error.message.contains(part), "{part}: {error}");
    }
}

//! What is loaded and what is refused before it runs.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Batch, Digest, ErrorCode};
use headworks_sandbox::{Limits, World};
use std::time::Instant;
use support::{component, dressed, sandbox_in, sandbox_with};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

#[tokio::test]
async fn bad_components_are_refused_by_name() {
    let sandbox = sandbox_with(Limits::default());
    let good = component("test-columns");
    let wat = |text: &str| wat::parse_str(text).unwrap();
    for (bytes, part) in [
        (dressed_import("wasi:filesystem/types@0.2.0"), "wasi:filesystem/types@0.2.0"),
        (dressed_import("wasi:cli/environment@0.2.6"), "wasi:cli/environment@0.2.6"),
        (dressed_import("headworks:plugin/batches@9.0.0"), "headworks:plugin/batches@9.0.0"),
        (dressed_import("headworks:plugin/http@0.1.1"), "not offered to a transformer"),
        (wat("(module)"), "core module"),
        (wat("(component)"), "does not fit the plugin interface"),
        (dressed(&wat("(component)")), "does not fit the plugin interface"),
        (exporting("9.0.0"), "version 9.0.0 of the plugin interface, and this server offers 0.1.0, 0.1.1"),
        (dressed(&wat("(component (core module (memory i64 1)))")), "memory64"),
        (dressed(&wat("(component (core module (memory 1 1 shared)))")), "shared"),
        (dressed(&wat("(component (core module (func (result (ref null struct)) unreachable)))")), "gc"),
        (dressed(&wat("(component (core module (tag)))")), "exceptions"),
        (dressed(&wat("(component (core module (func $f (return_call $f))))")), "tail calls"),
        (std::fs::read(std::env::current_exe().unwrap()).unwrap()[..4096].to_vec(), "native code"),
        (good[..good.len() / 2].to_vec(), "damaged"),
        (Vec::new(), "not a WebAssembly component"),
        (vec![0; 33 << 20], "at most 33554432 are allowed"),
    ] {
        let error = sandbox.load(&bytes).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::PluginRefused, "{part}: {error}");
        assert!(error.message.contains(part), "{part}: {error}");
    }
}

/// Looks like a transformer that imports something of this name.
fn dressed_import(name: &str) -> Vec<u8> {
    let content = [&[1, 0, name.len() as u8][..], name.as_bytes(), &[1, 0]].concat();
    let mut bytes = wat::parse_str("(component (type (func)))").unwrap();
    bytes.extend([10, content.len() as u8]);
    bytes.extend(content);
    dressed(&bytes)
}

fn exporting(version: &str) -> Vec<u8> {
    let exports = format!("(instance $i) (export \"headworks:plugin/plugin@{version}\" (instance $i))");
    wat::parse_str(format!("(component {exports})")).unwrap()
}

#[tokio::test]
async fn a_component_is_known_before_it_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox_in(folder.path().to_owned(), Limits::default());
    for (name, world, interface) in [
        ("test-columns", World::Transformer, "0.1.0"),
        ("vrl", World::Transformer, "0.1.0"),
        ("forwarder-http", World::Forwarder, "0.1.0"),
        ("test-platform", World::Transformer, "0.1.1"),
        ("test-judge", World::Validator, "0.1.1"),
    ] {
        let inspection = sandbox.inspect(&component(name)).unwrap();
        assert_eq!((inspection.world, inspection.interface.as_str()), (world, interface), "{name}");
    }
    let compiled = std::fs::read_dir(folder.path()).unwrap().filter(|file| file.as_ref().unwrap().file_name() != "key");
    assert_eq!(compiled.count(), 0, "inspecting compiles nothing");
    let judge = sandbox.load(&component("test-judge")).await.unwrap();
    assert_eq!((judge.world(), judge.interface()), (World::Validator, "0.1.1"));
    for error in [judge.open_transformer("").await.unwrap_err(), judge.open_forwarder("").await.unwrap_err()] {
        assert_eq!(error.code, ErrorCode::PluginRefused);
        assert!(error.message.starts_with("this plugin is no "), "{error}");
    }
}

#[tokio::test]
async fn flipped_bits_never_do_harm() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox_in(folder.path().to_owned(), Limits::default());
    let good = component("test-judge");
    let mut refused = 0;
    for flip in 0..500_usize {
        let mut bad = good.clone();
        let place = flip * 7919 % (bad.len() * 8);
        bad[place / 8] ^= 1 << (place % 8);
        // A flip in a name or a constant makes another, good component.
        refused += usize::from(sandbox.load(&bad).await.is_err());
    }
    assert!(refused > 0);
    assert!(sandbox.load(&good).await.is_ok());
}

#[tokio::test]
async fn declared_memory_and_tables_are_limited() {
    // A component with the right exports is not needed: what it declares is refused when it is compiled or instantiated.
    let hungry = Limits { memory: 1 << 16, ..Limits::default() };
    let error = sandbox_with(hungry).load(&component("test-columns")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginLimit, "{error}");
    let few = Limits { table_elements: 1, ..Limits::default() };
    let error = sandbox_with(few).load(&component("test-columns")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginLimit, "{error}");
}

#[tokio::test]
async fn compiled_code_is_kept_and_only_ours_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = component("test-columns");
    let load = async || {
        let sandbox = sandbox_in(folder.path().to_owned(), Limits::default());
        let started = Instant::now();
        let plugin = sandbox.load(&bytes).await.unwrap();
        assert_eq!(plugin.digest(), Digest::of(&bytes));
        let transformer = plugin.open_transformer("edit").await.unwrap();
        transformer.transform(Batch::default()).await.unwrap();
        started.elapsed()
    };
    load().await;
    let files = || -> Vec<_> {
        let all = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().is_some_and(|kind| kind == "cwasm")).collect()
    };
    let [file] = &files()[..] else { panic!("{:?}", files()) };
    let kept = std::fs::read(file).unwrap();
    load().await;
    assert_eq!(std::fs::read(file).unwrap(), kept, "the second load compiled again");

    let mut damaged = kept.clone();
    damaged[kept.len() / 2] ^= 1;
    std::fs::write(file, &damaged).unwrap();
    load().await;
    assert_eq!(std::fs::read(file).unwrap(), kept, "the damaged file was not replaced");
}

#[tokio::test]
async fn compiled_code_from_outside_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox_in(folder.path().to_owned(), Limits::default());
    sandbox.load(&component("test-columns")).await.unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "cwasm")).unwrap();
    let compiled = std::fs::read(file).unwrap();
    let error = sandbox.load(&compiled).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginRefused, "{error}");
    assert!(error.message.contains("native code"), "{error}");
}

//! What is loaded and what is refused before it runs.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Batch, Digest, ErrorCode};
use headworks_sandbox::Limits;
use std::time::Instant;
use support::{component, sandbox_in, sandbox_with};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

#[tokio::test]
async fn bad_components_are_refused_by_name() {
    let sandbox = sandbox_with(Limits::default());
    let good = component("test-columns");
    for (bytes, part) in [
        (
            wat::parse_str("(component (import \"wasi:filesystem/types@0.2.0\" (instance)))").unwrap(),
            "wasi:filesystem/types@0.2.0",
        ),
        (wat::parse_str("(component (import \"wasi:cli/environment@0.2.6\" (instance)))").unwrap(), "wasi:cli/environment@0.2.6"),
        (
            wat::parse_str("(component (import \"headworks:plugin/batches@9.0.0\" (instance)))").unwrap(),
            "headworks:plugin/batches@9.0.0",
        ),
        (wat::parse_str("(module)").unwrap(), "core module"),
        (wat::parse_str("(component)").unwrap(), "does not fit the plugin interface"),
        (wat::parse_str("(component (core module (memory i64 1)))").unwrap(), "memory64"),
        (wat::parse_str("(component (core module (memory 1 1 shared)))").unwrap(), "shared"),
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

#[tokio::test]
async fn flipped_bits_never_do_harm() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox_in(folder.path().to_owned(), Limits::default());
    let good = component("test-columns");
    let mut refused = 0;
    for flip in 0..40_usize {
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

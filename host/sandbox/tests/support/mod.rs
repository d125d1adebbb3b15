//! What the tests of this crate share: built components, a sandbox, batches.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, used in parts"
)]

use headworks_core::{Batch, BatchBuilder, Timestamp, Value};
use headworks_sandbox::{CompilerCommand, Limits, Plugin, Sandbox, SandboxOptions, Template, Templates};
use std::path::PathBuf;
use std::sync::LazyLock;

/// A component that `make components` built.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("HEADWORKS_COMPONENTS").map_or_else(
        || {
            // target/release/deps/<this test>
            let program = std::env::current_exe().expect("a test knows its program");
            program.ancestors().nth(3).expect("tests lie in the target folder").join("components")
        },
        PathBuf::from,
    );
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make components` first", path.display()))
}

/// A component with exports like those of a transformer, empty as they are: it passes inspection, so that what is wrong with
/// the rest of it is met later. It must not have instances of its own.
pub fn dressed(component: &[u8]) -> Vec<u8> {
    let mut dressed = component.to_vec();
    // One instance, made of no exports.
    dressed.extend([5, 3, 1, 1, 0]);
    for name in ["headworks:plugin/plugin@0.1.1", "headworks:plugin/transforming@0.1.1"] {
        let content = [&[1, 0, name.len() as u8][..], name.as_bytes(), &[5, 0, 0]].concat();
        dressed.extend([11, content.len() as u8]);
        dressed.extend(content);
    }
    dressed
}

/// This test program, called again for [`compile_child`]. The shell takes what the test harness prints out of the way.
fn compiler() -> CompilerCommand {
    let script = "exec \"$0\" compile_child --exact --ignored --nocapture 3>&1 >/dev/null";
    let program = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    CompilerCommand { program: "/bin/sh".into(), arguments: vec!["-c".to_owned(), script.to_owned(), program] }
}

/// What the child does; every test file has a test of this name that calls it.
pub fn compile_child() {
    let mut component = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut component).unwrap();
    match headworks_sandbox::compile_in_this_process(&component) {
        Ok(compiled) => std::fs::write("/proc/self/fd/3", compiled).unwrap(),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

/// A sandbox whose cache is kept next to the components, so that each is compiled once.
pub fn sandbox_with(limits: Limits) -> Sandbox {
    static USUAL: LazyLock<Sandbox> = LazyLock::new(|| sandbox_in(kept_cache(), Limits::default()));
    if limits == Limits::default() { USUAL.clone() } else { sandbox_in(kept_cache(), limits) }
}

fn kept_cache() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().join("test-cache")
}

/// Templates whose text is always the one they were made of.
struct Fixed;

impl Templates for Fixed {
    fn compile(&self, text: &str) -> Result<Box<dyn Template>, String> {
        struct Text(String);
        impl Template for Text {
            fn texts(&self, batch: &Batch) -> Vec<Result<String, String>> {
                vec![Ok(self.0.clone()); batch.len()]
            }
        }
        Ok(Box::new(Text(text.to_owned())))
    }
}

pub fn sandbox_in(cache_dir: PathBuf, limits: Limits) -> Sandbox {
    let templates = std::sync::Arc::new(Fixed);
    Sandbox::new(SandboxOptions { limits, cache_dir, compiler: compiler(), network: None, templates }).unwrap()
}

pub async fn plugin(name: &str, limits: Limits) -> Plugin {
    sandbox_with(limits).load(&component(name)).await.unwrap()
}

/// A batch of text records; record `i` was received `i` seconds after 1970.
pub fn batch(records: &[&[(&str, &str)]]) -> Batch {
    let mut builder = BatchBuilder::default();
    for (index, record) in records.iter().enumerate() {
        for (name, text) in *record {
            builder.field(name, Value::Text(text));
        }
        builder.end_record(Timestamp::from_millis(index as i64 * 1000));
    }
    builder.finish().unwrap()
}

/// The records as sorted pairs of texts.
pub fn texts(batch: &Batch) -> Vec<Vec<(String, String)>> {
    let pair = |(name, value): (&str, Value<'_>)| (name.to_owned(), value.to_text().into_owned());
    batch.records().map(|record| record.sorted().into_iter().map(pair).collect()).collect()
}

/// The same for what is expected.
pub fn expected(records: &[&[(&str, &str)]]) -> Vec<Vec<(String, String)>> {
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    records.iter().map(|record| record.iter().map(pair).collect()).collect()
}

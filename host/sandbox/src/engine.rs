//! The one place that configures wasmtime. Whatever changes here changes the engine's fingerprint, and with it what the
//! cache holds.

use crate::Limits;
use headworks_core::{Error, Result};
use std::hash::{DefaultHasher, Hash, Hasher};
use wasmtime::{Config, Engine};

/// Room for the host's own frames on the stack of a call, in bytes.
const HOST_STACK: usize = 1 << 20;

/// An engine with everything off that transformers do not need.
pub(crate) fn new(limits: &Limits) -> Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack + HOST_STACK)
        .concurrency_support(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false);
    Engine::new(&config).map_err(|error| Error::internal(format!("the WebAssembly engine cannot be set up: {error:#}")))
}

/// Differs between engines that do not understand each other's compiled code.
pub(crate) fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Advances the engine's clock every [`Limits::TICK`] for as long as the engine lives.
pub(crate) fn start_clock(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(Limits::TICK);
        }
    };
    std::thread::Builder::new().name("wasm-clock".to_owned()).spawn(tick)?;
    Ok(())
}

//! The interfaces of `wit/` in Rust, made by wasmtime.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::indexing_slicing, reason = "generated code")]

wasmtime::component::bindgen!({
    path: ["../../wit/headworks-plugin/0.1.0", "wit"],
    world: "headworks:sandbox/offered",
    imports: { default: trappable },
    exports: { default: async },
    with: { "headworks:plugin/batches.batch": crate::host::Records },
});

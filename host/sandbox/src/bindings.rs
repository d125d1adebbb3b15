//! The interfaces of `wit/` in Rust, made by wasmtime.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::indexing_slicing, reason = "generated code")]

pub(crate) mod forwarder {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.0", "wit"],
        world: "headworks:sandbox/offered-forwarder",
        imports: {
            "headworks:plugin/expressions.[static]template.compile": async | trappable,
            "headworks:plugin/http.send": async | trappable,
            "headworks:plugin/sockets.[static]connection.open": async | trappable,
            "headworks:plugin/sockets.[method]connection.read": async | trappable,
            "headworks:plugin/sockets.[method]connection.write": async | trappable,
            "headworks:plugin/sockets.[drop]connection": async | trappable,
            "headworks:plugin/sockets.send-datagram": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "headworks:plugin/batches.batch": crate::host::Records,
            "headworks:plugin/expressions.template": crate::host::Compiled,
            "headworks:plugin/sockets.connection": crate::host::Link,
        },
    });
}

/// The transformer's world; what both worlds import is the forwarder's.
pub(crate) mod transformer {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.0", "wit"],
        world: "headworks:sandbox/offered",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "headworks:plugin/batches": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/log": super::forwarder::headworks::plugin::log,
            "wasi:clocks/wall-clock": super::forwarder::wasi::clocks::wall_clock,
            "wasi:clocks/monotonic-clock": super::forwarder::wasi::clocks::monotonic_clock,
            "wasi:random/random": super::forwarder::wasi::random::random,
            "wasi:random/insecure": super::forwarder::wasi::random::insecure,
            "wasi:random/insecure-seed": super::forwarder::wasi::random::insecure_seed,
        },
    });
}

pub(crate) use forwarder::{headworks, wasi};

//! The interfaces of `wit/` in Rust, made by wasmtime.
//!
//! One version is bound, the latest; wasmtime finds its functions for components of every version it is compatible with.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::indexing_slicing, reason = "generated code")]

/// The forwarder's world, which has everything that the others import.
pub(crate) mod forwarder {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.2", "wit"],
        world: "headworks:sandbox/offered-forwarder",
        imports: {
            "headworks:plugin/expressions.[static]template.compile": async | trappable,
            "headworks:plugin/http.send": async | trappable,
            "headworks:plugin/sockets.[static]connection.open": async | trappable,
            "headworks:plugin/sockets.[method]connection.read": async | trappable,
            "headworks:plugin/sockets.[method]connection.write": async | trappable,
            "headworks:plugin/sockets.[drop]connection": async | trappable,
            "headworks:plugin/sockets.send-datagram": async | trappable,
            "headworks:plugin/state.get": async | trappable,
            "headworks:plugin/state.set": async | trappable,
            "headworks:plugin/state.replace": async | trappable,
            "headworks:plugin/state.keys": async | trappable,
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

pub(crate) mod transformer {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.2", "wit"],
        world: "headworks:sandbox/offered-transformer",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "headworks:plugin/batches": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/log": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/random": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state": super::forwarder::headworks::plugin::state,
            "wasi:clocks/wall-clock": super::forwarder::wasi::clocks::wall_clock,
            "wasi:clocks/monotonic-clock": super::forwarder::wasi::clocks::monotonic_clock,
            "wasi:random/random": super::forwarder::wasi::random::random,
            "wasi:random/insecure": super::forwarder::wasi::random::insecure,
            "wasi:random/insecure-seed": super::forwarder::wasi::random::insecure_seed,
        },
    });
}

pub(crate) mod validator {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.2", "wit"],
        world: "headworks:sandbox/offered-validator",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "headworks:plugin/batches": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/log": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/random": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state": super::forwarder::headworks::plugin::state,
            "wasi:clocks/wall-clock": super::forwarder::wasi::clocks::wall_clock,
            "wasi:clocks/monotonic-clock": super::forwarder::wasi::clocks::monotonic_clock,
            "wasi:random/random": super::forwarder::wasi::random::random,
            "wasi:random/insecure": super::forwarder::wasi::random::insecure,
            "wasi:random/insecure-seed": super::forwarder::wasi::random::insecure_seed,
        },
    });
}

pub(crate) mod event_hook {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.2", "wit"],
        world: "headworks:sandbox/offered-event-hook",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "headworks:plugin/batches": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/http": super::forwarder::headworks::plugin::http,
            "headworks:plugin/log": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/network": super::forwarder::headworks::plugin::network,
            "headworks:plugin/random": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state": super::forwarder::headworks::plugin::state,
            "wasi:clocks/wall-clock": super::forwarder::wasi::clocks::wall_clock,
            "wasi:clocks/monotonic-clock": super::forwarder::wasi::clocks::monotonic_clock,
            "wasi:random/random": super::forwarder::wasi::random::random,
            "wasi:random/insecure": super::forwarder::wasi::random::insecure,
            "wasi:random/insecure-seed": super::forwarder::wasi::random::insecure_seed,
        },
    });
}

pub(crate) mod identity_provider {
    wasmtime::component::bindgen!({
        path: ["../../wit/headworks-plugin/0.1.2", "wit"],
        world: "headworks:sandbox/offered-identity-provider",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "headworks:plugin/batches": super::forwarder::headworks::plugin::batches,
            "headworks:plugin/clock": super::forwarder::headworks::plugin::clock,
            "headworks:plugin/http": super::forwarder::headworks::plugin::http,
            "headworks:plugin/log": super::forwarder::headworks::plugin::log,
            "headworks:plugin/metrics": super::forwarder::headworks::plugin::metrics,
            "headworks:plugin/network": super::forwarder::headworks::plugin::network,
            "headworks:plugin/random": super::forwarder::headworks::plugin::random,
            "headworks:plugin/secrets": super::forwarder::headworks::plugin::secrets,
            "headworks:plugin/state": super::forwarder::headworks::plugin::state,
            "wasi:clocks/wall-clock": super::forwarder::wasi::clocks::wall_clock,
            "wasi:clocks/monotonic-clock": super::forwarder::wasi::clocks::monotonic_clock,
            "wasi:random/random": super::forwarder::wasi::random::random,
            "wasi:random/insecure": super::forwarder::wasi::random::insecure,
            "wasi:random/insecure-seed": super::forwarder::wasi::random::insecure_seed,
        },
    });
}

pub(crate) use forwarder::{headworks, wasi};

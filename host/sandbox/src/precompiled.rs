//! Loading compiled code: the only unsafe code of the host.

#![allow(unsafe_code, reason = "wasmtime cannot check compiled code, so loading it is unsafe")]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that this data folder's key vouches for, or that the compiler's child process just wrote.
pub(crate) struct Trusted(Vec<u8>);

impl Trusted {
    /// The caller answers for it that [`Engine::precompile_component`] of this program made these bytes, and nobody has
    /// changed them since.
    pub(crate) fn vouch(compiled: Vec<u8>) -> Self {
        Self(compiled)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Fails when the code was made by an engine of another version or configuration.
    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: a `Trusted` holds nothing but the unchanged output of `precompile_component`; see `vouch`.
        unsafe { Component::deserialize(engine, &self.0) }
    }
}

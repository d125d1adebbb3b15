//! Loading compiled code: the only unsafe code of the host.

#![allow(unsafe_code, reason = "wasmtime cannot check compiled code, so loading it is unsafe")]

use std::fs::File;
use std::os::fd::AsRawFd;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that this data folder's key vouches for, or that the compiler's child process just wrote.
pub(crate) enum Trusted {
    /// In memory.
    Bytes(Vec<u8>),
    /// On the disk, where only the pages that run come into memory.
    File(File),
}

impl Trusted {
    /// The caller answers for it that [`Engine::precompile_component`] of this program made these bytes, and nobody has
    /// changed them since.
    pub(crate) fn vouch(compiled: Vec<u8>) -> Self {
        Self::Bytes(compiled)
    }

    /// As [`vouch`](Self::vouch) for the content of a file that nobody but this program may change.
    pub(crate) fn vouch_file(compiled: File) -> Self {
        Self::File(compiled)
    }

    /// Fails when the code was made by an engine of another version or configuration.
    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        match self {
            // SAFETY: a `Trusted` holds nothing but the unchanged output of `precompile_component`; see `vouch`.
            Self::Bytes(compiled) => unsafe { Component::deserialize(engine, compiled) },
            // SAFETY: as above; the path leads to the very file that was vouched for, whatever its name means by now.
            Self::File(file) => unsafe { Component::deserialize_file(engine, format!("/proc/self/fd/{}", file.as_raw_fd())) },
        }
    }
}

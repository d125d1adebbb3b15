//! Calls that went wrong.

use headworks_core::{Digest, Error, ErrorCode};
use wasmtime::{FrameInfo, Trap, WasmBacktrace};

/// Why a call of a component gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CallFailure {
    /// What the caller is told.
    pub error: Error,
    /// The trap in wasmtime's words.
    pub trap: Option<Box<str>>,
    /// The wasm frames at the time of the trap, innermost first.
    pub backtrace: Option<Box<str>>,
    /// The component that was called.
    pub digest: Digest,
}

impl CallFailure {
    /// Whether the sandbox ended the call or refused it, so that its input belongs to the dead letters. False for an error
    /// that the component itself answered, and when its tenant may not call it now, so that the caller may try again.
    pub fn is_sandbox(&self) -> bool {
        !matches!(self.error.code, ErrorCode::Failed | ErrorCode::Exhausted)
    }

    pub(crate) fn of(error: Error, digest: Digest) -> Self {
        Self { error, trap: None, backtrace: None, digest }
    }

    /// Reads a failure of wasmtime: an error that a host function or the clock gave, or a trap.
    pub(crate) fn read(error: &wasmtime::Error, refused: Option<Error>, digest: Digest) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(|backtrace| frames(backtrace).into());
        let trap = error.downcast_ref::<Trap>().map(|trap| trap.to_string().into());
        let own = error.downcast_ref::<Error>().cloned();
        let told = own.or(refused).unwrap_or_else(|| match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => {
                Error::new(ErrorCode::PluginLimit, "the plugin used up its stack: it recurses too deeply")
            }
            Some(trap) => Error::new(ErrorCode::PluginTrap, format!("the plugin trapped: {trap}")),
            // What crossed could not be read: a length past the memory, text that is not UTF-8, a handle that is none.
            None => Error::new(ErrorCode::PluginOutput, format!("the plugin broke its interface: {}", error.root_cause())),
        });
        Self { error: told, trap, backtrace, digest }
    }
}

/// One frame a line: number, module and function.
fn frames(backtrace: &WasmBacktrace) -> String {
    let frame = |(index, frame): (usize, &FrameInfo)| {
        let module = frame.module().name().unwrap_or("?");
        match frame.func_name() {
            Some(name) => format!("{index}: {module}!{:#}", rustc_demangle::demangle(name)),
            None => format!("{index}: {module}!function {}", frame.func_index()),
        }
    };
    backtrace.frames().iter().enumerate().map(frame).collect::<Vec<_>>().join("\n")
}

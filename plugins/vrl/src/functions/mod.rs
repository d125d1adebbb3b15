//! The functions that a script may call: VRL's standard library, with what cannot run in a guest refused when the script
//! is compiled, and what VRL leaves out of WebAssembly given back.

mod grok;
mod log;
mod refused;

pub use log::{Level, Logger};

use vrl::compiler::Function;

/// All functions.
pub(crate) fn all(logger: Logger) -> Vec<Box<dyn Function>> {
    let mut functions = vrl::stdlib::all();
    let mut replace = |own: Box<dyn Function>| {
        functions.retain(|known| known.identifier() != own.identifier());
        functions.push(own);
    };
    for refused in refused::ALL {
        replace(Box::new(*refused));
    }
    replace(Box::new(log::Log(logger)));
    replace(Box::new(grok::ParseGrok));
    replace(Box::new(grok::ParseGroks));
    functions
}

//! A compiled script, and running it over batches.

use crate::flat::Flat;
use crate::functions::{self, Logger};
use crate::report;
use crate::target::Record;
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context, ExpressionError, Program, TimeZone};

/// A script that compiled, with the memory it works in.
pub struct Script {
    source: String,
    program: Program,
    record: Record,
    state: RuntimeState,
}

impl Script {
    /// Compiles a script. What it logs goes to `logger`.
    ///
    /// # Errors
    /// The report for its author.
    pub fn compile(source: &str, logger: Logger) -> Result<Self, String> {
        match vrl::compiler::compile(source, &functions::all(logger)) {
            Ok(compiled) => {
                Ok(Self { source: source.to_owned(), program: compiled.program, record: Record::new(), state: RuntimeState::default() })
            }
            Err(diagnostics) => Err(report::compile(source, diagnostics)),
        }
    }

    /// Runs the script over every record. `reject` is told the index and the reason of those that fail; they make no record.
    pub fn run(&mut self, batch: Flat, mut reject: impl FnMut(u32, String)) -> Flat {
        let Self { source, program, record, state } = self;
        record.begin(batch);
        // The sandbox has no time zone of its own.
        let zone = TimeZone::Named(chrono_tz::UTC);
        for index in 0..record.len() {
            record.open(index);
            state.clear();
            match program.resolve(&mut Context::new(record, state, &zone)) {
                Ok(_) | Err(ExpressionError::Return { .. }) => record.write(index as u32),
                Err(error) => reject(index as u32, report::run(source, error)),
            }
        }
        record.close();
        record.output.take()
    }

    /// Gives the memory of an answer of [`run`](Self::run) back for the next one.
    pub fn reuse(&mut self, flat: Flat) {
        self.record.output.reuse(flat);
    }
}

#[cfg(test)]
mod tests;

//! Conditions of switches and filters (FlowG 9): text to something that decides about whole batches.
//!
//! Owns the decision between the two languages and between the two ways to run. What must stay true: an expression that
//! compiles upstream means the same here; neither its length nor its nesting nor a record can exhaust the stack.

mod builtins;
mod direct;
mod general;
mod lex;
mod parse;
mod re2;
mod small;
mod template;
mod tree;
mod types;
mod write;

pub use template::Expressions;

use headworks_core::{Batch, Error, ErrorCode, Result};
use tree::Parsed;

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    fields: Vec<String>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Direct(direct::Test),
    General(general::Program),
}

/// What a condition says about the records of a batch.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Per record whether it holds; false where it failed.
    pub mask: Vec<bool>,
    /// Records on which it failed, ascending, with the cause.
    pub failures: Vec<(u32, Error)>,
}

impl Condition {
    /// Compiles a condition. An empty or blank text is no condition: that is for the caller to see (FlowG 9.4).
    ///
    /// # Errors
    /// [`ErrorCode::InvalidExpression`], `failed to compile expression: …`.
    pub fn compile(text: &str) -> Result<Self> {
        let failed = |cause: String| Error::new(ErrorCode::InvalidExpression, format!("failed to compile expression: {cause}"));
        if text.len() > lex::MAX_LENGTH {
            return Err(failed(format!("it is longer than {} bytes", lex::MAX_LENGTH)));
        }
        let small = small::parse(text);
        if let Some(small) = small.as_ref().filter(|small| small.quoted_field) {
            return Self::plan(&small.parsed).map_err(failed);
        }
        let expr = parse::parse(text, parse::Names::Fields).and_then(|parsed| {
            types::check(&parsed.expr)?;
            Self::plan(&parsed)
        });
        match (expr, small) {
            (Ok(condition), _) => Ok(condition),
            (Err(_), Some(small)) => Self::plan(&small.parsed).map_err(failed),
            (Err(cause), None) => Err(failed(cause)),
        }
    }

    /// Compiles a condition unless the text is empty or blank, which means every record.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_optional(text: &str) -> Result<Option<Self>> {
        if text.trim().is_empty() { Ok(None) } else { Self::compile(text).map(Some) }
    }

    fn plan(parsed: &Parsed) -> std::result::Result<Self, String> {
        let way = match direct::plan(&parsed.expr) {
            Some(test) => Way::Direct(test),
            None => Way::General(general::plan(&parsed.expr)?),
        };
        Ok(Self { fields: parsed.fields.clone(), way })
    }

    /// Evaluates every record.
    pub fn evaluate(&self, batch: &Batch) -> Verdicts {
        let mut verdicts = Verdicts { mask: Vec::with_capacity(batch.len()), failures: Vec::new() };
        let told = |verdict: std::result::Result<bool, String>| match verdict {
            Ok(holds) => verdicts.mask.push(holds),
            Err(cause) => {
                verdicts.failures.push((verdicts.mask.len() as u32, Error::new(ErrorCode::Failed, cause)));
                verdicts.mask.push(false);
            }
        };
        match &self.way {
            Way::Direct(test) => test.run(batch, &self.fields, told),
            Way::General(program) => batch.records().map(|record| program.holds(record, &self.fields)).for_each(told),
        }
        verdicts
    }
}

#[cfg(test)]
mod tests;

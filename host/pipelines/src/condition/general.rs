//! Every condition that is not [`direct`](super::direct), by expr-lang.

use super::builtins::ENVIRONMENT;
use super::tree::Expr;
use super::write::write;
use chrono::{DateTime, FixedOffset};
use expr::{Context, ContextProvider, DateTimeValue, Value};
use headworks_core::batch::Record;
use std::cell::Cell;

/// What evaluating one record may cost, roughly in bytes: this, and so much per byte of the record.
const BUDGET: u64 = 16 << 20;
const BUDGET_PER_BYTE: u64 = 256;

/// What is said when that does not suffice.
pub(super) const OVER_BUDGET: &str = "the condition takes too much memory or time on this record";

pub(super) struct Program {
    program: expr::Program,
    literals: Vec<Value>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("literals", &self.literals).finish_non_exhaustive()
    }
}

/// Compiles a condition for the engine.
pub(super) fn plan(expr: &Expr) -> Result<Program, String> {
    let (text, literals) = write(expr)?;
    let program = expr::compile(&text).map_err(|error| error.to_string())?;
    Ok(Program { program, literals })
}

impl Program {
    /// Whether the condition holds for one record.
    pub(super) fn holds(&self, record: Record<'_>, fields: &[String]) -> Result<bool, String> {
        match self.value(record, fields)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(format!("the condition answered {other} instead of true or false")),
        }
    }

    /// Evaluates one record.
    pub(super) fn value(&self, record: Record<'_>, fields: &[String]) -> Result<Value, String> {
        let value = |name: &String| record.get(name).map(|value| Value::String(value.to_text().into_owned()));
        let present: Vec<Option<Value>> = fields.iter().map(value).collect();
        let bytes: usize = record.cells().map(|(.., bytes)| bytes.len()).sum();
        let budget = Cell::new(Some(BUDGET + BUDGET_PER_BYTE * bytes as u64));
        let time = Value::DateTime(DateTimeValue::fixed(moment(record)));
        let variables = Variables { record, literals: &self.literals, present: &present, time, budget };
        let answer = ENVIRONMENT.run(&self.program, &variables);
        match answer {
            _ if variables.budget.get().is_none() => Err(OVER_BUDGET.to_owned()),
            answer => answer.map_err(|error| error.to_string()),
        }
    }
}

fn moment(record: Record<'_>) -> DateTime<FixedOffset> {
    let time = record.time();
    DateTime::from_timestamp(time.seconds(), time.subsec_nanos()).unwrap_or_default().fixed_offset()
}

/// `f1` is a field, `h1` whether it is there, `s1` a literal, `t` its time, `$env` the whole record.
struct Variables<'a> {
    record: Record<'a>,
    literals: &'a [Value],
    present: &'a [Option<Value>],
    time: Value,
    /// What is left; `None` when it did not suffice.
    budget: Cell<Option<u64>>,
}

pub(super) static ABSENT: Value = Value::String(String::new());
static YES: Value = Value::Bool(true);
static NO: Value = Value::Bool(false);

/// Takes a price out of the budget of whatever record this context is about. False when it does not suffice.
///
/// Functions know no more of their caller than that it has variables, so the price is asked for as one.
pub(super) fn pay(context: &dyn ContextProvider, price: u64) -> bool {
    context.get(&format!("p{price}")) == Some(&YES)
}

impl Variables<'_> {
    fn pay(&self, price: u64) -> bool {
        let left = self.budget.get().and_then(|left| left.checked_sub(price));
        self.budget.set(left);
        left.is_some()
    }

    /// A value is copied when it is read.
    fn read<'v>(&'v self, value: &'v Value) -> &'v Value {
        let size = if let Value::String(text) = value { text.len() as u64 } else { 0 };
        if self.pay(size + 16) { value } else { &ABSENT }
    }
}

impl ContextProvider for Variables<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        if key == "t" {
            return Some(&self.time);
        }
        let (kind, number) = (key.as_bytes().first()?, key.get(1..)?);
        let place = || number.parse::<usize>().ok();
        match kind {
            b'f' => Some(self.read(self.present.get(place()?)?.as_ref().unwrap_or(&ABSENT))),
            b'h' => Some(if self.present.get(place()?)?.is_some() { &YES } else { &NO }),
            b's' => Some(self.read(self.literals.get(place()?)?)),
            b'p' => Some(if self.pay(number.parse().ok()?) { &YES } else { &NO }),
            _ => None,
        }
    }

    fn to_context(&self) -> Context {
        let price: usize = self.record.cells().map(|(.., bytes)| bytes.len() + 64).sum();
        if !self.pay(price as u64) {
            return Context::default();
        }
        self.record.fields().map(|(name, value)| (name, value.to_text().into_owned())).collect()
    }
}

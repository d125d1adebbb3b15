//! `log`: a message to the operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use vrl::compiler::function::{ArgumentList, FunctionCompileContext};
use vrl::compiler::prelude::*;
use vrl::compiler::state::TypeState;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens.
    Info,
    /// What may need somebody.
    Warn,
    /// What needs somebody.
    Error,
}

/// Takes what scripts log.
pub type Logger = fn(Level, &str);

const LEVELS: [(&str, Level); 5] =
    [("trace", Level::Trace), ("debug", Level::Debug), ("info", Level::Info), ("warn", Level::Warn), ("error", Level::Error)];

const PARAMETERS: &[Parameter] = &[
    Parameter::required("value", kind::ANY, "The value to log."),
    Parameter::optional("level", kind::BYTES, "trace, debug, info, warn or error."),
    Parameter::optional("rate_limit_secs", kind::INTEGER, "At most one message in so many seconds; 0 for every one."),
];

#[derive(Clone, Copy, Debug)]
pub(super) struct Log(pub(super) Logger);

impl Function for Log {
    fn identifier(&self) -> &'static str {
        "log"
    }

    fn usage(&self) -> &'static str {
        "Sends a value to the log of the server."
    }

    fn category(&self) -> &'static str {
        Category::Debug.as_ref()
    }

    fn return_kind(&self) -> u16 {
        kind::NULL
    }

    fn pure(&self) -> bool {
        false
    }

    fn parameters(&self) -> &'static [Parameter] {
        PARAMETERS
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, _: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let levels: Vec<Value> = LEVELS.iter().map(|(name, _)| (*name).into()).collect();
        let name = arguments.optional_enum("level", &levels, state)?;
        let found = LEVELS.iter().find(|(known, _)| name.as_ref().is_some_and(|name| *name == Value::from(*known)));
        let level = found.map_or(Level::Info, |(_, level)| *level);
        let (value, pause) = (arguments.required("value"), arguments.optional("rate_limit_secs"));
        Ok(LogCall { logger: self.0, level, value, pause, latest: Arc::default() }.as_expr())
    }
}

#[derive(Clone, Debug)]
struct LogCall {
    logger: Logger,
    level: Level,
    value: Box<dyn Expression>,
    pause: Option<Box<dyn Expression>>,
    /// Seconds since 1970 of the latest message from this place of the script.
    latest: Arc<AtomicU64>,
}

impl FunctionExpression for LogCall {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let value = self.value.resolve(context)?;
        let pause = self.pause.as_ref().map_or(Ok(Value::Integer(1)), |pause| pause.resolve(context))?.try_integer()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if pause <= 0 || now >= self.latest.load(Ordering::Relaxed).saturating_add(pause.unsigned_abs()) {
            self.latest.store(now, Ordering::Relaxed);
            (self.logger)(self.level, &value.to_string_lossy());
        }
        Ok(Value::Null)
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        TypeDef::null().infallible().impure()
    }
}

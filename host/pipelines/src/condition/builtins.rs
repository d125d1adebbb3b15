//! The functions a condition may call: those of the engine, each call paid for out of a budget per record, and a few of ours
//! that the writer puts in the place of operators.
//!
//! What must stay true: whatever grows by computing, in size or in depth, is paid for before it is made, so that no expression
//! can exhaust memory or time. Reading fields and literals is paid for by [`general`](super::general).

use super::general::{self, ABSENT};
use super::re2;
use expr::{ContextProvider, Environment, Value};
use std::sync::LazyLock;

/// What a value costs beside its text.
const VALUE: u64 = 64;
/// What compiling a pattern costs.
const PATTERN: u64 = 64 * 1024;
/// The deepest value: dropping it must not exhaust the stack.
const MAX_DEPTH: usize = 300;

/// Functions of the engine and the most that one of their arguments can grow by. Those that take predicates are not here:
/// what they make was read, and so paid for, element by element.
const GROWTH: [(&str, u64); 50] = [
    ("len", 1),
    ("type", 1),
    ("abs", 1),
    ("ceil", 1),
    ("floor", 1),
    ("round", 1),
    ("int", 1),
    ("float", 1),
    ("string", 4),
    ("trim", 1),
    ("trimPrefix", 1),
    ("trimSuffix", 1),
    ("upper", 3),
    ("lower", 3),
    ("split", VALUE),
    ("splitAfter", VALUE),
    ("indexOf", 1),
    ("lastIndexOf", 1),
    ("hasPrefix", 1),
    ("hasSuffix", 1),
    ("max", 1),
    ("min", 1),
    ("mean", 1),
    ("median", 1),
    ("toJSON", 12),
    ("fromJSON", VALUE),
    ("toBase64", 2),
    ("fromBase64", 1),
    ("duration", 1),
    ("date", 1),
    ("timezone", 1),
    ("first", 1),
    ("last", 1),
    ("get", 1),
    ("take", 1),
    ("keys", 1),
    ("values", 1),
    ("toPairs", 2),
    ("fromPairs", 1),
    ("reverse", 1),
    // Compares all with all.
    ("uniq", VALUE),
    ("concat", 1),
    ("flatten", 1),
    ("sort", 2),
    ("bitand", 1),
    ("bitor", 1),
    ("bitxor", 1),
    ("bitnand", 1),
    ("bitnot", 1),
    ("now", 1),
];

/// The engine as it is, without our prices.
static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(Environment::new);

/// The engine that conditions run in.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, growth) in GROWTH {
        environment.add_function(name, move |call| {
            let size = sizes(&call.args).map_err(failed)?;
            pay(call.ctx, size.saturating_mul(growth))?;
            if let ("split" | "splitAfter", [Value::String(text), Value::String(separator), most @ ..]) =
                (name, call.args.as_slice())
                && separator.is_empty()
            {
                return Ok(characters(text, most));
            }
            let answer = PLAIN.eval_func(call.ctx, name, call.args, call.predicate)?;
            match answer {
                Value::String(json) if name == "toJSON" => indented(&json).map(Value::String).map_err(failed),
                other => Ok(other),
            }
        });
    }
    environment.add_function("hwUse", |mut call| {
        pay(call.ctx, sizes(&call.args).map_err(failed)?)?;
        call.args.pop().ok_or_else(|| failed("nothing to use".to_owned()))
    });
    environment.add_function("hwRange", |call| match call.args.as_slice() {
        [Value::Integer(from), Value::Integer(to)] => {
            let count = u64::try_from(to.saturating_sub(*from).saturating_add(1)).unwrap_or_default();
            pay(call.ctx, count.saturating_mul(VALUE))?;
            Ok(Value::Array((*from..=*to).map(Value::Integer).collect()))
        }
        _ => Err(failed("a range goes from an integer to an integer".to_owned())),
    });
    environment.add_function("repeat", |call| {
        if let [Value::String(text), Value::Integer(count)] = call.args.as_slice() {
            pay(call.ctx, u64::try_from(*count).unwrap_or_default().saturating_mul(text.len() as u64))?;
        }
        PLAIN.eval_func(call.ctx, "repeat", call.args, None)
    });
    environment.add_function("replace", |call| {
        if let [Value::String(text), Value::String(from), Value::String(to), ..] = call.args.as_slice() {
            let most = text.len().checked_div(from.len()).unwrap_or(text.len()) as u64 + 1;
            pay(call.ctx, most.saturating_mul(to.len() as u64).saturating_add(text.len() as u64))?;
        }
        PLAIN.eval_func(call.ctx, "replace", call.args, None)
    });
    environment.add_function("join", |call| {
        if let [Value::Array(items), others @ ..] = call.args.as_slice() {
            let between = sizes(others).map_err(failed)?.saturating_mul(items.len() as u64);
            pay(call.ctx, between.saturating_add(sizes(items).map_err(failed)?))?;
        }
        PLAIN.eval_func(call.ctx, "join", call.args, None)
    });
    environment.add_function("hwMatches", |call| match call.args.as_slice() {
        [Value::String(text), Value::String(pattern)] => {
            pay(call.ctx, PATTERN.saturating_add((pattern.len() as u64).saturating_mul(VALUE)))?;
            Ok(Value::Bool(re2::compile(pattern).map_err(failed)?.is_match(text.as_bytes())))
        }
        _ => Err(failed("Invalid operands for operator matches".to_owned())),
    });
    environment.add_function("hwContains", |call| match call.args.as_slice() {
        [Value::String(text), Value::String(part)] => Ok(Value::Bool(text.contains(part.as_str()))),
        _ => Err(failed("Invalid operands for operator contains".to_owned())),
    });
    environment.add_function("hwField", |call| match call.args.as_slice() {
        [Value::Map(fields), Value::String(name)] => Ok(fields.get(name).unwrap_or(&ABSENT).clone()),
        _ => Err(failed("a field is named by a text".to_owned())),
    });
    environment.add_function("hwIndex", |call| index(&call.args).map_err(failed));
    environment.add_function("hwSlice", |call| slice(&call.args).map_err(failed));
    environment
});

fn failed(cause: String) -> expr::Error {
    expr::Error::ExprError(cause)
}

/// JSON with sorted names, two spaces per level, and nothing that HTML could take for its own (FlowG 12).
fn indented(json: &str) -> Result<String, String> {
    let mut value: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    value.sort_all_objects();
    let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    Ok(safe)
}

/// A text split at nothing is split into characters, the last part being what is left of it.
fn characters(text: &str, most: &[Value]) -> Value {
    let most = match most {
        [Value::Integer(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next().filter(|_| parts.len() < most) {
        let end = if parts.len() + 1 == most { rest.len() } else { first.len_utf8() };
        let (part, after) = rest.split_at(end);
        parts.push(Value::String(part.to_owned()));
        rest = after;
    }
    Value::Array(parts)
}

/// Takes a price out of the budget of the present record.
fn pay(context: &dyn ContextProvider, price: u64) -> expr::Result<()> {
    if general::pay(context, price) { Ok(()) } else { Err(failed(general::OVER_BUDGET.to_owned())) }
}

/// The price of values; an error where one is too deep.
fn sizes(values: &[Value]) -> Result<u64, String> {
    values.iter().try_fold(0u64, |sum, value| Ok(sum.saturating_add(size(value, 0)?)))
}

fn size(value: &Value, depth: usize) -> Result<u64, String> {
    if depth > MAX_DEPTH {
        return Err(format!("a value is nested more than {MAX_DEPTH} levels deep"));
    }
    let add = |sum: u64, value: &Value| size(value, depth + 1).map(|size| sum.saturating_add(size));
    let inner = match value {
        Value::String(text) => text.len() as u64,
        Value::Bytes(bytes) => bytes.len() as u64,
        Value::Array(items) => items.iter().try_fold(0, add)?,
        Value::Map(entries) => {
            entries.iter().try_fold(0u64, |sum, (key, value)| add(sum.saturating_add(key.len() as u64 + VALUE), value))?
        }
        Value::KeyedMap(entries) => entries.iter().try_fold(0u64, |sum, (key, value)| add(add(sum, key)?, value))?,
        _ => 0,
    };
    Ok(inner.saturating_add(VALUE))
}

/// Value, key, and whether nothing may be indexed.
fn index(arguments: &[Value]) -> Result<Value, String> {
    match arguments {
        [Value::Nil, _, Value::Bool(true)] => Ok(Value::Nil),
        [Value::Array(items), Value::Integer(at), _] => {
            let item = place(*at, items.len()).and_then(|place| items.get(place)).cloned();
            item.ok_or_else(|| format!("index out of range: {at} (array length is {})", items.len()))
        }
        [Value::Bytes(bytes), Value::Integer(at), _] => {
            let byte = place(*at, bytes.len()).and_then(|place| bytes.get(place));
            byte.map(|byte| Value::Integer((*byte).into())).ok_or_else(|| format!("index out of range: {at}"))
        }
        [Value::Map(entries), Value::String(key), _] => Ok(entries.get(key).cloned().unwrap_or_default()),
        [Value::KeyedMap(entries), key, _] => {
            Ok(entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone()).unwrap_or_default())
        }
        [value, key, ..] => Err(format!("cannot fetch {key} from {value}")),
        _ => Err("an index takes a value and a key".to_owned()),
    }
}

/// Negative places count from the end.
fn place(at: i64, length: usize) -> Option<usize> {
    let place = if at < 0 { at.checked_add_unsigned(length as u64)? } else { at };
    usize::try_from(place).ok()
}

/// Value, first place, place after the last; nil where not given.
fn slice(arguments: &[Value]) -> Result<Value, String> {
    let [value, from, to] = arguments else { return Err("a slice takes a value and two places".to_owned()) };
    let bounds = |length: usize| -> Result<std::ops::Range<usize>, String> {
        let length = length as i64;
        let place = |bound: &Value, otherwise| match bound {
            Value::Nil => Ok(otherwise),
            Value::Integer(at) => Ok(if *at < 0 { length.saturating_add(*at).max(0) } else { (*at).min(length) }),
            other => Err(format!("invalid slice index: {other}")),
        };
        let end = place(to, length)?;
        Ok(place(from, 0)?.min(end) as usize..end as usize)
    };
    match value {
        Value::Array(items) => Ok(Value::Array(items.get(bounds(items.len())?).unwrap_or_default().to_vec())),
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes.get(bounds(bytes.len())?).unwrap_or_default().to_vec())),
        Value::String(text) => {
            let bytes = text.as_bytes().get(bounds(text.len())?).unwrap_or_default();
            Ok(Value::String(String::from_utf8_lossy(bytes).into_owned()))
        }
        other => Err(format!("cannot slice {other}")),
    }
}

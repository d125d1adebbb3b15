//! What makes two values of a member equal, and how a value is printed (NiFi Registry 10.3 and 10.6).
//!
//! Flows are kept as clients sent them, so a value may be anything. What must stay true: a value of an unexpected kind is
//! compared and printed as it is, never skipped.

use serde_json::{Map, Value};

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// A text whose absence is the same as its emptiness.
    Comment,
    Whole,
    Decimal,
    Flag,
    /// Texts in no order.
    Set,
    /// Texts in order.
    List,
    Map,
    Position,
    Positions,
    Bundle,
    Coordinates,
    Batch,
    Endpoint,
}

impl Shape {
    /// The part of a value that counts, in one form for all that are equal. Nothing where there is no value.
    pub(super) fn normal(self, value: Option<&Value>) -> Option<Value> {
        let value = value.filter(|value| !value.is_null())?;
        Some(match (self, value) {
            (Self::Text | Self::Comment, _) => textual(value),
            (Self::Whole, _) => whole(value),
            (Self::Decimal, _) => decimal(value).map_or_else(|| value.clone(), Value::from),
            (Self::Flag, Value::String(text)) => text.parse::<bool>().map_or_else(|_| value.clone(), Value::from),
            (Self::Set, Value::Array(items)) => {
                let mut texts: Vec<_> = items.iter().map(print).collect();
                texts.sort_unstable();
                texts.dedup();
                texts.into()
            }
            (Self::List, Value::Array(items)) => items.iter().map(textual).collect(),
            (Self::Map, Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), textual(value))).collect(),
            (Self::Position, Value::Object(position)) => point(position),
            (Self::Positions, Value::Array(bends)) => {
                bends.iter().map(|bend| bend.as_object().map_or_else(|| bend.clone(), point)).collect()
            }
            (Self::Bundle, Value::Object(bundle)) => parts(bundle, &["group", "artifact", "version"]),
            (Self::Coordinates, Value::Object(coordinates)) => {
                parts(coordinates, &["bucketId", "flowId", "version", "registryUrl"])
            }
            (Self::Batch, Value::Object(batch)) => parts(batch, &["count", "size", "duration"]),
            (Self::Endpoint, Value::Object(endpoint)) => endpoint.get("id").filter(|id| !id.is_null()).map(textual)?,
            _ => value.clone(),
        })
    }

    /// Whether this is as good as no value.
    pub(super) fn is_blank(self, normal: Option<&Value>) -> bool {
        match (self, normal) {
            (_, None) => true,
            (Self::Comment, Some(Value::String(text))) => text.is_empty(),
            (Self::Set | Self::List | Self::Positions, Some(Value::Array(items))) => items.is_empty(),
            (Self::Map, Some(Value::Object(map))) => map.is_empty(),
            _ => false,
        }
    }

    /// A [normal](Self::normal) value for people to read.
    pub(super) fn print(self, normal: &Value) -> String {
        match (self, normal) {
            (Self::Position, Value::Array(point)) => print_point(point),
            (Self::Positions, Value::Array(bends)) => {
                let bends = bends.iter().map(|bend| bend.as_array().map_or_else(|| print(bend), |point| print_point(point)));
                format!("[{}]", bends.collect::<Vec<_>>().join(", "))
            }
            (Self::Bundle, Value::Array(parts)) => parts.iter().map(print).collect::<Vec<_>>().join(":"),
            (Self::Coordinates, Value::Array(parts)) => match parts.as_slice() {
                [bucket, flow, version, url] => {
                    let (bucket, flow, version, url) = (print(bucket), print(flow), print(version), print(url));
                    format!("VersionedFlowCoordinates[bucketId={bucket}, flowId={flow}, version={version}, registryUrl={url}]")
                }
                _ => print(normal),
            },
            (Self::Batch, Value::Array(parts)) => match parts.as_slice() {
                [count, size, duration] => {
                    format!("count={}, size={}, duration={}", print(count), print(size), print(duration))
                }
                _ => print(normal),
            },
            _ => print(normal),
        }
    }
}

/// Any value for people to read.
pub(super) fn print(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => print_decimal(float),
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}={}", print(value))).collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A number with decimals as Java prints it: `8.0`, `-0.0012`, `1.0E7`, `1.0E-4`.
fn print_decimal(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// A number or a flag is equal to its text: clients read either as the other.
fn textual(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => print(value).into(),
        other => other.clone(),
    }
}

fn whole(value: &Value) -> Value {
    match value {
        Value::String(text) => text.trim().parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        Value::Number(number) => match number.as_f64() {
            // Every whole number below 2^53 is exact.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn decimal(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The place of something on the canvas; a coordinate that is missing is zero.
fn point(position: &Map<String, Value>) -> Value {
    let coordinate = |name| position.get(name).and_then(decimal).unwrap_or_default();
    [coordinate("x"), coordinate("y")].into_iter().collect()
}

fn print_point(point: &[Value]) -> String {
    let mut coordinates = point.iter().map(|coordinate| print_decimal(coordinate.as_f64().unwrap_or_default()));
    let (x, y) = (coordinates.next().unwrap_or_default(), coordinates.next().unwrap_or_default());
    format!("[x={x}, y={y}]")
}

fn parts(object: &Map<String, Value>, names: &[&str]) -> Value {
    names.iter().map(|name| object.get(*name).map_or(Value::Null, textual)).collect()
}

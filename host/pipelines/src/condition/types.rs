//! What is known of an expression before it runs: refuses what cannot be true or false (FlowG 9.1).

use super::tree::{Expr, Op, takes_predicate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Unknown,
    Nil,
    Bool,
    Integer,
    Float,
    Text,
    List,
    Map,
    Time,
    Duration,
    Zone,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Nil => "nil",
            Self::Bool => "bool",
            Self::Integer => "int",
            Self::Float => "float64",
            Self::Text => "string",
            Self::List => "array",
            Self::Map => "map",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Zone => "*time.Location",
        }
    }

    /// Whether it may turn out to be one of these.
    fn may_be(self, types: &[Self]) -> bool {
        self == Self::Unknown || types.contains(&self)
    }
}

const NUMBERS: [Type; 2] = [Type::Integer, Type::Float];

/// Refuses an expression that calls what there is not, or mixes types that cannot be mixed.
pub(super) fn known(expr: &Expr) -> Result<(), String> {
    Checker::default().of(expr).map(drop)
}

/// Refuses an expression whose type is not known to be boolean.
pub(super) fn check(expr: &Expr) -> Result<(), String> {
    match Checker::default().of(expr)? {
        Type::Bool => Ok(()),
        other => Err(format!("expected bool, but got {}", other.name())),
    }
}

#[derive(Default)]
struct Checker<'e> {
    locals: Vec<(&'e str, Type)>,
}

impl<'e> Checker<'e> {
    fn of(&mut self, expr: &'e Expr) -> Result<Type, String> {
        Ok(match expr {
            Expr::Nil => Type::Nil,
            Expr::Bool(_) | Expr::Has(_) => Type::Bool,
            Expr::Integer(_) => Type::Integer,
            Expr::Float(_) => Type::Float,
            Expr::Text(_) | Expr::EnvField(_) => Type::Text,
            Expr::Field(_) | Expr::Element(_) => Type::Unknown,
            Expr::Bytes(_) => Type::List,
            Expr::Env => Type::Map,
            Expr::Time => Type::Time,
            Expr::Local(name) => {
                self.locals.iter().rev().find(|(known, _)| known == name).map_or(Type::Unknown, |(_, kind)| *kind)
            }
            Expr::List(items) => {
                items.iter().try_for_each(|item| self.of(item).map(drop))?;
                Type::List
            }
            Expr::Map(entries) => {
                entries.iter().try_for_each(|(_, value)| self.of(value).map(drop))?;
                Type::Map
            }
            Expr::Not(inner) => {
                // A bare field is always text, so this would fail on every record.
                let kind = if matches!(**inner, Expr::Field(_)) { Type::Text } else { self.of(inner)? };
                if !kind.may_be(&[Type::Bool]) {
                    return Err(format!("invalid operation: not (mismatched type {})", kind.name()));
                }
                Type::Bool
            }
            Expr::Sign(_, inner) => {
                let kind = self.of(inner)?;
                if !kind.may_be(&NUMBERS) {
                    return Err(format!("invalid operation: - (mismatched type {})", kind.name()));
                }
                kind
            }
            Expr::And(all) => self.logic("and", all)?,
            Expr::Or(all) => self.logic("or", all)?,
            Expr::Binary(op, left, right) => self.binary(*op, left, right)?,
            Expr::Default(left, right) => match (self.of(left)?, self.of(right)?) {
                (Type::Nil, other) => other,
                (left, right) if left == right => left,
                _ => Type::Unknown,
            },
            Expr::Conditional(condition, yes, no) => {
                let kind = self.of(condition)?;
                if !kind.may_be(&[Type::Bool]) {
                    return Err(format!("non-bool expression (type {}) used as condition", kind.name()));
                }
                let (yes, no) = (self.of(yes)?, self.of(no)?);
                if yes == no { yes } else { Type::Unknown }
            }
            Expr::Index { of, at, optional } => self.index(of, at, *optional)?,
            Expr::Slice { of, from, to } => {
                for bound in [from, to].into_iter().flatten() {
                    let kind = self.of(bound)?;
                    if !kind.may_be(&[Type::Integer]) {
                        return Err(format!("non-integer slice index {}", kind.name()));
                    }
                }
                let kind = self.of(of)?;
                if !kind.may_be(&[Type::Text, Type::List]) {
                    return Err(format!("cannot slice {}", kind.name()));
                }
                kind
            }
            Expr::Method { of, name, arguments } => {
                let kind = self.of(of)?;
                arguments.iter().try_for_each(|argument| self.of(argument).map(drop))?;
                if !kind.may_be(&[Type::Time, Type::Duration, Type::Zone, Type::Map]) {
                    return Err(format!("type {} has no method {name}", kind.name()));
                }
                Type::Unknown
            }
            Expr::Call { name, arguments, predicate } => self.call(name, arguments, predicate.as_deref())?,
            Expr::Let { name, value, body } => {
                let kind = self.of(value)?;
                self.locals.push((name, kind));
                let kind = self.of(body)?;
                self.locals.pop();
                kind
            }
        })
    }

    fn logic(&mut self, operator: &str, all: &'e [Expr]) -> Result<Type, String> {
        for operand in all {
            let kind = self.of(operand)?;
            if !kind.may_be(&[Type::Bool]) {
                return Err(format!("invalid operation: {operator} (mismatched type {})", kind.name()));
            }
        }
        Ok(Type::Bool)
    }

    fn binary(&mut self, op: Op, left_expr: &'e Expr, right_expr: &'e Expr) -> Result<Type, String> {
        let (left, right) = (self.of(left_expr)?, self.of(right_expr)?);
        let both = |types: &[Type]| left.may_be(types) && right.may_be(types);
        let unknown = left == Type::Unknown || right == Type::Unknown;
        let ordered = [&NUMBERS[..], &[Type::Text], &[Type::Time], &[Type::Duration]];
        let result = match op {
            Op::Equal | Op::NotEqual => {
                let fits = unknown || left == right || left == Type::Nil || right == Type::Nil || both(&NUMBERS);
                fits.then_some(Type::Bool)
            }
            _ if op.is_order() => ordered.into_iter().any(both).then_some(Type::Bool),
            Op::In => right.may_be(&[Type::List, Type::Map]).then_some(Type::Bool),
            Op::Matches | Op::Contains | Op::StartsWith | Op::EndsWith => both(&[Type::Text]).then_some(Type::Bool),
            Op::Range => both(&[Type::Integer]).then_some(Type::List),
            Op::Add if both(&[Type::Text]) => Some(if unknown { Type::Unknown } else { Type::Text }),
            Op::Add | Op::Subtract if both(&[Type::Time, Type::Duration]) => Some(match (op, left, right) {
                (Op::Subtract, Type::Time, Type::Time) => Type::Duration,
                (_, Type::Duration, Type::Duration) => Type::Duration,
                _ if unknown => Type::Unknown,
                _ => Type::Time,
            }),
            Op::Multiply if both(&[Type::Integer, Type::Duration]) && (left == Type::Duration || right == Type::Duration) => {
                Some(Type::Duration)
            }
            Op::Add | Op::Subtract | Op::Multiply if both(&NUMBERS) => Some(match (left, right) {
                _ if unknown => Type::Unknown,
                (Type::Integer, Type::Integer) => Type::Integer,
                _ => Type::Float,
            }),
            Op::Divide | Op::Power if both(&NUMBERS) => Some(Type::Float),
            Op::Modulo if both(&[Type::Integer]) => Some(Type::Integer),
            _ => None,
        };
        result.ok_or_else(|| format!("invalid operation: {} (mismatched types {} and {})", op.text(), left.name(), right.name()))
    }

    fn index(&mut self, of: &'e Expr, at: &'e Expr, optional: bool) -> Result<Type, String> {
        let (kind, key) = (self.of(of)?, self.of(at)?);
        let fits = match kind {
            Type::Unknown | Type::Nil => true,
            Type::List => key.may_be(&[Type::Integer]),
            Type::Map => true,
            _ => false,
        };
        if !fits && !optional {
            return Err(format!("type {} cannot be indexed with {}", kind.name(), key.name()));
        }
        // The values of the environment are texts, whatever the name.
        Ok(if matches!(of, Expr::Env) { Type::Text } else { Type::Unknown })
    }

    fn call(&mut self, name: &str, arguments: &'e [Expr], predicate: Option<&'e Expr>) -> Result<Type, String> {
        let (least, most, result) = function(name).ok_or_else(|| format!("unknown function: {name}"))?;
        let count = arguments.len() + usize::from(predicate.is_some());
        if count < least {
            return Err(format!("not enough arguments to call {name}"));
        }
        if count > most {
            return Err(format!("too many arguments to call {name}"));
        }
        let mut first = Type::Unknown;
        for (at, argument) in arguments.iter().enumerate() {
            let kind = self.of(argument)?;
            if at == 0 {
                first = kind;
            }
        }
        if takes_predicate(name) && !first.may_be(&[Type::List, Type::Map]) {
            return Err(format!("builtin {name} takes only array (got {})", first.name()));
        }
        if let Some(predicate) = predicate {
            let kind = self.of(predicate)?;
            let test = !matches!(name, "map" | "sum" | "reduce" | "groupBy" | "sortBy");
            if test && !kind.may_be(&[Type::Bool]) {
                return Err(format!("predicate should return boolean (got {})", kind.name()));
            }
        }
        Ok(match result {
            Returns::Always(kind) => kind,
            Returns::AsFirst if NUMBERS.contains(&first) => first,
            Returns::AsFirst => Type::Unknown,
        })
    }
}

enum Returns {
    Always(Type),
    /// The type of the first argument where that is a number.
    AsFirst,
}

/// Least and most arguments, predicates included, and the result.
fn function(name: &str) -> Option<(usize, usize, Returns)> {
    use Returns::{Always, AsFirst};
    Some(match name {
        "all" | "any" | "none" | "one" => (2, 2, Always(Type::Bool)),
        "filter" | "map" => (2, 2, Always(Type::List)),
        "find" | "findLast" => (2, 2, Always(Type::Unknown)),
        "findIndex" | "findLastIndex" => (2, 2, Always(Type::Integer)),
        "count" => (1, 2, Always(Type::Integer)),
        "sum" => (1, 2, Always(Type::Unknown)),
        "groupBy" => (2, 2, Always(Type::Map)),
        "sortBy" => (2, 3, Always(Type::List)),
        "reduce" => (2, 3, Always(Type::Unknown)),
        "len" | "int" | "indexOf" | "lastIndexOf" | "bitnot" => {
            let count = if name.ends_with("Of") { 2 } else { 1 };
            (count, count, Always(Type::Integer))
        }
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" => (2, 2, Always(Type::Integer)),
        "type" | "string" | "upper" | "lower" | "toBase64" | "fromBase64" => (1, 1, Always(Type::Text)),
        "toJSON" => (1, 1, Always(Type::Text)),
        "trim" | "trimPrefix" | "trimSuffix" => (1, 2, Always(Type::Text)),
        "replace" => (3, 4, Always(Type::Text)),
        "repeat" => (2, 2, Always(Type::Text)),
        "join" => (1, 2, Always(Type::Text)),
        "split" | "splitAfter" => (2, 3, Always(Type::List)),
        "hasPrefix" | "hasSuffix" => (2, 2, Always(Type::Bool)),
        "abs" => (1, 1, AsFirst),
        "ceil" | "floor" | "round" | "float" => (1, 1, Always(Type::Float)),
        "max" | "min" => (1, usize::MAX, AsFirst),
        "mean" | "median" => (1, usize::MAX, Always(Type::Float)),
        "fromJSON" => (1, 1, Always(Type::Unknown)),
        "now" => (0, 1, Always(Type::Time)),
        "date" => (1, 3, Always(Type::Time)),
        "duration" => (1, 1, Always(Type::Duration)),
        "timezone" => (1, 1, Always(Type::Zone)),
        "first" | "last" => (1, 1, Always(Type::Unknown)),
        "get" => (2, 2, Always(Type::Unknown)),
        "take" => (2, 2, Always(Type::List)),
        "keys" | "values" | "toPairs" | "reverse" | "uniq" | "flatten" => (1, 1, Always(Type::List)),
        "concat" => (1, usize::MAX, Always(Type::List)),
        "sort" => (1, 2, Always(Type::List)),
        "fromPairs" => (1, 1, Always(Type::Map)),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::condition::parse::{Names, parse};

    fn verdict(text: &str) -> Result<(), String> {
        check(&parse(text, Names::Fields).unwrap_or_else(|error| panic!("{text}: {error}")).expr)
    }

    #[test]
    fn what_may_be_boolean_passes() {
        for text in [
            "level == 'x'",
            "status == 500",
            "status >= 400",
            "int(status) >= 400",
            "$env['a'] == 'x'",
            "'user' in $env && user != ''",
            "level in ['a', 'b']",
            "not (path startsWith '/health')",
            "level and a == 'x'",
            "any(['a', 'b'], message contains #)",
            "len(message) > 200 ? level == 'debug' : true",
            "let s = lower(level); s == 'warn' || s == 'warning'",
            "nil == host",
            "now() - date('2024-01-01') > duration('1h')",
            "true",
            "($env['a'] ?? 'x') in ['x'] ? true : false",
            "host in $env",
        ] {
            assert_eq!(verdict(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        for (text, reason) in [
            ("level", "expected bool, but got unknown"),
            ("'x'", "expected bool, but got string"),
            ("1", "expected bool, but got int"),
            ("len(level)", "expected bool, but got int"),
            ("$env['status']", "expected bool, but got string"),
            ("a ?? b", "expected bool, but got unknown"),
            ("first(split(a, ','))", "expected bool, but got unknown"),
            ("a ? true : b", "expected bool, but got unknown"),
            ("$env['status'] >= 400", "invalid operation: >= (mismatched types string and int)"),
            ("$env['status'] == 400", "invalid operation: == (mismatched types string and int)"),
            ("not a == b", "invalid operation: not (mismatched type string)"),
            ("len(a) contains 'x'", "invalid operation: contains (mismatched types int and string)"),
            ("'a' and true", "invalid operation: and (mismatched type string)"),
            ("nope(a) == 1", "unknown function: nope"),
            ("len(a, b) == 1", "too many arguments to call len"),
            ("any(['a']) == true", "not enough arguments to call any"),
            ("any('abc', # == 'a')", "builtin any takes only array (got string)"),
        ] {
            assert_eq!(verdict(text), Err(reason.to_owned()), "{text}");
        }
    }
}

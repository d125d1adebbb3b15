//! Whether a value is what a schema says (JSON Schema 2020-12, core and validation).

use super::{DEPTH, Mistake, Schema, quoted};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;

type Checked = Result<(), Mistake>;

/// Where a value is: `config.rules[0].name`.
pub(super) enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("config"),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn wrong(path: &Path<'_>, what: impl Into<String>) -> Mistake {
    Mistake { place: path.to_string(), what: what.into() }
}

pub(super) struct Check<'s> {
    pub(super) schema: &'s Schema,
    pub(super) steps: usize,
}

impl<'s> Check<'s> {
    pub(super) fn value(&mut self, schema: &'s Value, value: &Value, path: &Path<'_>, depth: usize) -> Checked {
        self.step(1, path)?;
        if depth > DEPTH {
            // Nothing around it may take this for an answer.
            self.steps = 0;
            return Err(wrong(path, format!("the schema of the plugin is nested deeper than {DEPTH} here, or refers to itself")));
        }
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(false) => return Err(wrong(path, "nothing may be here")),
            _ => return Ok(()),
        };
        let depth = depth + 1;
        if let Some(target) = text(members, "$ref").and_then(|reference| self.schema.target(reference)) {
            self.value(target, value, path, depth)?;
        }
        kind(members, value, path)?;
        self.listed(members, value, path)?;
        match value {
            Value::Number(number) => numbers(members, number.as_f64().unwrap_or(f64::NAN), path)?,
            Value::String(text) => self.texts(members, text, path)?,
            Value::Array(items) => self.items(members, items, path, depth)?,
            Value::Object(object) => self.members(members, object, path, depth)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(members, value, path, depth)
    }

    /// Counts work, so that no schema takes longer than it may.
    fn step(&mut self, steps: usize, path: &Path<'_>) -> Checked {
        match self.steps.checked_sub(steps) {
            Some(left) => self.steps = left,
            None => {
                self.steps = 0;
                return Err(wrong(path, "checking this against the schema of the plugin takes too long"));
            }
        }
        Ok(())
    }

    fn holds(&mut self, schema: &'s Value, value: &Value, path: &Path<'_>, depth: usize) -> Result<bool, Mistake> {
        let holds = self.value(schema, value, path, depth).is_ok();
        // Out of steps means that nothing is known.
        self.step(1, path).map(|()| holds)
    }

    fn listed(&mut self, members: &'s Map<String, Value>, value: &Value, path: &Path<'_>) -> Checked {
        if let Some(Value::Array(allowed)) = members.get("enum") {
            self.step(allowed.len(), path)?;
            if !allowed.iter().any(|allowed| same(allowed, value)) {
                let shown: Vec<String> = allowed.iter().take(20).map(ToString::to_string).collect();
                return Err(wrong(path, format!("it has to be one of {}", shown.join(", "))));
            }
        }
        match members.get("const") {
            Some(expected) if !same(expected, value) => Err(wrong(path, format!("it has to be {expected}"))),
            _ => Ok(()),
        }
    }

    fn texts(&mut self, members: &'s Map<String, Value>, value: &str, path: &Path<'_>) -> Checked {
        let (least, most) = (count(members, "minLength"), count(members, "maxLength"));
        if least.is_some() || most.is_some() {
            self.step(value.len() / 64, path)?;
            let length = value.chars().count() as u64;
            if let Some(least) = least.filter(|least| length < *least) {
                return Err(wrong(path, format!("it has to have at least {least} characters")));
            }
            if let Some(most) = most.filter(|most| length > *most) {
                return Err(wrong(path, format!("it may have at most {most} characters")));
            }
        }
        match text(members, "pattern") {
            Some(pattern) if !self.matches(pattern, value, path)? => Err(wrong(path, format!("it has to match {pattern}"))),
            _ => Ok(()),
        }
    }

    fn matches(&mut self, pattern: &str, value: &str, path: &Path<'_>) -> Result<bool, Mistake> {
        self.step(1 + value.len() / 8, path)?;
        Ok(self.schema.pattern(pattern).is_some_and(|pattern| pattern.is_match(value)))
    }

    fn items(&mut self, members: &'s Map<String, Value>, items: &[Value], path: &Path<'_>, depth: usize) -> Checked {
        let length = items.len() as u64;
        if let Some(least) = count(members, "minItems").filter(|least| length < *least) {
            return Err(wrong(path, format!("it has to have at least {least} items")));
        }
        if let Some(most) = count(members, "maxItems").filter(|most| length > *most) {
            return Err(wrong(path, format!("it may have at most {most} items")));
        }
        let first = match members.get("prefixItems") {
            Some(Value::Array(schemas)) => {
                for (index, (schema, item)) in schemas.iter().zip(items).enumerate() {
                    self.value(schema, item, &Path::Item(path, index), depth)?;
                }
                schemas.len()
            }
            _ => 0,
        };
        if let Some(schema) = members.get("items") {
            for (index, item) in items.iter().enumerate().skip(first) {
                self.value(schema, item, &Path::Item(path, index), depth)?;
            }
        }
        if let Some(schema) = members.get("contains") {
            let mut found = 0;
            for (index, item) in items.iter().enumerate() {
                found += u64::from(self.holds(schema, item, &Path::Item(path, index), depth)?);
            }
            let (least, most) = (count(members, "minContains").unwrap_or(1), count(members, "maxContains").unwrap_or(u64::MAX));
            if found < least || found > most {
                return Err(wrong(path, format!("{found} of its items are of the kind that it has to contain")));
            }
        }
        if members.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = HashSet::new();
            for item in items {
                let shown = item.to_string();
                self.step(1 + shown.len() / 16, path)?;
                if !seen.insert(shown) {
                    return Err(wrong(path, "its items have to differ"));
                }
            }
        }
        Ok(())
    }

    fn members(
        &mut self,
        members: &'s Map<String, Value>,
        object: &Map<String, Value>,
        path: &Path<'_>,
        depth: usize,
    ) -> Checked {
        let length = object.len() as u64;
        if let Some(least) = count(members, "minProperties").filter(|least| length < *least) {
            return Err(wrong(path, format!("it has to have at least {least} members")));
        }
        if let Some(most) = count(members, "maxProperties").filter(|most| length > *most) {
            return Err(wrong(path, format!("it may have at most {most} members")));
        }
        self.required(members.get("required"), object, path)?;
        for (name, needed) in named(members, "dependentRequired") {
            if object.contains_key(name) {
                self.required(Some(needed), object, path)?;
            }
        }
        let known = members.get("properties").and_then(Value::as_object);
        for (name, value) in object {
            let at = Path::Member(path, name);
            let own = known.and_then(|known| known.get(name));
            let mut is_known = own.is_some();
            if let Some(schema) = own {
                self.value(schema, value, &at, depth)?;
            }
            for (pattern, schema) in named(members, "patternProperties") {
                if self.matches(pattern, name, &at)? {
                    is_known = true;
                    self.value(schema, value, &at, depth)?;
                }
            }
            if let Some(schema) = members.get("propertyNames") {
                self.value(schema, &Value::String(name.clone()), &at, depth)?;
            }
            match members.get("additionalProperties") {
                Some(Value::Bool(false)) if !is_known => {
                    let names = quoted(known.into_iter().flat_map(Map::keys).map(String::as_str));
                    return Err(wrong(&at, format!("there is no such member; there are {names}")));
                }
                Some(schema) if !is_known => self.value(schema, value, &at, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn required(&mut self, names: Option<&Value>, object: &Map<String, Value>, path: &Path<'_>) -> Checked {
        for name in names.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            self.step(1, path)?;
            if !object.contains_key(name) {
                return Err(wrong(&Path::Member(path, name), "it is missing"));
            }
        }
        Ok(())
    }

    /// What combines schemas for one and the same value.
    fn combined(&mut self, members: &'s Map<String, Value>, value: &Value, path: &Path<'_>, depth: usize) -> Checked {
        for schema in list(members, "allOf") {
            self.value(schema, value, path, depth)?;
        }
        if members.contains_key("anyOf") {
            let mut first = None;
            for schema in list(members, "anyOf") {
                match self.value(schema, value, path, depth) {
                    Ok(()) => {
                        first = None;
                        break;
                    }
                    Err(mistake) => drop(first.get_or_insert(mistake)),
                }
            }
            self.step(1, path)?;
            if let Some(Mistake { place, what }) = first {
                return Err(Mistake {
                    place,
                    what: format!("it fits none of the forms that are allowed; for the first: {what}"),
                });
            }
        }
        if members.contains_key("oneOf") {
            let mut found = 0;
            for schema in list(members, "oneOf") {
                found += usize::from(self.holds(schema, value, path, depth)?);
            }
            if found != 1 {
                return Err(wrong(path, format!("it fits {found} of the forms of which it has to fit one")));
            }
        }
        if let Some(schema) = members.get("not")
            && self.holds(schema, value, path, depth)?
        {
            return Err(wrong(path, "it has a form that is not allowed"));
        }
        if let Some(condition) = members.get("if") {
            let branch = if self.holds(condition, value, path, depth)? { "then" } else { "else" };
            if let Some(schema) = members.get(branch) {
                self.value(schema, value, path, depth)?;
            }
        }
        for (name, schema) in named(members, "dependentSchemas") {
            if value.get(name).is_some() {
                self.value(schema, value, path, depth)?;
            }
        }
        Ok(())
    }
}

fn text<'s>(members: &'s Map<String, Value>, name: &str) -> Option<&'s str> {
    members.get(name)?.as_str()
}

fn count(members: &Map<String, Value>, name: &str) -> Option<u64> {
    members.get(name)?.as_u64()
}

fn list<'s>(members: &'s Map<String, Value>, name: &str) -> impl Iterator<Item = &'s Value> + use<'s> {
    members.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn named<'s>(members: &'s Map<String, Value>, name: &str) -> impl Iterator<Item = (&'s String, &'s Value)> + use<'s> {
    members.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// Two values are the same when they are equal as JSON: 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b)),
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, a)| other.get(name).is_some_and(|b| same(a, b)))
        }
        _ => one == other,
    }
}

fn kind(members: &Map<String, Value>, value: &Value, path: &Path<'_>) -> Checked {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
        Value::Number(number) => {
            name == "number" || name == "integer" && number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
    };
    match members.get("type") {
        Some(Value::String(name)) if !is(name) => Err(wrong(path, format!("it has to be of the type {name}"))),
        Some(Value::Array(names)) if !names.iter().filter_map(Value::as_str).any(is) => {
            Err(wrong(path, format!("it has to be of one of the types {}", quoted(names.iter().filter_map(Value::as_str)))))
        }
        _ => Ok(()),
    }
}

fn numbers(members: &Map<String, Value>, value: f64, path: &Path<'_>) -> Checked {
    let bound = |name: &str| members.get(name).and_then(Value::as_f64);
    let tests = [
        ("minimum", bound("minimum").is_some_and(|bound| value < bound), "at least"),
        ("maximum", bound("maximum").is_some_and(|bound| value > bound), "at most"),
        ("exclusiveMinimum", bound("exclusiveMinimum").is_some_and(|bound| value <= bound), "more than"),
        ("exclusiveMaximum", bound("exclusiveMaximum").is_some_and(|bound| value >= bound), "less than"),
        (
            "multipleOf",
            bound("multipleOf").is_some_and(|of| of != 0.0 && (value / of - (value / of).round()).abs() > 1e-9),
            "a multiple of",
        ),
    ];
    match tests.into_iter().find(|(_, is_broken, _)| *is_broken) {
        Some((name, _, words)) => Err(wrong(path, format!("it has to be {words} {}", members.get(name).unwrap_or(&Value::Null)))),
        None => Ok(()),
    }
}

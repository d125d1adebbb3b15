//! What a schema may hold.

use super::{DEPTH, PATTERN_BYTES, PATTERNS, Schema};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The forms of the values of keywords.
enum Form {
    /// A schema.
    Schema,
    /// A list of at least one schema.
    Schemas,
    /// Schemas by name.
    Named,
    /// As [`Named`](Self::Named), the names are patterns.
    ByPattern,
    /// A pattern.
    Pattern,
    /// A number that is not negative and whole.
    Count,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// Lists of texts by name.
    NamedTexts,
    /// `true` or `false`.
    Flag,
    /// A list.
    List,
    /// A type or a list of types.
    Types,
    /// A path in the schema.
    Reference,
}

/// Every keyword that decides something, and the form of its value.
const KEYWORDS: &[(&str, Form)] = &[
    ("$ref", Form::Reference),
    ("$defs", Form::Named),
    ("type", Form::Types),
    ("enum", Form::List),
    ("minimum", Form::Number),
    ("maximum", Form::Number),
    ("exclusiveMinimum", Form::Number),
    ("exclusiveMaximum", Form::Number),
    ("multipleOf", Form::Number),
    ("minLength", Form::Count),
    ("maxLength", Form::Count),
    ("pattern", Form::Pattern),
    ("minItems", Form::Count),
    ("maxItems", Form::Count),
    ("uniqueItems", Form::Flag),
    ("prefixItems", Form::Schemas),
    ("items", Form::Schema),
    ("contains", Form::Schema),
    ("minContains", Form::Count),
    ("maxContains", Form::Count),
    ("minProperties", Form::Count),
    ("maxProperties", Form::Count),
    ("required", Form::Texts),
    ("dependentRequired", Form::NamedTexts),
    ("dependentSchemas", Form::Named),
    ("propertyNames", Form::Schema),
    ("properties", Form::Named),
    ("patternProperties", Form::ByPattern),
    ("additionalProperties", Form::Schema),
    ("allOf", Form::Schemas),
    ("anyOf", Form::Schemas),
    ("oneOf", Form::Schemas),
    ("not", Form::Schema),
    ("if", Form::Schema),
    ("then", Form::Schema),
    ("else", Form::Schema),
];

/// Keywords of the standard that are not understood here.
const REFUSED: &[&str] =
    &["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$anchor", "$vocabulary"];

pub(super) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/// Looks at every part of a schema. Answers its patterns, compiled, by their texts.
///
/// # Errors
/// What cannot be used.
pub(super) fn patterns(root: &Value) -> Result<HashMap<String, Regex>, String> {
    let mut reader = Reader { root, patterns: HashMap::new() };
    reader.schema(root, "#", 0)?;
    Ok(reader.patterns)
}

/// What a reference leads to: `#` or `#/…`.
pub(super) fn target<'r>(root: &'r Value, reference: &str) -> Option<&'r Value> {
    let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))?;
    root.pointer(pointer)
}

struct Reader<'r> {
    root: &'r Value,
    patterns: HashMap<String, Regex>,
}

impl Reader<'_> {
    fn schema(&mut self, schema: &Value, at: &str, depth: usize) -> Result<(), String> {
        let members = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(members) if depth <= DEPTH => members,
            Value::Object(_) => return Err(format!("it is nested deeper than {DEPTH}")),
            _ => return Err(format!("{at} is no schema: it has to be an object, true or false")),
        };
        if let Some(name) = REFUSED.iter().find(|name| members.contains_key(**name)) {
            return Err(format!("{at}/{name} is not supported here; use $ref with a path such as #/$defs/name"));
        }
        if depth > 0 && members.contains_key("$id") {
            return Err(format!("{at}/$id is not supported here"));
        }
        for (name, form) in KEYWORDS {
            if let Some(value) = members.get(*name) {
                self.keyword(form, value, &format!("{at}/{name}"), depth + 1)?;
            }
        }
        Ok(())
    }

    fn keyword(&mut self, form: &Form, value: &Value, at: &str, depth: usize) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{at} has to be {what}"));
        match (form, value) {
            (Form::Schema, schema) => self.schema(schema, at, depth),
            (Form::Schemas, Value::Array(schemas)) if !schemas.is_empty() => {
                schemas.iter().enumerate().try_for_each(|(index, schema)| self.schema(schema, &format!("{at}/{index}"), depth))
            }
            (Form::Schemas, _) => wrong("a list of at least one schema"),
            (Form::Named, Value::Object(named)) => self.named(named, at, depth),
            (Form::ByPattern, Value::Object(named)) => {
                named.keys().try_for_each(|pattern| self.pattern(pattern, at))?;
                self.named(named, at, depth)
            }
            (Form::Named | Form::ByPattern, _) => wrong("an object of schemas"),
            (Form::Pattern, Value::String(pattern)) => self.pattern(pattern, at),
            (Form::Pattern, _) => wrong("a regular expression"),
            (Form::Count, value) if value.as_u64().is_some() => Ok(()),
            (Form::Count, _) => wrong("a number that is not negative"),
            (Form::Number, Value::Number(_)) => Ok(()),
            (Form::Number, _) => wrong("a number"),
            (Form::Texts, Value::Array(texts)) if texts.iter().all(Value::is_string) => Ok(()),
            (Form::Texts, _) => wrong("a list of texts"),
            (Form::NamedTexts, Value::Object(named)) => {
                named.iter().try_for_each(|(name, texts)| self.keyword(&Form::Texts, texts, &format!("{at}/{name}"), depth))
            }
            (Form::NamedTexts, _) => wrong("lists of texts by name"),
            (Form::Flag, Value::Bool(_)) => Ok(()),
            (Form::Flag, _) => wrong("true or false"),
            (Form::List, Value::Array(_)) => Ok(()),
            (Form::List, _) => wrong("a list"),
            (Form::Types, Value::Array(types)) if types.iter().all(is_type) && !types.is_empty() => Ok(()),
            (Form::Types, value) if is_type(value) => Ok(()),
            (Form::Types, _) => wrong(&format!("one or some of {}", super::quoted(TYPES.into_iter()))),
            (Form::Reference, Value::String(reference)) if target(self.root, reference).is_some() => Ok(()),
            (Form::Reference, _) => wrong("a path that is in this schema, such as #/$defs/name"),
        }
    }

    fn named(&mut self, named: &Map<String, Value>, at: &str, depth: usize) -> Result<(), String> {
        named.iter().try_for_each(|(name, schema)| self.schema(schema, &format!("{at}/{name}"), depth))
    }

    fn pattern(&mut self, pattern: &str, at: &str) -> Result<(), String> {
        if self.patterns.contains_key(pattern) {
            return Ok(());
        }
        if self.patterns.len() >= PATTERNS {
            return Err(format!("it has more than {PATTERNS} patterns"));
        }
        let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
        let compiled = compiled.map_err(|error| format!("{at}: the pattern cannot be used: {error}"))?;
        self.patterns.insert(pattern.to_owned(), compiled);
        Ok(())
    }
}

fn is_type(value: &Value) -> bool {
    value.as_str().is_some_and(|name| TYPES.contains(&name))
}

impl Schema {
    /// The compiled form of a pattern of this schema.
    pub(super) fn pattern(&self, pattern: &str) -> Option<&Regex> {
        self.patterns.get(pattern)
    }
}

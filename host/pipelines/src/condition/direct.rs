//! Conditions that need no expression engine: tests of texts, evaluated on a batch without an allocation per record.
//!
//! Says exactly what [`general`](super::general) says, only faster; a property test holds the two together.

use super::re2;
use super::tree::{Expr, Op};
use headworks_core::batch::{FieldId, Record};
use headworks_core::{Batch, Kind, Value};
use memchr::memmem;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A condition in terms of the fields' numbers.
#[derive(Debug)]
pub(super) enum Test {
    Always(bool),
    Has(usize),
    Not(Box<Test>),
    And(Vec<Test>),
    Or(Vec<Test>),
    Text(Text, Op, Text),
    Number(Number, Op, Number),
    OneOf(Text, Vec<Box<[u8]>>),
    Contains(Text, Box<memmem::Finder<'static>>),
    Matches(Text, Box<regex::bytes::Regex>),
}

#[derive(Debug)]
pub(super) enum Text {
    Field(usize),
    Literal(Box<[u8]>),
}

#[derive(Debug)]
pub(super) enum Number {
    Literal(i64),
    /// `int(text)`, which fails on text that is no number.
    Of(Text),
    /// `len(text)`, in characters.
    Length(Text),
}

/// A condition in this form, where it has one.
pub(super) fn plan(expr: &Expr) -> Option<Test> {
    Some(match expr {
        Expr::Bool(value) => Test::Always(*value),
        Expr::Has(field) => Test::Has(*field),
        Expr::Not(inner) => Test::Not(Box::new(plan(inner)?)),
        Expr::And(all) => Test::And(all.iter().map(plan).collect::<Option<_>>()?),
        Expr::Or(all) => Test::Or(all.iter().map(plan).collect::<Option<_>>()?),
        Expr::Binary(op, left, right) => binary(*op, left, right)?,
        _ => return None,
    })
}

fn binary(op: Op, left: &Expr, right: &Expr) -> Option<Test> {
    let comparison = op.is_order() || matches!(op, Op::Equal | Op::NotEqual);
    if comparison {
        if let (Some(left), Some(right)) = (text(left), text(right)) {
            return Some(Test::Text(left, op, right));
        }
        if let (Some(left), Some(right)) = (number(left), number(right)) {
            return Some(Test::Number(left, op, right));
        }
        // A field is text and never equals anything else.
        let other = |expr: &Expr| matches!(expr, Expr::Nil | Expr::Bool(_) | Expr::Integer(_) | Expr::Float(_));
        let mixed = (text(left).is_some() && other(right)) || (other(left) && text(right).is_some());
        return (mixed && !op.is_order()).then_some(Test::Always(op == Op::NotEqual));
    }
    let subject = text(left)?;
    Some(match (op, right) {
        (Op::In, Expr::List(items)) => {
            let constant = |item: &Expr| match item {
                Expr::Text(text) => Some(Some(text.as_bytes().into())),
                Expr::Nil | Expr::Bool(_) | Expr::Integer(_) | Expr::Float(_) => Some(None),
                _ => None,
            };
            let texts: Option<Vec<Option<Box<[u8]>>>> = items.iter().map(constant).collect();
            Test::OneOf(subject, texts?.into_iter().flatten().collect())
        }
        (Op::Contains, Expr::Text(part)) => Test::Contains(subject, Box::new(memmem::Finder::new(part.as_bytes()).into_owned())),
        (Op::Matches, Expr::Text(pattern)) => Test::Matches(subject, Box::new(re2::compile(pattern).ok()?)),
        (Op::Contains | Op::StartsWith | Op::EndsWith, _) => Test::Text(subject, op, text(right)?),
        _ => return None,
    })
}

fn text(expr: &Expr) -> Option<Text> {
    match expr {
        Expr::Field(field) | Expr::EnvField(field) => Some(Text::Field(*field)),
        Expr::Text(text) => Some(Text::Literal(text.as_bytes().into())),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<Number> {
    match expr {
        Expr::Integer(value) => Some(Number::Literal(*value)),
        Expr::Call { name, arguments, predicate: None } => match (name.as_str(), arguments.as_slice()) {
            ("int", [of]) => text(of).map(Number::Of),
            ("len", [of]) => text(of).map(Number::Length),
            _ => None,
        },
        _ => None,
    }
}

impl Test {
    /// Evaluates every record in order; `told` takes the outcomes.
    pub(super) fn run(&self, batch: &Batch, fields: &[String], mut told: impl FnMut(Result<bool, String>)) {
        let ids: Vec<Option<FieldId>> = fields.iter().map(|name| batch.field(name)).collect();
        for record in batch.records() {
            told(self.holds(&View { record, ids: &ids }));
        }
    }

    fn holds(&self, view: &View<'_>) -> Result<bool, String> {
        Ok(match self {
            Self::Always(value) => *value,
            Self::Has(field) => view.cell(*field).is_some(),
            Self::Not(inner) => !inner.holds(view)?,
            Self::And(all) => {
                for test in all {
                    if !test.holds(view)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(all) => {
                for test in all {
                    if test.holds(view)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Text(left, op, right) => {
                let (left, right) = (view.text(left), view.text(right));
                match op {
                    Op::Contains => memmem::find(&left, &right).is_some(),
                    Op::StartsWith => left.starts_with(&right),
                    Op::EndsWith => left.ends_with(&right),
                    Op::Equal => left == right,
                    Op::NotEqual => left != right,
                    _ => ordered(*op, left.cmp(&right)),
                }
            }
            Self::Number(left, op, right) => ordered(*op, view.number(left)?.cmp(&view.number(right)?)),
            Self::OneOf(text, list) => {
                let text = view.text(text);
                list.iter().any(|item| **item == *text)
            }
            Self::Contains(text, part) => part.find(&view.text(text)).is_some(),
            Self::Matches(text, pattern) => pattern.is_match(&view.text(text)),
        })
    }
}

fn ordered(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Less => ordering.is_lt(),
        Op::LessOrEqual => ordering.is_le(),
        Op::Greater => ordering.is_gt(),
        Op::GreaterOrEqual => ordering.is_ge(),
        Op::Equal => ordering.is_eq(),
        _ => ordering.is_ne(),
    }
}

/// One record, its fields by their numbers in the condition.
struct View<'b> {
    record: Record<'b>,
    ids: &'b [Option<FieldId>],
}

impl<'b> View<'b> {
    fn cell(&self, field: usize) -> Option<(Kind, &'b [u8])> {
        let id = self.ids.get(field).copied().flatten()?;
        self.record.cells().find(|(known, ..)| *known == id).map(|(_, kind, bytes)| (kind, bytes))
    }

    /// The bytes of a text; none for an absent field (FlowG 9.1).
    fn text<'v>(&'v self, text: &'v Text) -> Cow<'v, [u8]> {
        match text {
            Text::Literal(bytes) => Cow::Borrowed(bytes),
            Text::Field(field) => match self.cell(*field) {
                None => Cow::Borrowed(&[]),
                Some((Kind::Text | Kind::Json, bytes)) => Cow::Borrowed(bytes),
                Some((kind, bytes)) => match Value::read(kind, bytes).to_text() {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                },
            },
        }
    }

    fn number(&self, number: &Number) -> Result<i64, String> {
        match number {
            Number::Literal(value) => Ok(*value),
            Number::Of(text) => {
                let bytes = self.text(text);
                let value = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
                value.ok_or_else(|| format!("invalid operation: int({})", String::from_utf8_lossy(&bytes)))
            }
            // Bytes that do not continue a character.
            Number::Length(text) => Ok(self.text(text).iter().filter(|byte| (**byte & 0xC0) != 0x80).count() as i64),
        }
    }
}

//! Writes a tree in the part of expr that the engine reads as the contract means it: fully bracketed, with fields, literals
//! and names as numbered variables, so that neither its precedence of prefix words nor its escapes matter.

use super::re2;
use super::tree::{Expr, Op};
use expr::Value;
use std::fmt::Write;

/// The text for the engine and the literals it speaks of.
pub(super) fn write(expr: &Expr) -> Result<(String, Vec<Value>), String> {
    let mut writer = Writer::default();
    writer.expr(expr)?;
    Ok((writer.out, writer.literals))
}

#[derive(Default)]
struct Writer {
    out: String,
    literals: Vec<Value>,
    locals: Vec<(String, String)>,
    made: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn number(&mut self, prefix: char, number: usize) {
        // Writing to a text cannot fail.
        let _ = write!(self.out, "{prefix}{number}");
    }

    fn literal(&mut self, value: Value) {
        self.number('s', self.literals.len());
        self.literals.push(value);
    }

    /// Reading a name copies its value, which has to be paid for.
    fn used(&mut self, name: &str) {
        self.put("hwUse(");
        self.put(name);
        self.put(")");
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), String> {
        match expr {
            Expr::Nil => self.put("nil"),
            Expr::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Expr::Integer(value) => self.literal(Value::Integer(*value)),
            Expr::Float(value) => self.literal(Value::Float(*value)),
            Expr::Text(value) => self.literal(Value::String(value.clone())),
            Expr::Bytes(value) => self.literal(Value::Bytes(value.clone())),
            Expr::Field(field) | Expr::EnvField(field) => self.number('f', *field),
            Expr::Has(field) => self.number('h', *field),
            Expr::Env => self.put("$env"),
            Expr::Time => self.put("t"),
            Expr::Element(name) => self.used(name),
            Expr::Local(name) => {
                let known = self.locals.iter().rev().find(|(known, _)| known == name).map(|(_, written)| written.clone());
                self.used(&known.ok_or_else(|| format!("unknown variable: {name}"))?);
            }
            Expr::List(items) => self.items("[", items, "]")?,
            Expr::Map(entries) => self.map(entries)?,
            Expr::Not(inner) => self.call("!", &[inner])?,
            Expr::Sign(minus, inner) => self.call(if *minus { "(0 - " } else { "(0 + " }, &[inner]).map(|()| self.put(")"))?,
            Expr::And(all) => self.balanced(all, " and ")?,
            Expr::Or(all) => self.balanced(all, " or ")?,
            Expr::Binary(op, left, right) => self.binary(*op, left, right)?,
            Expr::Default(left, right) => self.between(left, " ?? ", right)?,
            Expr::Conditional(condition, yes, no) => {
                self.put("(");
                self.expr(condition)?;
                self.put(" ? ");
                self.expr(yes)?;
                self.put(" : ");
                self.expr(no)?;
                self.put(")");
            }
            Expr::Index { of, at, .. } if **of == Expr::Env => self.call("hwField", &[of, at])?,
            Expr::Index { of, at, optional } => self.call("hwIndex", &[of, at, &Expr::Bool(*optional)])?,
            Expr::Slice { of, from, to } => {
                let bound = |bound: &Option<Box<Expr>>| bound.as_deref().cloned().unwrap_or(Expr::Nil);
                self.call("hwSlice", &[of, &bound(from), &bound(to)])?;
            }
            Expr::Method { of, name, arguments } => {
                self.put("(");
                self.expr(of)?;
                self.put(").");
                self.put(name);
                self.items("(", arguments, ")")?;
            }
            Expr::Call { name, arguments, predicate } => self.function(name, arguments, predicate.as_deref())?,
            Expr::Let { name, value, body } => {
                // Names can be bound at the beginning of a block only.
                let written = format!("v{}", self.made);
                self.made += 1;
                self.put("(if true { let ");
                self.put(&written);
                self.put(" = ");
                self.expr(value)?;
                self.put("; ");
                self.locals.push((name.clone(), written));
                self.expr(body)?;
                self.locals.pop();
                self.put(" } else { nil })");
            }
        }
        Ok(())
    }

    fn items(&mut self, open: &str, items: &[Expr], close: &str) -> Result<(), String> {
        self.put(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.put(", ");
            }
            self.expr(item)?;
        }
        self.put(close);
        Ok(())
    }

    fn call(&mut self, function: &str, arguments: &[&Expr]) -> Result<(), String> {
        self.put(function);
        self.put("(");
        for (at, argument) in arguments.iter().enumerate() {
            if at > 0 {
                self.put(", ");
            }
            self.expr(argument)?;
        }
        self.put(")");
        Ok(())
    }

    fn between(&mut self, left: &Expr, operator: &str, right: &Expr) -> Result<(), String> {
        self.put("(");
        self.expr(left)?;
        self.put(operator);
        self.expr(right)?;
        self.put(")");
        Ok(())
    }

    fn binary(&mut self, op: Op, left: &Expr, right: &Expr) -> Result<(), String> {
        match (op, right) {
            (Op::Matches, Expr::Text(pattern)) => {
                re2::compile(pattern)?;
                // Written out, so that the engine compiles it once.
                let pattern = re2::translate(pattern).replace('`', r"\x60");
                self.put("(");
                self.expr(left)?;
                self.put(" matches `");
                self.put(&pattern);
                self.put("`)");
                Ok(())
            }
            (Op::Matches, _) => self.call("hwMatches", &[left, right]),
            (Op::Contains, _) => self.call("hwContains", &[left, right]),
            (Op::Range, _) => self.call("hwRange", &[left, right]),
            _ => self.between(left, &format!(" {} ", op.text()), right),
        }
    }

    /// Long chains nest as little as possible.
    fn balanced(&mut self, all: &[Expr], operator: &str) -> Result<(), String> {
        match all {
            [] => Err("nothing to combine".to_owned()),
            [one] => self.expr(one),
            _ => {
                let (left, right) = all.split_at(all.len() / 2);
                self.put("(");
                self.balanced(left, operator)?;
                self.put(operator);
                self.balanced(right, operator)?;
                self.put(")");
                Ok(())
            }
        }
    }

    fn function(&mut self, name: &str, arguments: &[Expr], predicate: Option<&Expr>) -> Result<(), String> {
        let Some(predicate) = predicate else {
            self.put(name);
            return self.items("(", arguments, ")");
        };
        let (first, others) = arguments.split_first().ok_or_else(|| format!("not enough arguments to call {name}"))?;
        self.put(name);
        self.put("(");
        self.expr(first)?;
        self.put(", {(");
        self.expr(predicate)?;
        self.put(")}");
        for other in others {
            self.put(", ");
            self.expr(other)?;
        }
        self.put(")");
        Ok(())
    }

    /// The engine takes literals only as values of a map.
    fn map(&mut self, entries: &[(String, Expr)]) -> Result<(), String> {
        let constant = |expr: &Expr| {
            Some(match expr {
                Expr::Nil => Value::Nil,
                Expr::Bool(value) => Value::Bool(*value),
                Expr::Integer(value) => Value::Integer(*value),
                Expr::Float(value) => Value::Float(*value),
                Expr::Text(value) => Value::String(value.clone()),
                _ => return None,
            })
        };
        let entries = entries.iter().map(|(key, value)| Some((key.clone(), constant(value)?)));
        let map = entries.collect::<Option<Vec<_>>>().ok_or("the values of a map must be literals")?;
        self.literal(map.into_iter().collect());
        Ok(())
    }
}

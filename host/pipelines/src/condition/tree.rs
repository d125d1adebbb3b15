//! The tree of a condition, whichever language it was written in.

use std::collections::HashMap;

/// One expression. Fields are numbers into [`Parsed::fields`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A bare name: its type is unknown before it runs.
    Field(usize),
    /// `$env["name"]`: known to be text.
    EnvField(usize),
    /// `"name" in $env`.
    Has(usize),
    Env,
    /// When the record was received.
    Time,
    /// A name bound by `let`.
    Local(String),
    /// `#`, `#acc` or `#index` within a predicate.
    Element(String),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    Not(Box<Expr>),
    /// `-` or, where false, `+`.
    Sign(bool, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
    Default(Box<Expr>, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Also `a.b`, as `a["b"]`.
    Index {
        of: Box<Expr>,
        at: Box<Expr>,
        optional: bool,
    },
    Slice {
        of: Box<Expr>,
        from: Option<Box<Expr>>,
        to: Option<Box<Expr>>,
    },
    Method {
        of: Box<Expr>,
        name: String,
        arguments: Vec<Expr>,
    },
    Call {
        name: String,
        arguments: Vec<Expr>,
        predicate: Option<Box<Expr>>,
    },
    Let {
        name: String,
        value: Box<Expr>,
        body: Box<Expr>,
    },
}

/// Operators of two operands that are neither logic nor `??`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

impl Op {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Range => "..",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        }
    }

    pub(super) const fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

/// Functions whose last argument is evaluated once per element.
pub(super) fn takes_predicate(name: &str) -> bool {
    matches!(
        name,
        "all"
            | "any"
            | "one"
            | "none"
            | "map"
            | "filter"
            | "find"
            | "findIndex"
            | "findLast"
            | "findLastIndex"
            | "count"
            | "sum"
            | "reduce"
            | "groupBy"
            | "sortBy"
    )
}

/// A tree and the names of the fields it speaks of.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) expr: Expr,
    pub(super) fields: Vec<String>,
}

/// Numbers field names in order of first use.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn number(&mut self, name: &str) -> usize {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.numbers.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.names.len() - 1
    }
}

//! Running a forwarder over batches: opening, dynamic fields, one delivery per record in order, and the report.

use crate::config;
use crate::dynamic::{Dynamic, Source};
use crate::failure::{Failure, OpenError, Retry};
use crate::network::Network;
use crate::record::Record;
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// What a component says about itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// `forwarder-…`.
    pub name: &'static str,
    /// Semantic version.
    pub version: &'static str,
    /// One line.
    pub summary: &'static str,
    /// JSON Schema (2020-12) of the configuration.
    pub schema: &'static str,
    /// Patterns of the grants it asks for.
    pub grants: &'static [&'static str],
}

/// One record and the texts of the dynamic fields, in the order of [`Forwarder::dynamic`].
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The record.
    pub record: &'a Record,
    texts: &'a [String],
}

impl<'a> Delivery<'a> {
    /// The text of a dynamic field by its position.
    pub fn text(&self, position: usize) -> &'a str {
        self.texts.get(position).map_or("", String::as_str)
    }
}

/// One type of forwarder.
pub trait Forwarder: Sized + 'static {
    /// What it says about itself.
    const ABOUT: About;
    /// Its configuration.
    type Config: DeserializeOwned;

    /// What the configuration needs to reach; checks everything that can be checked without reaching it.
    ///
    /// # Errors
    /// Names the member that cannot be used.
    fn targets(config: &Self::Config) -> Result<Vec<String>, String>;

    /// The dynamic fields.
    fn dynamic(_config: &Self::Config) -> Vec<Dynamic> {
        Vec::new()
    }

    /// Gets ready. The configuration has passed [`targets`](Self::targets).
    ///
    /// # Errors
    /// Says why nothing can be delivered.
    fn open(config: Self::Config, network: Rc<dyn Network>) -> Result<Self, OpenError>;

    /// Delivers one record.
    ///
    /// # Errors
    /// It was not delivered.
    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure>;
}

/// Per record the text of an expression, or why there is none.
pub type Texts = Vec<Result<String, String>>;

/// The server's expressions, over its batches.
pub trait Expressions {
    /// A compiled expression.
    type Template;
    /// The records of a call.
    type Batch;

    /// Compiles a text.
    ///
    /// # Errors
    /// Says why it does not compile.
    fn compile(&self, text: &str) -> Result<Self::Template, String>;

    /// Per record the text, or why there is none.
    fn texts(&self, template: &Self::Template, batch: &Self::Batch) -> Texts;

    /// The records.
    fn records(&self, batch: &Self::Batch) -> Vec<Record>;
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that the target will never take, with reasons.
    pub rejected: Vec<(u32, String)>,
    /// Records from this one on were not delivered.
    pub stopped: Option<(u32, String, Retry)>,
}

/// What a configuration needs to reach.
///
/// # Errors
/// The configuration cannot be used.
pub fn read_targets<F: Forwarder>(text: &str) -> Result<Vec<String>, String> {
    F::targets(&config::read(text)?)
}

/// A forwarder that has read its configuration.
pub struct Sink<F, E: Expressions> {
    forwarder: F,
    expressions: E,
    dynamic: Vec<Field<E::Template>>,
}

struct Field<T> {
    member: &'static str,
    source: Source,
    template: Option<T>,
}

impl<F: Forwarder, E: Expressions> Sink<F, E> {
    /// Reads the configuration and gets the forwarder ready.
    ///
    /// # Errors
    /// Says why nothing can be delivered.
    pub fn open(text: &str, network: Rc<dyn Network>, expressions: E) -> Result<Self, OpenError> {
        let config: F::Config = config::read(text).map_err(OpenError::InvalidConfig)?;
        F::targets(&config).map_err(OpenError::InvalidConfig)?;
        let dynamic = F::dynamic(&config).into_iter().map(|dynamic| compile(dynamic, &expressions));
        let dynamic = dynamic.collect::<Result<_, String>>().map_err(OpenError::InvalidConfig)?;
        Ok(Self { forwarder: F::open(config, network)?, expressions, dynamic })
    }

    /// Delivers the records one by one.
    pub fn send(&mut self, batch: &E::Batch) -> Report {
        let records = self.expressions.records(batch);
        let computed: Vec<Option<Texts>> = self
            .dynamic
            .iter()
            .map(|field| field.template.as_ref().map(|template| self.expressions.texts(template, batch)))
            .collect();
        let mut report = Report::default();
        for (index, record) in records.iter().enumerate() {
            let position = u32::try_from(index).unwrap_or(u32::MAX);
            let outcome = texts(&self.dynamic, &computed, index, record)
                .map_err(Failure::Rejected)
                .and_then(|texts| self.forwarder.deliver(Delivery { record, texts: &texts }));
            match outcome {
                Ok(()) => {}
                Err(Failure::Rejected(reason)) => report.rejected.push((position, reason)),
                Err(Failure::Stopped(reason, retry)) => {
                    report.stopped = Some((position, reason, retry));
                    break;
                }
            }
        }
        report
    }
}

fn compile<E: Expressions>(dynamic: Dynamic, expressions: &E) -> Result<Field<E::Template>, String> {
    let Dynamic { member, source } = dynamic;
    let template = match &source {
        Source::Expression(text) => {
            Some(expressions.compile(text).map_err(|why| format!("{member}: failed to compile expression: {why}"))?)
        }
        _ => None,
    };
    Ok(Field { member, source, template })
}

/// The texts of one record. What the server says of an expression that gives no text becomes `<member> expression did not
/// evaluate to string` (FlowG 11).
fn texts<T>(dynamic: &[Field<T>], computed: &[Option<Texts>], index: usize, record: &Record) -> Result<Vec<String>, String> {
    let text = |(field, column): (&Field<T>, &Option<Texts>)| match (field.source.text(record), column) {
        (Some(text), _) => Ok(text),
        (None, Some(column)) => match column.get(index) {
            Some(Ok(text)) => Ok(text.clone()),
            Some(Err(why)) if why.starts_with("expression ") => Err(format!("{} {why}", field.member)),
            Some(Err(why)) => Err(format!("{}: {why}", field.member)),
            None => Err(format!("{} expression gave no text for this record", field.member)),
        },
        (None, None) => Err(format!("{} expression was not compiled", field.member)),
    };
    dynamic.iter().zip(computed).map(text).collect()
}

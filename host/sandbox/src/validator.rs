//! A validator with its configuration.

use crate::bindings::validator::exports::headworks::plugin::validating;
use crate::host::clean;
use crate::instance::{Exports, Instance, Opened};
use crate::pool::Pool;
use crate::{CallFailure, Limits, Plugin, World};
use headworks_core::{Digest, Error, ErrorCode, Result as Checked};
use std::sync::Arc;
use wasmtime::component::ResourceAny;

/// What somebody wants to do with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Save a new one.
    Create,
    /// Save over one.
    Update,
    /// Remove one.
    Delete,
}

/// A document that somebody wants to save or remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Such as `pipeline`.
    pub kind: String,
    /// What it belongs to, where its kind has that.
    pub scope: String,
    /// Its name.
    pub name: String,
    /// What is wanted.
    pub operation: Operation,
    /// As JSON: the new one, or the one to remove.
    pub document: String,
    /// As JSON what it replaces.
    pub previous: Option<String>,
    /// Who asks.
    pub principal: String,
}

/// How much a violation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The document must not be saved.
    Error,
    /// It may be.
    Warning,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer; empty for the whole document.
    pub path: String,
    /// Why; one line that cannot steer a terminal.
    pub message: String,
    /// Whether it keeps the document from being saved.
    pub severity: Severity,
}

/// A component with its configuration. Clones share the instances.
#[derive(Clone)]
pub struct Validator(Arc<Pool>);

impl Validator {
    pub(crate) async fn new(plugin: &Plugin, config: &str) -> Result<Self, CallFailure> {
        Ok(Self(Pool::new(plugin, config, plugin.limits().instances).await?))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// What is wrong with a document.
    ///
    /// # Errors
    /// Those of [`Transformer::transform`](crate::Transformer::transform): then the document was not judged.
    pub async fn validate(&self, subject: &Subject) -> Result<Vec<Violation>, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = lease.instance.validate(subject).await;
        lease.instance.count(0, &result, |_| 0);
        self.0.give_back(lease, &result);
        result
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "validator of {:?}", self.0.plugin())
    }
}

impl Instance {
    pub(crate) async fn open_rule(&mut self, config: &str) -> Result<ResourceAny, CallFailure> {
        let most = self.begin(self.limits.call_cpu);
        let Exports::Validator(component) = &self.component else { return Err(self.other_world(World::Validator)) };
        let methods = component.headworks_plugin_validating().rule();
        let answer = self.meter.run(most, methods.call_open(&mut self.store, config)).await;
        self.settle(answer)?.map_err(|error| CallFailure::of(error.into(), self.digest))
    }
}

impl Opened {
    async fn validate(&mut self, subject: &Subject) -> Result<Vec<Violation>, CallFailure> {
        let Self { instance, handle } = self;
        let digest = instance.digest;
        let failure = |error| CallFailure::of(error, digest);
        let most = instance.begin(instance.limits.validator_cpu);
        let Subject { kind, scope, name, document, previous, principal, .. } = subject;
        let texts = [kind, scope, name, document, principal].into_iter().chain(previous).map(String::len);
        instance.store.data_mut().pay(texts.sum()).map_err(failure)?;
        let Exports::Validator(component) = &instance.component else { return Err(instance.other_world(World::Validator)) };
        let methods = component.headworks_plugin_validating().rule();
        let subject = lower(subject);
        let answer = instance.meter.run(most, methods.call_validate(&mut instance.store, *handle, &subject)).await;
        let answer = instance.settle(answer)?;
        answer.map_err(|why| Error::new(ErrorCode::Failed, why)).and_then(|found| lift(found, &instance.limits)).map_err(failure)
    }
}

fn lower(subject: &Subject) -> validating::Subject {
    let Subject { kind, scope, name, operation, document, previous, principal } = subject.clone();
    let operation = match operation {
        Operation::Create => validating::Operation::Create,
        Operation::Update => validating::Operation::Update,
        Operation::Delete => validating::Operation::Delete,
    };
    validating::Subject { kind, scope, name, operation, document, previous, principal }
}

fn lift(found: Vec<validating::Violation>, limits: &Limits) -> Checked<Vec<Violation>> {
    if found.len() > limits.violations {
        let message = format!("the plugin found {} violations, and at most {} are told", found.len(), limits.violations);
        return Err(Error::new(ErrorCode::PluginLimit, message));
    }
    let lift = |violation: validating::Violation| Violation {
        path: clean(&violation.path, limits.log_line),
        message: clean(&violation.message, limits.log_line),
        severity: match violation.severity {
            validating::Severity::Error => Severity::Error,
            validating::Severity::Warning => Severity::Warning,
        },
    };
    Ok(found.into_iter().map(lift).collect())
}

//! Judging one document: asking the rules that are bound to it, and what their words come to.

use crate::Rulebook;
use crate::rule::{Deed, Mode, Rule};
use crate::shown::shown;
use headworks_core::{DocumentKey, Error, ErrorCode, Result, Severity, TenantId, Violation};
use headworks_plugins::Judge;
use headworks_sandbox::{CallFailure, Subject};
use headworks_store::{AuditEvent, Proposal, Verdict};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The most violations of one rule that are kept.
const VIOLATIONS: usize = 50;
/// The most bytes of a path, of a message, and of what an audit entry quotes.
const PATH_BYTES: usize = 512;
const MESSAGE_BYTES: usize = 1024;
const DETAIL_BYTES: usize = 256;

/// A saved rule with the plugin that judges for it, opened when it is first needed.
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) rule: Rule,
    judge: OnceCell<Arc<dyn Judge>>,
}

/// What one rule says of one document.
pub(crate) enum Word {
    /// All that it finds wrong.
    Found(Vec<Violation>),
    /// Why it cannot judge.
    Failed(Error),
}

/// What all rules say of changes that are made together.
#[derive(Default)]
pub(crate) struct Judgement {
    /// Everything that is told, worst first where nothing is done.
    pub(crate) refused: Vec<Violation>,
    pub(crate) warnings: Vec<Violation>,
    /// Whether a rule could not judge where it has to.
    closed: bool,
    /// What the first refusal is about.
    about: String,
    pub(crate) notes: Vec<(DocumentKey, AuditEvent)>,
}

impl Bound {
    pub(crate) fn new(name: String, rule: Rule) -> Self {
        Self { name, rule, judge: OnceCell::new() }
    }

    /// Opens the plugin, unless it is open.
    pub(crate) async fn judge(&self, rulebook: &dyn Rulebook, tenant: TenantId) -> Result<&Arc<dyn Judge>> {
        self.judge.get_or_try_init(|| rulebook.open(tenant, &self.rule.plugin, &self.rule.config)).await
    }

    /// Asks the rule.
    pub(crate) async fn ask(&self, rulebook: &dyn Rulebook, tenant: TenantId, subject: &Subject) -> Word {
        let judge = match self.judge(rulebook, tenant).await {
            Ok(judge) => judge,
            Err(error) => return Word::Failed(error),
        };
        match judge.validate(subject).await {
            Ok(found) => Word::Found(found.into_iter().take(VIOLATIONS).map(|found| self.violation(found)).collect()),
            Err(CallFailure { error, .. }) => Word::Failed(error),
        }
    }

    fn violation(&self, found: headworks_sandbox::Violation) -> Violation {
        let severity = match (self.rule.mode, found.severity) {
            (Mode::Enforce, headworks_sandbox::Severity::Error) => Severity::Error,
            _ => Severity::Warning,
        };
        let (path, message) = (cut(&found.path, PATH_BYTES), cut(&found.message, MESSAGE_BYTES));
        Violation { rule: self.name.clone(), path, message, severity }
    }
}

/// A text or its beginning.
fn cut(text: &str, most: usize) -> String {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
}

/// What is asked for, where rules have a say in it.
pub(crate) fn deed(proposal: &Proposal) -> Option<Deed> {
    match (&proposal.body, &proposal.before) {
        (Some(_), None) => Some(Deed::Create),
        (Some(_), Some(_)) => Some(Deed::Update),
        (None, Some(_)) => Some(Deed::Delete),
        (None, None) => None,
    }
}

/// What a rule is asked.
pub(crate) fn subject(author: &str, proposal: &Proposal, deed: Deed) -> Subject {
    let Proposal { key: DocumentKey { kind, scope, name, .. }, body, before } = proposal;
    let (document, previous) = match deed {
        Deed::Delete => (before, None),
        Deed::Create | Deed::Update => (body, before.as_ref()),
    };
    Subject {
        kind: kind.clone(),
        scope: scope.clone(),
        name: name.clone(),
        operation: deed.into(),
        document: shown(kind, document.as_deref().unwrap_or_default()).to_string(),
        previous: previous.map(|body| shown(kind, body).to_string()),
        principal: author.to_owned(),
    }
}

impl Judgement {
    /// Takes in what a rule said.
    pub(crate) fn hear(&mut self, author: &str, key: &DocumentKey, deed: Deed, bound: &Bound, word: Word) {
        let (DocumentKey { tenant, kind, name, .. }, rule, enforced) = (key, &bound.name, bound.rule.mode == Mode::Enforce);
        let (verdict, violations) = match word {
            Word::Found(violations) if violations.is_empty() => return,
            Word::Found(violations) => {
                let refused = violations.iter().any(|violation| violation.severity == Severity::Error);
                (if refused { Verdict::Refused } else { Verdict::Warned }, violations)
            }
            Word::Failed(error) => {
                // A rule that is broken must not keep anything from being deleted.
                let closed = enforced && deed != Deed::Delete;
                let severity = if closed { Severity::Error } else { Severity::Warning };
                let message = format!("the rule cannot judge this: {}: {}", error.code, error.message);
                let told = Violation { rule: rule.clone(), path: String::new(), message: cut(&message, MESSAGE_BYTES), severity };
                self.closed |= closed;
                (if closed { Verdict::Closed } else { Verdict::Opened }, vec![told])
            }
        };
        let first = violations.first().map(|first| format!("{}: {}", first.path, first.message)).unwrap_or_default();
        let detail = cut(&first, DETAIL_BYTES);
        tracing::warn!(%tenant, rule, kind, name, author, ?verdict, detail, "a rule speaks against a change");
        self.notes.push((key.clone(), AuditEvent::Judged { rule: rule.clone(), verdict, detail }));
        let (refused, warnings): (Vec<_>, Vec<_>) =
            violations.into_iter().partition(|violation| violation.severity == Severity::Error);
        if self.refused.is_empty()
            && let Some(first) = refused.first()
        {
            let place = if first.path.is_empty() { String::new() } else { format!("{}: ", first.path) };
            self.about = format!("the {kind} `{name}` may not be {}: rule `{rule}`: {place}{}", deed.done(), first.message);
        }
        self.refused.extend(refused);
        self.warnings.extend(warnings);
    }

    /// Why nothing may be done, if so.
    pub(crate) fn error(&mut self) -> Option<Error> {
        let more = self.refused.len().checked_sub(1)?;
        let only_closed = self.closed && self.notes.iter().all(|(_, event)| !is_refusal(event));
        let code = if only_closed { ErrorCode::RuleFailed } else { ErrorCode::RuleViolation };
        let mut message = std::mem::take(&mut self.about);
        if more > 0 {
            message.push_str(&format!(" (and {more} more)"));
        }
        let mut violations = std::mem::take(&mut self.refused);
        violations.append(&mut self.warnings);
        violations.truncate(VIOLATIONS);
        Some(Error::new(code, message).with(violations))
    }
}

fn is_refusal(event: &AuditEvent) -> bool {
    matches!(event, AuditEvent::Judged { verdict: Verdict::Refused, .. })
}

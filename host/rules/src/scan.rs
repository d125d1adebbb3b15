//! Which stored documents a rule would refuse, were they saved again.
//!
//! A scan answers piece by piece, each bounded in documents, findings and time, so that whoever asks can stop between them;
//! a piece whose asker goes away ends with the document that is being judged.

use crate::judge::{Word, subject};
use crate::{Deed, Inner, Rule, Rules};
use headworks_core::{Document, Error, ErrorCode, Result, TenantId, Violation};
use headworks_store::Proposal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most documents that one piece looks at.
const MAX_DOCUMENTS: usize = 1000;
/// The most documents that one piece tells of.
const MAX_FINDINGS: usize = 100;
/// How long one piece takes, until the document that is being judged then.
const TIME: Duration = Duration::from_secs(10);
/// Documents that are read at once.
const READ: usize = 50;

/// What is scanned.
pub struct Scan {
    /// The name of the rule.
    pub name: String,
    /// The rule, saved or not.
    pub rule: Rule,
    /// Only what is behind this document.
    pub after: Option<Place>,
    /// At most so many documents.
    pub limit: usize,
}

/// Names a document within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its kind.
    pub kind: String,
    /// What it belongs to.
    #[serde(default)]
    pub scope: String,
    /// Its name.
    pub name: String,
}

/// What a scan has to say of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which document.
    #[serde(flatten)]
    pub place: Place,
    /// Its revision when it was looked at.
    pub revision: u64,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
    /// Why the rule could not judge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// One piece of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scanned {
    /// The number of documents that were looked at.
    pub checked: usize,
    /// Those with which something is wrong.
    pub findings: Vec<Finding>,
    /// The last document of this piece, behind which the next one goes on; none where everything was looked at.
    pub next: Option<Place>,
}

impl Rules {
    /// Looks at one piece of the documents that a rule is bound to.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] while others scan; as [`save`](Self::save) for a rule that cannot be used;
    /// [`ErrorCode::RuleFailed`] where its plugin is not called any more; those of the store.
    pub async fn scan(&self, author: &str, tenant: TenantId, scan: Scan) -> Result<Scanned> {
        let busy = || Error::new(ErrorCode::Exhausted, "other scans are under way; try again later");
        let _turn = Arc::clone(&self.0.scans).try_acquire_owned().map_err(|_| busy())?;
        let bound = self.try_open(tenant, &scan.name, &scan.rule).await?;
        let (begun, limit) = (Instant::now(), scan.limit.clamp(1, MAX_DOCUMENTS));
        // Saving again is what is asked about; a rule for new or deleted documents only is asked about those.
        let asked = [Deed::Update, Deed::Create, Deed::Delete].into_iter().find(|deed| scan.rule.operations.contains(deed));
        let asked = asked.unwrap_or(Deed::Update);
        let mut scanned = Scanned::default();
        let mut after = scan.after;
        let kinds: Vec<&str> = scan.rule.bound_kinds().collect();
        let first = match &after {
            None => 0,
            Some(place) => kinds
                .iter()
                .position(|kind| *kind == place.kind)
                .ok_or_else(|| Error::invalid(format!("the rule is not bound to the kind {:?}", place.kind)).at("after.kind"))?,
        };
        for kind in kinds.into_iter().skip(first) {
            loop {
                let documents = self.0.read(tenant, kind, after.as_ref().filter(|place| place.kind == kind)).await?;
                if documents.is_empty() {
                    break;
                }
                for document in documents {
                    let place = place(&document);
                    let proposal = proposal(document, asked);
                    let revision = proposal.1;
                    let word = self.0.ask(&bound, tenant, &subject(author, &proposal.0, asked)).await;
                    scanned.add(&place, revision, word)?;
                    let full = scanned.checked >= limit || scanned.findings.len() >= MAX_FINDINGS || begun.elapsed() >= TIME;
                    after = Some(place);
                    if full {
                        scanned.next = after;
                        return Ok(scanned);
                    }
                }
            }
        }
        Ok(scanned)
    }
}

impl Scanned {
    fn add(&mut self, place: &Place, revision: u64, word: Word) -> Result<()> {
        self.checked += 1;
        let (violations, failure) = match word {
            Word::Found(violations) if violations.is_empty() => return Ok(()),
            Word::Found(violations) => (violations, None),
            Word::Failed(error) if matches!(error.code, ErrorCode::PluginSuspended | ErrorCode::Exhausted) => {
                let message = format!("the scan stopped at the {} `{}`: {}", place.kind, place.name, error.message);
                return Err(Error::new(ErrorCode::RuleFailed, message));
            }
            Word::Failed(error) => (Vec::new(), Some(format!("{}: {}", error.code, error.message))),
        };
        self.findings.push(Finding { place: place.clone(), revision, violations, failure });
        Ok(())
    }
}

impl Inner {
    /// The next documents of a kind, read off the async threads.
    async fn read(&self, tenant: TenantId, kind: &'static str, after: Option<&Place>) -> Result<Vec<Document>> {
        let (store, after) = (self.store.clone(), after.cloned());
        let read = move || {
            let after = after.as_ref().map(|place| (place.scope.as_str(), place.name.as_str()));
            store.documents_after(tenant, kind, after, READ)
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| Error::internal(error.to_string()))?
    }
}

fn place(document: &Document) -> Place {
    let key = &document.key;
    Place { kind: key.kind.clone(), scope: key.scope.clone(), name: key.name.clone() }
}

/// The document as if it were saved again as it is, with its revision.
fn proposal(document: Document, asked: Deed) -> (Proposal, u64) {
    let Document { key, revision, body, .. } = document;
    let before = (asked != Deed::Create).then(|| body.clone());
    (Proposal { key, body: (asked != Deed::Delete).then_some(body), before }, revision)
}

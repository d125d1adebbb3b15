//! The one way by which users change documents: judged by the guard, then committed as it was judged.

use super::{Inner, MAX_BLOB, MAX_DOCUMENT, MAX_NAME, Store, check_name};
use crate::committer::{self, Company, Group};
use crate::guard::{Guard, Notes, Proposal};
use crate::types::{AuditEvent, Beside, Change, StreamConfig};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId, Uid};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// How often a write is judged anew because what it changes was changed meanwhile.
const TRIES: usize = 8;

/// What a document was when it was judged; `None` where it did not exist.
pub(crate) type Pins = Vec<(DocumentKey, Option<(Uid, u64)>)>;

impl Inner {
    pub(super) fn set_guard(&self, guard: Option<Arc<dyn Guard>>) {
        *self.guard.write().unwrap_or_else(PoisonError::into_inner) = guard;
    }

    /// The guard, where it has a say in one of these.
    fn guard<'k>(&self, keys: impl IntoIterator<Item = (TenantId, &'k str)>) -> Option<Arc<dyn Guard>> {
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        keys.into_iter().any(|(tenant, kind)| guard.watches(tenant, kind)).then_some(guard)
    }
}

impl Store {
    /// From now on every write of a user is judged first. Until then, and without this, nothing is.
    pub fn guard_with(&self, guard: Arc<dyn Guard>) {
        self.0.set_guard(Some(guard));
    }

    /// Makes all changes or none, each with its audit entry and change event, once the [guard](Self::guard_with) has judged
    /// them. Durable when it returns. Answers the new documents, and for deletions the deleted ones; deleting what does not
    /// exist is `None` and no error.
    ///
    /// # Errors
    /// The code that [`Expect`](crate::Expect) names; [`ErrorCode::Invalid`] and [`ErrorCode::TooLarge`] for a key or body
    /// that cannot be; [`ErrorCode::DiskFull`]; why the guard refuses.
    pub async fn write(&self, author: &str, changes: Vec<Change>) -> Result<Vec<Option<Document>>> {
        self.write_with(author, changes, Vec::new()).await
    }

    /// As [`write`](Self::write), together with what belongs to the documents: all or none.
    ///
    /// # Errors
    /// Also [`ErrorCode::TooLarge`] for a blob above 256 MiB.
    pub async fn write_with(&self, author: &str, changes: Vec<Change>, beside: Vec<Beside>) -> Result<Vec<Option<Document>>> {
        let bytes = self.check_changes(&changes, &beside)?;
        let Some(guard) = self.0.guard(changes.iter().map(|change| (change.key.tenant, change.key.kind.as_str()))) else {
            return self.commit(author, changes, beside, bytes).await;
        };
        let mut asked = (changes, beside);
        for _ in 0..TRIES {
            let (changes, proposals, pins) = self.propose(asked.0).await?;
            let notes = if proposals.is_empty() { Notes::new() } else { guard.check(author, &proposals).await? };
            let (author, beside) = (author.to_owned(), asked.1);
            let work = move |group: &mut Group<'_>| {
                if !group.are_as_judged(&pins)? {
                    return Ok(Err((changes, beside)));
                }
                group.check_beside(&beside)?;
                let written = group.write(&author, changes)?;
                group.beside(beside)?;
                notes.into_iter().try_for_each(|(key, event)| group.note(&author, key, event))?;
                Ok(Ok(written))
            };
            match self.0.committer.submit(Company::Shared, bytes, work).await? {
                Ok(written) => return Ok(written),
                Err(again) => asked = again,
            }
        }
        Err(changing(asked.0.first().map_or("", |change| &change.key.name)))
    }

    /// As [`write`](Self::write), without the guard: what a restore brings back, what a rollback puts back, and what the
    /// server writes down for itself.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn write_unjudged(&self, author: &str, changes: Vec<Change>) -> Result<Vec<Option<Document>>> {
        let bytes = self.check_changes(&changes, &[])?;
        self.commit(author, changes, Vec::new(), bytes).await
    }

    async fn commit(
        &self,
        author: &str,
        changes: Vec<Change>,
        beside: Vec<Beside>,
        bytes: usize,
    ) -> Result<Vec<Option<Document>>> {
        let author = author.to_owned();
        let work = move |group: &mut Group<'_>| {
            group.check_beside(&beside)?;
            let written = group.write(&author, changes)?;
            group.beside(beside)?;
            Ok(written)
        };
        self.0.committer.submit(Company::Shared, bytes, work).await
    }

    /// Refuses changes that cannot be; answers about how many bytes they take.
    fn check_changes(&self, changes: &[Change], beside: &[Beside]) -> Result<usize> {
        let mut bytes = 0;
        for blob in beside.iter().filter_map(|one| if let Beside::Blob { bytes, .. } = one { Some(bytes) } else { None }) {
            if blob.len() > MAX_BLOB {
                return Err(Error::new(ErrorCode::TooLarge, format!("a blob has at most {MAX_BLOB} bytes")));
            }
            bytes += blob.len();
        }
        for Change { key, body, .. } in changes {
            if key.kind == committer::STREAM_KIND {
                return Err(Error::internal("settings of streams are changed by `configure_stream`"));
            }
            check_name("kind", &key.kind)?;
            check_name("name", &key.name)?;
            if key.scope.len() > MAX_NAME {
                return Err(Error::invalid(format!("a scope has at most {MAX_NAME} bytes")).at("scope"));
            }
            let size = body.as_ref().map_or(0, Vec::len);
            if size > MAX_DOCUMENT {
                let message = format!("the {} `{}` has {size} bytes, and {MAX_DOCUMENT} is the most", key.kind, key.name);
                return Err(Error::new(ErrorCode::TooLarge, message));
            }
            bytes += size + key.kind.len() + key.scope.len() + key.name.len();
        }
        if changes.iter().any(|change| change.body.is_some()) {
            self.0.space.claim(bytes)?;
        }
        Ok(bytes)
    }

    /// Puts changes beside what is there. A change whose condition does not hold is refused before anybody judges it.
    async fn propose(&self, changes: Vec<Change>) -> Result<(Vec<Change>, Vec<Proposal>, Pins)> {
        let engine = Arc::clone(&self.0.engine);
        let reading = tokio::task::spawn_blocking(move || {
            let mut latest: HashMap<DocumentKey, Option<Vec<u8>>> = HashMap::new();
            let (mut proposals, mut pins) = (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
            for Change { key, expect, body } in &changes {
                let before = match latest.get(key) {
                    Some(before) => before.clone(),
                    None => {
                        let document = engine.document(key)?;
                        committer::check_condition(key, *expect, document.as_ref())?;
                        pins.push((key.clone(), document.as_ref().map(|document| (document.uid, document.revision))));
                        document.map(|document| document.body)
                    }
                };
                latest.insert(key.clone(), body.clone());
                if body.is_some() || before.is_some() {
                    proposals.push(Proposal { key: key.clone(), body: body.clone(), before });
                }
            }
            Ok((changes, proposals, pins))
        });
        reading.await.map_err(|error| Error::internal(error.to_string()))?
    }

    /// Has the guard judge new settings of a stream, or its deletion. Answers what is to be noted, and the settings that it
    /// was judged beside; `None` where nobody judges.
    async fn judge_stream(
        &self,
        tenant: TenantId,
        name: &str,
        config: Option<&StreamConfig>,
        author: &str,
    ) -> Result<Option<(Notes, Option<StreamConfig>)>> {
        let Some(guard) = self.0.guard([(tenant, committer::STREAM_KIND)]) else { return Ok(None) };
        let before = self.stream_config(tenant, name);
        if config.is_none() && before.is_none() {
            return Ok(None);
        }
        let key = DocumentKey::new(tenant, committer::STREAM_KIND, name);
        let body = |config: &StreamConfig| {
            let StreamConfig { ttl_seconds, size_mib, indexed_fields } = config;
            let body = serde_json::json!({"ttl_seconds": ttl_seconds, "size_mib": size_mib, "indexed_fields": indexed_fields});
            body.to_string().into_bytes()
        };
        let proposal = Proposal { key, body: config.map(body), before: before.as_ref().map(body) };
        let notes = guard.check(author, &[proposal]).await?;
        Ok(Some((notes, before)))
    }

    async fn note_all(&self, author: &str, notes: Notes) -> Result<()> {
        for (key, event) in notes {
            self.note(author, key, event).await?;
        }
        Ok(())
    }

    /// Notes something in the audit entries that is no change. The same is noted once a minute.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`].
    pub async fn note(&self, author: &str, key: DocumentKey, event: AuditEvent) -> Result<()> {
        self.0.space.claim(0)?;
        let author = author.to_owned();
        self.0.committer.submit(Company::Shared, 0, move |group| group.note(&author, key, event)).await
    }

    /// The settings of a stream, which is made where it does not exist (FlowG 2).
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a name that cannot be; [`ErrorCode::DiskFull`]; why the guard refuses a new stream.
    pub async fn ensure_stream(&self, tenant: TenantId, name: &str, author: &str) -> Result<StreamConfig> {
        if let Some(config) = self.stream_config(tenant, name) {
            return Ok(config);
        }
        check_name("stream", name)?;
        self.0.space.claim(name.len())?;
        let asked = self.0.catalog.settings(StreamConfig::default());
        let judged = self.judge_stream(tenant, name, Some(&asked), author).await?;
        let (stream, by) = (name.to_owned(), author.to_owned());
        let made = self.0.committer.submit(Company::Shared, name.len(), move |group| group.ensure(tenant, &stream, &by)).await?;
        if let Some((notes, _)) = judged {
            self.note_all(author, notes).await?;
        }
        Ok(made)
    }

    /// Changes the settings of a stream, which is made where it does not exist. New indexes are complete when it returns;
    /// meanwhile the stream is written and read as before. It goes on to the end when the caller goes away.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member; [`ErrorCode::DiskFull`] when an index is to be built; why the guard refuses.
    pub async fn configure_stream(&self, tenant: TenantId, name: &str, config: StreamConfig, author: &str) -> Result<()> {
        let config = self.check_settings(tenant, name, config)?;
        for _ in 0..TRIES {
            let judged = self.judge_stream(tenant, name, Some(&config), author).await?;
            let (notes, before) = judged.map_or((Notes::new(), None), |(notes, before)| (notes, Some(before)));
            if self.apply(tenant, name, config.clone(), author, before).await? {
                return self.note_all(author, notes).await;
            }
        }
        Err(changing(name))
    }

    /// As [`configure_stream`](Self::configure_stream), without the guard: what a restore brings back.
    ///
    /// # Errors
    /// As [`configure_stream`](Self::configure_stream).
    pub async fn restore_settings(&self, tenant: TenantId, name: &str, config: StreamConfig, author: &str) -> Result<()> {
        let config = self.check_settings(tenant, name, config)?;
        self.apply(tenant, name, config, author, None).await.map(drop)
    }

    fn check_settings(&self, tenant: TenantId, name: &str, config: StreamConfig) -> Result<StreamConfig> {
        check_name("stream", name)?;
        if config.ttl_seconds < 0 {
            return Err(Error::invalid("a time to live is 0 or more seconds").at("config.ttl"));
        }
        if config.size_mib < 0 {
            return Err(Error::invalid("a size is 0 or more MiB").at("config.size"));
        }
        let config = self.0.catalog.settings(config);
        let indexed = self.stream_config(tenant, name).map(|config| config.indexed_fields).unwrap_or_default();
        if !config.indexed_fields.is_subset(&indexed) {
            self.0.space.claim(0)?;
        }
        Ok(config)
    }

    /// Applies settings that were judged beside these; false where the stream has others by now.
    async fn apply(
        &self,
        tenant: TenantId,
        name: &str,
        config: StreamConfig,
        author: &str,
        judged: Option<Option<StreamConfig>>,
    ) -> Result<bool> {
        let (store, name, author) = (self.clone(), name.to_owned(), author.to_owned());
        let task = tokio::spawn(async move { store.apply_settings(tenant, name, config, author, judged).await });
        task.await.unwrap_or_else(|error| Err(Error::internal(format!("changing the settings ended: {error}"))))
    }

    /// Deletes everything of a stream, its settings included (FlowG 10.6). A stream that does not exist is fine.
    ///
    /// # Errors
    /// Those of a failing disk; why the guard refuses.
    pub async fn purge_stream(&self, tenant: TenantId, name: &str, author: &str) -> Result<()> {
        let judged = self.judge_stream(tenant, name, None, author).await?;
        let (stream, by) = (name.to_owned(), author.to_owned());
        self.0.committer.submit(Company::Shared, 0, move |group| group.purge(tenant, &stream, &by)).await?;
        if let Some((notes, _)) = judged {
            self.note_all(author, notes).await?;
        }
        Ok(())
    }
}

fn changing(name: &str) -> Error {
    let message = format!("`{name}` was changed by others each time it had been judged; try again");
    Error::new(ErrorCode::RevisionConflict, message)
}

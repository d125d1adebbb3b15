//! Dead letters: kept, listed, discarded and replayed.

use super::{Store, check_name, check_records};
use crate::committer::{Company, Group};
use crate::format::encode_letter;
use crate::types::{DeadLetter, KeptLetter, LetterFilter, LetterSummary};
use headworks_core::{Batch, Error, Result, TenantId};

impl Store {
    /// Keeps records that could not be processed. The oldest letters of the tenant give way above the bounds.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`](headworks_core::ErrorCode::DiskFull).
    pub async fn bury(&self, tenant: TenantId, letter: DeadLetter) -> Result<()> {
        let letter = encode_letter(&letter)?;
        self.0.space.claim(letter.len())?;
        self.0.committer.submit(Company::Shared, letter.len(), move |group| group.bury(tenant, &letter)).await
    }

    /// Dead letters with a number above `after`, oldest first, at most `limit`. Numbers begin with 1.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when one cannot be read.
    pub fn dead_letters(&self, tenant: TenantId, after: u64, limit: usize) -> Result<Vec<(u64, DeadLetter)>> {
        self.0.engine.dead_letters(tenant, after, limit)
    }

    /// How many dead letters gave way to newer ones since the store exists, by tenant. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when the number cannot be read.
    pub fn dropped_dead_letters(&self) -> Result<Vec<(TenantId, u64)>> {
        self.0.engine.dropped_dead_letters()
    }

    /// The dead letters that a filter lets through, with a number above `after`, oldest first, at most `limit`. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when one cannot be read.
    pub fn letter_summaries(
        &self,
        tenant: TenantId,
        filter: &LetterFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LetterSummary>> {
        self.0.engine.letter_summaries(tenant, filter, after, limit)
    }

    /// One dead letter. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when it cannot be read.
    pub fn dead_letter(&self, tenant: TenantId, number: u64) -> Result<Option<KeptLetter>> {
        self.0.engine.dead_letter(tenant, number)
    }

    /// Forgets dead letters; those that do not exist are passed over. Answers how many there were.
    ///
    /// # Errors
    /// Those of a failing disk.
    pub async fn discard_letters(&self, tenant: TenantId, numbers: Vec<u64>) -> Result<usize> {
        let work = move |group: &mut Group<'_>| group.discard_letters(tenant, &numbers);
        self.0.committer.submit(Company::Shared, 0, work).await
    }

    /// As [`accept`](Self::accept) of what was made of a dead letter's records, which in the same transaction makes room:
    /// the letter is gone, or `rest` is in its place. All or nothing.
    ///
    /// # Errors
    /// As [`accept`](Self::accept); [`ErrorCode::NotFound`](headworks_core::ErrorCode::NotFound) and
    /// [`ErrorCode::RevisionConflict`](headworks_core::ErrorCode::RevisionConflict) where the letter is gone or has changed.
    pub async fn accept_replayed(
        &self,
        tenant: TenantId,
        seen: &KeptLetter,
        stored: Vec<(String, Batch)>,
        queued: Vec<(String, Batch)>,
        rest: Option<DeadLetter>,
    ) -> Result<()> {
        let mut bytes = 0;
        for (kind, (name, batch)) in stored.iter().map(|part| ("stream", part)).chain(queued.iter().map(|part| ("queue", part))) {
            check_name(kind, name)?;
            bytes += check_records(batch)?;
        }
        let rest = rest.map(|rest| encode_letter(&rest)).transpose()?;
        self.0.space.claim(bytes)?;
        let (number, digest) = (seen.number, seen.digest);
        // It has to see a letter as an earlier replay has left it.
        let work = move |group: &mut Group<'_>| {
            group.check_letter(tenant, number, &digest)?;
            group.check_append(tenant, &stored)?;
            group.enqueue(tenant, &queued)?;
            group.append(tenant, stored)?;
            match rest {
                Some(rest) => group.replace_letter(tenant, number, &rest),
                None => group.discard_letters(tenant, &[number]).map(drop),
            }
        };
        self.0.committer.submit(Company::Alone, bytes, work).await
    }
}

/// No such letter.
pub(crate) fn no_letter(number: u64) -> Error {
    Error::not_found(format!("there is no dead letter {number}: it was replayed or discarded, or has given way to newer ones"))
}

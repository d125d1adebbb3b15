//! Versions of flows (NiFi Registry 9).
//!
//! What must stay true: versions of a flow are 1 to n without gaps and never change; each has one content, which is written
//! before it and kept in the same moment.

use crate::check::{AUTHOR, Check};
use crate::flow::{self, Flow};
use crate::snapshot::{Contents, Found, failed, give_out, take_in};
use crate::{Aliases, Bucket, Event, EventKind, Metadata, Registry, TRIES, blocking, busy, read, written};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId, Uid};
use headworks_store::{Beside, Change, Content, ContentReader, ContentWriter, Expect};
use serde::{Deserialize, Serialize};
use std::io::{self, BufWriter, Read, Write};
use tokio::runtime::Handle;

/// The kind of the documents that are versions; they belong to their flow, and their names are numbers of ten digits.
pub(crate) const KIND: &str = "flow-version";
/// Bytes that are gathered before they go to the disk.
const GATHERED: usize = 256 << 10;

/// One version of a flow, without its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The identifier of its flow.
    #[serde(skip)]
    pub flow: String,
    /// From 1.
    #[serde(skip)]
    pub number: u32,
    /// Who saved it.
    pub author: String,
    /// What is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// When it was saved, in milliseconds since 1970.
    pub timestamp: i64,
    pub(crate) content: Kept,
}

/// Where the contents of a version are: one JSON object of everything in the snapshot that the server does not own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    id: Uid,
    size: u64,
    pub(crate) digest: String,
    /// Whether an address of a registry is in it.
    addresses: bool,
}

/// A snapshot that was taken in and belongs to no version yet. Dropping it gives it up.
pub struct Taken {
    /// What the client says of it.
    pub metadata: Option<Metadata>,
    contents: Contents,
    addresses: bool,
    pub(crate) content: Content,
}

/// What becomes of the metadata that came with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saving {
    /// The number counts, and the comments.
    Own,
    /// Author and time too: it comes from elsewhere (NiFi Registry 23.4).
    Preserved,
    /// It becomes the next version. These comments come before those of the snapshot (NiFi Registry 23.5).
    Imported(Option<String>),
    /// As preserved, out of another registry: the flow was changed when this was saved there, and nobody is told.
    Adopted,
    /// It is a version of the object whose versions the flow holds.
    Object,
}

/// What is kept of a version's snapshot, to be read.
pub struct Snapshot<'r> {
    reader: ContentReader,
    aliases: Option<&'r Aliases>,
    /// Tells contents apart.
    digest: String,
}

pub(crate) fn key(tenant: TenantId, flow: &str, number: u32) -> DocumentKey {
    DocumentKey::scoped(tenant, KIND, flow, &format!("{number:010}"))
}

impl Version {
    fn of(document: &Document) -> Result<Self> {
        let version: Self = read(document)?;
        let DocumentKey { scope, name, .. } = &document.key;
        let number =
            name.parse().map_err(|_| Error::new(ErrorCode::Corrupt, format!("the version {name} of a flow has no number")))?;
        Ok(Self { flow: scope.clone(), number, ..version })
    }

    /// Bytes of what is kept of its snapshot.
    pub fn size(&self) -> u64 {
        self.content.size
    }
}

/// What goes when these versions go.
pub(crate) fn going(documents: &[Document]) -> Result<(Vec<Change>, Vec<Beside>)> {
    let change = |document: &Document| Change::delete(document.key.clone());
    let content = |document: &Document| {
        let id = Version::of(document)?.content.id;
        Ok(Beside::NoContent { tenant: document.key.tenant, id })
    };
    Ok((documents.iter().map(change).collect(), documents.iter().map(content).collect::<Result<_>>()?))
}

/// Takes what is written into a content, from a thread that may block.
struct Pipe {
    content: ContentWriter,
    runtime: Handle,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.content.write(bytes)).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Registry {
    /// Takes in a snapshot while it arrives: memory stays flat whatever its size.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is no snapshot; those of its source and of the disk.
    pub async fn take_snapshot(&self, tenant: TenantId, from: impl Read + Send + 'static) -> Result<Taken> {
        let (registry, runtime) = (self.clone(), Handle::current());
        let content = self.store().start_content(tenant).await?;
        let (found, content) = blocking(move || {
            let mut to = BufWriter::with_capacity(GATHERED, Pipe { content, runtime });
            let found = take_in(from, &mut to, registry.aliases())?;
            let pipe = to.into_inner().map_err(|error| failed(error.into_error()))?;
            Ok((found, pipe.content))
        })
        .await?;
        let Found { metadata, contents, addresses } = found;
        Ok(Taken { metadata, contents, addresses, content: content.finish().await? })
    }

    /// Saves a snapshot as a version of a flow.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`]; those of [`flow`](Self::flow); [`ErrorCode::Exists`] and [`ErrorCode::RevisionConflict`] for a
    /// number that is not the next one.
    pub async fn save_version(
        &self,
        tenant: TenantId,
        caller: &str,
        (bucket, flow): (&str, &str),
        taken: Taken,
        saving: Saving,
    ) -> Result<(Bucket, Flow, Version)> {
        let Taken { metadata, contents, addresses, content } = taken;
        let kept = Kept { id: content.id, size: content.size, digest: content.digest.to_string(), addresses };
        let metadata = metadata.unwrap_or_default();
        let (of_object, adopted) = (saving == Saving::Object, saving == Saving::Adopted);
        let (asked, version) = drafted(metadata, contents, kept, caller, saving, self.clock().now().millis())?;
        let _turn = self.flow_lock(tenant, flow)?.lock().await;
        let _using = self.use_bucket(tenant, bucket).await?;
        for _ in 0..TRIES {
            let (in_bucket, before) = self.flow(tenant, bucket, flow)?;
            if let Some(object) = before.object.as_ref().filter(|_| !of_object) {
                return Err(object.kept());
            }
            let number = next(before.versions, asked)?;
            let version = Version { flow: flow.to_owned(), number, ..version.clone() };
            let modified = if adopted { before.modified.max(version.timestamp) } else { self.clock().now().millis() };
            let after = Flow { versions: number, modified, ..before.clone() };
            let changes = vec![
                Change::put(key(tenant, flow, number), written(&version)?).expecting(Expect::Absent),
                Change::put(flow::key(tenant, bucket, flow), written(&after)?).expecting(Expect::Revision(before.stored)),
            ];
            match self.store().write_with(caller, changes, vec![Beside::Content { tenant, id: content.id }]).await {
                Ok(_) => {
                    if !adopted {
                        self.tell_version(&after, &version, tenant, caller);
                    }
                    return Ok((in_bucket, after, version));
                }
                Err(error) if matches!(error.code, ErrorCode::RevisionConflict | ErrorCode::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy("Versioned Flow", flow))
    }

    /// A version of a flow.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn version(&self, tenant: TenantId, flow: &str, number: u32) -> Result<Version> {
        let none = || Error::not_found("The specified versioned flow snapshot does not exist for this flow.");
        Version::of(&self.store().get(&key(tenant, flow, number))?.ok_or_else(none)?)
    }

    /// The newest version of a flow.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a flow without versions.
    pub fn latest_version(&self, tenant: TenantId, flow: &Flow) -> Result<Version> {
        if flow.versions == 0 {
            return Err(Error::not_found("The specified flow ID has no versions"));
        }
        self.version(tenant, &flow.id, flow.versions)
    }

    /// All versions of a flow, the newest first. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] for one that cannot be read.
    pub fn versions(&self, tenant: TenantId, flow: &str) -> Result<Vec<Version>> {
        let documents = self.store().list(tenant, KIND, flow)?;
        documents.iter().rev().map(Version::of).collect()
    }

    /// What is kept of a version's snapshot, with the addresses of registries as they are stored.
    ///
    /// # Errors
    /// [`ErrorCode::Lost`] where it is not there.
    pub fn content_of(&self, tenant: TenantId, version: &Version) -> Result<ContentReader> {
        self.store().content(tenant, &version.content.id)?.ok_or_else(|| {
            let Version { flow, number, .. } = version;
            let message = format!("No serialized content found for snapshot with flow identifier {flow} and version {number}");
            Error::new(ErrorCode::Lost, message)
        })
    }

    /// What is kept of a version's snapshot as clients get it.
    ///
    /// # Errors
    /// [`ErrorCode::Lost`] where it is not there.
    pub fn snapshot(&self, tenant: TenantId, version: &Version) -> Result<Snapshot<'_>> {
        let reader = self.content_of(tenant, version)?;
        let aliases = Some(self.aliases()).filter(|aliases| version.content.addresses && !aliases.is_empty());
        Ok(Snapshot { reader, aliases, digest: version.content.digest.clone() })
    }

    fn tell_version(&self, flow: &Flow, version: &Version, tenant: TenantId, user: &str) {
        let fields = [
            ("BUCKET_ID", flow.bucket.clone()),
            ("FLOW_ID", flow.id.clone()),
            ("VERSION", version.number.to_string()),
            ("USER", user.to_owned()),
            ("COMMENT", version.comments.clone().unwrap_or_default()),
        ];
        self.tell(Event::new(tenant, EventKind::CreateFlowVersion, fields));
    }
}

impl Snapshot<'_> {
    /// Bytes of what is kept.
    pub fn size(&self) -> u64 {
        self.reader.len()
    }

    /// What tells this snapshot from every other one, as clients get them.
    pub fn mark(&self) -> String {
        match self.aliases {
            None => self.digest.clone(),
            Some(aliases) => format!("{}{aliases:?}", self.digest),
        }
    }

    /// What is kept, where clients get it as it is stored. Its first byte is the brace before its members.
    pub fn plain(self) -> Option<ContentReader> {
        self.aliases.is_none().then_some(self.reader)
    }

    /// Writes its members and the end of the object with the addresses that clients know: what comes before is for the caller
    /// to write. Blocks.
    ///
    /// # Errors
    /// Those of the writer; [`ErrorCode::Internal`] for contents that were deleted meanwhile.
    pub fn write_to(self, to: &mut impl Write) -> Result<()> {
        let to = WithoutFirst { to: BufWriter::with_capacity(GATHERED, to), passed: false };
        give_out(self.reader, to, self.aliases.unwrap_or(&Aliases::default()))
    }
}

/// Leaves out the first byte.
struct WithoutFirst<W> {
    to: W,
    passed: bool,
}

impl<W: Write> Write for WithoutFirst<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes.split_first() {
            Some((_, rest)) if !self.passed => {
                self.passed = true;
                self.to.write_all(rest)?;
                Ok(bytes.len())
            }
            _ => self.to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The number that was asked for, and the version as it will be but for its place.
fn drafted(
    metadata: Metadata,
    contents: Contents,
    content: Kept,
    caller: &str,
    saving: Saving,
    now: i64,
) -> Result<(i32, Version)> {
    const WHAT: &str = "Cannot create versioned flow snapshot";
    match contents {
        Contents::Object => {}
        Contents::Missing => return Err(Error::invalid(format!("{WHAT} - flowContents must not be null"))),
        Contents::Wrong => return Err(Error::invalid(format!("{WHAT} - flowContents must be an object"))),
    }
    let mut version = Version {
        flow: String::new(),
        number: 0,
        author: caller.to_owned(),
        comments: metadata.comments,
        timestamp: now,
        content,
    };
    let mut asked = metadata.version.unwrap_or(0);
    match saving {
        Saving::Own | Saving::Object => {}
        Saving::Imported(comments) => {
            asked = -1;
            version.comments = comments.or(version.comments);
        }
        Saving::Preserved | Saving::Adopted => {
            let author = metadata.author.filter(|author| !author.trim().is_empty());
            version.author = author.ok_or_else(|| Error::invalid("Author must not be blank"))?;
            let timestamp = metadata.timestamp.filter(|timestamp| *timestamp > 0);
            version.timestamp = timestamp.ok_or_else(|| Error::invalid("Invalid timestamp"))?;
        }
    }
    let check = Check::new(WHAT).at_most("author", Some(&version.author), AUTHOR);
    check.text("comments", version.comments.as_deref()).done()?;
    Ok((asked, version))
}

/// The number of the next version, where that is what was asked for (NiFi Registry 9.1).
fn next(newest: u32, asked: i32) -> Result<u32> {
    let due = newest.checked_add(1).ok_or_else(|| Error::new(ErrorCode::Exhausted, "a flow has no more numbers for versions"))?;
    let asked = match asked {
        -1 => return Ok(due),
        asked => u32::try_from(asked)
            .ok()
            .filter(|asked| *asked > 0)
            .ok_or_else(|| Error::invalid("Version must be greater than zero, or use -1 to indicate latest version"))?,
    };
    if asked == due {
        return Ok(due);
    }
    Err(match asked {
        asked if asked <= newest => {
            let message = format!("A Versioned flow snapshot with the same version already exists: {asked}");
            Error::new(ErrorCode::Exists, message)
        }
        _ if newest == 0 => Error::new(ErrorCode::RevisionConflict, "Version of first snapshot must be 1"),
        asked => {
            let message =
                format!("Version must be a one-up number, last version was {newest} and version for this snapshot was {asked}");
            Error::new(ErrorCode::RevisionConflict, message)
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps() {
        assert_eq!(next(0, -1).unwrap(), 1);
        assert_eq!(next(0, 1).unwrap(), 1);
        assert_eq!(next(4, 5).unwrap(), 5);
        let told = |newest, asked| next(newest, asked).unwrap_err().message;
        assert_eq!(told(0, 2), "Version of first snapshot must be 1");
        assert_eq!(told(2, 2), "A Versioned flow snapshot with the same version already exists: 2");
        assert_eq!(told(2, 7), "Version must be a one-up number, last version was 2 and version for this snapshot was 7");
        for asked in [0, -2, i32::MIN] {
            assert_eq!(told(2, asked), "Version must be greater than zero, or use -1 to indicate latest version");
        }
    }
}

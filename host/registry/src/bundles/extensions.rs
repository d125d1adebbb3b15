//! The extensions of a version of a bundle: what searches look at is in one document, full descriptions and pages are in one
//! content beside it.

use crate::archive::{Archive, Extension};
use crate::{Registry, read, written};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId, Uid};
use headworks_store::{Content, ContentReader};
use serde::{Deserialize, Serialize};
use std::io::{Read, Seek, SeekFrom};

/// The kind of the documents that list extensions; they belong to their bundle, and their names are versions.
const KIND: &str = "bundle-extensions";

/// One part of the content beside a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    at: u64,
    len: u64,
}

/// What is known of one extension without looking at its full description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionEntry {
    /// Name, type, description, tags, interfaces, restrictions, deprecation; nothing of the other members.
    pub summary: Extension,
    full: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Span>,
}

impl ExtensionEntry {
    /// Whether its author shipped a page about it.
    pub fn has_details(&self) -> bool {
        self.details.is_some()
    }
}

/// The extensions of one version, in the order of the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionList {
    /// Each name once.
    pub extensions: Vec<ExtensionEntry>,
    /// There when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Uid>,
}

impl ExtensionList {
    /// The extension of a name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn find(&self, name: &str) -> Result<&ExtensionEntry> {
        let missing = || Error::not_found("The specified extension does not exist in this registry.");
        self.extensions.iter().find(|entry| entry.summary.name == name).ok_or_else(missing)
    }
}

/// What an extension is found by; the rest is in its full description.
fn summary(of: &Extension) -> Extension {
    Extension {
        name: of.name.clone(),
        kind: of.kind.clone(),
        deprecation_notice: of.deprecation_notice.clone(),
        description: of.description.clone(),
        tags: of.tags.clone(),
        restricted: of.restricted.clone(),
        provided_service_apis: of.provided_service_apis.clone(),
        ..Extension::default()
    }
}

pub(super) fn key(tenant: TenantId, bundle: &str, version: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, KIND, bundle, version)
}

impl Registry {
    /// Stores full descriptions and pages; answers the list of them and, where there are any, what has to be kept with it.
    pub(super) async fn put_extensions(&self, tenant: TenantId, archive: Archive) -> Result<(ExtensionList, Option<Content>)> {
        if archive.extensions.is_empty() {
            return Ok((ExtensionList::default(), None));
        }
        let mut writer = self.store().start_content(tenant).await?;
        let mut extensions = Vec::with_capacity(archive.extensions.len());
        for extension in &archive.extensions {
            let mut put = async |bytes: &[u8]| {
                let span = Span { at: writer.size(), len: bytes.len() as u64 };
                writer.write(bytes).await.map(|()| span)
            };
            let full = put(&written(extension)?).await?;
            let details = match archive.details.get(&extension.name) {
                Some(page) => Some(put(page.as_bytes()).await?),
                None => None,
            };
            extensions.push(ExtensionEntry { summary: summary(extension), full, details });
        }
        let content = writer.finish().await?;
        Ok((ExtensionList { extensions, content: Some(content.id) }, Some(content)))
    }

    /// The extensions of a version of a bundle; of one that does not exist none. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when they cannot be read.
    pub fn extensions(&self, tenant: TenantId, bundle: &str, version: &str) -> Result<ExtensionList> {
        let found = self.store().get(&key(tenant, bundle, version))?;
        found.as_ref().map_or_else(|| Ok(ExtensionList::default()), read)
    }

    /// The full description of an extension of a list. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when the version was deleted or replaced meanwhile; [`ErrorCode::Corrupt`].
    pub fn extension(&self, tenant: TenantId, list: &ExtensionList, entry: &ExtensionEntry) -> Result<Extension> {
        let bytes = self.span(tenant, list, entry.full)?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(&error))
    }

    /// The page that the author of an extension shipped. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::InUse`] when there is none; else as [`extension`](Self::extension).
    pub fn details(&self, tenant: TenantId, list: &ExtensionList, entry: &ExtensionEntry) -> Result<String> {
        let missing = || Error::new(ErrorCode::InUse, "The specified extension does not have additional details.");
        let bytes = self.span(tenant, list, entry.details.ok_or_else(missing)?)?;
        String::from_utf8(bytes).map_err(|error| damaged(&error))
    }

    fn span(&self, tenant: TenantId, list: &ExtensionList, span: Span) -> Result<Vec<u8>> {
        let content = list.content.map(|id| self.store().content(tenant, &id)).transpose()?.flatten();
        let mut reader: ContentReader = content.ok_or_else(super::no_version)?;
        let mut bytes = Vec::new();
        reader.seek(SeekFrom::Start(span.at))?;
        reader.take(span.len).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::Corrupt, format!("the stored description of an extension cannot be read: {error}"))
}

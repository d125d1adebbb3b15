//! The tables of the metadata database, and what becomes of their rows.

use super::values::{self, Cell};
use super::{Spool, Zone};
use crate::inventory::{Bucket, BundleVersion, Flow, Inventory, Place, Version};
use headworks_core::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;

/// The tables that are read, with their columns in the order in which the original makes them.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("BUCKET", &["ID", "NAME", "DESCRIPTION", "CREATED", "ALLOW_EXTENSION_BUNDLE_REDEPLOY", "ALLOW_PUBLIC_READ"]),
    ("BUCKET_ITEM", &["ID", "NAME", "DESCRIPTION", "CREATED", "MODIFIED", "ITEM_TYPE", "BUCKET_ID"]),
    ("FLOW_SNAPSHOT", &["FLOW_ID", "VERSION", "CREATED", "CREATED_BY", "COMMENTS"]),
    ("FLOW_PERSISTENCE_PROVIDER", &["BUCKET_ID", "FLOW_ID", "VERSION", "FLOW_CONTENT"]),
    ("BUNDLE", &["ID", "BUCKET_ID", "BUNDLE_TYPE", "GROUP_ID", "ARTIFACT_ID"]),
    (
        "BUNDLE_VERSION",
        &[
            "ID",
            "BUNDLE_ID",
            "VERSION",
            "CREATED",
            "CREATED_BY",
            "DESCRIPTION",
            "SHA_256_HEX",
            "SHA_256_SUPPLIED",
            "CONTENT_SIZE",
            "SYSTEM_API_VERSION",
            "BUILD_TOOL",
            "BUILD_FLAGS",
            "BUILD_BRANCH",
            "BUILD_TAG",
            "BUILD_REVISION",
            "BUILT",
            "BUILT_BY",
        ],
    ),
    ("SYSTEM_LOB_STREAM", &["ID", "PART", "CDATA", "BDATA"]),
];
/// Those without which nothing is known.
const NEEDED: [&str; 3] = ["BUCKET", "BUCKET_ITEM", "FLOW_SNAPSHOT"];
/// The most rows that are held, and the most bytes of their texts.
const ROWS: usize = 1_000_000;
const TEXTS: usize = 512 << 20;

/// A row by its columns.
pub(super) struct Row<'a>(pub(super) HashMap<&'a str, Cell>);

/// Where a content is in the spool.
type Spooled = (u64, u64);

/// An item of a bucket: a flow or a bundle.
struct Item {
    bucket: String,
    name: String,
    description: Option<String>,
    times: (i64, i64),
    flow: bool,
}

/// A bundle, by its identifier.
struct Bundle {
    bucket: String,
    kind: String,
    group: String,
    artifact: String,
}

/// What was read so far.
pub(super) struct Tables {
    zone: Zone,
    seen: BTreeSet<&'static str>,
    buckets: Vec<Bucket>,
    items: BTreeMap<String, Item>,
    versions: BTreeMap<String, Vec<Version>>,
    contents: HashMap<(String, u32), Spooled>,
    bundles: HashMap<String, Bundle>,
    bundle_versions: Vec<(String, BundleVersion)>,
    pieces: HashMap<i64, (Spooled, i64)>,
    spool: Spool,
    rows: usize,
    texts: usize,
}

impl Row<'_> {
    fn take(&mut self, column: &str) -> Cell {
        self.0.remove(column).unwrap_or(Cell::Null)
    }

    fn number(&mut self, column: &str) -> Result<i64> {
        match self.take(column) {
            Cell::Number(number) => Ok(number),
            Cell::Null => Ok(0),
            _ => Err(Error::invalid(format!("{column} is no number"))),
        }
    }
}

impl Tables {
    pub(super) fn new(zone: Zone) -> Result<Self> {
        Ok(Self {
            zone,
            seen: BTreeSet::new(),
            buckets: Vec::new(),
            items: BTreeMap::new(),
            versions: BTreeMap::new(),
            contents: HashMap::new(),
            bundles: HashMap::new(),
            bundle_versions: Vec::new(),
            pieces: HashMap::new(),
            spool: Spool::new()?,
            rows: 0,
            texts: 0,
        })
    }

    /// Notes which tables a statement is about. What cannot be read is refused.
    pub(super) fn saw(&mut self, statement: &str) -> Result<()> {
        let words: Vec<String> = statement.split_whitespace().take(6).map(str::to_ascii_uppercase).collect();
        let first = words.first().map(String::as_str);
        if first == Some("COPY") {
            return Err(Error::invalid("it has COPY: make the dump with `pg_dump --inserts`"));
        }
        if matches!(first, Some("CREATE" | "INSERT")) {
            let named = |table: &str| words.iter().any(|word| name_of(word) == table);
            self.seen.extend(NEEDED.into_iter().filter(|table| named(table)));
        }
        Ok(())
    }

    /// Refuses what lacks a table.
    pub(super) fn complete(&self) -> Result<()> {
        match NEEDED.into_iter().find(|table| !self.seen.contains(table)) {
            None => Ok(()),
            Some(table) => Err(Error::invalid(format!("it has no table {table}: it is no dump of a registry, or is cut off"))),
        }
    }

    pub(super) fn add(&mut self, table: &str, mut row: Row<'_>) -> Result<()> {
        if table == "SYSTEM_LOB_STREAM" {
            return self.piece(&mut row);
        }
        self.rows += 1;
        if self.rows > ROWS || self.texts > TEXTS {
            return Err(Error::invalid(format!("it has more than {ROWS} rows, or more than {TEXTS} bytes in their texts")));
        }
        match table {
            "BUCKET" => self.bucket(&mut row),
            "BUCKET_ITEM" => self.item(&mut row),
            "FLOW_SNAPSHOT" => self.version(&mut row),
            "FLOW_PERSISTENCE_PROVIDER" => self.content(&mut row),
            "BUNDLE" => self.bundle(&mut row),
            _ => self.bundle_version(&mut row),
        }
    }

    fn bucket(&mut self, row: &mut Row<'_>) -> Result<()> {
        let bucket = Bucket {
            id: self.text(row, "ID")?,
            name: self.text(row, "NAME")?,
            description: self.optional(row, "DESCRIPTION")?,
            created: Some(self.time(row, "CREATED")?),
            allow_public_read: row.number("ALLOW_PUBLIC_READ")? != 0,
            allow_bundle_redeploy: row.number("ALLOW_EXTENSION_BUNDLE_REDEPLOY")? != 0,
            ..Bucket::default()
        };
        self.buckets.push(bucket);
        Ok(())
    }

    fn item(&mut self, row: &mut Row<'_>) -> Result<()> {
        let id = self.text(row, "ID")?;
        let item = Item {
            bucket: self.text(row, "BUCKET_ID")?,
            name: self.text(row, "NAME")?,
            description: self.optional(row, "DESCRIPTION")?,
            times: (self.time(row, "CREATED")?, self.time(row, "MODIFIED")?),
            flow: self.text(row, "ITEM_TYPE")? == "FLOW",
        };
        self.items.insert(id, item);
        Ok(())
    }

    fn version(&mut self, row: &mut Row<'_>) -> Result<()> {
        let flow = self.text(row, "FLOW_ID")?;
        let version = Version {
            number: number(row)?,
            author: Some(self.text(row, "CREATED_BY")?),
            comments: self.optional(row, "COMMENTS")?,
            timestamp: Some(self.time(row, "CREATED")?),
            // Where it is is known at the end.
            place: Place::Spooled(0, 0),
        };
        self.versions.entry(flow).or_default().push(version);
        Ok(())
    }

    fn content(&mut self, row: &mut Row<'_>) -> Result<()> {
        let flow = self.text(row, "FLOW_ID")?;
        let version = number(row)?;
        let place = match row.take("FLOW_CONTENT") {
            Cell::Pieces(number) => self.combined(number)?,
            Cell::Bytes(bytes) => self.spool.add(&bytes)?,
            Cell::Text(text) => match text.strip_prefix("\\x") {
                Some(hexadecimal) => self.spool.add(&values::bytes(hexadecimal)?)?,
                None => self.spool.add(text.as_bytes())?,
            },
            _ => return Err(Error::invalid("FLOW_CONTENT is no binary data")),
        };
        self.contents.insert((flow, version), place);
        Ok(())
    }

    fn bundle(&mut self, row: &mut Row<'_>) -> Result<()> {
        let id = self.text(row, "ID")?;
        let bundle = Bundle {
            bucket: self.text(row, "BUCKET_ID")?,
            kind: self.text(row, "BUNDLE_TYPE")?,
            group: self.text(row, "GROUP_ID")?,
            artifact: self.text(row, "ARTIFACT_ID")?,
        };
        self.bundles.insert(id, bundle);
        Ok(())
    }

    fn bundle_version(&mut self, row: &mut Row<'_>) -> Result<()> {
        let bundle = self.text(row, "BUNDLE_ID")?;
        let version = BundleVersion {
            version: self.text(row, "VERSION")?,
            ids: Some((bundle.clone(), self.text(row, "ID")?)),
            author: Some(self.text(row, "CREATED_BY")?),
            timestamp: Some(self.time(row, "CREATED")?),
            sha256: Some(self.text(row, "SHA_256_HEX")?),
            sha256_supplied: row.number("SHA_256_SUPPLIED")? != 0,
            ..BundleVersion::default()
        };
        self.bundle_versions.push((bundle, version));
        Ok(())
    }

    /// A piece of data that H2 writes before the row that it belongs to.
    fn piece(&mut self, row: &mut Row<'_>) -> Result<()> {
        let (id, part) = (row.number("ID")?, row.number("PART")?);
        let place = match (row.take("CDATA"), row.take("BDATA")) {
            (Cell::Text(text), Cell::Null) => self.spool.add(text.as_bytes())?,
            (Cell::Null, Cell::Text(hexadecimal)) => self.spool.add(&values::bytes(&hexadecimal)?)?,
            (Cell::Null, Cell::Bytes(bytes)) => self.spool.add(&bytes)?,
            _ => return Err(Error::invalid("a piece of data is neither text nor binary")),
        };
        let ((start, length), parts) = self.pieces.remove(&id).unwrap_or(((place.0, 0), 0));
        if part != parts || start + length != place.0 {
            return Err(Error::invalid(format!("the piece {part} of the data {id} is not where it belongs")));
        }
        self.pieces.insert(id, ((start, length + place.1), parts + 1));
        if self.pieces.len() > ROWS {
            return Err(Error::invalid(format!("it has more than {ROWS} pieces of data")));
        }
        Ok(())
    }

    fn combined(&mut self, number: i64) -> Result<Spooled> {
        let found = self.pieces.remove(&number).map(|(place, _)| place);
        found.ok_or_else(|| Error::invalid(format!("the data {number} is missing")))
    }

    fn optional(&mut self, row: &mut Row<'_>, column: &str) -> Result<Option<String>> {
        let text = match row.take(column) {
            Cell::Null => return Ok(None),
            Cell::Text(text) => text,
            Cell::Bytes(bytes) => String::from_utf8(bytes).map_err(|_| Error::invalid(format!("{column} is no UTF-8")))?,
            Cell::Number(number) => number.to_string(),
            Cell::Pieces(number) => {
                let (start, length) = self.combined(number)?;
                self.spool.text(start, length)?
            }
        };
        self.texts += text.len();
        Ok(Some(text))
    }

    fn text(&mut self, row: &mut Row<'_>, column: &str) -> Result<String> {
        self.optional(row, column)?.ok_or_else(|| Error::invalid(format!("{column} is missing")))
    }

    fn time(&mut self, row: &mut Row<'_>, column: &str) -> Result<i64> {
        let text = self.text(row, column)?;
        self.zone.millis(&text).ok_or_else(|| Error::invalid(format!("{column} is no time: {text:?}")))
    }

    /// Everything in its place; answers the spool. `place` says where the content of a version is.
    pub(super) fn into_inventory(
        self,
        inventory: &mut Inventory,
        mut place: impl FnMut(&str, &str, u32, Option<Spooled>) -> Result<Place>,
    ) -> Result<File> {
        let Self { buckets, items, mut versions, mut contents, bundles, bundle_versions, spool, .. } = self;
        let mut by_id: BTreeMap<String, Bucket> = buckets.into_iter().map(|bucket| (bucket.id.clone(), bucket)).collect();
        for (id, item) in items {
            if !item.flow {
                continue;
            }
            let mut flow =
                Flow { id, name: item.name, description: item.description, times: Some(item.times), ..Flow::default() };
            let mut found = versions.remove(&flow.id).unwrap_or_default();
            found.sort_by_key(|version| version.number);
            for version in found {
                let spooled = contents.remove(&(flow.id.clone(), version.number));
                match place(&item.bucket, &flow.id, version.number, spooled) {
                    Ok(place) => flow.versions.push(Version { place, ..version }),
                    Err(error) => inventory.refuse(format!("version {} of the flow {}", version.number, flow.id), error.message),
                }
            }
            match by_id.get_mut(&item.bucket) {
                Some(bucket) => bucket.flows.push(flow),
                None => inventory.refuse(format!("flow {}", flow.id), format!("the dump has no bucket {}", item.bucket)),
            }
        }
        for (flow, versions) in versions {
            inventory.refuse(format!("{} versions of the flow {flow}", versions.len()), "the dump has no such flow");
        }
        for (flow, version) in contents.into_keys() {
            inventory.refuse(format!("content of the version {version} of the flow {flow}"), "the dump has no such version");
        }
        for (id, version) in bundle_versions {
            let Some((bundle, bucket)) = bundles.get(&id).and_then(|bundle| Some((bundle, by_id.get_mut(&bundle.bucket)?)))
            else {
                inventory.refuse(format!("version {} of the bundle {id}", version.version), "the dump has no such bundle");
                continue;
            };
            let kind = match bundle.kind.as_str() {
                "NIFI_NAR" => "nifi-nar",
                "MINIFI_CPP" => "minifi-cpp",
                other => {
                    inventory
                        .refuse(format!("version {} of the bundle {id}", version.version), format!("no bundle is a {other}"));
                    continue;
                }
            };
            let (group, artifact) = (bundle.group.clone(), bundle.artifact.clone());
            bucket.bundles.push(BundleVersion { kind, group, artifact, ..version });
        }
        inventory.buckets = by_id.into_values().collect();
        inventory.buckets.sort_by(|one, other| one.name.cmp(&other.name));
        for bucket in &mut inventory.buckets {
            bucket.flows.sort_by(|one, other| one.name.cmp(&other.name));
            bucket.bundles.sort_by_key(|version| version.timestamp);
        }
        Ok(spool.file)
    }
}

fn name_of(word: &str) -> &str {
    let word = word.split('(').next().unwrap_or_default();
    word.rsplit('.').next().unwrap_or_default().trim_matches(['"', '`'])
}

fn number(row: &mut Row<'_>) -> Result<u32> {
    let number = row.number("VERSION")?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Error::invalid(format!("no version has the number {number}")))
}

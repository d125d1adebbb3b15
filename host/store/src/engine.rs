//! RocksDB as the store uses it: which column families there are, how they are tuned, how a group is committed and what its
//! errors mean. Knows nothing of what keys and values hold.

use crate::format::keys;
use headworks_core::{Error, ErrorCode, Result};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBPinnableSlice, DBRawIterator,
    FlushOptions, LogLevel, Options, ReadOptions, Snapshot, WriteBatch, WriteBufferManager, WriteOptions,
};
use std::path::Path;

/// The column families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Documents.
    Documents,
    /// Records of streams.
    Records,
    /// Value indexes of streams.
    Indexes,
    /// Dead letters.
    Queue,
    /// Records that wait to be delivered.
    Outbox,
    /// Components and archives, in blob files.
    Blobs,
    /// Contents in pieces, in blob files.
    Contents,
    /// What plugins remember.
    State,
    /// What happened to documents.
    Audit,
    /// Sequence numbers, tallies, field names, expiry ranges.
    Meta,
}

impl Table {
    pub(crate) const ALL: [Self; 10] = [
        Self::Documents,
        Self::Records,
        Self::Indexes,
        Self::Queue,
        Self::Outbox,
        Self::Blobs,
        Self::Contents,
        Self::State,
        Self::Audit,
        Self::Meta,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Records => "records",
            Self::Indexes => "indexes",
            Self::Queue => "queue",
            Self::Outbox => "outbox",
            Self::Blobs => "blobs",
            Self::Contents => "contents",
            Self::State => "state",
            Self::Audit => "audit",
            Self::Meta => "meta",
        }
    }

    /// Bytes gathered in memory before they are written to a table file.
    const fn write_buffer(self) -> usize {
        match self {
            Self::Records => 32 << 20,
            Self::Indexes => 16 << 20,
            Self::Queue | Self::Outbox | Self::Blobs | Self::Contents => 8 << 20,
            Self::Documents | Self::State | Self::Audit | Self::Meta => 4 << 20,
        }
    }
}

/// Bytes of blocks kept in memory, shared by all column families.
const BLOCK_CACHE: usize = 64 << 20;
/// Bytes of all write buffers together, from which on the largest is flushed.
const WRITE_BUFFERS: usize = 96 << 20;

/// An open database. It has no log of its own: what is not yet in table files is in the [journal](crate::durable).
pub(crate) struct Engine {
    db: DB,
}

impl Engine {
    /// Opens the database, and makes what is not there yet.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (options, families) = tuning();
        let db = DB::open_cf_descriptors(&options, path, families).map_err(|error| opening(path, &error))?;
        Ok(Self { db })
    }

    pub(crate) fn family(&self, table: Table) -> Result<&ColumnFamily> {
        let missing = || Error::internal(format!("the column family {} is not open", table.name()));
        self.db.cf_handle(table.name()).ok_or_else(missing)
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>> {
        self.db.get_pinned_cf(self.family(table)?, key).map_err(failed)
    }

    /// The values of many keys, which have to be in ascending order.
    pub(crate) fn get_many<const N: usize>(&self, table: Table, keys: &[[u8; N]]) -> Result<Vec<Option<DBPinnableSlice<'_>>>> {
        let family = self.family(table)?;
        self.db.batched_multi_get_cf(family, keys, true).into_iter().map(|found| found.map_err(failed)).collect()
    }

    /// Looks at the keys from `lower` up to and without `upper`; an empty `upper` has no end. It stands nowhere at first.
    pub(crate) fn walk(&self, table: Table, lower: &[u8], upper: &[u8], reading: Reading) -> Result<DBRawIterator<'_>> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(lower);
        if !upper.is_empty() {
            options.set_iterate_upper_bound(upper);
        }
        match reading {
            Reading::Usual => {}
            Reading::Once => {
                options.fill_cache(false);
            }
        }
        Ok(self.db.raw_iterator_cf_opt(self.family(table)?, options))
    }

    /// As [`walk`](Self::walk), over all keys that begin with `prefix`.
    pub(crate) fn walk_prefix(&self, table: Table, prefix: &[u8]) -> Result<DBRawIterator<'_>> {
        self.walk(table, prefix, &keys::after(prefix), Reading::Usual)
    }

    /// This moment, which stays readable as long as the answer lives.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        self.db.snapshot()
    }

    /// Writes all or nothing, into memory: [`Durable`](crate::durable::Durable) is what makes it last.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<()> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(batch, &options).map_err(failed)
    }

    /// Writes everything that is in memory to table files, for all column families together.
    pub(crate) fn flush(&self) -> Result<()> {
        let families = Table::ALL.iter().map(|table| self.family(*table)).collect::<Result<Vec<_>>>()?;
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(failed)
    }

    /// How often writing table files in the background failed.
    pub(crate) fn background_errors(&self) -> u64 {
        self.db.property_int_value("rocksdb.background-errors").ok().flatten().unwrap_or_default()
    }
}

/// How a walk treats the block cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Blocks stay in the cache.
    Usual,
    /// Many blocks are read, once each: they must not drive everything else out of the cache.
    Once,
}

fn tuning() -> (Options, Vec<ColumnFamilyDescriptor>) {
    let cache = Cache::new_lru_cache(BLOCK_CACHE);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // Whatever makes RocksDB write table files, they hold a state that was between two groups, with its place in the journal.
    options.set_atomic_flush(true);
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(WRITE_BUFFERS, false));
    options.set_max_background_jobs(2);
    options.set_max_open_files(512);
    options.set_bytes_per_sync(1 << 20);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    let families = Table::ALL.iter().map(|table| ColumnFamilyDescriptor::new(table.name(), family_tuning(*table, &cache)));
    (options, families.collect())
}

fn family_tuning(table: Table, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_format_version(6);
    blocks.set_block_size(if table == Table::Records { 32 << 10 } else { 16 << 10 });
    if matches!(table, Table::Documents | Table::Blobs | Table::State) {
        blocks.set_bloom_filter(10.0, false);
    }

    let mut options = Options::default();
    options.set_block_based_table_factory(&blocks);
    options.set_write_buffer_size(table.write_buffer());
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options.set_target_file_size_base(64 << 20);
    match table {
        Table::Records | Table::Indexes | Table::Queue | Table::Outbox | Table::Meta => {
            // Retention deletes in runs: files that hold little but deletions are compacted early.
            options.add_compact_on_deletion_collector_factory(4096, 2048, 0.5);
        }
        Table::Blobs | Table::Contents => {
            options.set_enable_blob_files(true);
            options.set_min_blob_size(4 << 10);
            options.set_blob_compression_type(DBCompressionType::Zstd);
            options.set_enable_blob_gc(true);
            // Few and large entries fill no level: what was deleted gives its space back when the files have this age.
            options.set_periodic_compaction_seconds(86_400);
        }
        Table::Documents | Table::State | Table::Audit => {}
    }
    options
}

/// What an error of RocksDB means to a caller.
pub(crate) fn failed(error: rocksdb::Error) -> Error {
    let text = error.to_string();
    let code = match error.kind() {
        _ if text.contains("No space left") => ErrorCode::DiskFull,
        rocksdb::ErrorKind::Corruption => ErrorCode::Corrupt,
        _ => ErrorCode::Io,
    };
    Error::new(code, format!("the database failed: {text}"))
}

fn opening(path: &Path, error: &rocksdb::Error) -> Error {
    let text = error.to_string();
    let shown = path.display();
    match error.kind() {
        _ if text.contains("No space left") => Error::new(ErrorCode::DiskFull, format!("{shown} cannot be opened: {text}")),
        _ if text.to_ascii_lowercase().contains("lock") && !text.contains("block") => in_use(path),
        rocksdb::ErrorKind::Corruption => Error::new(
            ErrorCode::Corrupt,
            format!("the database {shown} is damaged and is not opened, so that nothing is lost silently: {text}"),
        ),
        _ => Error::new(ErrorCode::Io, format!("the database {shown} cannot be opened: {text}")),
    }
}

/// Another process has the folder.
pub(crate) fn in_use(path: &Path) -> Error {
    Error::new(
        ErrorCode::Unavailable,
        format!(
            "the database {} is in use by another process: stop the server that uses it, or name another data folder",
            path.display()
        ),
    )
}

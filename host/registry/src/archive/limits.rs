//! How much of an archive is looked at.

/// Limits on an archive. What an archive says of its own sizes is checked against what is read, never believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries. Default 65,535: what an archive without ZIP64 can hold.
    pub entries: u64,
    /// Bytes of the directory at the archive's end. Default 16 MiB.
    pub directory: u64,
    /// Bytes of all entries unpacked, as counted. Default 16 GiB.
    pub unpacked: u64,
    /// Unpacked bytes of an entry per packed byte, counted from its second MiB on. Default 200.
    pub ratio: u64,
    /// Bytes of `META-INF/MANIFEST.MF`. Default 1 MiB.
    pub manifest: u64,
    /// Bytes of the extension descriptor. Default 16 MiB.
    pub descriptor: u64,
    /// Elements inside each other in the descriptor. Default 32.
    pub depth: usize,
    /// Elements of the descriptor. Default 400,000.
    pub elements: usize,
    /// Extensions of an archive. Default 5,000.
    pub extensions: usize,
    /// Bytes of one page of additional details. Default 4 MiB.
    pub details: u64,
    /// Bytes of all pages of additional details. Default 32 MiB.
    pub all_details: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            entries: 65_535,
            directory: 16 * MIB,
            unpacked: 16 * 1024 * MIB,
            ratio: 200,
            manifest: MIB,
            descriptor: 16 * MIB,
            depth: 32,
            elements: 400_000,
            extensions: 5_000,
            details: 4 * MIB,
            all_details: 32 * MIB,
        }
    }
}

//! The batch as it crosses.

/// All records of a batch as lists; `flat` in `wit/headworks-plugin` says what each means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat {
    /// Field names, each once.
    pub names: Vec<String>,
    /// Per record, the index after its last cell.
    pub rows: Vec<u32>,
    /// Per cell, the index of its name.
    pub fields: Vec<u32>,
    /// Per cell, the number of its kind.
    pub kinds: Vec<u8>,
    /// Per cell, the index after its last byte in the pool.
    pub ends: Vec<u32>,
    /// The values, back to back.
    pub pool: Vec<u8>,
    /// Per record, the index of the record it was made from.
    pub origins: Vec<u32>,
}

/// The number of kind text.
pub(crate) const TEXT: u8 = 4;

impl Flat {
    /// Empties the lists and keeps their memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.rows.clear();
        self.fields.clear();
        self.kinds.clear();
        self.ends.clear();
        self.pool.clear();
        self.origins.clear();
    }

    /// Where the cells of a record are.
    pub(crate) fn row(&self, index: usize) -> std::ops::Range<usize> {
        let at = |index: Option<usize>| index.and_then(|index| self.rows.get(index)).map_or(0, |&end| end as usize);
        at(index.checked_sub(1))..at(Some(index))
    }

    /// Where the bytes of a cell are.
    pub(crate) fn bytes(&self, cell: usize) -> std::ops::Range<usize> {
        let at = |cell: Option<usize>| cell.and_then(|cell| self.ends.get(cell)).map_or(0, |&end| end as usize);
        at(cell.checked_sub(1))..at(Some(cell))
    }
}

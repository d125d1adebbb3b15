//! A record as a forwarder sees it: when it came and its fields as text, sorted by name.

use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Within that second.
    pub nanoseconds: u32,
}

impl Time {
    /// RFC 3339 in UTC with as many fractional digits as are needed (FlowG 2).
    pub fn rfc3339(self) -> String {
        let nanoseconds = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds);
        let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        moment.format(&Rfc3339).unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
    }

    /// The same to the second.
    pub fn rfc3339_seconds(self) -> String {
        Self { nanoseconds: 0, ..self }.rfc3339()
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(self) -> i64 {
        self.seconds.saturating_mul(1_000).saturating_add(i64::from(self.nanoseconds / 1_000_000))
    }

    /// Nanoseconds since 1970; nothing before and nothing after the year 2554.
    pub fn nanoseconds_unsigned(self) -> u64 {
        u64::try_from(self.seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(u64::from(self.nanoseconds))
    }
}

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When the server received it.
    pub time: Time,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl Record {
    /// A field; empty where it is absent (FlowG 11).
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// The columns of a batch as they cross from the host.
#[derive(Clone, Debug, Default)]
pub struct Flat {
    /// Field names.
    pub names: Vec<String>,
    /// Per record: the index after its last cell.
    pub rows: Vec<u32>,
    /// Per cell: the index of its name.
    pub fields: Vec<u32>,
    /// Per cell: 0 null, 1 boolean, 2 integer, 3 float, 4 text, 5 bytes, 6 JSON.
    pub kinds: Vec<u8>,
    /// Per cell: the index after its last byte in the pool.
    pub ends: Vec<u32>,
    /// The values.
    pub pool: Vec<u8>,
}

/// The records of a batch. What does not fit is left out: the host makes the batch, and it fits.
pub fn records(flat: &Flat, times: &[Time]) -> Vec<Record> {
    let mut first = 0;
    let starts = flat.rows.iter().map(|end| std::mem::replace(&mut first, *end as usize));
    starts
        .zip(&flat.rows)
        .zip(times)
        .map(|((start, end), time)| Record {
            time: *time,
            fields: (start..*end as usize).filter_map(|cell| field(flat, cell)).collect(),
        })
        .collect()
}

fn field(flat: &Flat, cell: usize) -> Option<(String, String)> {
    let name = flat.names.get(*flat.fields.get(cell)? as usize)?;
    let start = cell.checked_sub(1).and_then(|before| flat.ends.get(before)).map_or(0, |end| *end as usize);
    let bytes = flat.pool.get(start..*flat.ends.get(cell)? as usize)?;
    Some((name.clone(), text(*flat.kinds.get(cell)?, bytes)))
}

/// A value as text. Log pipelines carry text only; the others are written as JSON writes them.
fn text(kind: u8, bytes: &[u8]) -> String {
    let eight = || bytes.try_into().unwrap_or([0; 8]);
    match kind {
        0 => "null".to_owned(),
        1 => (bytes.first() == Some(&1)).to_string(),
        2 => i64::from_le_bytes(eight()).to_string(),
        3 => f64::from_le_bytes(eight()).to_string(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_as_long_as_needed() {
        let time = |nanoseconds| Time { seconds: 1_767_322_985, nanoseconds };
        assert_eq!(time(0).rfc3339(), "2026-01-02T03:03:05Z");
        assert_eq!(time(500_000_000).rfc3339(), "2026-01-02T03:03:05.5Z");
        assert_eq!(time(678_901_234).rfc3339(), "2026-01-02T03:03:05.678901234Z");
        assert_eq!(time(678_901_234).rfc3339_seconds(), "2026-01-02T03:03:05Z");
        assert_eq!(time(678_901_234).milliseconds(), 1_767_322_985_678);
    }

    #[test]
    fn a_flat_batch_becomes_records() {
        let flat = Flat {
            names: vec!["b".into(), "a".into()],
            rows: vec![2, 2, 4],
            fields: vec![0, 1, 1, 0],
            kinds: vec![4, 4, 2, 1],
            ends: vec![3, 5, 13, 14],
            pool: [b"onexy".as_slice(), &7i64.to_le_bytes(), &[1]].concat(),
        };
        let times = [Time::default(), Time { seconds: 1, nanoseconds: 0 }, Time { seconds: 2, nanoseconds: 0 }];
        let made = records(&flat, &times);
        let pairs: Vec<Vec<(&str, &str)>> = made
            .iter()
            .map(|record| record.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
            .collect();
        assert_eq!(pairs, [vec![("a", "xy"), ("b", "one")], vec![], vec![("a", "7"), ("b", "true")]]);
        assert_eq!(made[2].time.seconds, 2);
    }
}

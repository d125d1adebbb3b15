//! Order of keys, round trips of values, and the released formats.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::keys::{self, IndexEntry, Place, RecordKey};
use super::*;
use crate::types::{AuditEntry, AuditEvent, DeadLetter, Verdict};
use headworks_core::document::ChangeKind;
use headworks_core::{BatchBuilder, Digest, Document, DocumentKey, Kind, TenantId, Timestamp, Uid, Value};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[\\x00\\x01a-c\\u{ff}]{0,6}", any::<String>()]
}

fn place() -> impl Strategy<Value = Place> {
    let ms = prop_oneof![any::<i64>(), -2i64..3];
    let sequence = prop_oneof![any::<u64>(), 0u64..3];
    (ms, sequence).prop_map(|(ms, sequence)| Place { ms, sequence })
}

fn record_key() -> impl Strategy<Value = RecordKey> {
    (0u32..3, 0u32..3, place()).prop_map(|(tenant, number, at)| RecordKey { tenant: TenantId(tenant), number, at })
}

fn piece_key() -> impl Strategy<Value = (TenantId, Uid, u32)> {
    let number = prop_oneof![0u32..3, 250u32..260];
    (0u32..3, 0u128..3, number).prop_map(|(tenant, id, number)| (TenantId(tenant), Uid(uuid::Uuid::from_u128(id)), number))
}

fn document_key() -> impl Strategy<Value = DocumentKey> {
    (0u32..3, text(), text(), text()).prop_map(|(tenant, kind, scope, name)| DocumentKey {
        tenant: TenantId(tenant),
        kind,
        scope,
        name,
    })
}

proptest! {
    #[test]
    fn record_keys_keep_order(a in record_key(), b in record_key()) {
        prop_assert_eq!(a.encode().cmp(&b.encode()), a.cmp(&b));
        prop_assert_eq!(RecordKey::decode(&a.encode()), Some(a));
    }

    #[test]
    fn document_keys_keep_order_and_prefixes(a in document_key(), b in document_key()) {
        let (key_a, key_b) = (keys::document(&a), keys::document(&b));
        prop_assert_eq!(key_a.cmp(&key_b), a.cmp(&b));
        prop_assert_eq!(keys::parse_document(&key_a), Some(a.clone()));
        let same = (a.tenant, &a.kind, &a.scope) == (b.tenant, &b.kind, &b.scope);
        prop_assert_eq!(key_b.starts_with(&keys::documents_of(a.tenant, &a.kind, &a.scope)), same);
    }

    #[test]
    fn pieces_of_contents_keep_order_and_prefixes(a in piece_key(), b in piece_key()) {
        let key = |(tenant, id, number): (TenantId, Uid, u32)| keys::piece(tenant, &id, number);
        prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        prop_assert_eq!(keys::parse_piece(&key(a)), Some(a));
        prop_assert_eq!(key(b).starts_with(&keys::content(a.0, &a.1)), (a.0, a.1) == (b.0, b.1));
        let entry = keys::meta::of_content(keys::meta::CONTENT, a.0, &a.1);
        prop_assert_eq!(keys::meta::parse_content(keys::meta::CONTENT, &entry), Some((a.0, a.1)));
        prop_assert_eq!(keys::meta::owner(&entry), Some(a.0));
    }

    #[test]
    fn index_entries_keep_order_and_prefixes(
        a in (record_key(), 0u32..3, text()),
        b in (record_key(), 0u32..3, text()),
    ) {
        let key = |(record, field, value): &(RecordKey, u32, String)| {
            let mut key = keys::index_value(record.tenant, record.number, *field, value.as_bytes());
            key.extend_from_slice(&record.at.encode());
            key
        };
        let order = |(record, field, value): &(RecordKey, u32, String)| (record.tenant, record.number, *field, value.clone(), record.at);
        prop_assert_eq!(key(&a).cmp(&key(&b)), order(&a).cmp(&order(&b)));
        let entry = IndexEntry { record: a.0, field: a.1, value: a.2.clone().into_bytes() };
        prop_assert_eq!(IndexEntry::decode(&key(&a)), Some(entry));
        let prefix = keys::index_value(a.0.tenant, a.0.number, a.1, a.2.as_bytes());
        let same = (a.0.tenant, a.0.number, a.1, &a.2) == (b.0.tenant, b.0.number, b.1, &b.2);
        prop_assert_eq!(key(&b).starts_with(&prefix), same);
    }

    #[test]
    fn the_place_before_is_the_latest_one_before(at in place()) {
        match at.before() {
            Some(before) => {
                prop_assert!(before < at);
                let (before, at) = (u128::from_be_bytes(before.encode()), u128::from_be_bytes(at.encode()));
                prop_assert_eq!(before + 1, at);
            }
            None => prop_assert_eq!(at, Place::MIN),
        }
    }

    #[test]
    fn nothing_lies_between_a_prefix_and_what_is_after_it(prefix in prop::collection::vec(prop_oneof![any::<u8>(), Just(255u8)], 1..5), tail in any::<Vec<u8>>()) {
        let after = keys::after(&prefix);
        let inside = [prefix.as_slice(), &tail].concat();
        prop_assert!(after.is_empty() || (inside < after && !after.starts_with(&prefix)));
    }

    #[test]
    fn numbers_round_trip(number: u64) {
        let mut out = Vec::new();
        put_varint(&mut out, number);
        let mut reader = Reader(&out);
        prop_assert_eq!(reader.varint(), Some(number));
        prop_assert!(reader.is_empty());
        prop_assert_eq!(decode_number(&encode_number(number)), Some(number));
    }

    #[test]
    fn records_round_trip(
        time: i64,
        expiry: u64,
        cells in prop::collection::vec((any::<u32>(), 0u8..7, any::<Vec<u8>>()), 0..8),
    ) {
        let mut out = Vec::new();
        record::begin(&mut out, Timestamp(time), expiry);
        for (field, kind, bytes) in &cells {
            record::cell(&mut out, *field, Kind::from_u8(*kind).unwrap(), bytes);
        }
        let mut stored = record::Stored::decode(&out).unwrap();
        prop_assert_eq!(stored.expiry, expiry);
        if let Some(ms) = Timestamp(time).millis().checked_mul(1_000_000) {
            prop_assert_eq!(stored.time(ms / 1_000_000), Timestamp(time));
        }
        for (field, kind, bytes) in &cells {
            prop_assert_eq!(stored.next_cell(), Ok(Some((*field, Kind::from_u8(*kind).unwrap(), bytes.as_slice()))));
        }
        prop_assert_eq!(stored.next_cell(), Ok(None));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let bytes = [&[VERSION], bytes.as_slice()].concat();
        if let Some(mut stored) = record::Stored::decode(&bytes) {
            while let Ok(Some(_)) = stored.next_cell() {}
        }
        decode_document(document().key, &bytes);
        decode_audit(TenantId(1), 1, &bytes);
        decode_letter(&bytes);
        keys::parse_document(&bytes);
        IndexEntry::decode(&bytes);
    }
}

fn document() -> Document {
    Document {
        key: DocumentKey::scoped(TenantId(7), "kind", "scope", "name"),
        uid: Uid(uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0011_2233_4455_6677)),
        revision: 300,
        author: "root".to_owned(),
        created: Timestamp(1_767_322_985_678_901_234),
        updated: Timestamp(1_767_322_999_000_000_001),
        body: br#"{"script":". = {}"}"#.to_vec(),
    }
}

fn audit() -> AuditEntry {
    let Document { key, uid, revision, author, updated, .. } = document();
    let event = AuditEvent::Changed { uid, revision, kind: ChangeKind::Delete };
    AuditEntry { sequence: 12, at: updated, author, key, event }
}

fn audited_failure() -> AuditEntry {
    let event =
        AuditEvent::PluginFailed { node: "parse".to_owned(), code: "plugin-trap".to_owned(), plugin_digest: "00ff".to_owned() };
    AuditEntry { author: String::new(), event, ..audit() }
}

fn audited_verdict() -> AuditEntry {
    let (rule, detail) = ("names".to_owned(), "/name: wrong".to_owned());
    AuditEntry { event: AuditEvent::Judged { rule, verdict: Verdict::Closed, detail }, ..audit() }
}

fn letter() -> DeadLetter {
    let mut builder = BatchBuilder::default();
    builder.field("level", Value::Text("info"));
    builder.field("count", Value::Integer(-5));
    builder.end_record(Timestamp(1_767_322_985_678_901_234));
    builder.field("ok", Value::Boolean(true));
    builder.field("level", Value::Null);
    builder.end_record(Timestamp(1_767_322_985_678_901_235));
    DeadLetter {
        pipeline: "default".to_owned(),
        node: "parse".to_owned(),
        plugin_digest: "00ff".to_owned(),
        code: "plugin-trap".to_owned(),
        reason: "unreachable".to_owned(),
        backtrace: Some("0: parse".to_owned()),
        attempt: 2,
        at: Timestamp(1_767_322_986_000_000_000),
        records: builder.finish().unwrap(),
    }
}

fn stored_record() -> Vec<u8> {
    let mut out = Vec::new();
    record::begin(&mut out, Timestamp(1_767_322_985_678_901_234), 1_767_322_999);
    let values = [
        (0, Value::Text("hé")),
        (1, Value::Null),
        (2, Value::Boolean(true)),
        (3, Value::Integer(-2)),
        (4, Value::Float(1.5)),
        (5, Value::Bytes(&[0, 255])),
        (300, Value::Json("[1]")),
    ];
    for (field, value) in values {
        let mut bytes = Vec::new();
        let kind = value.write(&mut bytes);
        record::cell(&mut out, field, kind, &bytes);
    }
    out
}

const TALLY: Tally = Tally { bytes: 123_456, count: 789, low: Place { ms: 1_767_322_985_678, sequence: 42 } };
const RANGE: ExpiryRange = ExpiryRange { first: TALLY.low, last: Place { ms: 1_767_322_985_900, sequence: 50 } };
const CONTENT: ContentEntry = ContentEntry { size: 3_000_000, digest: Digest([0xab; 32]) };
const LETTERS: LetterTally = LetterTally { next: 11, dropped: 3 };

/// Each released form is written as it was and read as it was meant. A new format gets new files; these stay.
#[test]
fn released_formats_stay_readable() {
    let golden = |name: &str, now: &[u8], stored: &'static [u8]| {
        assert!(now == stored, "{name} is written otherwise than released: {now:02x?}");
        stored
    };
    macro_rules! golden {
        ($name:literal, $now:expr) => {
            golden($name, &$now, include_bytes!(concat!("../../tests/golden/", $name, ".bin")))
        };
    }
    if std::env::var_os("HEADWORKS_WRITE_GOLDEN").is_some() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
        write("document-1.bin", encode_document(&document()));
        write("audit-1.bin", encode_audit(&audit()));
        write("audit-failure-1.bin", encode_audit(&audited_failure()));
        write("audit-verdict-1.bin", encode_audit(&audited_verdict()));
        write("letter-1.bin", encode_letter(&letter()).unwrap());
        write("record-1.bin", stored_record());
        write("number-1.bin", encode_number(70_000));
        write("numbers-1.bin", encode_numbers(&[0, 1, 70_000]));
        write("text-1.bin", encode_text("hé"));
        write("tally-1.bin", TALLY.encode());
        write("expiry-1.bin", RANGE.encode());
        write("letters-1.bin", LETTERS.encode());
        write("content-1.bin", CONTENT.encode());
        return;
    }
    assert_eq!(decode_document(document().key, golden!("document-1", encode_document(&document()))), Some(document()));
    assert_eq!(decode_audit(TenantId(7), 12, golden!("audit-1", encode_audit(&audit()))), Some(audit()));
    let failure = golden!("audit-failure-1", encode_audit(&audited_failure()));
    assert_eq!(decode_audit(TenantId(7), 12, failure), Some(audited_failure()));
    let verdict = golden!("audit-verdict-1", encode_audit(&audited_verdict()));
    assert_eq!(decode_audit(TenantId(7), 12, verdict), Some(audited_verdict()));
    assert_eq!(decode_letter(golden!("letter-1", encode_letter(&letter()).unwrap())), Some(letter()));
    assert_eq!(decode_number(golden!("number-1", encode_number(70_000))), Some(70_000));
    assert_eq!(decode_numbers(golden!("numbers-1", encode_numbers(&[0, 1, 70_000]))), Some(vec![0, 1, 70_000]));
    assert_eq!(decode_text(golden!("text-1", encode_text("hé"))), Some("hé"));
    assert_eq!(Tally::decode(golden!("tally-1", TALLY.encode())), Some(TALLY));
    assert_eq!(ExpiryRange::decode(golden!("expiry-1", RANGE.encode())), Some(RANGE));
    assert_eq!(ContentEntry::decode(golden!("content-1", CONTENT.encode())), Some(CONTENT));
    assert_eq!(LetterTally::decode(golden!("letters-1", LETTERS.encode())), Some(LETTERS));

    let mut stored = record::Stored::decode(golden!("record-1", stored_record())).unwrap();
    assert_eq!((stored.time(1_767_322_985_678), stored.expiry), (Timestamp(1_767_322_985_678_901_234), 1_767_322_999));
    let mut read = Vec::new();
    while let Some((field, kind, bytes)) = stored.next_cell().unwrap() {
        read.push((field, Value::read(kind, bytes)));
    }
    let expected = [
        (0, Value::Text("hé")),
        (1, Value::Null),
        (2, Value::Boolean(true)),
        (3, Value::Integer(-2)),
        (4, Value::Float(1.5)),
        (5, Value::Bytes(&[0, 255])),
        (300, Value::Json("[1]")),
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_value_of_another_format_is_refused() {
    for mut value in [stored_record(), encode_document(&document()), TALLY.encode()] {
        value[0] = 2;
        assert!(record::Stored::decode(&value).is_none());
        assert!(decode_document(document().key, &value).is_none());
        assert!(Tally::decode(&value).is_none());
        assert!(ContentEntry::decode(&value).is_none());
    }
}

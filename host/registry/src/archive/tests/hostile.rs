//! Archives that are refused, or at least do no harm.

use super::super::{ArchiveLimits, Coordinates, read_minifi_archive};
use super::archives::{entry, hostile, nar, stored};
use super::{kept, read};
use headworks_core::ErrorCode;
use proptest::prelude::*;
use std::io::Cursor;
use std::time::{Duration, Instant};

#[test]
fn every_hostile_archive_is_refused_with_the_reason() {
    let mut wrong = Vec::new();
    for case in hostile(true) {
        let begun = Instant::now();
        let error = read(&case.bytes).expect_err(case.name);
        assert_eq!(error.code, ErrorCode::Invalid, "{}", case.name);
        if !error.message.contains(case.says) || begun.elapsed() > Duration::from_secs(20) {
            wrong.push(format!("{} after {:?}: {}", case.name, begun.elapsed(), error.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn limits_can_be_smaller() {
    let bytes = nar("g", "a", "1", &[stored("b", "12345")]);
    let limits = [
        ArchiveLimits { entries: 1, ..ArchiveLimits::default() },
        ArchiveLimits { directory: 50, ..ArchiveLimits::default() },
        ArchiveLimits { unpacked: 70, ..ArchiveLimits::default() },
        ArchiveLimits { manifest: 10, ..ArchiveLimits::default() },
    ];
    for limits in limits {
        let error = super::read_archive(Cursor::new(&bytes), &limits).expect_err("a limit was passed over");
        assert_eq!(error.code, ErrorCode::Invalid);
    }
}

#[test]
fn what_is_no_archive_is_a_minifi_bundle_where_coordinates_are_given() {
    let given = || Some(Coordinates { group: "g".to_owned(), artifact: "a".to_owned(), version: "1".to_owned() });
    let read = |bytes: &[u8], given| read_minifi_archive(Cursor::new(bytes.to_vec()), given, &ArchiveLimits::default());
    let library = read(b"\x7fELF and so on", given()).unwrap();
    assert_eq!((library.coordinates, library.build.tool.as_str(), library.build.built), (given().unwrap(), "N/A", 0));
    assert!(read(b"\x7fELF", None).unwrap_err().message.contains("has no entry"));
    let own = read(&nar("own", "b", "2", &[]), given()).unwrap();
    assert_eq!(own.coordinates.group, "own");
    let plain = super::archives::zip(&[entry("lib.so", "x")]);
    assert_eq!(read(&plain, given()).unwrap().coordinates.group, "g");
    assert!(read(&plain[..plain.len() - 1], given()).is_err());
}

#[test]
fn a_file_that_cannot_be_read_is_not_the_callers_fault() {
    struct Failing(Cursor<Vec<u8>>);
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.position() < 30 { Err(std::io::Error::other("the disk is gone")) } else { self.0.read(buffer) }
        }
    }
    impl std::io::Seek for Failing {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let failing = Failing(Cursor::new(kept("nifi-foo-nar-1.0.0.nar")));
    let error = super::read_archive(failing, &ArchiveLimits::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::Io, "{error}");
}

/// Small steps between numbers that look random.
fn numbers(mut state: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(state >> 33)
    })
}

#[test]
fn damaged_archives_of_real_builds_are_read_or_refused() {
    for name in ["nifi-foo-nar-1.0.0.nar", "nifi-foo-nar-2.0.0-SNAPSHOT-BUILD1.nar", "nifi-hadoop-nar.nar"] {
        let good = kept(name);
        read(&good).unwrap();
        for length in (0..good.len()).step_by(good.len() / 500 + 1) {
            let error = read(&good[..length]).expect_err("a part of an archive was taken for it");
            assert_eq!(error.code, ErrorCode::Invalid);
        }
        let mut random = numbers(good.len() as u64);
        for _ in 0..1500 {
            let mut bad = good.clone();
            for _ in 0..=random.next().unwrap() % 3 {
                let at = random.next().unwrap() as usize % bad.len();
                bad[at] ^= 1 << (random.next().unwrap() % 8);
            }
            // The directory is where most of what can go wrong is.
            let at = bad.len() - 1 - random.next().unwrap() as usize % 400;
            bad[at] ^= 1 << (random.next().unwrap() % 8);
            if let Err(error) = read(&bad) {
                assert_eq!(error.code, ErrorCode::Invalid, "{error}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000), end in any::<[u8; 18]>()) {
        let mut bytes = bytes;
        let _ = read(&bytes);
        bytes.extend(b"PK\x05\x06");
        bytes.extend(&end[..16]);
        bytes.extend([0, 0]);
        let _ = read(&bytes);
    }

    #[test]
    fn any_descriptor_is_read_or_refused(parts in prop::collection::vec("<[a-z]{1,5}>|</[a-z]{1,5}>|<[a-z/! ?\\[\\]-]{0,8}>|&[a-z#0-9]{0,6};|[^\\x00]{0,5}|<extension>|</extension>|<name>a</name>|<type>b</type>", 0..30)) {
        let text = format!("<extensionManifest><extensions>{}</extensions></extensionManifest>", parts.concat());
        let _ = read(&nar("g", "a", "1", &[entry(super::archives::DESCRIPTOR, text)]));
    }
}

//! The table is complete: every misbehaviour of a guest stands in it, and every test that it names is there.

use crate::table::{CASES, GUESTS, Proof};
use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words that a guest matches its configuration against: texts before `=>`.
fn words(source: &str) -> BTreeSet<String> {
    let arms = source.lines().filter_map(|line| line.trim().split_once("=>"));
    let texts = arms.flat_map(|(pattern, _)| pattern.split('|')).map(str::trim);
    texts.filter_map(|text| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())).collect()
}

#[test]
fn every_misbehaviour_of_the_guests_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let folders = std::fs::read_dir(folder).expect("the guests").map(|entry| entry.expect("an entry"));
    let present: BTreeSet<String> =
        folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let known: BTreeSet<String> = GUESTS.iter().map(|(guest, _)| (*guest).to_owned()).collect();
    assert_eq!(present, known, "the table and tests/plugins differ");
    for (guest, runner) in GUESTS {
        let Some(runner) = runner else { continue };
        let run = read(runner);
        for word in words(&read(&format!("tests/plugins/{guest}/src/lib.rs"))) {
            assert!(run.contains(&format!("\"{word}\"")), "nothing in {runner} runs {word:?} of {guest}");
        }
    }
}

#[test]
fn every_misbehaviour_of_the_table_is_one_of_the_guests() {
    let (hostile, reports) = (words(&read("tests/plugins/hostile/src/lib.rs")), words(&read("tests/plugins/reports/src/lib.rs")));
    for proof in CASES.iter().flat_map(|(_, proofs)| *proofs) {
        match proof {
            Proof::Call(kind, _) | Proof::Harmless(kind) | Proof::Open(kind, _) => assert!(hostile.contains(*kind), "{kind}"),
            Proof::Report(kind, _) | Proof::SetUp(kind, _) => assert!(reports.contains(*kind), "{kind}"),
            Proof::Tested(..) => {}
        }
    }
}

#[test]
fn every_case_has_a_proof_and_every_test_is_there() {
    for (case, proofs) in CASES {
        assert!(!proofs.is_empty(), "{case}: nothing proves it");
        for proof in *proofs {
            let Proof::Tested(file, test) = proof else { continue };
            let source = read(file);
            let at = source.find(&format!("fn {test}()")).unwrap_or_else(|| panic!("{case}: {file} has no test {test}"));
            // What stands above it, up to the end of the item before.
            let above = source[..at].rsplit("\n\n").next().unwrap_or_default();
            assert!(above.contains("test") && above.contains("#["), "{case}: {test} in {file} is no test");
            assert!(!above.contains("#[ignore"), "{case}: {test} in {file} is not run");
        }
    }
    let names: BTreeSet<&str> = CASES.iter().map(|(case, _)| *case).collect();
    assert_eq!(names.len(), CASES.len(), "a case stands twice");
}

//! Bytes of the log that were torn by a crash, and bytes that were changed afterwards.

use headworks_tests::server::{Folder, Refusal, Setup, run};
use headworks_tests::{Server, eventually};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Text that is in the data of no other record and does not compress away.
fn marker(number: u32) -> String {
    format!("marker-{number:04}-Zq7vLw2Xk9Rt4Yp1")
}

/// A killed server's folder with `count` records, one request each, that only the log holds.
fn killed_after(count: u32) -> Arc<Folder> {
    let mut server = Server::start();
    for number in 0..count {
        server.client().ingest("default", &json!([{ "n": marker(number) }])).ok();
    }
    server.kill();
    Arc::clone(server.folder())
}

/// Where in which file the marker is written.
fn find(folder: &Path, text: &str) -> Option<(PathBuf, usize)> {
    for entry in fs::read_dir(folder).expect("a folder of the data").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, text) {
                return Some(found);
            }
        } else {
            let bytes = fs::read(&path).expect("a file of the data");
            if let Some(at) = bytes.windows(text.len()).position(|window| window == text.as_bytes()) {
                return Some((path, at));
            }
        }
    }
    None
}

fn log_with(folder: &Folder, number: u32) -> (PathBuf, usize) {
    find(&folder.data(), &marker(number)).unwrap_or_else(|| panic!("no file holds {}", marker(number)))
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("the log");
    change(&mut bytes);
    fs::write(path, bytes).expect("the changed log");
}

fn refused(folder: &Arc<Folder>, file: &Path) {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    for attempt in 0..2 {
        let Err(Refusal { status, output }) = Setup::new().try_start_on(folder) else {
            panic!("attempt {attempt}: the server started on a damaged log");
        };
        assert!(!status.success());
        assert!(output.contains(name), "the message does not name {name}:\n{output}");
        assert!(!output.contains("panicked"), "{output}");
    }
}

#[test]
fn a_flipped_byte_in_the_middle_refuses_to_start_and_names_the_file() {
    for at in [0, 7, 10] {
        let folder = killed_after(20);
        let (file, position) = log_with(&folder, at);
        change(&file, |bytes| bytes[position] ^= 0x20);
        refused(&folder, &file);
        let verified = run(&["verify", "--data", folder.data().to_str().expect("a path")]);
        assert!(!verified.status.success(), "verify accepts the damage");
    }
}

#[test]
fn a_hole_in_the_middle_refuses_to_start() {
    let folder = killed_after(20);
    let (file, position) = log_with(&folder, 5);
    let (_, next) = log_with(&folder, 6);
    change(&file, |bytes| bytes[position..next].fill(0));
    refused(&folder, &file);
}

#[test]
fn a_mended_log_starts_again_with_everything() {
    let folder = killed_after(20);
    let (file, position) = log_with(&folder, 3);
    change(&file, |bytes| bytes[position] ^= 0x01);
    refused(&folder, &file);
    change(&file, |bytes| bytes[position] ^= 0x01);
    let server = Setup::new().start_on(&folder);
    assert_eq!(server.client().values("default", "n"), (0..20).map(marker).collect::<Vec<_>>());
}

#[test]
fn a_torn_tail_is_accepted_and_what_was_whole_is_there() {
    for cut in [0, 1, 9] {
        let folder = killed_after(20);
        let (file, position) = log_with(&folder, 19);
        // As if the power failed while the last record was being written: its end was never there.
        change(&file, |bytes| bytes[position + cut..].fill(0));
        let mut server = Setup::new().start_on(&folder);
        assert_eq!(server.client().values("default", "n"), (0..19).map(marker).collect::<Vec<_>>());
        server.client().ingest("default", &json!([{ "n": marker(100) }])).ok();
        server.kill();
        server.restart();
        let mut expected: Vec<String> = (0..19).map(marker).collect();
        expected.push(marker(100));
        assert_eq!(server.client().values("default", "n"), expected);
    }
}

#[test]
fn a_torn_tail_of_garbage_is_accepted() {
    let folder = killed_after(20);
    let (file, position) = log_with(&folder, 19);
    change(&file, |bytes| bytes[position + 2..].iter_mut().take(300).for_each(|byte| *byte = 0xa5));
    let server = Setup::new().start_on(&folder);
    assert_eq!(server.client().values("default", "n"), (0..19).map(marker).collect::<Vec<_>>());
}

#[test]
fn a_flipped_byte_in_a_table_is_found_by_verify() {
    let mut server = Server::start();
    let many: Vec<_> = (0..20_000).map(|n| json!({ "n": format!("{n} {}", "filling ".repeat(20)) })).collect();
    for chunk in many.chunks(2_000) {
        server.client().ingest("default", &json!(chunk)).ok();
    }
    // A regular stop writes tables.
    assert!(server.stop().success());
    let data = server.data();
    let verify = || run(&["verify", "--data", data.to_str().expect("a path")]);
    assert!(verify().status.success(), "{}", String::from_utf8_lossy(&verify().stderr));
    let table =
        eventually("a table", || tables(&data).into_iter().max_by_key(|path| fs::metadata(path).map_or(0, |file| file.len())));
    let middle = fs::metadata(&table).expect("a table").len() as usize / 2;
    change(&table, |bytes| bytes[middle] ^= 0x40);
    let verified = verify();
    assert!(!verified.status.success());
    let output = String::from_utf8_lossy(&verified.stderr).into_owned() + &String::from_utf8_lossy(&verified.stdout);
    let name = table.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(output.contains(name), "the message does not name {name}:\n{output}");
}

fn tables(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the data").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(tables(&path));
        } else if path.extension().is_some_and(|extension| extension == "sst") {
            found.push(path);
        }
    }
    found
}

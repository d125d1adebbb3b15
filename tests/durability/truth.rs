//! What was sent and what was acknowledged, kept outside the server's data.

use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

/// Numbers that look random and depend on their seed only.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Begins with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The record with this identifier. Its content follows from the identifier, so that any change shows.
pub(crate) fn record(id: &str) -> Value {
    let seed = id.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut numbers = Numbers::new(seed);
    let length = numbers.below(300) as usize;
    let payload: String = (0..length).map(|_| char::from(b'a' + numbers.below(26) as u8)).collect();
    json!({ "id": id, "payload": payload, "kind": if numbers.below(2) == 0 { "even" } else { "odd" } })
}

/// The truth file.
#[derive(Debug)]
pub(crate) struct Truth {
    file: Mutex<File>,
    /// Every identifier that was ever sent, with whether it was acknowledged.
    sent: Mutex<HashMap<String, bool>>,
}

impl Truth {
    /// A new truth file.
    pub(crate) fn new(path: &Path) -> Self {
        Self { file: Mutex::new(File::create(path).expect("the truth file")), sent: Mutex::default() }
    }

    /// These records are about to be sent.
    pub(crate) fn sending(&self, ids: &[String]) {
        self.sent.lock().expect("the truth").extend(ids.iter().map(|id| (id.clone(), false)));
    }

    /// These records were acknowledged.
    pub(crate) fn acknowledged(&self, ids: &[String]) {
        let mut file = self.file.lock().expect("the truth file");
        file.write_all((ids.join("\n") + "\n").as_bytes()).expect("a write to the truth file");
        file.sync_data().expect("the truth file on the disk");
        self.sent.lock().expect("the truth").extend(ids.iter().map(|id| (id.clone(), true)));
    }

    /// The number of records acknowledged so far.
    pub(crate) fn count(&self) -> usize {
        self.sent.lock().expect("the truth").values().filter(|acknowledged| **acknowledged).count()
    }

    /// Compares with what is stored: every acknowledged record exactly once, others at most once, all unchanged.
    pub(crate) fn check(&self, stored: &[Value]) {
        let sent = self.sent.lock().expect("the truth");
        let mut seen = HashSet::new();
        for fields in stored {
            let id = fields["id"].as_str().unwrap_or_else(|| panic!("a record without id: {fields}"));
            assert!(sent.contains_key(id), "a record that was never sent: {fields}");
            assert!(seen.insert(id), "twice: {id}");
            assert_eq!(fields, &record(id), "changed");
        }
        let lost: Vec<&String> =
            sent.iter().filter(|(id, acknowledged)| **acknowledged && !seen.contains(id.as_str())).map(|(id, _)| id).collect();
        assert!(
            lost.is_empty(),
            "{} acknowledged records are lost, among them {:?}",
            lost.len(),
            lost.iter().take(5).collect::<Vec<_>>()
        );
    }
}

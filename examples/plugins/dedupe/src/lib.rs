//! Drops records that came before.
//!
//! What was seen is kept in the plugin's state, so all instances know it and it survives a restart. Time is cut into windows;
//! a window is one value of hashes, of which the present and the last are looked at. A batch costs three calls of the host,
//! however many records it has.

use headworks_plugin::{About, Batch, Event, OpenError, Transformer, clock, export, log, metrics, state};
use serde::Deserialize;
use std::collections::{BTreeSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

/// So many records a window can remember: a value of the state holds 64 KiB.
const MOST: usize = 8_000;
/// How often the window is written when other instances write it, too.
const ATTEMPTS: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default = "a_minute")]
    window_seconds: u32,
}

fn a_minute() -> u32 {
    60
}

struct Dedupe(Config);

impl Transformer for Dedupe {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &[],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        if config.window_seconds == 0 {
            return Err("window_seconds: has to be 1 at least".into());
        }
        Ok(Self(config))
    }

    fn transform(&mut self, records: &mut Batch) -> Result<(), String> {
        let hashes: Vec<u64> = records.events().map(|event| self.hash(event)).collect();
        let window = clock::now().seconds / i64::from(self.0.window_seconds);
        let last = read(state::get(&name(window - 1))?.as_deref());
        for _ in 0..ATTEMPTS {
            let before = state::get(&name(window))?;
            let mut seen = read(before.as_deref());
            let fresh: Vec<bool> = hashes.iter().map(|hash| !last.contains(hash) && remember(&mut seen, *hash)).collect();
            if before.is_none() {
                forget_before(window - 1)?;
            }
            if state::replace(&name(window), before.as_deref(), Some(&write(&seen)))? {
                let dropped = fresh.iter().filter(|fresh| !**fresh).count();
                metrics::count("duplicates_total", dropped as u64);
                records.retain(|event| fresh.get(event.index()) == Some(&true));
                return Ok(());
            }
        }
        Err("other instances write the same window all the time".to_owned())
    }
}

impl Dedupe {
    fn hash(&self, event: Event<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        if self.0.fields.is_empty() {
            for (name, value) in event.fields() {
                (name, value.to_text()).hash(&mut hasher);
            }
        } else {
            for name in &self.0.fields {
                event.text(name).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// Whether a record is new. A full window remembers nothing more: a duplicate is better than a record that is lost.
fn remember(seen: &mut BTreeSet<u64>, hash: u64) -> bool {
    if seen.contains(&hash) {
        return false;
    }
    if seen.len() < MOST {
        seen.insert(hash);
        if seen.len() == MOST {
            log::warn(format!("more than {MOST} different records in one window; from here on duplicates pass"));
        }
    }
    true
}

fn name(window: i64) -> String {
    format!("window-{window:012}")
}

fn read(value: Option<&[u8]>) -> BTreeSet<u64> {
    value.unwrap_or_default().chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(u64::from_le_bytes)).collect()
}

fn write(seen: &BTreeSet<u64>) -> Vec<u8> {
    seen.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

fn forget_before(window: i64) -> Result<(), String> {
    let first = name(window);
    for old in state::keys("window-")?.into_iter().filter(|known| *known < first) {
        state::remove(&old)?;
    }
    Ok(())
}

export!(Dedupe);

#[cfg(test)]
mod tests {
    use super::Dedupe;
    use headworks_plugin::{Time, state, testing};
    use serde_json::{Value, json};

    fn at(seconds: i64) {
        testing::set_now(Time { seconds, nanoseconds: 0 });
    }

    fn pass(plugin: &mut Dedupe, records: &[Value]) -> Vec<Value> {
        testing::transform(plugin, records).unwrap().records
    }

    #[test]
    fn a_record_passes_once_in_a_window() {
        let mut plugin: Dedupe = testing::open(json!({"window_seconds": 10}));
        at(1_000);
        let (a, b) = (json!({"m": "a"}), json!({"m": "b"}));
        assert_eq!(pass(&mut plugin, &[a.clone(), b.clone(), a.clone()]), [a.clone(), b.clone()]);
        let mut other: Dedupe = testing::open(json!({"window_seconds": 10}));
        assert!(pass(&mut other, std::slice::from_ref(&a)).is_empty(), "instances share what they saw");
        at(1_019);
        assert!(pass(&mut plugin, std::slice::from_ref(&a)).is_empty(), "the last window counts");
        at(1_020);
        assert_eq!(pass(&mut plugin, std::slice::from_ref(&b)), [b]);
        assert_eq!(testing::counter("duplicates_total"), 3);
    }

    #[test]
    fn only_the_named_fields_count() {
        let mut plugin: Dedupe = testing::open(json!({"fields": ["id"]}));
        let records = [json!({"id": "1", "n": "a"}), json!({"id": "1", "n": "b"}), json!({"n": "c"}), json!({"n": "d"})];
        assert_eq!(pass(&mut plugin, &records), [records[0].clone(), records[2].clone()]);
    }

    #[test]
    fn old_windows_are_forgotten_and_a_full_one_lets_pass() {
        let mut plugin: Dedupe = testing::open(json!({"window_seconds": 10}));
        for seconds in [100, 200, 300] {
            at(seconds);
            pass(&mut plugin, &[json!({"m": "a"})]);
        }
        assert_eq!(state::keys("").unwrap(), ["window-000000000030"]);
        let many: Vec<Value> = (0..9_000).map(|n| json!({"n": n.to_string()})).collect();
        assert_eq!(pass(&mut plugin, &many).len(), 9_000);
        assert!(testing::logged().iter().any(|(_, line)| line.contains("duplicates pass")));
    }
}

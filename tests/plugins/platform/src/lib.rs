//! Does with state, figures, secrets, clock and random bytes what each record says, for tests.
//!
//! A record's field `do` names the function; `key`, `value` and `expected` are its arguments. The field `answer` becomes
//! what came back. The configuration is not looked at.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "transformer" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::transforming::{Guest as Transforming, GuestInstance, Instance, OpenError};
use headworks::plugin::batches::{Batch, Value};
use headworks::plugin::{clock, log, metrics, random, secrets, state};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-platform".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Asks the host for everything it offers".to_owned(),
            config_schema: "true".to_owned(),
            grants: vec!["secret:granted".to_owned(), "secret:unset".to_owned()],
        }
    }
}

impl Transforming for Component {
    type Instance = Work;
}

#[derive(Default)]
struct Work {
    /// Calls of this instance.
    calls: std::cell::Cell<u32>,
}

fn number(text: &Option<String>) -> u64 {
    text.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl GuestInstance for Work {
    fn open(_: String) -> Result<Instance, OpenError> {
        Ok(Instance::new(Self::default()))
    }

    fn transform(&self, records: Batch) -> Result<Batch, String> {
        self.calls.set(self.calls.get() + 1);
        for index in 0..records.len() {
            let text = |name: &str| match records.get(index, name) {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            };
            let (key, value) = (text("key").unwrap_or_default(), text("value"));
            let bytes = |text: Option<String>| text.map(String::into_bytes);
            let answer = match text("do").as_deref() {
                Some("calls") => self.calls.get().to_string(),
                Some("get") => format!("{:?}", state::get(&key).map(|value| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))),
                Some("set") => format!("{:?}", state::set(&key, bytes(value).as_deref())),
                Some("set-large") => format!("{:?}", state::set(&key, Some(&vec![7; number(&value) as usize]))),
                Some("replace") => {
                    format!("{:?}", state::replace(&key, bytes(text("expected")).as_deref(), bytes(value).as_deref()))
                }
                Some("keys") => format!("{:?}", state::keys(&key)),
                Some("flood-state") => {
                    let mut count = 0_u64;
                    loop {
                        if let Err(why) = state::set(&format!("key {count}"), Some(&[7; 60_000])) {
                            break format!("{why:?}");
                        }
                        count += 1;
                    }
                }
                Some("flood-keys") => {
                    let mut count = 0_u64;
                    loop {
                        if let Err(why) = state::set(&format!("key {count}"), Some(&[])) {
                            break format!("{why:?}");
                        }
                        count += 1;
                    }
                }
                Some("read-for-ever") => loop {
                    let _ = state::get(&key);
                },
                Some("secret") => format!("{:?}", secrets::get(&key)),
                Some("count") => {
                    metrics::count(&key, number(&value));
                    String::new()
                }
                Some("gauge") => {
                    metrics::gauge(&key, value.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN));
                    String::new()
                }
                Some("count-many") => {
                    (0..number(&value)).for_each(|index| metrics::count(&format!("name_{index}"), 1));
                    String::new()
                }
                Some("count-for-ever") => loop {
                    metrics::count("seen_total", 1);
                },
                Some("now") => clock::now().seconds.to_string(),
                Some("random") => format!("{:?}", random::bytes(number(&value) as u32)),
                Some("log") => {
                    log::write(log::Level::Info, &key);
                    String::new()
                }
                Some("spin") => loop {
                    std::hint::black_box(());
                },
                other => return Err(format!("no such function: {other:?}")),
            };
            records.set(index, "answer", Some(&Value::Text(answer)));
        }
        Ok(records)
    }
}

export!(Component);

//! A plugin of which a test makes as many versions as it needs, by writing other settings into the component.
//!
//! The settings are lines `name=value`: `name`, `version`, `grants` (separated by blanks), `schema`, and `work`, which is
//! `tag` (writes the version into the field `version`), `mark` (writes the member `mark` of its configuration into the field `mark`), `trap`, `loop`, `fail`,
//! `refuse` (does not open), `count` (numbers records by what it remembers), `secret` (writes the secret `token` into the
//! field `secret`) or `log` (logs the field `message`).

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "transformer" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::transforming::{Guest as Transforming, GuestInstance, Instance, OpenError};
use headworks::plugin::batches::{Batch, Value};
use headworks::plugin::log::{self, Level};
use headworks::plugin::{secrets, state};
use settings::setting;
use std::hint::black_box;

mod settings;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        let or = |name: &str, usual: &str| {
            let value = setting(name);
            if value.is_empty() { usual.to_owned() } else { value }
        };
        Description {
            name: or("name", "test-versioned"),
            version: or("version", "0.1.0"),
            summary: "Does what its settings say".to_owned(),
            config_schema: or("schema", "{}"),
            grants: setting("grants").split_whitespace().map(str::to_owned).collect(),
        }
    }
}

impl Transforming for Component {
    type Instance = Work;
}

struct Work {
    work: String,
    config: String,
}

fn fill(records: &Batch, name: &str, value: String) {
    records.fill(name, &Value::Text(value));
}

impl GuestInstance for Work {
    fn open(config: String) -> Result<Instance, OpenError> {
        let work = setting("work");
        if work == "refuse" {
            return Err(OpenError::InvalidConfig("this version does not open".to_owned()));
        }
        Ok(Instance::new(Self { work, config }))
    }

    fn transform(&self, records: Batch) -> Result<Batch, String> {
        match self.work.as_str() {
            "tag" => fill(&records, "version", setting("version")),
            "mark" => {
                let mark = self.config.split("\"mark\":\"").nth(1).and_then(|rest| rest.split('"').next());
                fill(&records, "mark", mark.unwrap_or("none").to_owned());
            }
            "trap" => panic!("this version is broken"),
            "loop" => loop {
                black_box(0);
            },
            "fail" => return Err("this version gives up".to_owned()),
            "count" => {
                let known = state::get("count").map_err(|error| format!("{error:?}"))?;
                let mut count: u64 = known.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?))).unwrap_or(0);
                let mut numbers = Vec::new();
                for _ in 0..records.len() {
                    count += 1;
                    numbers.push(Some(count.to_string()));
                }
                state::set("count", Some(&count.to_le_bytes())).map_err(|error| format!("{error:?}"))?;
                records.set_text_column("count", &numbers);
            }
            "secret" => fill(&records, "secret", secrets::get("token").unwrap_or_else(|| "none".to_owned())),
            "log" => records.text_column("message").iter().flatten().for_each(|line| log::write(Level::Info, line)),
            _ => {}
        }
        Ok(records)
    }
}

export!(Component);

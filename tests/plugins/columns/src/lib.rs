//! Works on columns, for tests and for measuring the boundary.
//!
//! The configuration is a word: `pass` answers the batch untouched; `edit` upper-cases `level`, drops `user` and adds
//! `site`; `read` reads every text column; `touch` reads and writes every text column; `fields` does the same with flat
//! lists; `flat` takes and puts the whole batch; `halve` keeps every second record, twice; `reject` rejects records whose
//! `level` is `bad`.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.0", world: "transformer" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::transforming::{Guest as Transforming, GuestInstance, Instance, OpenError};
use headworks::plugin::batches::{Batch, Value};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-columns".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Works on columns".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: vec!["https://example.com:443".to_owned()],
        }
    }
}

impl Transforming for Component {
    type Instance = Work;
}

enum Work {
    Pass,
    Edit,
    Read,
    Touch,
    Fields,
    Flat,
    Halve,
    Reject,
}

impl GuestInstance for Work {
    fn open(config: String) -> Result<Instance, OpenError> {
        Ok(Instance::new(match config.as_str() {
            "pass" => Self::Pass,
            "edit" => Self::Edit,
            "read" => Self::Read,
            "touch" => Self::Touch,
            "fields" => Self::Fields,
            "flat" => Self::Flat,
            "halve" => Self::Halve,
            "reject" => Self::Reject,
            "broken" => return Err(OpenError::Failed("this never starts".to_owned())),
            other => return Err(OpenError::InvalidConfig(format!("no such work: {other}"))),
        }))
    }

    fn transform(&self, records: Batch) -> Result<Batch, String> {
        match self {
            Self::Pass => {}
            Self::Edit => {
                let mut levels = records.text_column("level");
                levels.iter_mut().flatten().for_each(|level| level.make_ascii_uppercase());
                records.set_text_column("level", &levels);
                records.remove_column("user");
                records.fill("site", &Value::Text("north".to_owned()));
            }
            Self::Read => {
                for name in records.names() {
                    records.text_column(&name);
                }
            }
            Self::Touch => {
                for name in records.names() {
                    let column = records.text_column(&name);
                    records.set_text_column(&name, &column);
                }
            }
            Self::Fields => {
                for name in records.names() {
                    let names = [name];
                    let column = records.take_fields(&names);
                    records.put_fields(&names, &column);
                }
            }
            Self::Flat => {
                let flat = records.take();
                records.put(&flat);
            }
            Self::Halve => {
                let kept: Vec<u32> = (0..records.len()).step_by(2).flat_map(|index| [index, index]).collect();
                records.select(&kept);
            }
            Self::Reject => {
                for (index, level) in records.text_column("level").iter().enumerate() {
                    if level.as_deref() == Some("bad") {
                        records.reject(index as u32, "this level is bad");
                    }
                }
            }
        }
        Ok(records)
    }
}

export!(Component);

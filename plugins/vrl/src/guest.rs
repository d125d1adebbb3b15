//! The component: what the host calls, on top of [`Script`].

#![allow(unsafe_code, missing_docs, clippy::all, clippy::indexing_slicing, reason = "generated bindings")]

mod bindings {
    wit_bindgen::generate!({ path: "../../wit/headworks-plugin/0.1.0", world: "transformer" });
}

use crate::{Flat, Level, Script};
use bindings::exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use bindings::exports::headworks::plugin::transforming::{Guest as Transforming, GuestInstance, Instance, OpenError};
use bindings::headworks::plugin::batches::{Batch, Flat as Crossing};
use bindings::headworks::plugin::log;
use std::cell::RefCell;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "vrl".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Vector Remap Language (vrl 0.38.0)".to_owned(),
            config_schema: r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"VRL script","description":"The text of a VRL program. It runs once per record; the final value of `.` becomes the records.","type":"string"}"#.to_owned(),
            grants: Vec::new(),
        }
    }
}

impl Transforming for Component {
    type Instance = Runner;
}

/// Called by one task at a time.
struct Runner(RefCell<Script>);

impl GuestInstance for Runner {
    fn open(config: String) -> Result<Instance, OpenError> {
        let script = Script::compile(&config, write).map_err(OpenError::InvalidConfig)?;
        Ok(Instance::new(Self(RefCell::new(script))))
    }

    fn transform(&self, records: Batch) -> Result<Batch, String> {
        let mut script = self.0.borrow_mut();
        let taken = match script.fields() {
            Some(fields) => records.take_fields(fields),
            None => records.take(),
        };
        let Crossing { names, rows, fields, kinds, ends, pool, origins } = taken;
        let input = Flat { names, rows, fields, kinds, ends, pool, origins };
        let made = script.run(input, |index, reason| records.reject(index, &reason));
        let Some(Flat { names, rows, fields, kinds, ends, pool, origins }) = made else { return Ok(records) };
        let answer = Crossing { names, rows, fields, kinds, ends, pool, origins };
        match script.fields() {
            Some(fields) => records.put_fields(fields, &answer),
            None => records.put(&answer),
        }
        let Crossing { names, rows, fields, kinds, ends, pool, origins } = answer;
        script.reuse(Flat { names, rows, fields, kinds, ends, pool, origins });
        Ok(records)
    }
}

fn write(level: Level, message: &str) {
    let level = match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    };
    log::write(level, message);
}

bindings::export!(Component with_types_in bindings);

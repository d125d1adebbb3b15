//! Writes a field in upper case.

use headworks_plugin::{About, Batch, OpenError, Transformer, export};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    field: String,
}

struct Plugin {
    field: String,
}

impl Transformer for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &[],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self { field: config.field })
    }

    fn transform(&mut self, records: &mut Batch) -> Result<(), String> {
        for event in records.events() {
            if let Some(text) = event.text(&self.field) {
                event.set(&self.field, text.to_uppercase());
            }
        }
        Ok(())
    }
}

export!(transformer Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::testing;
    use serde_json::json;

    #[test]
    fn the_field_is_upper_cased() {
        let mut plugin: Plugin = testing::open(json!({"field": "level"}));
        let made = testing::transform(&mut plugin, &[json!({"level": "info"})]).unwrap();
        assert_eq!(made.records, [json!({"level": "INFO"})]);
    }
}

//! Refuses documents with long names.

use headworks_plugin::{About, OpenError, Subject, Validator, Violation, export};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    longest: usize,
}

struct Plugin {
    longest: usize,
}

impl Validator for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &[],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self { longest: config.longest })
    }

    fn validate(&mut self, subject: &Subject) -> Result<Vec<Violation>, String> {
        let (length, longest) = (subject.name.chars().count(), self.longest);
        if length <= longest {
            return Ok(Vec::new());
        }
        Ok(vec![Violation::error("", format!("the name has {length} characters, and at most {longest} are allowed"))])
    }
}

export!(validator Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::{Subject, Validator, testing};
    use serde_json::json;

    #[test]
    fn a_long_name_is_refused() {
        let mut plugin: Plugin = testing::open_validator(json!({"longest": 5})).unwrap();
        let subject = |name: &str| Subject { name: name.to_owned(), ..Subject::default() };
        assert!(plugin.validate(&subject("mouse")).unwrap().is_empty());
        assert_eq!(plugin.validate(&subject("elephant")).unwrap().len(), 1);
    }
}

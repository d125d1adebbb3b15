//! Refuses documents whose names break the rules of the house.

use headworks_plugin::{About, OpenError, Operation, Subject, Validator, Violation, export};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    style: Style,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default = "usual_length")]
    longest: usize,
    #[serde(default)]
    reserved: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    #[default]
    Kebab,
    Snake,
    Any,
}

fn usual_length() -> usize {
    64
}

impl Style {
    fn fits(self, name: &str) -> bool {
        let hyphen = match self {
            Self::Kebab => '-',
            Self::Snake => '_',
            Self::Any => return true,
        };
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        name.split(hyphen).all(word)
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Kebab => "lower-case words with hyphens",
            Self::Snake => "lower-case words with underscores",
            Self::Any => "anything",
        }
    }
}

impl Validator for Policy {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &[],
    };
    type Config = Self;

    fn open(config: Self) -> Result<Self, OpenError> {
        if config.longest == 0 {
            return Err("longest: has to be 1 at least".into());
        }
        Ok(config)
    }

    fn validate(&mut self, subject: &Subject) -> Result<Vec<Violation>, String> {
        let judged = self.kinds.is_empty() || self.kinds.contains(&subject.kind);
        // What has a bad name already may be changed and deleted: only new names are judged.
        if !judged || subject.operation != Operation::Create {
            return Ok(Vec::new());
        }
        let (kind, name) = (&subject.kind, &subject.name);
        let mut found = Vec::new();
        let mut error = |message: String| found.push(Violation::error("", message));
        if !self.style.fits(name) {
            error(format!("the name of a {kind} is {}, and {name:?} is not", self.style.describe()));
        }
        let length = name.chars().count();
        if length > self.longest {
            error(format!("the name of a {kind} has at most {} characters, and this one has {length}", self.longest));
        }
        if !self.prefixes.is_empty() && !self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())) {
            error(format!("the name of a {kind} begins with {}, and {name:?} does not", self.prefixes.join(" or ")));
        }
        if self.reserved.contains(name) {
            error(format!("the name {name:?} is reserved"));
        } else if let Some(word) = self.reserved.iter().find(|word| name.contains(word.as_str())) {
            found.push(Violation::warning("", format!("the name {name:?} contains {word:?}, which is reserved")));
        }
        Ok(found)
    }
}

export!(Policy);

#[cfg(test)]
mod tests {
    use super::Policy;
    use headworks_plugin::{Operation, Severity, Subject, Validator, testing};
    use serde_json::json;

    fn judge(config: serde_json::Value, name: &str, operation: Operation) -> Vec<(Severity, String)> {
        let mut policy: Policy = testing::open_validator(config).unwrap();
        let subject = Subject { kind: "pipeline".to_owned(), name: name.to_owned(), operation, ..Subject::default() };
        policy.validate(&subject).unwrap().into_iter().map(|found| (found.severity, found.message)).collect()
    }

    #[test]
    fn styles() {
        for (style, good, bad) in [("kebab", "a-b2", "a_b"), ("snake", "a_b2", "a-b"), ("kebab", "x", "a--b")] {
            assert!(judge(json!({"style": style}), good, Operation::Create).is_empty(), "{good}");
            assert_eq!(judge(json!({"style": style}), bad, Operation::Create).len(), 1, "{bad}");
        }
        assert!(judge(json!({"style": "any"}), "Ä Ö", Operation::Create).is_empty());
    }

    #[test]
    fn what_is_there_already_may_be_changed() {
        assert!(judge(json!({}), "BAD", Operation::Update).is_empty());
        assert!(judge(json!({}), "BAD", Operation::Delete).is_empty());
        assert!(judge(json!({"kinds": ["transformer"]}), "BAD", Operation::Create).is_empty());
    }

    #[test]
    fn reserved_names() {
        let found = |name| judge(json!({"reserved": ["system"]}), name, Operation::Create);
        assert_eq!(found("system")[0].0, Severity::Error);
        assert_eq!(found("my-system")[0].0, Severity::Warning);
    }
}

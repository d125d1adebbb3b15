//! A rule that does what its configuration says, whatever it is asked about: `refuse`, `warn`, `tell` (the whole subject, as a
//! refusal), `hang`, `trap`, `pass`; or `refuse TEXT`, which refuses documents that hold the text.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "validator" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::validating::{Guest as Validating, GuestRule, OpenError, Rule, Severity, Subject, Violation};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-rule".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Judges as it is told to".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: Vec::new(),
        }
    }
}

impl Validating for Component {
    type Rule = Judge;
}

struct Judge {
    word: String,
    text: String,
}

impl GuestRule for Judge {
    fn open(config: String) -> Result<Rule, OpenError> {
        let (word, text) = config.split_once(' ').unwrap_or((&config, ""));
        let known = ["refuse", "warn", "tell", "hang", "trap", "pass"];
        if !known.contains(&word) {
            return Err(OpenError::InvalidConfig(format!("{word:?} is none of {known:?}")));
        }
        Ok(Rule::new(Self { word: word.to_owned(), text: text.to_owned() }))
    }

    fn validate(&self, subject: Subject) -> Result<Vec<Violation>, String> {
        let violation = |severity, message| vec![Violation { path: "/at".to_owned(), message, severity }];
        let hit = subject.document.contains(&self.text);
        Ok(match self.word.as_str() {
            "refuse" if hit => violation(Severity::Error, format!("{} is refused", subject.kind)),
            "warn" if hit => violation(Severity::Warning, format!("{} is odd", subject.kind)),
            "tell" => violation(Severity::Error, format!("{subject:?}")),
            "hang" => loop {
                std::hint::black_box(());
            },
            "trap" => core::arch::wasm32::unreachable(),
            _ => Vec::new(),
        })
    }
}

export!(Component);

//! Judges documents as their names say, for tests; see `validate`. The configuration `bad` is refused, `hang` and `trap`
//! misbehave while it is read.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "validator" });

use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use exports::headworks::plugin::validating::{Guest as Validating, GuestRule, OpenError, Rule, Severity, Subject, Violation};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-judge".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Judges documents by their names".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: Vec::new(),
        }
    }
}

impl Validating for Component {
    type Rule = Judge;
}

struct Judge;

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

fn violation(severity: Severity, path: &str, message: impl Into<String>) -> Violation {
    Violation { path: path.to_owned(), message: message.into(), severity }
}

impl GuestRule for Judge {
    fn open(config: String) -> Result<Rule, OpenError> {
        match config.as_str() {
            "bad" => Err(OpenError::InvalidConfig("this configuration is bad".to_owned())),
            "hang" => spin(),
            "trap" => core::arch::wasm32::unreachable(),
            _ => Ok(Rule::new(Self)),
        }
    }

    /// The name of the document begins with what to do: `refuse`, `warn`, `both`, `tell` (the whole subject), `many`,
    /// `steer` (a terminal), `undecided`, `hang`, `trap`, `grow`; anything else is fine.
    fn validate(&self, subject: Subject) -> Result<Vec<Violation>, String> {
        let word = subject.name.split('-').next().unwrap_or_default();
        Ok(match word {
            "refuse" => vec![violation(Severity::Error, "/name", "this name is refused")],
            "warn" => vec![violation(Severity::Warning, "", "this name is odd")],
            "both" => vec![
                violation(Severity::Warning, "", "this name is odd"),
                violation(Severity::Error, "/name", "this name is refused"),
            ],
            "tell" => vec![violation(Severity::Warning, "", format!("{subject:?}"))],
            "many" => vec![violation(Severity::Error, "", "again"); 1000],
            "steer" => vec![violation(Severity::Error, "\u{1b}[2J", "\u{1b}[2J\r\n")],
            "undecided" => return Err("the rule cannot decide".to_owned()),
            "hang" => spin(),
            "trap" => core::arch::wasm32::unreachable(),
            "grow" => {
                let mut all = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            _ => Vec::new(),
        })
    }
}

export!(Component);

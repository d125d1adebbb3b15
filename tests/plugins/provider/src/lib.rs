//! An identity provider that does what the header `x-do` of a request says: see `authenticate`. Its usage is its
//! configuration.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.2", world: "identity-provider" });

use exports::headworks::plugin::identifying::{
    Denial, Guest as Identifying, GuestProvider, Identity, OpenError, Provider, Request,
};
use exports::headworks::plugin::plugin::{Description, Guest as Plugin};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-provider".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Identifies as it is told to".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: Vec::new(),
        }
    }
}

impl Identifying for Component {
    type Provider = Told;

    fn targets(_: String) -> Result<Vec<String>, OpenError> {
        Ok(Vec::new())
    }
}

struct Told {
    config: String,
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

fn named(name: impl Into<String>) -> Result<Identity, Denial> {
    Ok(Identity { name: name.into(), display_name: None, lifetime_seconds: None })
}

impl GuestProvider for Told {
    fn open(config: String) -> Result<Provider, OpenError> {
        match config.as_str() {
            "bad" => Err(OpenError::InvalidConfig("this configuration is bad".to_owned())),
            "hang-in-open" => spin(),
            "trap-in-open" => core::arch::wasm32::unreachable(),
            _ => Ok(Provider::new(Self { config })),
        }
    }

    fn usage(&self) -> Option<String> {
        match self.config.as_str() {
            "silent" => None,
            "huge-usage" => Some("x".repeat(1 << 20)),
            usage => Some(usage.to_owned()),
        }
    }

    fn test(&self, request: Request) -> bool {
        request.headers.iter().any(|(name, _)| name == "x-do")
    }

    fn authenticate(&self, request: Request) -> Result<Identity, Denial> {
        let word = request.headers.iter().find(|(name, _)| name == "x-do").map(|(_, value)| value.as_str());
        match word {
            None => Err(Denial::Refused("there is no x-do".to_owned())),
            Some("refuse") => Err(Denial::Refused("no\u{1b}[2J".to_owned())),
            Some("fail") => Err(Denial::Failed("the directory is down".to_owned())),
            Some("whole") => Ok(Identity {
                name: "alice".to_owned(),
                display_name: Some("Alice".to_owned()),
                lifetime_seconds: Some(600),
            }),
            Some("tell") => named(format!("{} {:?}", request.method, request.headers)),
            Some("hang") => spin(),
            Some("trap") => core::arch::wasm32::unreachable(),
            Some("grow") => {
                let mut all = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            Some("huge-answer") => named("x".repeat(20 << 20)),
            Some("long-name") => named("x".repeat(2000)),
            Some("no-name") => named(" "),
            Some("line-break") => named("alice\nadmin"),
            Some(name) => named(name),
        }
    }
}

export!(Component);

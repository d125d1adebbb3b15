//! An event hook that does what its configuration says, whatever it is told: see `handle`. With a URL instead it posts the
//! event there.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.2", world: "event-hook" });

use exports::headworks::plugin::hooking::{Delay, Event, Guest as Hooking, GuestHook, Hook, OpenError, Outcome};
use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use headworks::plugin::http::{self, Request, Version};
use headworks::plugin::log::{self, Level};

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-hook".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Handles events as it is told to".to_owned(),
            config_schema: r#"{"type":"string"}"#.to_owned(),
            grants: vec!["http://*:*".to_owned()],
        }
    }
}

/// `http://host:port` of a URL.
fn place(url: &str) -> Option<String> {
    let (host, _) = url.strip_prefix("http://")?.split_once('/')?;
    Some(format!("http://{host}"))
}

impl Hooking for Component {
    type Hook = Told;

    fn targets(config: String) -> Result<Vec<String>, OpenError> {
        Ok(place(&config).into_iter().collect())
    }
}

struct Told {
    word: String,
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

fn later(milliseconds: u32) -> Outcome {
    Outcome::RetryAfter(Delay { milliseconds, reason: "not now".to_owned() })
}

impl GuestHook for Told {
    fn open(config: String) -> Result<Hook, OpenError> {
        match config.as_str() {
            "bad" => Err(OpenError::InvalidConfig("this configuration is bad".to_owned())),
            "hang-in-open" => spin(),
            "trap-in-open" => core::arch::wasm32::unreachable(),
            _ => Ok(Hook::new(Self { word: config })),
        }
    }

    fn handle(&self, event: Event) -> Outcome {
        match self.word.as_str() {
            "ok" => Outcome::Ok,
            "tell" => {
                log::write(Level::Info, &format!("{event:?}"));
                Outcome::Ok
            }
            "fail" => Outcome::Failed("it never will\u{1b}[2J".to_owned()),
            "later" => later(10),
            "later-for-ever" => later(u32::MAX),
            "hang" => spin(),
            "trap" => core::arch::wasm32::unreachable(),
            "grow" => {
                let mut all = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            "huge-answer" => Outcome::Failed("x".repeat(20 << 20)),
            url => {
                let request = Request {
                    method: "POST".to_owned(),
                    url: url.to_owned(),
                    headers: Vec::new(),
                    body: format!("{event:?}").into_bytes(),
                    version: Version::Http1,
                    redirects: 0,
                    timeout_milliseconds: 0,
                    proxy: None,
                    tls: None,
                };
                match http::send(&request) {
                    Ok(answer) if answer.status < 300 => Outcome::Ok,
                    Ok(answer) => later(u32::from(answer.status)),
                    Err(error) => Outcome::Failed(format!("{error:?}")),
                }
            }
        }
    }
}

export!(Component);

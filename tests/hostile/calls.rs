//! Records that meet a hostile component on their way through the server.

use crate::driver::{Hostile, Led};
use crate::table::{Proof, proofs};
use serde_json::{Value, json};

/// A case on a running server.
struct Case {
    name: String,
    led: Led,
    /// Why it fails, if it does.
    code: Option<&'static str>,
    /// Whether its record is in the dead letters.
    buried: bool,
}

impl Case {
    fn of(server: &Hostile, proof: Proof) -> Option<Self> {
        let (name, led, code, buried) = match proof {
            Proof::Call(kind, code) => (kind, server.transform(kind), Some(code), true),
            Proof::Open(kind, code) => (kind, server.transform(kind), Some(code), false),
            Proof::Harmless(kind) => (kind, server.transform(kind), None, false),
            Proof::Report(kind, code) => (kind, server.forward(kind), Some(code), true),
            Proof::SetUp(kind, code) => (kind, server.forward(kind), Some(code), false),
            Proof::Tested(..) => return None,
        };
        Some(Self { name: name.to_owned(), led, code, buried })
    }

    fn run(&self, server: &mut Hostile) {
        let counted = self.code.filter(|code| code.starts_with("plugin-") && *code != "plugin-refused");
        let before = counted.map(|code| server.failures(code));
        let records = json!([{ "input": format!("of {}", self.name) }]);
        let answer = server.beside_others(|| server.client().ingest(&self.led.pipeline, &records));
        match self.code {
            Some(code) => {
                // What is refused is the configuration's fault, everything else an error of the run.
                let (status, name) = if code == "plugin-refused" { (400, "INVALID_ARGUMENT") } else { (500, "INTERNAL") };
                let error = answer.error(status, name);
                assert!(!error.is_empty(), "{}", self.name);
                if !self.led.stream.is_empty() {
                    assert!(server.client().records(&self.led.stream).is_empty(), "{}: something was stored", self.name);
                }
            }
            None => assert_eq!(answer.processed(), 1, "{}", self.name),
        }
        let after = counted.map(|code| server.failures(code));
        assert!(after > before || counted.is_none(), "{}: {before:?} failures, then {after:?}", self.name);
        server.nothing_is_left(&self.name);
    }

    /// Checks what the operator finds afterwards.
    fn is_noted(&self, letters: &[Value], audit: &[Value]) {
        let pipeline = Value::from(self.led.pipeline.as_str());
        let own: Vec<&Value> = letters.iter().filter(|letter| letter["pipeline"] == pipeline).collect();
        if !self.buried {
            assert!(own.is_empty(), "{}: {own:?}", self.name);
            return;
        }
        let [letter] = own[..] else { panic!("{}: {own:?}", self.name) };
        assert_eq!(letter["code"], self.code.unwrap_or_default(), "{}: {letter}", self.name);
        assert!(letter.to_string().contains(&format!("of {}", self.name)), "{}: the input is not in {letter}", self.name);
        assert!(letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{}: {letter}", self.name);
        let noted = audit.iter().any(|entry| {
            entry["action"] == "plugin-failed" && entry["name"] == pipeline && entry["code"] == self.code.unwrap_or_default()
        });
        assert!(noted, "{}: no audit entry", self.name);
    }
}

/// Runs the cases that end with these codes on a server of their own.
fn run(call_cpu: u32, wanted: impl Fn(Option<&str>) -> bool) {
    let mut server = Hostile::start(call_cpu);
    let cases: Vec<Case> = proofs().filter_map(|proof| Case::of(&server, proof)).filter(|case| wanted(case.code)).collect();
    assert!(!cases.is_empty());
    for case in &cases {
        case.run(&mut server);
    }
    let [letters, audit] = server.stop();
    for case in &cases {
        case.is_noted(&letters, &audit);
    }
}

#[test]
fn what_takes_for_ever_is_ended_and_nothing_is_left_of_it() {
    run(200, |code| code == Some("plugin-deadline"));
}

#[test]
fn what_breaks_a_limit_or_the_interface_is_ended_and_nothing_is_left_of_it() {
    // So much that another limit is the first that is met, on a busy machine too.
    run(20_000, |code| code != Some("plugin-deadline"));
}

//! What is different between what had to come and what came, in lines for people.

use super::{Case, Finding, Sent, Severity};
use crate::outbound::Request;
use crate::{Severity as Found, Violation};
use serde_json::{Map, Value as Json};

/// The most characters of one value that are shown.
const SHOWN: usize = 400;

fn shown(json: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(json).unwrap_or_default();
    if text.chars().count() > SHOWN { text.chars().take(SHOWN).chain(['…']).collect() } else { text }
}

pub(super) fn records(expected: &[Map<String, Json>], made: &[Map<String, Json>], to: &mut Vec<String>) {
    if expected.len() != made.len() {
        to.push(format!("expected {} records, got {}", expected.len(), made.len()));
    }
    for index in 0..expected.len().max(made.len()) {
        match (expected.get(index), made.get(index)) {
            (Some(expected), Some(made)) => fields(index, expected, made, to),
            (Some(expected), None) => to.push(format!("record {index} is missing: expected {}", shown(expected))),
            (None, Some(made)) => to.push(format!("record {index} is not expected: got {}", shown(made))),
            (None, None) => {}
        }
    }
}

fn fields(index: usize, expected: &Map<String, Json>, made: &Map<String, Json>, to: &mut Vec<String>) {
    for (name, expected) in expected {
        match made.get(name) {
            Some(made) if same(expected, made) => {}
            Some(made) => to.push(format!("record {index}, field {name:?}: expected {}, got {}", shown(expected), shown(made))),
            None => to.push(format!("record {index}, field {name:?}: expected {}, got nothing", shown(expected))),
        }
    }
    for (name, made) in made.iter().filter(|(name, _)| !expected.contains_key(*name)) {
        to.push(format!("record {index}, field {name:?}: expected nothing, got {}", shown(made)));
    }
}

/// Equal, where 1 and 1.0 are the same number.
fn same(expected: &Json, made: &Json) -> bool {
    expected == made || (expected.is_number() && expected.as_f64() == made.as_f64())
}

pub(super) fn rejections(case: &Case, rejected: &[(u32, String)], to: &mut Vec<String>) {
    for expected in &case.rejected {
        match rejected.iter().find(|(index, _)| *index == expected.index) {
            Some((_, reason)) if reason.contains(&expected.reason) => {}
            Some((index, reason)) => {
                to.push(format!("input record {index} is rejected with {reason:?}: expected {:?}", expected.reason));
            }
            None => to.push(format!("input record {} is not rejected: expected {:?}", expected.index, expected.reason)),
        }
    }
    for (index, reason) in rejected {
        if !case.rejected.iter().any(|expected| expected.index == *index) {
            to.push(format!("input record {index} is rejected: {reason}"));
        }
    }
}

pub(super) fn failure(expected: Option<&str>, failed: Option<&str>, to: &mut Vec<String>) {
    match (expected, failed) {
        (None, None) => {}
        (Some(expected), Some(failed)) if failed.contains(expected) => {}
        (Some(expected), Some(failed)) => to.push(format!("expected a failure with {expected:?}, got {failed:?}")),
        (Some(expected), None) => to.push(format!("expected a failure with {expected:?}, got none")),
        (None, Some(failed)) => to.push(format!("failed: {failed}")),
    }
}

pub(super) fn violations(expected: &[Finding], found: &[Violation], to: &mut Vec<String>) {
    let severity = |found: &Violation| match found.severity {
        Found::Error => Severity::Error,
        Found::Warning => Severity::Warning,
    };
    for index in 0..expected.len().max(found.len()) {
        match (expected.get(index), found.get(index)) {
            (Some(wanted), Some(found)) => {
                let same = wanted.path == found.path && found.message.contains(&wanted.message);
                if !same || wanted.severity != severity(found) {
                    let wanted = format!("{:?} at {:?}: {:?}", wanted.severity, wanted.path, wanted.message);
                    to.push(format!(
                        "violation {index}: expected {wanted}, got {:?} at {:?}: {:?}",
                        found.severity, found.path, found.message
                    ));
                }
            }
            (Some(wanted), None) => {
                to.push(format!("violation {index} is missing: expected {:?} at {:?}", wanted.message, wanted.path))
            }
            (None, Some(found)) => {
                to.push(format!("violation {index} is not expected: got {:?} at {:?}", found.message, found.path))
            }
            (None, None) => {}
        }
    }
}

pub(super) fn requests(expected: &[Sent], sent: &[Request], to: &mut Vec<String>) {
    if expected.len() != sent.len() {
        to.push(format!("expected {} requests, got {}", expected.len(), sent.len()));
    }
    for (index, (wanted, sent)) in expected.iter().zip(sent).enumerate() {
        let mut compare = |what: &str, wanted: &str, got: &str| {
            if wanted != got {
                to.push(format!("request {index}, {what}: expected {wanted:?}, got {got:?}"));
            }
        };
        if let Some(method) = &wanted.method {
            compare("method", method, &sent.method);
        }
        if let Some(url) = &wanted.url {
            compare("url", url, &sent.url.to_string());
        }
        for (name, value) in &wanted.headers {
            let got = sent.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            compare(&format!("header {name}"), value, got.map_or("", |(_, value)| value));
        }
        match &wanted.body {
            None => {}
            Some(Json::String(text)) => compare("body", text, &String::from_utf8_lossy(&sent.body)),
            Some(json) => match serde_json::from_slice::<Json>(&sent.body) {
                Ok(got) if got == *json => {}
                Ok(got) => to.push(format!("request {index}, body: expected {}, got {}", shown(json), shown(&got))),
                Err(_) => {
                    let got = String::from_utf8_lossy(&sent.body);
                    to.push(format!("request {index}, body: expected {}, got {}, which is no JSON", shown(json), shown(&got)));
                }
            },
        }
    }
    for (index, sent) in sent.iter().enumerate().skip(expected.len()) {
        to.push(format!("request {index} is not expected: {} {}", sent.method, sent.url));
    }
}

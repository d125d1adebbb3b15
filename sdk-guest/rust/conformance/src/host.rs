//! What the host offers since interface 0.1.1.

use super::Step;
use headworks_plugin::state::StateError;
use headworks_plugin::{Batch, clock, log, metrics, random, secrets, state};

pub fn clock(own: i64) -> &'static str {
    let (first, second) = (clock::now(), clock::now());
    if first.utc().0 >= 2025 && first <= second && (second.seconds - own).abs() < 5 { "ok" } else { "the clocks differ" }
}

fn entropy() -> &'static str {
    let (one, other) = (random::bytes(16), random::bytes(16));
    if one.len() == 16 && one != other { "ok" } else { "the same again" }
}

fn full() -> &'static str {
    match state::set("large", &[b'x'; 1 << 17]) {
        Ok(()) => "kept",
        Err(StateError::Full(_)) => "full",
        Err(StateError::Failed(_)) => "failed",
    }
}

pub fn act(batch: &Batch, step: &Step) -> Result<(), String> {
    let Step { field, key, .. } = step;
    let none = || "none".to_owned();
    match step.r#do.as_str() {
        "random" => batch.fill(field, entropy()),
        "state-get" => {
            let found = state::get(key)?.map(|value| String::from_utf8_lossy(&value).into_owned());
            batch.fill(field, found.unwrap_or_else(none));
        }
        "state-set" => state::set(key, step.text().as_bytes())?,
        "state-delete" => state::remove(key)?,
        "state-keys" => batch.fill(field, state::keys(key)?.join(",")),
        "state-replace" => {
            let replaced = state::replace(key, Some(step.expected.as_bytes()), Some(step.text().as_bytes()))?;
            batch.fill(field, replaced.to_string());
        }
        "state-create" => batch.fill(field, state::replace(key, None, Some(step.text().as_bytes()))?.to_string()),
        "state-full" => batch.fill(field, full()),
        "secret" => batch.fill(field, secrets::get(key).unwrap_or_else(none)),
        _ => {
            metrics::count("conformance_steps_total", 2);
            metrics::gauge("conformance_level_ratio", 0.5);
            log::warn(format_args!("{} ü", step.text()));
            println!("{}", step.text());
        }
    }
    Ok(())
}

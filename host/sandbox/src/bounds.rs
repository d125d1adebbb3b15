//! What [`Limits`] an operator may choose.
//!
//! Goes over the members as they are written in settings, so that a new limit has a bound from its first day: at least 1.

use crate::Limits;
use headworks_core::{Error, Result};
use serde_json::Value;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const SECOND: u64 = 1000;
const DAY: u64 = 86_400 * SECOND;

/// Member, least and most value. What is not here is at least 1. Where nothing else sets the most, it is what one machine can
/// still bear.
const BOUNDS: &[(&str, u64, u64)] = &[
    ("component_bytes", KIB, 256 * MIB),
    ("compile_cpu_ms", SECOND, 600 * SECOND),
    ("compile_memory", 64 * MIB, 16 * KIB * MIB),
    ("compile_retry_ms", 1, 30 * DAY),
    ("memory", MIB, 256 * MIB),
    ("memories", 1, 100),
    ("tables", 1, 1000),
    ("table_elements", 1, 10_000_000),
    ("core_instances", 1, 1000),
    ("stack", 64 * KIB, 8 * MIB),
    ("call_cpu_ms", Limits::TICK.as_millis() as u64, 30 * SECOND),
    ("call_wait_ms", 1, 60 * SECOND),
    ("network_wait_ms", 1, 300 * SECOND),
    ("connections", 1, 1024),
    ("response_bytes", 1, KIB * MIB),
    ("call_bytes", KIB, KIB * MIB),
    ("call_records", 1, 1_000_000),
    ("handles", 1, 1_000_000),
    ("random_bytes", 1, 64 * MIB),
    ("output_bytes", KIB, KIB * MIB),
    ("output_records_each", 1, 10_000_000),
    ("output_records", 1, 10_000_000),
    ("log_bytes", 1, 16 * MIB),
    ("log_line", 1, MIB),
    ("log_lines", 1, 1_000_000),
    ("validator_cpu_ms", Limits::TICK.as_millis() as u64, 30 * SECOND),
    ("violations", 1, 10_000),
    ("state_bytes", 1, KIB * MIB),
    ("state_value", 1, 16 * MIB),
    ("state_key", 1, 4 * KIB),
    ("state_keys", 1, 1_000_000),
    ("instances", 1, 1024),
    ("sinks", 1, 1024),
    ("instance_idle_ms", SECOND, DAY),
    ("breaker_failures", 1, 1_000_000),
    ("breaker_window_ms", 1, DAY),
    ("breaker_pause_ms", SECOND, DAY),
];

impl Limits {
    /// Whether an operator may choose these.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) with the member to blame.
    pub fn check(&self) -> Result<()> {
        let members = serde_json::to_value(self).map_err(|error| Error::internal(error.to_string()))?;
        for (name, value) in members.as_object().into_iter().flatten() {
            // Only numbers are limits.
            let Value::Number(value) = value else { continue };
            let bounds = BOUNDS.iter().find(|(bound, ..)| bound == name);
            let (least, most) = bounds.map_or((1, u64::MAX), |&(_, least, most)| (least, most));
            if !value.as_u64().is_some_and(|value| (least..=most).contains(&value)) {
                let most = if most == u64::MAX { String::new() } else { format!(" and at most {most}") };
                return Err(Error::invalid(format!("{name} has to be at least {least}{most}, not {value}")).at(name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_defaults_are_allowed_and_survive_their_text() {
        Limits::default().check().unwrap();
        let text = serde_json::to_string(&Limits::default()).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), Limits::default());
    }

    #[test]
    fn nothing_is_zero_or_past_its_bound() {
        let usual = serde_json::to_value(Limits::default()).unwrap();
        for (name, value) in usual.as_object().unwrap() {
            assert!(value.is_u64(), "{name} is no number: how is it checked?");
            let mut none = usual.clone();
            none[name] = json!(0);
            let error = serde_json::from_value::<Limits>(none).unwrap().check().unwrap_err();
            assert_eq!(error.member.as_deref(), Some(name.as_str()));
        }
        for &(name, least, most) in BOUNDS {
            assert!(usual.get(name).is_some(), "{name} is no limit");
            for (value, allowed) in [(least, true), (least - 1, false), (most, true), (most + 1, false)] {
                // What does not fit the type is refused before.
                let Ok(limits) = serde_json::from_value::<Limits>(json!({ name: value })) else { panic!("{name} {value}") };
                assert_eq!(limits.check().is_ok(), allowed, "{name} = {value}");
            }
        }
    }

    #[test]
    fn unknown_members_are_refused_by_name() {
        let error = serde_json::from_value::<Limits>(json!({ "memory_bytes": 1 })).unwrap_err().to_string();
        assert!(error.contains("memory_bytes"), "{error}");
    }
}

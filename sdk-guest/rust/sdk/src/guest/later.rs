//! What the host offers since 0.1.1 of the interface, in the types of this crate.

use super::world::headworks::plugin::{clock, metrics, random as entropy, secrets, state};
use crate::Time;
use crate::state::StateError;

pub(crate) fn now() -> Time {
    let clock::Time { seconds, nanoseconds } = clock::now();
    Time { seconds, nanoseconds }
}

pub(crate) fn random(length: u32) -> Vec<u8> {
    entropy::bytes(length)
}

pub(crate) fn count(name: &str, by: u64) {
    metrics::count(name, by);
}

pub(crate) fn gauge(name: &str, value: f64) {
    metrics::gauge(name, value);
}

pub(crate) fn secret(name: &str) -> Option<String> {
    secrets::get(name)
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    state::get(key).map_err(state_error)
}

pub(crate) fn state_set(key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
    state::set(key, value).map_err(state_error)
}

pub(crate) fn state_replace(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, StateError> {
    state::replace(key, expected, value).map_err(state_error)
}

pub(crate) fn state_keys(prefix: &str) -> Result<Vec<String>, StateError> {
    state::keys(prefix).map_err(state_error)
}

fn state_error(error: state::StateError) -> StateError {
    match error {
        state::StateError::Full(why) => StateError::Full(why),
        state::StateError::Failed(why) => StateError::Failed(why),
    }
}

//! What a plugin gets from its surroundings: clock, random bytes, state, figures, secrets.

use super::{EACH, Host};
use crate::bindings::headworks::plugin::batches::Time;
use crate::bindings::headworks::plugin::state::{Host as State, StateError as Refusal};
use crate::bindings::headworks::plugin::{clock, metrics, random, secrets};
use crate::surroundings::StateError;
use crate::{Figure, LogLevel};
use headworks_core::Timestamp;
use std::sync::Arc;

/// The most keys that are listed at once.
const LISTED: usize = 1000;

impl clock::Host for Host {
    fn now(&mut self) -> wasmtime::Result<Time> {
        let now = Timestamp::now();
        Ok(Time { seconds: now.seconds(), nanoseconds: now.subsec_nanos() })
    }
}

impl random::Host for Host {
    fn bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length.into())
    }
}

impl metrics::Host for Host {
    fn count(&mut self, name: String, by: u64) -> wasmtime::Result<()> {
        self.figure(&name, Figure::Counter(by))
    }

    fn gauge(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.figure(&name, Figure::Gauge(value))
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.charge(EACH + name.len())?;
        let asked = self.outbound.asked.iter().any(|grant| grant.secret() == Some(&name));
        if !asked || !self.surroundings.granted.allows_secret(&name) {
            return Ok(None);
        }
        let secret = self.surroundings.secrets.get(&name);
        self.charge(secret.as_ref().map_or(0, String::len))?;
        Ok(secret)
    }
}

type Answer<T> = wasmtime::Result<Result<T, Refusal>>;

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Full(why) => Self::Full(why),
            StateError::Failed(why) => Self::Failed(why),
        }
    }
}

impl Host {
    /// Figures that cannot be kept are told to the author: a call does not fail for them.
    fn figure(&mut self, name: &str, value: Figure) -> wasmtime::Result<()> {
        self.charge(EACH + name.len())?;
        if let Err(why) = self.surroundings.usage.figure(name, value) {
            self.log_line(LogLevel::Warn, &why);
        }
        Ok(())
    }

    /// Pays for a key and values, and checks their sizes.
    fn sized(&mut self, key: &str, values: [Option<&Vec<u8>>; 2]) -> wasmtime::Result<Result<(), Refusal>> {
        self.charge(EACH + key.len() + values.iter().flatten().map(|value| value.len()).sum::<usize>())?;
        let limits = &self.limits;
        if key.len() > limits.state_key {
            let why = format!("a key of state has at most {} bytes, and this one has {}", limits.state_key, key.len());
            return Ok(Err(Refusal::Full(why)));
        }
        match values.iter().flatten().find(|value| value.len() > limits.state_value) {
            Some(value) => Ok(Err(Refusal::Full(format!(
                "a value of state has at most {} bytes, and that of {key:?} has {}",
                limits.state_value,
                value.len()
            )))),
            None => Ok(Ok(())),
        }
    }
}

impl State for Host {
    async fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        if let Err(refusal) = self.sized(&key, [None, None])? {
            return Ok(Err(refusal));
        }
        let state = Arc::clone(&self.surroundings.state);
        match state.get(&key).await {
            Ok(value) => {
                self.charge(value.as_ref().map_or(0, Vec::len))?;
                Ok(Ok(value))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn set(&mut self, key: String, value: Option<Vec<u8>>) -> Answer<()> {
        if let Err(refusal) = self.sized(&key, [value.as_ref(), None])? {
            return Ok(Err(refusal));
        }
        let state = Arc::clone(&self.surroundings.state);
        Ok(state.set(&key, value).await.map_err(Into::into))
    }

    async fn replace(&mut self, key: String, expected: Option<Vec<u8>>, value: Option<Vec<u8>>) -> Answer<bool> {
        if let Err(refusal) = self.sized(&key, [expected.as_ref(), value.as_ref()])? {
            return Ok(Err(refusal));
        }
        let state = Arc::clone(&self.surroundings.state);
        Ok(state.replace(&key, expected, value).await.map_err(Into::into))
    }

    async fn keys(&mut self, prefix: String) -> Answer<Vec<String>> {
        if let Err(refusal) = self.sized(&prefix, [None, None])? {
            return Ok(Err(refusal));
        }
        let state = Arc::clone(&self.surroundings.state);
        match state.keys(&prefix, LISTED).await {
            Ok(keys) => {
                self.charge(keys.iter().map(|key| EACH + key.len()).sum())?;
                Ok(Ok(keys))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

//! What a version remembers that is only watched: it sees what the plugin remembers, and what it writes is forgotten with it.

use super::state::State;
use headworks_sandbox::outbound::Pending;
use headworks_sandbox::{Limits, StateError, StateStore};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

pub(crate) struct Overlay {
    real: Arc<State>,
    most_bytes: usize,
    own: Mutex<Own>,
}

#[derive(Default)]
struct Own {
    values: BTreeMap<String, Option<Vec<u8>>>,
    bytes: usize,
}

fn size(key: &str, value: Option<&Vec<u8>>) -> usize {
    key.len() + value.map_or(0, Vec::len)
}

impl Overlay {
    pub(crate) fn new(real: Arc<State>, limits: &Limits) -> Self {
        Self { real, most_bytes: limits.state_bytes, own: Mutex::default() }
    }

    fn write(&self, own: &mut Own, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        let before = own.values.get(key).map_or(0, |value| size(key, value.as_ref()));
        let bytes = own.bytes - before + size(key, value.as_ref());
        if bytes > self.most_bytes {
            return Err(StateError::Full(format!("the plugin would remember more than {} bytes", self.most_bytes)));
        }
        own.bytes = bytes;
        own.values.insert(key.to_owned(), value);
        Ok(())
    }

    async fn read(&self, own: &Own, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        match own.values.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.real.get(key).await,
        }
    }
}

impl StateStore for Overlay {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>> {
        Box::pin(async move { self.read(&*self.own.lock().await, key).await })
    }

    fn set<'a>(&'a self, key: &'a str, value: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>> {
        Box::pin(async move { self.write(&mut *self.own.lock().await, key, value) })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Pending<'a, Result<bool, StateError>> {
        Box::pin(async move {
            let mut own = self.own.lock().await;
            if self.read(&own, key).await? != expected {
                return Ok(false);
            }
            self.write(&mut own, key, value).map(|()| true)
        })
    }

    fn keys<'a>(&'a self, prefix: &'a str, most: usize) -> Pending<'a, Result<Vec<String>, StateError>> {
        Box::pin(async move {
            let own = self.own.lock().await;
            let real = self.real.keys(prefix, usize::MAX).await?;
            let here = own.values.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
            let mut found: BTreeMap<&str, bool> = real.iter().map(|key| (key.as_str(), true)).collect();
            found.extend(here.map(|(key, value)| (key.as_str(), value.is_some())));
            Ok(found.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key.to_owned()).take(most).collect())
        })
    }
}

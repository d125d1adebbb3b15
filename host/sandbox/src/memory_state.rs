//! State that is kept in memory: for tests, and for trying a plugin without a server.

use crate::Limits;
use crate::outbound::Pending;
use crate::surroundings::{StateError, StateStore};
use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// State that is gone when it is dropped.
pub struct MemoryState {
    bytes: usize,
    keys: usize,
    values: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryState {
    /// Nothing yet, within these limits.
    pub fn new(limits: &Limits) -> Self {
        Self { bytes: limits.state_bytes, keys: limits.state_keys, values: Mutex::default() }
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, values: &mut BTreeMap<String, Vec<u8>>, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        let Some(value) = value else {
            values.remove(key);
            return Ok(());
        };
        let others = values.iter().filter(|(other, _)| *other != key);
        let (count, bytes) = others
            .fold((1, key.len() + value.len()), |(count, bytes), (key, value)| (count + 1, bytes + key.len() + value.len()));
        if count > self.keys {
            return Err(StateError::Full(format!("a plugin keeps at most {} keys", self.keys)));
        }
        if bytes > self.bytes {
            return Err(StateError::Full(format!("a plugin keeps at most {} bytes of keys and values", self.bytes)));
        }
        values.insert(key.to_owned(), value);
        Ok(())
    }
}

impl StateStore for MemoryState {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>> {
        Box::pin(ready(Ok(self.values().get(key).cloned())))
    }

    fn set<'a>(&'a self, key: &'a str, value: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>> {
        Box::pin(ready(self.put(&mut self.values(), key, value)))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Pending<'a, Result<bool, StateError>> {
        let mut values = self.values();
        let answer = match values.get(key) == expected.as_ref() {
            true => self.put(&mut values, key, value).map(|()| true),
            false => Ok(false),
        };
        Box::pin(ready(answer))
    }

    fn keys<'a>(&'a self, prefix: &'a str, most: usize) -> Pending<'a, Result<Vec<String>, StateError>> {
        let values = self.values();
        let from = values.range(prefix.to_owned()..).map(|(key, _)| key);
        Box::pin(ready(Ok(from.take_while(|key| key.starts_with(prefix)).take(most).cloned().collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_keeps_what_fits() {
        let state = MemoryState::new(&Limits { state_bytes: 10, state_keys: 2, ..Limits::default() });
        state.set("a", Some(vec![1; 4])).await.unwrap();
        state.set("ab", Some(vec![2; 3])).await.unwrap();
        assert!(matches!(state.set("ab", Some(vec![2; 4])).await, Err(StateError::Full(why)) if why.contains("10 bytes")));
        assert!(matches!(state.set("c", Some(Vec::new())).await, Err(StateError::Full(why)) if why.contains("2 keys")));
        assert_eq!(state.get("ab").await.unwrap(), Some(vec![2; 3]));
        assert_eq!(state.keys("a", 9).await.unwrap(), ["a", "ab"]);
        assert_eq!((state.keys("ab", 9).await.unwrap().len(), state.keys("", 1).await.unwrap().len()), (1, 1));
        assert!(!state.replace("a", None, None).await.unwrap());
        assert!(state.replace("a", Some(vec![1; 4]), None).await.unwrap());
        assert!(state.replace("a", None, Some(vec![7])).await.unwrap());
        assert_eq!(state.get("a").await.unwrap(), Some(vec![7]));
    }
}

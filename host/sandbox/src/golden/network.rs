//! A network that exists in a test only: requests are remembered and answered as the case says.

use super::Answer;
use crate::outbound::{Connection, Network, NetworkError, Pending, Place, Request, Response, Tls};
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most requests of a case that are remembered.
const MAX_SENT: usize = 10_000;

/// Reaches nothing. It is given to the sandbox that golden tests of forwarders run in.
#[derive(Default)]
pub(super) struct ScriptedNetwork(Mutex<Script>);

#[derive(Default)]
struct Script {
    answers: VecDeque<Response>,
    sent: Vec<Request>,
}

impl ScriptedNetwork {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a case.
    pub(super) fn begin(&self, answers: &[Answer]) {
        let body = |json: &Json| match json {
            Json::Null => Vec::new(),
            Json::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        };
        let response = |answer: &Answer| Response {
            status: answer.status,
            headers: answer.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
            body: body(&answer.body),
            trailers: Vec::new(),
        };
        *self.script() = Script { answers: answers.iter().map(response).collect(), sent: Vec::new() };
    }

    /// What was sent since.
    pub(super) fn end(&self) -> Vec<Request> {
        std::mem::take(&mut *self.script()).sent
    }
}

const ONLY_HTTP: &str = "tests answer HTTP requests only";

impl Network for ScriptedNetwork {
    fn exchange(&self, request: Request) -> Pending<'_, Result<Response, NetworkError>> {
        let mut script = self.script();
        if script.sent.len() < MAX_SENT {
            script.sent.push(request);
        }
        let answer = script.answers.pop_front().unwrap_or(Response { status: 200, ..Response::default() });
        Box::pin(ready(Ok(answer)))
    }

    fn connect<'a>(&'a self, _: &'a Place, _: Option<Tls>) -> Pending<'a, Result<Box<dyn Connection>, NetworkError>> {
        Box::pin(ready(Err(NetworkError::Unreachable(ONLY_HTTP.to_owned()))))
    }

    fn datagram<'a>(&'a self, _: &'a Place, _: &'a [u8]) -> Pending<'a, Result<(), NetworkError>> {
        Box::pin(ready(Err(NetworkError::Unreachable(ONLY_HTTP.to_owned()))))
    }
}

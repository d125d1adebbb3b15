//! Compiling in a child process: what a component does to the compiler stays there.

use crate::inspect::refused;
use crate::{Limits, engine};
use headworks_core::{Digest, Error, ErrorCode, Result};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::MutexGuard;

/// The most bytes of compiled code that are taken from the child; a Python guest has 33 MB.
const COMPILED: u64 = 512 << 20;
/// The most bytes of the child's message that are taken.
const MESSAGE: u64 = 4096;
/// How much longer than its CPU time the child may take, on a busy machine.
const WAIT: u32 = 4;
/// Address space on top of the memory limit: the program itself, thread stacks and what allocators only reserve.
const ADDRESS_SPACE: u64 = 4 << 30;

/// The environment variable that tells the child the limits.
const LIMITS: &str = "HEADWORKS_COMPILE_LIMITS";

/// The program that compiles: it reads a component from its standard input and writes what
/// [`compile_in_this_process`] answers to its standard output. It ends with an error and a message on its standard error
/// otherwise.
#[derive(Clone, Debug)]
pub struct CompilerCommand {
    /// The executable, usually this one.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Compiles in this process, after lowering the limits of the process for good to those that the sandbox which started it
/// has for compiling. For the child only.
///
/// # Errors
/// [`ErrorCode::PluginRefused`] with wasmtime's message; [`ErrorCode::Io`] when the limits cannot be set, and
/// [`ErrorCode::Invalid`] when nobody told them.
pub fn compile_in_this_process(component: &[u8]) -> Result<Vec<u8>> {
    let limits = std::env::var(LIMITS).map_err(|_| Error::invalid(format!("{LIMITS} is not set: only the server compiles")))?;
    let limits: Limits = serde_json::from_str(&limits).map_err(|error| Error::invalid(format!("{LIMITS}: {error}")))?;
    let memory = limits.compile_memory as u64;
    let values = [
        (Resource::Cpu, limits.compile_cpu.as_millis().div_ceil(1000) as u64),
        (Resource::Data, memory),
        (Resource::As, memory + ADDRESS_SPACE),
        (Resource::Core, 0),
    ];
    for (resource, value) in values {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit).map_err(|error| Error::from(std::io::Error::from(error)))?;
    }
    engine::new(&limits)?.precompile_component(component).map_err(|error| refused(format!("{error:#}")))
}

/// The right to compile.
pub(crate) struct Turn<'a>(#[allow(dead_code, reason = "held, not read")] MutexGuard<'a, ()>);

/// Starts child processes, one at a time, and remembers what could not be compiled.
pub(crate) struct Compiler {
    command: CompilerCommand,
    limits: Limits,
    turn: tokio::sync::Mutex<()>,
    failed: Mutex<HashMap<Digest, (Instant, String)>>,
}

impl Compiler {
    pub(crate) fn new(command: CompilerCommand, limits: Limits) -> Self {
        Self { command, limits, turn: tokio::sync::Mutex::default(), failed: Mutex::default() }
    }

    /// Waits until no other component is compiled. What was waited for may have been this very component.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn(self.turn.lock().await)
    }

    /// Compiles a component that has passed [`inspect::check`](crate::inspect::check).
    ///
    /// # Errors
    /// [`ErrorCode::PluginRefused`] when it cannot be compiled within the limits; [`ErrorCode::Io`] when the child cannot run.
    pub(crate) async fn compile(&self, _: &Turn<'_>, digest: Digest, component: &[u8]) -> Result<Vec<u8>> {
        if let Some(known) = self.known_failure(digest) {
            return Err(refused(known));
        }
        let result = self.run(component).await;
        if let Err(error) = &result
            && error.code == ErrorCode::PluginRefused
        {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.insert(digest, (Instant::now(), error.message.clone()));
        }
        result
    }

    fn known_failure(&self, digest: Digest) -> Option<String> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, (at, _)| at.elapsed() < self.limits.compile_retry);
        let (at, message) = failed.get(&digest)?;
        let left = self.limits.compile_retry.saturating_sub(at.elapsed()).as_secs();
        Some(format!("{message} (tried before; it is refused for another {left} s)"))
    }

    async fn run(&self, component: &[u8]) -> Result<Vec<u8>> {
        let started = Instant::now();
        let limits = serde_json::to_string(&self.limits).map_err(|error| Error::internal(error.to_string()))?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .env_clear()
            .env(LIMITS, limits)
            // The allocator takes memory as it needs it; a whole arena at once would be most of the limit.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Error::new(ErrorCode::Io, format!("the compiler cannot be started: {error}")))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async move {
            // A child that stops reading says why on its standard error.
            if let Some(mut stdin) = stdin {
                drop(stdin.write_all(component).await);
            }
        };
        let talk = async move { tokio::join!(write, read(stdout, COMPILED), read(stderr, MESSAGE), child.wait()) };
        let longest = self.limits.compile_cpu.saturating_mul(WAIT);
        let Ok(((), compiled, message, status)) = tokio::time::timeout(longest, talk).await else {
            return Err(refused(format!("compiling the component took more than {} s", longest.as_secs())));
        };
        let status = status?;
        if status.success() {
            tracing::info!(seconds = started.elapsed().as_secs_f32(), bytes = compiled.len(), "compiled a component");
            return Ok(compiled);
        }
        Err(refused(match status.code() {
            Some(_) => format!("the component cannot be compiled: {}", String::from_utf8_lossy(&message).trim()),
            None => format!(
                "compiling the component took more than {} s of CPU or {} MiB of memory",
                self.limits.compile_cpu.as_secs(),
                self.limits.compile_memory >> 20
            ),
        }))
    }
}

/// Reads to the end, and keeps at most `most` bytes.
async fn read(from: Option<impl tokio::io::AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let mut from = from.take(most);
        drop(from.read_to_end(&mut bytes).await);
        drop(tokio::io::copy(&mut from.into_inner(), &mut tokio::io::sink()).await);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn compiler(script: &str) -> Compiler {
        let command = CompilerCommand { program: "/bin/sh".into(), arguments: vec!["-c".to_owned(), script.to_owned()] };
        Compiler::new(command, Limits { compile_cpu: Duration::from_millis(500), ..Limits::default() })
    }

    async fn why(compiler: &Compiler) -> String {
        let turn = compiler.turn().await;
        compiler.compile(&turn, Digest::of(b"x"), b"component").await.err().map(|error| error.message).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_child_gets_the_component_and_answers_the_code() {
        let compiler = compiler("/bin/cat");
        let compiled = compiler.compile(&compiler.turn().await, Digest::of(b"x"), b"component").await.unwrap();
        assert_eq!(compiled, b"component");
    }

    #[tokio::test]
    async fn a_failure_is_told_and_remembered() {
        let compiler = compiler("echo no good >&2; exit 3");
        assert_eq!(why(&compiler).await, "the component cannot be compiled: no good");
        assert!(why(&compiler).await.contains("refused for another"));
        let turn = compiler.turn().await;
        assert!(compiler.compile(&turn, Digest::of(b"y"), b"").await.is_err_and(|error| !error.message.contains("another")));
    }

    #[tokio::test]
    async fn a_killed_or_endless_child_is_refused() {
        assert!(why(&compiler("kill -XCPU $$")).await.contains("of CPU"));
        assert!(why(&compiler("/bin/sleep 60")).await.contains("took more than 2 s"));
    }
}

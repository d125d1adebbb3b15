//! What a component may use.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Every limit of the sandbox. All are on by default.
///
/// Written with durations as milliseconds under names that end in `_ms`; a member that is absent has its default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a component.
    pub component_bytes: usize,
    /// CPU time of compiling one component.
    #[serde(rename = "compile_cpu_ms", with = "milliseconds")]
    pub compile_cpu: Duration,
    /// Bytes of memory that compiling one component may use.
    pub compile_memory: usize,
    /// How long a component that could not be compiled is refused without another try.
    #[serde(rename = "compile_retry_ms", with = "milliseconds")]
    pub compile_retry: Duration,
    /// Bytes of linear memory of an instance, all its memories together.
    pub memory: usize,
    /// An instance with more bytes of linear memory than this after a call is not used again.
    pub recycle_memory: usize,
    /// Linear memories of an instance.
    pub memories: usize,
    /// Tables of an instance.
    pub tables: usize,
    /// Elements of each table.
    pub table_elements: usize,
    /// Core instances of an instance. CPython with its stubs comes as 40.
    pub core_instances: usize,
    /// Bytes of the wasm stack.
    pub stack: usize,
    /// CPU time of one call, in steps of [`TICK`](Self::TICK).
    #[serde(rename = "call_cpu_ms", with = "milliseconds")]
    pub call_cpu: Duration,
    /// Time that a call may take beyond its CPU time, when it waits in the host or for the processor.
    #[serde(rename = "call_wait_ms", with = "milliseconds")]
    pub call_wait: Duration,
    /// Time that one request of a component may take with its redirects, or what comes over a connection since it last wrote.
    #[serde(rename = "network_wait_ms", with = "milliseconds")]
    pub network_wait: Duration,
    /// Connections that an instance may hold.
    pub connections: usize,
    /// Bytes of the answer to one request of a component.
    pub response_bytes: usize,
    /// Bytes that cross between component and host in one call, both directions together.
    pub call_bytes: usize,
    /// Records given to one call; more are given in several calls.
    pub call_records: usize,
    /// Resource handles an instance may hold.
    pub handles: usize,
    /// Random bytes in one call.
    pub random_bytes: usize,
    /// Bytes of values in the answer of one call.
    pub output_bytes: usize,
    /// Records in the answer of one call per record of its input.
    pub output_records_each: usize,
    /// Records in the answer of one call.
    pub output_records: usize,
    /// Bytes logged in one call.
    pub log_bytes: usize,
    /// Bytes of a line in the log; longer ones are cut.
    pub log_line: usize,
    /// Lines an instance may log in a second.
    pub log_lines: u32,
    /// CPU time of judging one document; somebody waits for the answer.
    #[serde(rename = "validator_cpu_ms", with = "milliseconds")]
    pub validator_cpu: Duration,
    /// Violations that are told of one document.
    pub violations: usize,
    /// Bytes of keys and values that one plugin of one tenant remembers.
    pub state_bytes: usize,
    /// Bytes of one remembered value.
    pub state_value: usize,
    /// Bytes of the key of one.
    pub state_key: usize,
    /// Values that one plugin of one tenant remembers.
    pub state_keys: usize,
    /// Instances of one transformer or validator; further calls wait for one.
    pub instances: usize,
    /// Instances of one forwarder; further calls wait for one.
    pub sinks: usize,
    /// An instance that was not called for so long is given up; the next call opens another.
    #[serde(rename = "instance_idle_ms", with = "milliseconds")]
    pub instance_idle: Duration,
    /// So many failures in [`breaker_window`](Self::breaker_window) without a success between them suspend a transformer.
    pub breaker_failures: usize,
    /// See [`breaker_failures`](Self::breaker_failures).
    #[serde(rename = "breaker_window_ms", with = "milliseconds")]
    pub breaker_window: Duration,
    /// The longest suspension. It begins with a second and doubles until a call succeeds.
    #[serde(rename = "breaker_pause_ms", with = "milliseconds")]
    pub breaker_pause: Duration,
}

impl Limits {
    /// How often a running component is interrupted, to count its time and to let others run.
    pub const TICK: Duration = Duration::from_millis(10);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 * MIB,
            compile_cpu: Duration::from_secs(30),
            compile_memory: 1024 * MIB,
            compile_retry: Duration::from_secs(3600),
            memory: 64 * MIB,
            recycle_memory: 48 * MIB,
            memories: 4,
            tables: 16,
            table_elements: 20_000,
            core_instances: 64,
            stack: 512 * KIB,
            call_cpu: Duration::from_secs(1),
            call_wait: Duration::from_millis(250),
            network_wait: Duration::from_secs(30),
            connections: 16,
            response_bytes: 8 * MIB,
            call_bytes: 16 * MIB,
            call_records: 1024,
            handles: 1024,
            random_bytes: 64 * KIB,
            output_bytes: 16 * MIB,
            output_records_each: 10_000,
            output_records: 100_000,
            log_bytes: 64 * KIB,
            log_line: KIB,
            log_lines: 100,
            validator_cpu: Duration::from_millis(250),
            violations: 100,
            state_bytes: 10 * MIB,
            state_value: 64 * KIB,
            state_key: 512,
            state_keys: 10_000,
            sinks: 16,
            instances: std::thread::available_parallelism().map_or(1, usize::from),
            instance_idle: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_window: Duration::from_secs(60),
            breaker_pause: Duration::from_secs(60),
        }
    }
}

/// One limit a line, with its unit.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: usize| match bytes {
            bytes if bytes % MIB == 0 => format!("{} MiB", bytes / MIB),
            bytes if bytes % KIB == 0 => format!("{} KiB", bytes / KIB),
            bytes => format!("{bytes} B"),
        };
        let time = |time: Duration| format!("{time:?}");
        let lines = [
            ("component size", bytes(self.component_bytes)),
            ("compile", format!("{} of CPU, {}, one at a time", time(self.compile_cpu), bytes(self.compile_memory))),
            ("refused after a failed compile for", time(self.compile_retry)),
            ("linear memory", format!("{}, recycled past {}", bytes(self.memory), bytes(self.recycle_memory))),
            ("memories, tables, core instances", format!("{}, {}, {}", self.memories, self.tables, self.core_instances)),
            ("table elements", self.table_elements.to_string()),
            ("wasm stack", bytes(self.stack)),
            ("call", format!("{} of CPU and {} more of waiting", time(self.call_cpu), time(self.call_wait))),
            ("request to elsewhere", format!("{}, {} of answer", time(self.network_wait), bytes(self.response_bytes))),
            ("connections", self.connections.to_string()),
            ("records and bytes per call", format!("{}, {}", self.call_records, bytes(self.call_bytes))),
            ("handles", self.handles.to_string()),
            ("random bytes per call", bytes(self.random_bytes)),
            (
                "output per call",
                format!(
                    "{}, {} records per input record, {} in all",
                    bytes(self.output_bytes),
                    self.output_records_each,
                    self.output_records
                ),
            ),
            (
                "log",
                format!("{} per call, {} a line, {} lines a second", bytes(self.log_bytes), bytes(self.log_line), self.log_lines),
            ),
            ("judging a document", format!("{} of CPU, {} violations", time(self.validator_cpu), self.violations)),
            (
                "state per plugin and tenant",
                format!(
                    "{} in {} values, {} a value, {} a key",
                    bytes(self.state_bytes),
                    self.state_keys,
                    bytes(self.state_value),
                    bytes(self.state_key)
                ),
            ),
            (
                "instances per transformer, per forwarder",
                format!("{}, {}, given up after {} without a call", self.instances, self.sinks, time(self.instance_idle)),
            ),
            (
                "suspended after",
                format!(
                    "{} failures in {} with no success between them, for 1s doubling to {}",
                    self.breaker_failures,
                    time(self.breaker_window),
                    time(self.breaker_pause)
                ),
            ),
        ];
        for (index, (name, value)) in lines.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{name}: {value}")?;
        }
        Ok(())
    }
}

mod milliseconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

//! Graph to plan (FlowG 7.2).
//!
//! Owns every reason why a graph cannot run. What must stay true: a plan has no cycle, every edge leads somewhere, and the
//! number of paths through it is bounded, so that running it ends.

use crate::condition::Condition;
use crate::counters::{self, Counters, NODE_PREFIX};
use crate::forward::Target;
use crate::graph::{Graph, Node};
use crate::transform::{Boxed, Transform};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The most node visits that one record may need: joins are run once per path (FlowG 7.3).
const MAX_PATHS: u64 = 10_000;

/// A graph that can run.
pub(crate) struct Plan {
    pub(crate) name: String,
    steps: Vec<Step>,
    /// Source type to step. The later of two sources of one type is in here.
    entries: HashMap<String, usize>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) succeeded: metrics::Counter,
    pub(crate) failed: metrics::Counter,
}

/// One node.
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) action: Action,
    pub(crate) next: Vec<usize>,
}

/// What a node does.
pub(crate) enum Action {
    Pass,
    Transform(Arc<dyn Transform>),
    /// None lets everything pass.
    Switch(Option<Condition>),
    Count(Arc<AtomicU64>),
    /// The pipeline of this name.
    Call(String),
    Store(Arc<Stream>),
    Deliver(Arc<Delivery>),
}

/// Where a forwarder sends.
pub(crate) struct Delivery {
    pub(crate) name: String,
    /// None when records are put in its queue instead.
    pub(crate) target: Option<Arc<dyn Target>>,
}

/// Where a router writes.
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) stored: metrics::Counter,
}

impl Action {
    const fn is_terminal(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Call(_) | Self::Store(_) | Self::Deliver(_))
    }
}

/// Finds the transformers and forwarders that a graph names.
pub(crate) trait Parts: Sync {
    /// The transformer of this name.
    fn transformer<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>>;
    /// The forwarder of this name, ready to deliver.
    fn forwarder<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Delivery>>;
}

fn broken(cause: impl Into<String>) -> Error {
    Error::new(ErrorCode::BrokenPipeline, cause)
}

impl Plan {
    /// Builds a graph, or says in one sentence why it cannot be. Without a tenant and its counters nothing is ever counted.
    ///
    /// # Errors
    /// [`ErrorCode::BrokenPipeline`] with the cause; other codes when something that may pass stood in the way.
    pub(crate) async fn build(
        name: &str,
        graph: &Graph,
        counted: Option<(TenantId, Arc<Counters>)>,
        parts: &dyn Parts,
    ) -> Result<Self> {
        let (tenant, counters) = counted.unzip();
        let counters = counters.unwrap_or_default();
        let metric_names = metric_names(graph)?;
        let mut metric_counters = counters.adopt(&metric_names).into_iter();
        let mut steps = Vec::with_capacity(graph.nodes.len());
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut entries = HashMap::new();
        for node in &graph.nodes {
            let action = match node.kind.as_str() {
                "source" => {
                    let kind = node.data.get("type").map_or("direct", String::as_str);
                    entries.insert(kind.to_owned(), steps.len());
                    Action::Pass
                }
                "transform" => Action::Transform(parts.transformer(setting(node, "transformer")?).await?),
                "switch" => {
                    let condition = Condition::compile_optional(setting(node, "condition")?);
                    Action::Switch(condition.map_err(|error| broken(error.message))?)
                }
                "metric" => {
                    setting(node, "name")?;
                    Action::Count(metric_counters.next().unwrap_or_default())
                }
                "pipeline" => Action::Call(setting(node, "pipeline")?.to_owned()),
                "router" => {
                    let name = setting(node, "stream")?.to_owned();
                    let stored = tenant.map_or_else(metrics::Counter::noop, |tenant| counters::of_stream(tenant, &name));
                    Action::Store(Arc::new(Stream { name, stored }))
                }
                "forwarder" => Action::Deliver(Arc::new(parts.forwarder(setting(node, "forwarder")?).await?)),
                other => return Err(broken(format!("unknown node type: {other}"))),
            };
            places.insert(&node.id, steps.len());
            steps.push(Step { id: node.id.clone(), action, next: Vec::new() });
        }
        for edge in &graph.edges {
            let invalid = || broken(format!("invalid edge: {} -> {}", edge.source, edge.target));
            let target = *places.get(edge.target.as_str()).ok_or_else(invalid)?;
            let source = places.get(edge.source.as_str()).and_then(|&place| steps.get_mut(place)).ok_or_else(invalid)?;
            if source.action.is_terminal() {
                return Err(invalid());
            }
            source.next.push(target);
        }
        bound(&steps, entries.values().copied())?;
        let runs = |status: &'static str| {
            tenant.map_or_else(metrics::Counter::noop, |tenant| counters::of_pipeline(tenant, name, status))
        };
        let (succeeded, failed) = (runs("success"), runs("error"));
        Ok(Self { name: name.to_owned(), steps, entries, counters, succeeded, failed })
    }

    /// The step that an entry point begins with.
    ///
    /// # Errors
    /// [`ErrorCode::BrokenPipeline`], `invalid entrypoint: …`.
    pub(crate) fn entry(&self, name: &str) -> Result<usize> {
        self.entries.get(name).copied().ok_or_else(|| broken(format!("invalid entrypoint: {name}")))
    }

    /// The step of a node.
    pub(crate) fn place(&self, node: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == node)
    }

    /// The step that the entry point begins with, where there is one only.
    pub(crate) fn only_entry(&self) -> Option<usize> {
        let mut entries = self.entries.values();
        entries.next().copied().filter(|_| entries.next().is_none())
    }

    pub(crate) fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }
}

fn setting<'n>(node: &'n Node, key: &str) -> Result<&'n str> {
    node.data.get(key).map(String::as_str).ok_or_else(|| broken(format!("missing data key {key} for node {}", node.id)))
}

/// The names of the metric nodes in order, each once.
fn metric_names(graph: &Graph) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for name in graph.nodes.iter().filter(|node| node.kind == "metric").filter_map(|node| node.data.get("name")) {
        if names.contains(&name.as_str()) {
            return Err(broken(format!("failed to register metric {NODE_PREFIX}{name}: two nodes have this name")));
        }
        names.push(name.as_str());
    }
    Ok(names)
}

/// Refuses cycles and graphs with too many paths.
fn bound(steps: &[Step], entries: impl Iterator<Item = usize>) -> Result<()> {
    let order = topological(steps)?;
    // From the ends to the beginnings: the visits that one record needs from a step onwards.
    let mut visits = vec![0u64; steps.len()];
    for &place in order.iter().rev() {
        let next = steps.get(place).map(|step| step.next.as_slice()).unwrap_or_default();
        let sum = next.iter().filter_map(|&next| visits.get(next)).fold(1u64, |sum, count| sum.saturating_add(*count));
        if let Some(count) = visits.get_mut(place) {
            *count = sum;
        }
    }
    let most = entries.filter_map(|entry| visits.get(entry).copied()).max().unwrap_or_default();
    if most > MAX_PATHS {
        return Err(broken(format!("a record would visit {most} nodes, at most {MAX_PATHS} are allowed: use fewer joins")));
    }
    Ok(())
}

/// Every step before its successors; the error names a cycle.
fn topological(steps: &[Step]) -> Result<Vec<usize>> {
    let mut incoming = vec![0usize; steps.len()];
    for &next in steps.iter().flat_map(|step| &step.next) {
        if let Some(count) = incoming.get_mut(next) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..steps.len()).filter(|&place| incoming.get(place) == Some(&0)).collect();
    let mut done = 0;
    while let Some(&place) = order.get(done) {
        done += 1;
        for &next in steps.get(place).map(|step| step.next.as_slice()).unwrap_or_default() {
            if let Some(count) = incoming.get_mut(next) {
                *count -= 1;
                if *count == 0 {
                    order.push(next);
                }
            }
        }
    }
    if order.len() == steps.len() {
        return Ok(order);
    }
    Err(broken(format!("the edges form a cycle: {}", cycle(steps, &incoming))))
}

/// Walks backwards from a step that was never free, which ends up on a cycle.
fn cycle(steps: &[Step], incoming: &[usize]) -> String {
    let stuck = |place: usize| incoming.get(place).is_some_and(|&count| count > 0);
    let before = |place: usize| {
        (0..steps.len()).find(|&other| stuck(other) && steps.get(other).is_some_and(|step| step.next.contains(&place)))
    };
    let mut path: Vec<usize> = Vec::new();
    let mut place = (0..steps.len()).find(|&place| stuck(place));
    while let Some(here) = place {
        if let Some(first) = path.iter().position(|&seen| seen == here) {
            path.push(here);
            path.drain(..first);
            break;
        }
        path.push(here);
        place = before(here);
    }
    let names: Vec<&str> = path.iter().rev().filter_map(|&place| steps.get(place)).map(|step| step.id.as_str()).collect();
    names.join(" -> ")
}

//! Dry runs: a graph with tracing and without effects (FlowG 7.4).

use crate::engine::Shared;
use crate::graph::Graph;
use crate::plan::{Action, Plan, Step};
use crate::transform::Boxed;
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The most visits and bytes of records that one trace may hold.
const MAX_VISITS: usize = 10_000;
const MAX_BYTES: usize = 32 << 20;

/// What a dry run shows.
#[derive(Debug, Default)]
pub struct DryRun {
    /// One entry per node visit, appended when the visit ends.
    pub trace: Vec<NodeTrace>,
    /// Why the graph cannot be built, or the failure of the last record that failed.
    pub error: Option<String>,
}

/// One visit of a node by one record.
#[derive(Debug)]
pub struct NodeTrace {
    /// The node.
    pub node: String,
    /// The record, as a batch of one.
    pub input: Batch,
    /// What the node handed on.
    pub output: Option<Batch>,
    /// What failed in it or after it.
    pub error: Option<String>,
}

/// `PipelineNodeTrace` of the contract.
impl Serialize for NodeTrace {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("PipelineNodeTrace", 4)?;
        node.serialize_field("nodeID", &self.node)?;
        node.serialize_field("input", &self.input.record(0))?;
        node.serialize_field("output", &self.output.as_ref().map(|batch| batch.records().collect::<Vec<_>>()))?;
        node.serialize_field("error", &self.error)?;
        node.end()
    }
}

pub(crate) async fn dry_run(shared: &Shared, tenant: TenantId, name: &str, graph: &Graph, records: &Batch) -> DryRun {
    let plan = Plan::build(name, graph, None, &shared.parts(tenant)).await;
    let entry = plan.and_then(|plan| Ok((plan.entry("direct")?, plan)));
    let (entry, plan) = match entry {
        Ok(found) => found,
        Err(error) => return DryRun { trace: Vec::new(), error: Some(error.message) },
    };
    let mut tracer = Tracer { shared, tenant, plan: &plan, trace: Vec::new(), bytes: 0 };
    let mut last = None;
    for row in 0..records.len() {
        match tracer.visit(entry, &records.slice(row..row + 1)).await {
            Ok(None) => {}
            Ok(Some(cause)) => last = Some(cause),
            Err(error) => {
                last = Some(error.message);
                break;
            }
        }
    }
    DryRun { trace: tracer.trace, error: last }
}

struct Tracer<'e> {
    shared: &'e Shared,
    tenant: TenantId,
    plan: &'e Plan,
    trace: Vec<NodeTrace>,
    bytes: usize,
}

impl<'e> Tracer<'e> {
    /// Runs one record; answers the causes of what failed. The error ends the whole trace.
    fn visit<'a>(&'a mut self, place: usize, record: &'a Batch) -> Boxed<'a, Result<Option<String>>> {
        let plan: &'e Plan = self.plan;
        Box::pin(async move {
            let Some(step) = plan.step(place) else { return Ok(None) };
            let (output, error) = match &step.action {
                Action::Pass => (Some(record.clone()), self.fan(step, record).await?),
                Action::Switch(condition) => {
                    let verdicts = condition.as_ref().map(|condition| condition.evaluate(record)).unwrap_or_default();
                    let failure = verdicts.failures.into_iter().next().map(|(_, error)| error.message);
                    // Without a condition everything passes.
                    if failure.is_some() || verdicts.mask.first() == Some(&false) {
                        (None, failure)
                    } else {
                        (Some(record.clone()), self.fan(step, record).await?)
                    }
                }
                Action::Transform(transform) => match transform.transform(record.clone()).await {
                    Err(failure) => (None, Some(failure.error.message)),
                    Ok(made) => match made.rejected.into_iter().next() {
                        Some((_, reason)) => (None, Some(reason)),
                        None => {
                            let failure = self.hand_on(step, &made.batch).await?;
                            (Some(made.batch), failure)
                        }
                    },
                },
                Action::Call(name) => (None, self.shared.plan(self.tenant, name).await.err().map(|error| error.message)),
                Action::Count(_) | Action::Store(_) | Action::Deliver(_) => (None, None),
            };
            self.push(NodeTrace { node: step.id.clone(), input: record.clone(), output, error: error.clone() })?;
            Ok(error)
        })
    }

    async fn fan(&mut self, step: &Step, record: &Batch) -> Result<Option<String>> {
        let mut causes = Vec::new();
        for &next in &step.next {
            causes.extend(self.visit(next, record).await?);
        }
        Ok((!causes.is_empty()).then(|| causes.join("\n")))
    }

    async fn hand_on(&mut self, step: &Step, records: &Batch) -> Result<Option<String>> {
        for row in 0..records.len() {
            let failure = self.fan(step, &records.slice(row..row + 1)).await?;
            if failure.is_some() {
                return Ok(failure);
            }
        }
        Ok(None)
    }

    fn push(&mut self, entry: NodeTrace) -> Result<()> {
        let size = |batch: &Batch| -> usize {
            batch.records().flat_map(|record| record.fields()).map(|(name, value)| name.len() + value.to_text().len() + 8).sum()
        };
        self.bytes += size(&entry.input) + entry.output.as_ref().map_or(0, size);
        if self.trace.len() >= MAX_VISITS || self.bytes > MAX_BYTES {
            let cause = format!("the trace would have more than {MAX_VISITS} entries or {MAX_BYTES} bytes: send fewer records");
            return Err(Error::new(ErrorCode::TooLarge, cause));
        }
        self.trace.push(entry);
        Ok(())
    }
}

//! What a record costs, measured in the sandbox with its limits on.

use super::Subject;
use super::trial::{Trial, runtime, tests};
use crate::cli::Output;
use anyhow::{Context, Result, bail};
use headworks_core::{Batch, Timestamp};
use headworks_sandbox::golden::{Case, alone, batch, config, event, request, subject};
use headworks_sandbox::{Handled, MemoryState, Plugin, Surroundings, World};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records of a call.
const SIZES: &[usize] = &[1, 100, 1_000];
/// How long each size is measured.
const MEASURED: Duration = Duration::from_millis(1_500);
/// The fewest calls of a size.
const CALLS: usize = 5;

/// The costs of one size of batch, in microseconds per record.
struct Cost {
    records: usize,
    median: f64,
    worst: f64,
}

pub(super) fn run(of: &Subject, output: Output) -> Result<ExitCode> {
    let tests = tests(of)?;
    let usable = |case: &&Case| case.error.is_none() && case.has_input();
    let Some(case) = tests.cases.iter().find(usable) else {
        bail!("{} has no case with an input that succeeds; the first such case is what is measured", of.tests().display());
    };
    let (costs, load, open, bytes) = runtime()?.block_on(async {
        let trial = Trial::new(of)?;
        trial.load().await?;
        // The second time it is compiled already.
        let started = Instant::now();
        let plugin = trial.load().await?;
        let load = started.elapsed();
        let state = Arc::new(MemoryState::new(&headworks_sandbox::Limits::default()));
        let plugin = alone(&plugin).within(Surroundings { state, ..Surroundings::default() });
        let started = Instant::now();
        let work = Work::open(&plugin, case).await?;
        let open = started.elapsed();
        let mut costs = Vec::new();
        for records in work.sizes() {
            costs.push(work.measure(*records).await.with_context(|| format!("a batch of {records} fails"))?);
        }
        anyhow::Ok((costs, load, open, trial.bytes.len()))
    })?;
    print(&case.name, &costs, load, open, bytes, output);
    Ok(ExitCode::SUCCESS)
}

/// What is called again and again.
enum Work {
    Transform(headworks_sandbox::Transformer, Box<Case>),
    Forward(headworks_sandbox::Forwarder, Box<Case>),
    Validate(headworks_sandbox::Validator, Box<headworks_sandbox::Subject>),
    Handle(headworks_sandbox::EventHook, headworks_sandbox::Event),
    Identify(headworks_sandbox::IdentityProvider, headworks_sandbox::IdentityRequest),
}

impl Work {
    async fn open(plugin: &Plugin, case: &Case) -> Result<Self> {
        let config = config(plugin, case);
        Ok(match plugin.world() {
            World::Transformer => Self::Transform(plugin.open_transformer(&config).await?, Box::new(case.clone())),
            World::Forwarder => Self::Forward(plugin.open_forwarder(&config).await?, Box::new(case.clone())),
            World::Validator => {
                let document = case.subject.as_ref().context("the case has no subject")?;
                Self::Validate(plugin.open_validator(&config).await?, Box::new(subject(document)))
            }
            World::EventHook => {
                let happened = case.event.as_ref().context("the case has no event")?;
                Self::Handle(plugin.open_event_hook(&config).await?, event(happened)?)
            }
            World::IdentityProvider => {
                let asked = case.request.as_ref().context("the case has no request")?;
                Self::Identify(plugin.open_identity_provider(&config).await?, request(asked))
            }
        })
    }

    fn sizes(&self) -> &'static [usize] {
        match self {
            Self::Transform(..) | Self::Forward(..) => SIZES,
            Self::Validate(..) | Self::Handle(..) | Self::Identify(..) => SIZES.get(..1).unwrap_or(SIZES),
        }
    }

    async fn measure(&self, records: usize) -> Result<Cost> {
        let batch = match self {
            Self::Transform(_, case) | Self::Forward(_, case) => repeated(case, records)?,
            Self::Validate(..) | Self::Handle(..) | Self::Identify(..) => Batch::default(),
        };
        self.call(&batch).await?;
        let (started, mut times) = (Instant::now(), Vec::new());
        while times.len() < CALLS || started.elapsed() < MEASURED {
            let call = Instant::now();
            self.call(&batch).await?;
            times.push(call.elapsed().as_secs_f64() * 1e6 / records as f64);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
        Ok(Cost { records, median: at(0.5), worst: at(0.99) })
    }

    async fn call(&self, batch: &Batch) -> Result<()> {
        match self {
            Self::Transform(transformer, _) => {
                transformer.transform(batch.clone()).await?;
            }
            Self::Forward(forwarder, _) => {
                let mut first = 0;
                while first < batch.len() {
                    let (tried, report) = forwarder.send(&batch.slice(first..batch.len())).await?;
                    if let Some(stop) = report.stopped {
                        bail!("it stopped: {}", stop.reason);
                    }
                    first += tried.max(1);
                }
            }
            Self::Validate(validator, subject) => {
                validator.validate(subject).await?;
            }
            Self::Handle(hook, event) => match hook.handle(event).await? {
                Handled::Done => {}
                Handled::RetryAfter(_, why) | Handled::Failed(why) => bail!("it did not take the event: {why}"),
            },
            Self::Identify(provider, request) => {
                // Whether it names somebody or not: both are answers.
                provider.authenticate(request).await?.ok();
            }
        }
        Ok(())
    }
}

/// The input of a case, over and over.
fn repeated(case: &Case, records: usize) -> Result<Batch> {
    let records: Vec<_> = case.input.iter().cycle().take(records).cloned().collect();
    Ok(batch(&records, Timestamp::now())?)
}

fn print(case: &str, costs: &[Cost], load: Duration, open: Duration, bytes: usize, output: Output) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    match output {
        Output::Json => {
            let cost = |cost: &Cost| json!({"records": cost.records, "micros_per_record": cost.median, "p99_micros_per_record": cost.worst});
            let costs: Vec<_> = costs.iter().map(cost).collect();
            println!(
                "{}",
                json!({"case": case, "bytes": bytes, "load_micros": micros(load), "open_micros": micros(open), "costs": costs})
            );
        }
        Output::Text => {
            println!("component   {} KiB", bytes.div_ceil(1024));
            println!("load        {:.1} ms, once it is compiled", micros(load) / 1e3);
            println!("open        {:.2} ms", micros(open) / 1e3);
            println!("the case {case:?}, microseconds per record:");
            for Cost { records, median, worst } in costs {
                println!("batch {records:<6}{median:>8.2}  (99% below {worst:.2})");
            }
        }
    }
}

//! Random graphs, records and behaviour, against a naive reading of the contract: one record after the other, effects at once.

use crate::support::*;
use headworks_core::TenantId;
use headworks_pipelines::PipelineOptions;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Clone, Debug)]
enum Kind {
    Transform(String),
    Switch(String),
    Metric,
    Router(String),
    Call(String),
}

#[derive(Clone, Debug)]
struct Flow {
    /// Node 0 is the source.
    nodes: Vec<Kind>,
    /// From a lower to a higher number; 0 is the source.
    edges: Vec<(usize, usize)>,
}

impl Flow {
    fn next(&self, place: usize) -> impl Iterator<Item = usize> {
        self.edges.iter().filter(move |(from, _)| *from == place).map(|(_, to)| *to)
    }

    fn json(&self) -> Json {
        let node = |(at, kind): (usize, &Kind)| {
            let (kind, data) = match kind {
                Kind::Transform(name) => ("transform", json!({"transformer": name})),
                Kind::Switch(condition) => ("switch", json!({"condition": condition})),
                Kind::Metric => ("metric", json!({"name": format!("n{}", at + 1)})),
                Kind::Router(stream) => ("router", json!({"stream": stream})),
                Kind::Call(name) => ("pipeline", json!({"pipeline": name})),
            };
            json!({"id": format!("n{}", at + 1), "type": kind, "position": {"x": 0, "y": 0}, "data": data})
        };
        let source = json!({"id": "n0", "type": "source", "position": {"x": 0, "y": 0}, "data": {}});
        let nodes: Vec<Json> = std::iter::once(source).chain(self.nodes.iter().enumerate().map(node)).collect();
        let edge = |(from, to): &(usize, usize)| json!({"id": "e", "source": format!("n{from}"), "target": format!("n{to}")});
        json!({"nodes": nodes, "edges": self.edges.iter().map(edge).collect::<Vec<_>>()})
    }
}

/// What a script makes of a record depends on both and on nothing else.
fn meaning(script: &str, fields: &Fields) -> Made {
    let id = &fields["id"];
    let dice = format!("{script}:{id}").bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let part = |suffix: &str| {
        let mut fields = fields.clone();
        fields.insert("id".into(), format!("{id}{suffix}"));
        fields.insert(format!("by {script}"), id.clone());
        fields
    };
    match dice % 13 {
        0 => Made::Rejected(format!("{script} refuses {id}")),
        1 | 2 => Made::Records(Vec::new()),
        3 | 4 => Made::Records(vec![part("a"), part("b"), part("c")]),
        _ => Made::Records(vec![part("")]),
    }
}

/// What the contract says happens.
#[derive(Debug, Default, PartialEq)]
struct Model {
    streams: BTreeMap<String, Vec<Fields>>,
    counters: BTreeMap<String, u64>,
}

impl Model {
    fn run(&mut self, flows: &BTreeMap<String, Flow>, name: &str, record: &Fields) -> Vec<String> {
        let Some(flow) = flows.get(name) else { return vec![format!("pipeline not found: {name}")] };
        let causes = self.fan(flows, name, flow, 0, record);
        *self.counters.entry(format!("{name} pipeline_logs_total")).or_default() += 1;
        causes
    }

    fn fan(&mut self, flows: &BTreeMap<String, Flow>, name: &str, flow: &Flow, place: usize, record: &Fields) -> Vec<String> {
        flow.next(place).flat_map(|next| self.visit(flows, name, flow, next, record)).collect()
    }

    fn visit(&mut self, flows: &BTreeMap<String, Flow>, name: &str, flow: &Flow, place: usize, record: &Fields) -> Vec<String> {
        match &flow.nodes[place - 1] {
            Kind::Transform(script) => match meaning(script, record) {
                Made::Rejected(reason) => vec![reason],
                Made::Records(records) => {
                    for record in &records {
                        let causes = self.fan(flows, name, flow, place, record);
                        if !causes.is_empty() {
                            return causes;
                        }
                    }
                    Vec::new()
                }
                Made::Trap => unreachable!(),
            },
            Kind::Switch(condition) => {
                let id = &record["id"];
                let holds = match condition.as_str() {
                    "" => true,
                    "id contains '1'" => id.contains('1'),
                    "id endsWith 'a'" => id.ends_with('a'),
                    "int(id) > 12" => match id.parse::<i64>() {
                        Ok(number) => number > 12,
                        Err(_) => return vec![format!("invalid operation: int({id})")],
                    },
                    other => unreachable!("{other}"),
                };
                if holds { self.fan(flows, name, flow, place, record) } else { Vec::new() }
            }
            Kind::Metric => {
                *self.counters.entry(format!("{name} node_n{place}")).or_default() += 1;
                Vec::new()
            }
            Kind::Router(stream) => {
                self.streams.entry(stream.clone()).or_default().push(record.clone());
                Vec::new()
            }
            Kind::Call(other) => self.run(flows, other, record),
        }
    }

    fn request(&mut self, flows: &BTreeMap<String, Flow>, records: &[Fields]) -> Result<usize, Vec<String>> {
        for record in records {
            let mut causes = self.run(flows, "p0", record);
            if !causes.is_empty() {
                causes.sort();
                return Err(causes);
            }
        }
        Ok(records.len())
    }
}

fn kind(calls: Vec<String>) -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => prop_oneof![Just("t0"), Just("t1"), Just("t2")].prop_map(|name| Kind::Transform(name.into())),
        3 => prop_oneof![Just(""), Just("id contains '1'"), Just("id endsWith 'a'"), Just("int(id) > 12")]
            .prop_map(|condition| Kind::Switch(condition.into())),
        1 => Just(Kind::Metric),
        3 => prop_oneof![Just("s0"), Just("s1")].prop_map(|stream| Kind::Router(stream.into())),
        1 => proptest::sample::select(calls).prop_map(Kind::Call),
    ]
}

fn flow(calls: Vec<String>) -> impl Strategy<Value = Flow> {
    proptest::collection::vec(kind(calls), 1..8).prop_flat_map(|nodes| {
        let count = nodes.len();
        let edges = proptest::collection::vec((0..=count, 0..count), 1..14);
        (Just(nodes), edges).prop_map(|(nodes, picks)| {
            let terminal = |place: usize| place > 0 && matches!(nodes[place - 1], Kind::Metric | Kind::Router(_) | Kind::Call(_));
            let mut edges: Vec<(usize, usize)> =
                picks.into_iter().map(|(from, to)| (from, to + 1)).filter(|(from, to)| from < to && !terminal(*from)).collect();
            edges.push((0, 1));
            Flow { nodes, edges }
        })
    })
}

fn flows() -> impl Strategy<Value = BTreeMap<String, Flow>> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    (flow(names(&["p1", "p2", "gone"])), flow(names(&["p2"])), flow(names(&["gone"])))
        .prop_map(|(p0, p1, p2)| BTreeMap::from([("p0".to_owned(), p0), ("p1".to_owned(), p1), ("p2".to_owned(), p2)]))
}

static WORLD: std::sync::LazyLock<(World, tokio::runtime::Runtime)> = std::sync::LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let native = Native::slow(std::time::Duration::from_micros(200), meaning);
    let world = World::with_options(native, PipelineOptions { workers: 2, ..PipelineOptions::default() });
    (world, runtime)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_happens_is_what_the_contract_says(flows in flows(), sizes in proptest::collection::vec(1..6usize, 1..12)) {
        static TENANTS: AtomicU32 = AtomicU32::new(100);
        let tenant = TenantId(TENANTS.fetch_add(1, Ordering::SeqCst));
        let mut id = 0;
        let requests: Vec<Vec<Fields>> = sizes.iter().map(|size| (0..*size).map(|_| { id += 1; record(&[("id", &id.to_string())]) }).collect()).collect();

        let mut model = Model::default();
        let expected: Vec<_> = requests.iter().map(|records| model.request(&flows, records)).collect();
        model.streams.values_mut().for_each(|records| records.sort());

        let (world, runtime) = &*WORLD;
        let (results, counters) = runtime.block_on(async {
            for name in ["t0", "t1", "t2"] {
                world.save_script(tenant, name, name).await;
            }
            for (name, flow) in &flows {
                world.save(tenant, name, &flow.json()).await;
            }
            let tasks: Vec<_> = requests.iter().map(|records| {
                let (engine, records) = (world.engine.clone(), batch(records));
                tokio::spawn(async move { engine.ingest(tenant, "p0", "direct", records).await })
            }).collect();
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await.unwrap().map_err(|error| {
                    let mut causes: Vec<_> = error.message.lines().map(str::to_owned).collect();
                    causes.sort();
                    causes
                }));
            }
            let mut counters = BTreeMap::new();
            for name in flows.keys() {
                for counter in world.engine.counters(tenant, name).await.unwrap() {
                    if counter.value > 0 {
                        counters.insert(format!("{name} {}", counter.name), counter.value);
                    }
                }
            }
            (results, counters)
        });
        prop_assert_eq!(results, expected);
        prop_assert_eq!(counters, model.counters);
        for stream in ["s0", "s1"] {
            let expected = model.streams.get(stream).cloned().unwrap_or_default();
            prop_assert_eq!(world.stored(tenant, stream), expected, "{}", stream);
        }
    }
}

#[test]
fn the_model_is_exercised() {
    // A dice that never refuses, drops or multiplies would prove nothing.
    let outcomes: Vec<usize> = (0..200)
        .map(|id| match meaning("t0", &record(&[("id", &id.to_string())])) {
            Made::Records(records) => records.len(),
            _ => 9,
        })
        .collect();
    for outcome in [0, 1, 3, 9] {
        assert!(outcomes.contains(&outcome));
    }
    let _: Arc<Native> = Native::new(meaning);
}

//! The store against a naive model of it, over random histories.

use crate::support::*;
use headworks_core::Timestamp;
use headworks_core::time::Clock;
use headworks_store::{ScanRange, StreamConfig};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const STREAMS: [&str; 2] = ["s", "t"];
const FIELDS: [&str; 3] = ["a", "b", "c"];
const VALUES: [&str; 4] = ["", "x", "x\0", "yy"];

#[derive(Clone, Debug)]
enum Step {
    Append { stream: usize, records: Vec<(i64, Vec<(usize, usize)>)> },
    Configure { stream: usize, ttl: i64, indexed: BTreeSet<usize> },
    Purge(usize),
    Turn(i64),
    Sweep,
    Reopen,
    Query { stream: usize, from: i64, to: i64, indexing: Vec<(usize, Vec<usize>)> },
}

fn step() -> impl Strategy<Value = Step> {
    let stream = 0..STREAMS.len();
    let fields = prop::collection::vec((0..FIELDS.len(), 0..VALUES.len()), 0..3);
    let records = prop::collection::vec((-3000i64..3000, fields), 0..5);
    let values = prop::collection::vec(0..VALUES.len(), 0..3);
    prop_oneof![
        6 => (stream.clone(), records).prop_map(|(stream, records)| Step::Append { stream, records }),
        2 => (stream.clone(), 0i64..4, prop::collection::btree_set(0..FIELDS.len(), 0..3))
            .prop_map(|(stream, ttl, indexed)| Step::Configure { stream, ttl, indexed }),
        1 => stream.clone().prop_map(Step::Purge),
        2 => (1i64..3).prop_map(Step::Turn),
        1 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
        6 => (stream, -5000i64..5000, -5000i64..20_000, prop::collection::vec((0..FIELDS.len(), values), 0..3))
            .prop_map(|(stream, from, to, indexing)| Step::Query { stream, from, to, indexing }),
    ]
}

#[derive(Clone)]
struct Row {
    ms: i64,
    order: usize,
    /// The second from which on it does not show.
    expiry: i64,
    fields: BTreeMap<&'static str, &'static str>,
}

#[derive(Default)]
struct Model {
    streams: BTreeMap<&'static str, (StreamConfig, BTreeSet<&'static str>, Vec<Row>)>,
    order: usize,
}

impl Model {
    fn query(&self, stream: &str, now: i64, range: &ScanRange) -> Vec<(i64, Vec<(String, String)>)> {
        let Some((config, _, rows)) = self.streams.get(stream) else { return Vec::new() };
        let indexed = range.indexing.iter().all(|(field, _)| config.indexed_fields.contains(field));
        let matches = |row: &Row| {
            range.indexing.iter().all(|(field, values)| {
                row.fields.get(field.as_str()).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            })
        };
        let inside = |row: &&Row| row.ms >= range.from.millis() && row.ms <= range.to.millis() && row.expiry > now;
        let mut rows: Vec<&Row> = rows.iter().filter(inside).filter(|row| indexed && matches(row)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.ms, row.order)));
        let plain =
            |row: &Row| (row.ms, row.fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        rows.into_iter().map(plain).collect()
    }

    fn append(&mut self, stream: &'static str, rows: Vec<(i64, BTreeMap<&'static str, &'static str>)>) {
        if rows.is_empty() {
            return;
        }
        let (config, fields, stored) = self.streams.entry(stream).or_default();
        for (ms, row) in rows {
            fields.extend(row.keys());
            let second = ms.div_euclid(1000) + i64::from(ms.rem_euclid(1000) > 0);
            let expiry = if config.ttl_seconds > 0 { second + config.ttl_seconds } else { i64::MAX };
            self.order += 1;
            stored.push(Row { ms, order: self.order, expiry, fields: row });
        }
    }
}

async fn run(steps: Vec<Step>) {
    let mut bench = Bench::new();
    let mut model = Model::default();
    for step in steps {
        let now = bench.clock.now();
        match step {
            Step::Append { stream, records } => {
                let rows: Vec<(i64, BTreeMap<_, _>)> = records
                    .into_iter()
                    .map(|(ms, fields)| (now.millis() + ms, fields.into_iter().map(|(f, v)| (FIELDS[f], VALUES[v])).collect()))
                    .collect();
                let fields: Vec<Vec<(&str, &str)>> =
                    rows.iter().map(|(_, fields)| fields.iter().map(|(name, value)| (*name, *value)).collect()).collect();
                let records: Vec<(i64, &[(&str, &str)])> =
                    rows.iter().zip(&fields).map(|((ms, _), fields)| (*ms, fields.as_slice())).collect();
                bench.append(STREAMS[stream], batch(&records)).await;
                model.append(STREAMS[stream], rows);
            }
            Step::Configure { stream, ttl, indexed: fields } => {
                let names: Vec<&str> = fields.iter().map(|field| FIELDS[*field]).collect();
                let config = StreamConfig { ttl_seconds: ttl, ..indexed(&names) };
                bench.configure(STREAMS[stream], config.clone()).await;
                model.streams.entry(STREAMS[stream]).or_default().0 = config;
            }
            Step::Purge(stream) => {
                bench.store.purge_stream(T, STREAMS[stream], "root").await.unwrap();
                model.streams.remove(STREAMS[stream]);
            }
            Step::Turn(seconds) => bench.turn(seconds),
            Step::Sweep => bench.store.sweep().await.unwrap(),
            Step::Reopen => bench = bench.reopen(),
            Step::Query { stream, from, to, indexing } => {
                let name = |(field, values): (usize, Vec<usize>)| {
                    (FIELDS[field].to_owned(), values.into_iter().map(|value| VALUES[value].to_owned()).collect())
                };
                let at = |ms: i64| Timestamp::from_millis(START + ms);
                let range = ScanRange { from: at(from), to: at(to), indexing: indexing.into_iter().map(name).collect() };
                assert_eq!(bench.query(STREAMS[stream], range.clone()), model.query(STREAMS[stream], now.seconds(), &range));
            }
        }
        for name in STREAMS {
            let known = model.streams.get(name);
            assert_eq!(bench.store.stream_config(T, name), known.map(|stream| stream.0.clone()));
            let fields: Vec<&str> = known.map(|stream| stream.1.iter().copied().collect()).unwrap_or_default();
            assert_eq!(bench.store.stream_fields(T, name), fields);
        }
    }
    for name in STREAMS {
        let now = bench.clock.now().seconds();
        assert_eq!(bench.all(name), model.query(name, now, &ScanRange::all()));
    }
    assert_eq!(bench.verified(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_agree_with_the_model(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run(steps));
    }
}

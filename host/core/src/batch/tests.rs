#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = Vec<(i64, BTreeMap<String, Owned>)>;

#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Json(String),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Text(value) => Value::Text(value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::Json(value) => Value::Json(value),
        }
    }
}

fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        Just(Owned::Null),
        any::<bool>().prop_map(Owned::Boolean),
        any::<i64>().prop_map(Owned::Integer),
        (-1e9..1e9f64).prop_map(Owned::Float),
        ".{0,12}".prop_map(Owned::Text),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(Owned::Bytes),
        Just(Owned::Json("{\"a\":[1,null]}".to_owned())),
    ]
}

/// Names from a pool larger than the linear part of the dictionary.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![(0..40u8).prop_map(|n| format!("field {n}")), Just(String::new()), Just("a.b".to_owned())]
}

fn model() -> impl Strategy<Value = Model> {
    proptest::collection::vec((any::<i64>(), proptest::collection::btree_map(name(), value(), 0..20)), 0..20)
}

fn build(model: &Model) -> Batch {
    let mut builder = BatchBuilder::default();
    for (time, fields) in model {
        for (name, value) in fields {
            builder.field(name, Value::Text("overwritten"));
            builder.field(name, value.value());
        }
        builder.end_record(Timestamp(*time));
    }
    builder.field("left open", Value::Null);
    builder.finish().unwrap()
}

fn assert_is(batch: &Batch, model: &Model) {
    assert_eq!(batch.len(), model.len());
    for (record, (time, fields)) in batch.records().zip(model) {
        assert_eq!(record.time(), Timestamp(*time));
        let expected: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.value())).collect();
        assert_eq!(record.sorted(), expected);
        for (name, value) in fields {
            assert_eq!(record.get(name), Some(value.value()));
        }
        assert_eq!(record.get("never"), None);
    }
}

proptest! {
    #[test]
    fn a_batch_holds_what_was_put_in(model in model()) {
        assert_is(&build(&model), &model);
    }

    #[test]
    fn selecting_slicing_and_filtering_are_those_of_a_list(model in model(), picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..30), cut in any::<(u8, u8)>(), mask in proptest::collection::vec(any::<bool>(), 0..25)) {
        let batch = build(&model);
        if !model.is_empty() {
            let indexes: Vec<u32> = picks.iter().map(|pick| pick.index(model.len()) as u32).collect();
            assert_is(&batch.select(&indexes), &indexes.iter().map(|&i| model[i as usize].clone()).collect());
        }
        let (start, end) = (usize::from(cut.0), usize::from(cut.1));
        assert_is(&batch.slice(start..end), &model.iter().take(end).skip(start).cloned().collect());
        let kept = model.iter().zip(&mask).filter(|(_, keep)| **keep).map(|(row, _)| row.clone()).collect();
        assert_is(&batch.filter(&mask), &kept);
    }

    #[test]
    fn concat_keeps_order_and_values(models in proptest::collection::vec(model(), 0..5)) {
        let batches: Vec<_> = models.iter().map(build).collect();
        assert_is(&Batch::concat(&batches).unwrap(), &models.concat());
    }

    #[test]
    fn flat_lists_round_trip(model in model(), picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..30)) {
        let batch = build(&model);
        let indexes: Vec<u32> = picks.iter().filter(|_| !model.is_empty()).map(|pick| pick.index(model.len()) as u32).collect();
        let picked = batch.select(&indexes);
        let times: Vec<_> = picked.records().map(|record| record.time()).collect();
        let (back, origins) = Batch::from_flat(picked.to_flat(), &times).unwrap();
        prop_assert_eq!(&back, &picked);
        prop_assert_eq!(origins, (0..picked.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn some_fields_round_trip_and_replace_as_in_a_map_per_record(model in model(), new in model(), names in proptest::collection::btree_set(name(), 0..8)) {
        let batch = build(&model);
        let names: Vec<String> = names.into_iter().collect();
        let times: Vec<_> = batch.records().map(|record| record.time()).collect();
        let (some, _) = Batch::from_flat(batch.to_flat_fields(names.clone()), &times).unwrap();
        let mut only = model.clone();
        only.iter_mut().for_each(|(_, fields)| fields.retain(|name, _| names.contains(name)));
        assert_is(&some, &only);

        let mut changed = batch.clone();
        let origins: Vec<u32> = (0..model.len() as u32).rev().take(new.len()).collect();
        changed.set_fields(&names, &build(&new), &origins).unwrap();
        let mut expected = model.clone();
        for ((_, new), origin) in new.into_iter().zip(&origins) {
            let (_, fields) = &mut expected[*origin as usize];
            fields.retain(|name, _| !names.contains(name));
            for (name, value) in new {
                fields.entry(name).or_insert(value);
            }
        }
        assert_is(&changed, &expected);
        assert_is(&batch, &model);
    }

    #[test]
    fn flat_lists_that_lie_are_refused_or_harmless(model in model(), place in any::<prop::sample::Index>(), list in 0..5u8, value in any::<u32>()) {
        let batch = build(&model);
        let times: Vec<_> = batch.records().map(|record| record.time()).collect();
        let mut flat = batch.to_flat();
        let spoil = |list: &mut Vec<u32>| if !list.is_empty() { let at = place.index(list.len()); list[at] = value };
        match list {
            0 => spoil(&mut flat.rows),
            1 => spoil(&mut flat.fields),
            2 => spoil(&mut flat.ends),
            3 => spoil(&mut flat.origins),
            _ if !flat.kinds.is_empty() => { let at = place.index(flat.kinds.len()); flat.kinds[at] = value as u8 }
            _ => flat.pool.push(0xff),
        }
        if let Ok((batch, _)) = Batch::from_flat(flat, &times) {
            for record in batch.records() {
                let names: std::collections::HashSet<_> = record.fields().map(|(name, _)| name).collect();
                prop_assert_eq!(names.len(), record.len());
            }
        }
    }

    #[test]
    fn columns_change_as_a_map_per_record_would(model in model(), name in name(), to in name(), picks in proptest::collection::vec(proptest::option::of(value()), 20)) {
        let batch = build(&model);

        let mut changed = batch.clone();
        changed.set_column(&name, |index| picks[index].as_ref().map(Owned::value)).unwrap();
        let mut expected = model.clone();
        for ((_, fields), pick) in expected.iter_mut().zip(&picks) {
            fields.remove(&name);
            fields.extend(pick.clone().map(|value| (name.clone(), value)));
        }
        assert_is(&changed, &expected);

        let mut changed = batch.clone();
        changed.fill(&name, Value::Integer(7)).unwrap();
        let mut expected = model.clone();
        expected.iter_mut().for_each(|(_, fields)| { fields.insert(name.clone(), Owned::Integer(7)); });
        assert_is(&changed, &expected);

        let mut changed = batch.clone();
        changed.remove_column(&name);
        let mut expected = model.clone();
        expected.iter_mut().for_each(|(_, fields)| { fields.remove(&name); });
        assert_is(&changed, &expected);

        let mut changed = batch.clone();
        changed.rename(&name, &to);
        let mut expected = model.clone();
        for (_, fields) in &mut expected {
            if let Some(value) = fields.remove(&name) { fields.insert(to.clone(), value); }
        }
        assert_is(&changed, &expected);

        let mut changed = batch.clone();
        let mut expected = model.clone();
        for (index, (_, fields)) in expected.iter_mut().enumerate() {
            changed.set(index, &to, picks[index].as_ref().map(Owned::value)).unwrap();
            fields.remove(&to);
            fields.extend(picks[index].clone().map(|value| (to.clone(), value)));
        }
        assert_is(&changed, &expected);
        assert_is(&batch, &model);
    }
}

#[test]
fn a_dropped_record_leaves_nothing() {
    let mut builder = BatchBuilder::default();
    builder.field("a", Value::Integer(1));
    builder.end_record(Timestamp(0));
    builder.field("a", Value::Integer(2));
    builder.field("b", Value::Integer(2));
    builder.drop_record();
    builder.field("b", Value::Integer(3));
    builder.end_record(Timestamp(1));
    let batch = builder.finish().unwrap();
    assert_eq!(serde_json::to_string(&batch.records().collect::<Vec<_>>()).unwrap(), r#"[{"a":1},{"b":3}]"#);
}

#[test]
fn a_column_beyond_the_pool_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::default();
    builder.field("a", Value::Integer(1));
    builder.end_record(Timestamp(0));
    let mut batch = builder.finish().unwrap();
    let huge = vec![b'x'; MAX_POOL + 1];
    assert_eq!(batch.fill("a", Value::Bytes(&huge)).unwrap_err().code, crate::ErrorCode::TooLarge);
    assert_eq!(batch.record(0).unwrap().get("a"), Some(Value::Integer(1)));
}

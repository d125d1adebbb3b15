//! Field names, each once, without an allocation per name.

use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::LazyLock;

/// Names a field within one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u32);

/// Up to this many names are compared one by one; more are hashed.
const LINEAR: usize = 12;

static HASHER: LazyLock<hashbrown::DefaultHashBuilder> = LazyLock::new(Default::default);

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
    index: HashTable<u32>,
}

fn hash(name: &str) -> u64 {
    HASHER.hash_one(name)
}

fn part<'a>(text: &'a str, ends: &[u32], index: usize) -> Option<&'a str> {
    let end = *ends.get(index)? as usize;
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |&end| end as usize);
    text.get(start..end)
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn at(&self, index: usize) -> Option<&str> {
        part(&self.text, &self.ends, index)
    }

    pub(super) fn get(&self, field: FieldId) -> &str {
        self.at(field.0 as usize).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.at(index).unwrap_or_default())
    }

    pub(super) fn find(&self, name: &str) -> Option<FieldId> {
        if self.len() <= LINEAR {
            return self.iter().position(|known| known == name).map(|index| FieldId(index as u32));
        }
        let found = self.index.find(hash(name), |&index| self.at(index as usize) == Some(name));
        found.map(|&index| FieldId(index))
    }

    pub(super) fn intern(&mut self, name: &str) -> FieldId {
        if let Some(field) = self.find(name) {
            return field;
        }
        let field = self.len() as u32;
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
        if self.len() > LINEAR {
            let first = if self.index.is_empty() { 0 } else { field };
            for index in first..=field {
                let Names { text, ends, index: table } = self;
                let at = |index: u32| part(text, ends, index as usize).unwrap_or_default();
                table.insert_unique(hash(at(index)), index, |&known| hash(at(known)));
            }
        }
        FieldId(field)
    }
}

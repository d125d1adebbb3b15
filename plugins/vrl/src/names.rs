//! Field names of one batch, each once.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Up to this many names are compared one by one; more are hashed.
const LINEAR: usize = 16;

#[derive(Default)]
pub(crate) struct Names {
    list: Vec<String>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// Begins anew with these names, whose numbers are their places.
    pub(crate) fn reset(&mut self, names: Vec<String>) {
        self.list = names;
        self.table.clear();
        if self.list.len() > LINEAR {
            self.hash_all();
        }
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.list)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        self.list.get(id as usize).map_or("", String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        if self.list.len() <= LINEAR {
            return self.list.iter().position(|known| known == name).map(|id| id as u32);
        }
        let same = |&id: &u32| self.list.get(id as usize).is_some_and(|known| known == name);
        self.table.find(self.hasher.hash_one(name), same).copied()
    }

    pub(crate) fn intern(&mut self, name: &str) -> u32 {
        if let Some(id) = self.find(name) {
            return id;
        }
        let id = self.list.len() as u32;
        self.list.push(name.to_owned());
        if self.list.len() == LINEAR + 1 {
            self.hash_all();
        } else if self.list.len() > LINEAR {
            self.hash(id);
        }
        id
    }

    fn hash_all(&mut self) {
        for id in 0..self.list.len() as u32 {
            self.hash(id);
        }
    }

    fn hash(&mut self, id: u32) {
        let Names { list, table, hasher } = self;
        let hash = |id: u32| hasher.hash_one(list.get(id as usize).map_or("", String::as_str));
        table.insert_unique(hash(id), id, |&id| hash(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_however_many_there_are() {
        let mut names = Names::default();
        names.reset(vec!["first".to_owned()]);
        for round in 0..2 {
            for index in 0..100 {
                assert_eq!(names.intern(&format!("name {index}")), index + 1, "round {round}");
            }
        }
        assert_eq!((names.find("first"), names.find("none"), names.len()), (Some(0), None, 101));
        names.reset((0..40).map(|index| format!("other {index}")).collect());
        assert_eq!((names.find("other 39"), names.find("first")), (Some(39), None));
    }
}

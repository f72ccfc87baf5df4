//! Directories beside a model: what is inside, what older versions keep, and what one change copies.

use std::{collections::BTreeMap, sync::Arc};

use super::{Directory, Entry, Named, Node};

#[derive(Clone, Debug, PartialEq)]
struct Thing(String, u64);

impl Named for Thing {
    fn name(&self) -> &str {
        &self.0
    }
}

fn sorted(directory: &Directory<Thing>) -> BTreeMap<String, u64> {
    let things = directory.iter();
    things.map(|one| (one.0.clone(), one.1)).collect()
}

/// The same in each run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

#[test]
fn directories_hold_what_a_map_holds() {
    for names in [3, 20, 3_000] {
        let mut draws = Draws(names);
        let mut model: BTreeMap<String, u64> = BTreeMap::new();
        let mut directory = Directory::default();
        let mut older = Vec::new();
        for step in 0..20_000 {
            let name = format!("name-{}", draws.below(names));
            match draws.below(4) {
                0 => {
                    let removed = directory.remove(&name).map(|one: Arc<Thing>| one.1);
                    assert_eq!(removed, model.remove(&name));
                }
                1 => {
                    let held = model.get_mut(&name).map(|value| *value = step);
                    let found = directory.get_mut(&name).map(|one| one.1 = step);
                    assert_eq!(found, held);
                }
                _ => {
                    let replaced = directory.insert(Arc::new(Thing(name.clone(), step)));
                    let old = model.insert(name.clone(), step);
                    assert_eq!(replaced.map(|one| one.1), old);
                }
            }
            let found = directory.get(&name).map(|one| one.1);
            assert_eq!(found, model.get(&name).copied());
            assert_eq!(directory.len(), model.len());
            if step % 4_000 == 0 {
                older.push((directory.clone(), model.clone()));
            }
        }
        older.push((directory.clone(), model.clone()));
        for (directory, model) in &older {
            assert_eq!(sorted(directory), *model);
        }
        for name in model.keys() {
            assert!(directory.remove(name).is_some());
        }
        assert!(directory.is_empty() && directory.iter().next().is_none());
    }
}

/// Names whose hashes are the same lie side by side at the end of the way.
#[test]
fn equal_hashes_are_told_apart_by_name() {
    let mut root = Node::default();
    let entry = |number: u64| Entry {
        hash: u64::MAX,
        thing: Arc::new(Thing(number.to_string(), number)),
    };
    for number in (0..20).chain(0..20) {
        let replaced = root.insert(entry(number), 0);
        assert!(replaced.is_none_or(|one| one.1 == number));
    }
    for number in 0..20 {
        let removed = root.remove(u64::MAX, &number.to_string(), 0);
        assert_eq!(removed.map(|one| one.1), Some(number));
    }
    assert!(matches!(root, Node::Leaf(entries) if entries.is_empty()));
}

/// How many things and nodes have one more owner because another version is kept, after one change.
#[test]
fn a_change_counts_up_few_owners() {
    for count in [100, 5_000, 50_000] {
        let all = (0..count).map(|number| Arc::new(Thing(format!("name-{number}"), number)));
        let all: Vec<_> = all.collect();
        let mut directory: Directory<Thing> = all.iter().cloned().collect();
        let before = directory.clone();
        directory.insert(Arc::new(Thing("name-42".to_owned(), 0)));
        let shared = all.iter().filter(|one| Arc::strong_count(one) > 2).count();
        assert!(shared <= super::LEAF_MAX, "{shared} of {count}");
        assert_eq!(before.get("name-42").map(|one| one.1), Some(42));
    }
}

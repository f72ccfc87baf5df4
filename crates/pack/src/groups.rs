//! The siblings that a packer knows: for each group, the homes that the next one may share.
//!
//! Holds no object alive. Invariant: at most two homes per group, the preferred one first.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::packed::Home;

#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Homes are `Base` or `Siblings`.
    by_hash: HashMap<u64, [Weak<Home>; 2]>,
}

impl Groups {
    /// Homes still in use by an object, the preferred one first.
    pub(crate) fn homes(&self, sibling: u64) -> impl Iterator<Item = Arc<Home>> + use<> {
        let homes = self.by_hash.get(&sibling).cloned().unwrap_or_default();
        homes.into_iter().filter_map(|home| home.upgrade())
    }

    /// Prefers `home` from now on. It takes the place of `replaced`, or else of the oldest.
    pub(crate) fn prefer(&mut self, sibling: u64, home: &Arc<Home>, replaced: Option<&Arc<Home>>) {
        let homes = self.by_hash.entry(sibling).or_default();
        let is_first = |known: &Arc<Home>| std::ptr::eq(homes[0].as_ptr(), Arc::as_ptr(known));
        if !is_first(home) && !replaced.is_some_and(is_first) {
            homes.swap(0, 1);
        }
        homes[0] = Arc::downgrade(home);
    }

    /// Forgets groups without objects.
    pub(crate) fn tidy(&mut self) {
        self.by_hash
            .retain(|_, homes| homes.iter().any(|home| home.strong_count() > 0));
        if self.by_hash.capacity() > 4 * self.by_hash.len() + 16 {
            self.by_hash.shrink_to_fit();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }
}

//! One shared copy of each equal value: thousands of Pods share a label set, an owner, a namespace.

use std::{collections::HashSet, hash::Hash, sync::Arc};

/// Values are forgotten, some time after nobody else holds them.
#[derive(Debug)]
pub(crate) struct Interner<T: Eq + Hash> {
    values: HashSet<Arc<T>>,
    /// Sweep when this many values are held; twice what the last sweep left, so that sweeping costs O(1) a value.
    sweep_at: usize,
}

const FIRST_SWEEP: usize = 1024;

impl<T: Eq + Hash> Interner<T> {
    pub(crate) fn new() -> Self {
        Self {
            values: HashSet::new(),
            sweep_at: FIRST_SWEEP,
        }
    }

    /// The shared copy of `value`.
    pub(crate) fn intern(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.values.get(&value) {
            return Arc::clone(known);
        }
        if self.values.len() >= self.sweep_at {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.values.shrink_to(self.values.len() * 2);
            self.sweep_at = (self.values.len() * 2).max(FIRST_SWEEP);
        }
        let value = Arc::new(value);
        self.values.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::Interner;
    use std::sync::Arc;

    #[test]
    fn equal_values_are_one_and_unused_ones_go() {
        let mut interner = Interner::new();
        let kept = interner.intern(0u32);
        assert!(Arc::ptr_eq(&kept, &interner.intern(0)));
        for value in 1..100_000 {
            interner.intern(value);
        }
        assert!(interner.values.len() <= 2048, "{}", interner.values.len());
        assert!(Arc::ptr_eq(&kept, &interner.intern(0)));
    }
}

//! Spreads a rule's requests over its backends by weight: evenly, and the same way every time.
//!
//! Smooth weighted round robin: among any run of requests each backend's share differs from its weight's by less than
//! one request. State lives as long as the rule that it belongs to.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use foldhash::fast::RandomState;
use tidegate_routing::{Rule, Sampling, WeightedBackend};

/// One worker's state of all rules that spread or sample.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    rules: RefCell<HashMap<*const Rule, RuleState, RandomState>>,
}

#[derive(Debug)]
struct RuleState {
    /// Keeps the rule's address from being used again.
    rule: Arc<Rule>,
    current: Vec<i64>,
    /// What is left over of samplings, by mirror. Starts anywhere, grows by the numerator, falls by the denominator.
    samples: Vec<Cell<u64>>,
}

impl Weights {
    /// The place of the backend whose turn it is. `None` when no backend has weight.
    pub(crate) fn choose(&self, rule: &Arc<Rule>, backends: &[WeightedBackend]) -> Option<usize> {
        let total: i64 = backends
            .iter()
            .map(|backend| i64::from(backend.weight))
            .sum();
        if let [only] = backends {
            return (only.weight > 0).then_some(0);
        }
        if total == 0 {
            return None;
        }
        self.with(rule, |state| {
            state.current.resize(backends.len(), 0);
            for (current, backend) in state.current.iter_mut().zip(backends) {
                *current += i64::from(backend.weight);
            }
            let weighty = state
                .current
                .iter()
                .zip(backends)
                .enumerate()
                .filter(|(_, (_, backend))| backend.weight > 0);
            // The first of the greatest.
            let (chosen, _) = weighty.rev().max_by_key(|(_, (current, _))| **current)?;
            state.current[chosen] -= total;
            Some(chosen)
        })
    }

    /// Whether this request is in the sample of the rule's mirror number `mirror`.
    pub(crate) fn sample(&self, rule: &Arc<Rule>, mirror: usize, sampling: Sampling) -> bool {
        if sampling.numerator >= sampling.denominator {
            return true;
        }
        if sampling.numerator == 0 {
            return false;
        }
        self.with(rule, |state| {
            while state.samples.len() <= mirror {
                state.samples.push(Cell::new(0));
            }
            let sum = state.samples[mirror].get() + u64::from(sampling.numerator);
            let denominator = u64::from(sampling.denominator);
            state.samples[mirror].set(sum % denominator);
            sum >= denominator
        })
    }

    fn with<T>(&self, rule: &Arc<Rule>, act: impl FnOnce(&mut RuleState) -> T) -> T {
        let mut rules = self.rules.borrow_mut();
        let state = rules.entry(Arc::as_ptr(rule)).or_insert_with(|| RuleState {
            rule: rule.clone(),
            current: Vec::new(),
            samples: Vec::new(),
        });
        act(state)
    }

    /// Forgets rules that nothing else holds any more.
    pub(crate) fn sweep(&self) {
        self.rules
            .borrow_mut()
            .retain(|_, state| Arc::strong_count(&state.rule) > 1);
    }
}

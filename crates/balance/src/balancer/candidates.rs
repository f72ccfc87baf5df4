//! Candidates: the endpoints that picks choose from, gathered anew only when something changed.
//!
//! What is draining never is one. Of the rest, those that are healthy by active checks and not ejected are; but
//! - if fewer than the panic percentage are healthy, health is ignored;
//! - if all that are left are ejected, ejection is ignored.
//!
//! Of these, those near are preferred where they can carry it.

use std::{cmp::Reverse, collections::BinaryHeap};

use tidegate_routing::{Balance, Near};

use super::{Settings, state::State};
use crate::random::Draws;

/// What one turn of an endpoint with weight 1 takes, in virtual time.
pub(super) const TURN: u64 = 1 << 20;
/// A near group is used when it has this share of what would be fair, in percent.
const ENOUGH_PERCENT: u64 = 70;

#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// In ascending order.
    pub(super) slots: Vec<u32>,
    /// Sums of weights up to each candidate, itself included; empty if all weigh the same.
    pub(super) sums: Vec<u64>,
    pub(super) total_weight: u64,
    /// For round robin: whose turn it is.
    pub(super) turns: BinaryHeap<Reverse<(u64, u32)>>,
    /// Virtual time of round robin: the last turn taken.
    pub(super) turn: u64,
    /// What is expected of endpoints that never answered yet.
    pub(super) typical_latency_ns: f64,
    fresh: bool,
    /// When the next ejection ends.
    stale_at_ns: u64,
}

impl Candidates {
    pub(super) fn invalidate(&mut self) {
        self.fresh = false;
    }

    pub(super) fn is_stale(&self, now_ns: u64) -> bool {
        !self.fresh || now_ns >= self.stale_at_ns
    }

    pub(super) fn rebuild(
        &mut self,
        states: &mut [Option<State>],
        settings: &Settings,
        now_ns: u64,
        draws: &mut Draws,
    ) {
        self.fresh = true;
        self.come_back(states, now_ns);
        gather(&mut self.slots, states, settings, now_ns);
        if !matches!(settings.balance, Balance::ConsistentHash(_)) {
            prefer_near(&mut self.slots, states, settings);
        }
        self.weigh(states);
        self.typical_latency_ns = typical_latency(&self.slots, states, now_ns);
        self.take_turns(states, settings, draws);
    }

    /// Those whose rest is over start slowly again. Says when the next one's is.
    fn come_back(&mut self, states: &mut [Option<State>], now_ns: u64) {
        self.stale_at_ns = u64::MAX;
        for state in states.iter_mut().flatten() {
            if state.is_ejected(now_ns) {
                self.stale_at_ns = self.stale_at_ns.min(state.ejected_until_ns);
            } else if state.ejected_until_ns > 0 && !state.candidate {
                state.joined_ns = Some(state.ejected_until_ns);
            }
        }
    }

    fn weigh(&mut self, states: &[Option<State>]) {
        self.sums.clear();
        let weights = self.slots.iter().map(|slot| weight(states, *slot));
        self.total_weight = 0;
        self.sums.extend(weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        }));
        self.total_weight = self.sums.last().copied().unwrap_or(0);
        let first = self.sums.first().copied().unwrap_or(0);
        if first * self.slots.len() as u64 == self.total_weight
            && self.slots.iter().all(|slot| weight(states, *slot) == first)
        {
            self.sums.clear();
        }
    }

    /// Those who were candidates keep their turns; new ones come in at random, so that workers differ and nobody has to
    /// catch up.
    fn take_turns(&mut self, states: &mut [Option<State>], settings: &Settings, draws: &mut Draws) {
        self.turns.clear();
        for (slot, state) in (0..).zip(states) {
            let Some(state) = state else { continue };
            let was_candidate = state.candidate;
            state.candidate = self.slots.binary_search(&slot).is_ok();
            if !state.candidate {
                continue;
            }
            if !was_candidate {
                let stride = (TURN / state.weight()).max(1);
                state.turn = self.turn + draws.below(stride);
            }
            if settings.balance == Balance::RoundRobin {
                self.turns.push(Reverse((state.turn, slot)));
            }
        }
    }
}

fn weight(states: &[Option<State>], slot: u32) -> u64 {
    states[slot as usize].as_ref().map_or(0, State::weight)
}

fn gather(slots: &mut Vec<u32>, states: &[Option<State>], settings: &Settings, now_ns: u64) {
    let live = |state: &State| !state.endpoint.draining;
    let count = |pass: &dyn Fn(&State) -> bool| {
        let passing = states.iter().flatten().filter(|state| pass(state));
        passing.count() as u64
    };
    let all = count(&live);
    let healthy = count(&|state| live(state) && state.healthy);
    let panic = healthy * 100 < all * u64::from(settings.panic_percent);
    let usable = |state: &State| live(state) && (panic || state.healthy);
    let rested = count(&|state| usable(state) && !state.is_ejected(now_ns));
    slots.clear();
    slots.extend((0..).zip(states).filter_map(|(slot, state)| {
        let state = state.as_ref()?;
        let pass = usable(state) && (rested == 0 || !state.is_ejected(now_ns));
        pass.then_some(slot)
    }));
}

/// Leaves only those near, if they are known and have enough weight.
fn prefer_near(slots: &mut Vec<u32>, states: &[Option<State>], settings: &Settings) {
    let zone = |state: &State| state.endpoint.locality.zone.clone();
    let node = |state: &State| state.endpoint.locality.node.clone();
    if settings.near == Near::SameNode
        && let Some(here) = &settings.here.node
        && keep_near(slots, states, here, &node)
    {
        return;
    }
    if settings.near != Near::Anywhere
        && let Some(here) = &settings.here.zone
    {
        keep_near(slots, states, here, &zone);
    }
}

/// Says whether it did.
fn keep_near(
    slots: &mut Vec<u32>,
    states: &[Option<State>],
    here: &std::sync::Arc<str>,
    place: &dyn Fn(&State) -> Option<std::sync::Arc<str>>,
) -> bool {
    let at = |slot: u32| states[slot as usize].as_ref().and_then(place);
    let mut places: Vec<_> = slots.iter().filter_map(|slot| at(*slot)).collect();
    places.sort_unstable();
    places.dedup();
    let total: u64 = slots.iter().map(|slot| weight(states, *slot)).sum();
    let is_near = |slot: &u32| at(*slot).as_ref() == Some(here);
    let near = slots.iter().copied().filter(is_near);
    let near: u64 = near.map(|slot| weight(states, slot)).sum();
    // near / total >= 70 % of 1 / places
    let enough = near > 0 && near * 100 * places.len() as u64 >= total * ENOUGH_PERCENT;
    if enough {
        slots.retain(is_near);
    }
    enough
}

fn typical_latency(slots: &[u32], states: &[Option<State>], now_ns: u64) -> f64 {
    let known = slots
        .iter()
        .filter_map(|slot| states[*slot as usize].as_ref())
        .filter_map(|state| state.latency.expected_ns(now_ns));
    let (sum, count) = known.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

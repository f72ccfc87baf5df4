//! The choice among candidates, one function for each way of balancing. Nothing here allocates.

use std::cmp::Reverse;

use tidegate_routing::Balance;

use super::{Balancer, EndpointId, PickRequest, candidates::TURN, state::State};
use crate::random::{Draws, fraction, mix};

/// How often a draw that isn't wanted is drawn again, before any is good enough.
const DRAWS_MAX: usize = 8;

impl Balancer {
    /// The slot of the endpoint.
    pub(super) fn choose(
        &mut self,
        request: &PickRequest<'_>,
        now_ns: u64,
        draws: &mut Draws,
    ) -> Option<u32> {
        match self.candidates.slots.as_slice() {
            [] => return None,
            [only] => return Some(*only),
            _ => {}
        }
        match (&self.settings.balance, request.hash) {
            (Balance::RoundRobin, _) => self.next_turn(request.tried, now_ns),
            (Balance::LeastRequest, _) => {
                self.better_of_two(request.tried, now_ns, draws, Self::load)
            }
            (Balance::PeakEwma, _) => self.better_of_two(request.tried, now_ns, draws, Self::cost),
            (Balance::ConsistentHash(_), Some(hash)) => self.highest(hash, request.tried),
            (Balance::Random | Balance::ConsistentHash(_), _) => {
                Some(self.draw(request.tried, None, now_ns, draws))
            }
        }
    }

    fn at(&self, slot: u32) -> Option<&State> {
        self.slots[slot as usize].as_ref()
    }

    fn was_tried(&self, slot: u32, tried: &[EndpointId]) -> bool {
        tried.iter().any(|id| {
            id.slot == slot && self.at(slot).is_some_and(|state| state.serial == id.serial)
        })
    }

    /// Smooth weighted round robin: each endpoint has its turns at equal distances of virtual time, the shorter the more
    /// it weighs.
    fn next_turn(&mut self, tried: &[EndpointId], now_ns: u64) -> Option<u32> {
        let mut skipped = [(0, 0); DRAWS_MAX];
        let mut count = 0;
        let chosen = loop {
            let Some(Reverse((turn, slot))) = self.candidates.turns.pop() else {
                break None;
            };
            if count < DRAWS_MAX && self.was_tried(slot, tried) {
                skipped[count] = (turn, slot);
                count += 1;
                continue;
            }
            break Some((turn, slot));
        };
        // All were tried: the first of them again.
        let first_again = chosen.is_none();
        let chosen = chosen.or_else(|| skipped[..count].first().copied());
        for skipped in &skipped[usize::from(first_again).min(count)..count] {
            self.candidates.turns.push(Reverse(*skipped));
        }
        let (turn, slot) = chosen?;
        let slow_start_ns = self.settings.slow_start_ns;
        let state = self.slots[slot as usize].as_mut()?;
        self.candidates.turn = self.candidates.turn.max(turn);
        let stride = (TURN / state.weight()).max(1);
        let warmth = state.warmth(slow_start_ns, now_ns);
        state.turn = turn
            + if warmth < 1.0 {
                stretch(stride, warmth)
            } else {
                stride
            };
        self.candidates.turns.push(Reverse((state.turn, slot)));
        Some(slot)
    }

    /// One at random, by weight: not one that was tried, nor `other`, if that can be had in a few draws.
    fn draw(
        &self,
        tried: &[EndpointId],
        other: Option<u32>,
        now_ns: u64,
        draws: &mut Draws,
    ) -> u32 {
        let slots = &self.candidates.slots;
        let mut last = slots[0];
        for _ in 0..DRAWS_MAX {
            let at = match self.candidates.sums.is_empty() {
                true => index(draws.below(slots.len() as u64)),
                false => {
                    let point = draws.below(self.candidates.total_weight);
                    self.candidates.sums.partition_point(|sum| *sum <= point)
                }
            };
            let slot = slots[at.min(slots.len() - 1)];
            if Some(slot) == other || self.was_tried(slot, tried) {
                continue;
            }
            last = slot;
            let warmth = self.at(slot).map_or(1.0, |state| {
                state.warmth(self.settings.slow_start_ns, now_ns)
            });
            if warmth >= 1.0 || draws.fraction() < warmth {
                break;
            }
        }
        if Some(last) == other || self.was_tried(last, tried) {
            return self.first_untried(tried, other);
        }
        last
    }

    /// The draws were unlucky, or most were tried.
    fn first_untried(&self, tried: &[EndpointId], other: Option<u32>) -> u32 {
        let slots = &self.candidates.slots;
        let untried = |slot: &&u32| Some(**slot) != other && !self.was_tried(**slot, tried);
        *slots.iter().find(untried).unwrap_or(&slots[0])
    }

    /// Draws two and takes the one with less; the first where they are equal, so that weights hold when idle.
    fn better_of_two(
        &self,
        tried: &[EndpointId],
        now_ns: u64,
        draws: &mut Draws,
        measure: impl Fn(&Self, &State, u64) -> f64,
    ) -> Option<u32> {
        let first = self.draw(tried, None, now_ns, draws);
        let second = self.draw(tried, Some(first), now_ns, draws);
        if second == first || self.was_tried(second, tried) {
            return Some(first);
        }
        let less = measure(self, self.at(second)?, now_ns) < measure(self, self.at(first)?, now_ns);
        Some(if less { second } else { first })
    }

    /// Requests under way for its weight.
    fn load(&self, state: &State, _now_ns: u64) -> f64 {
        f64::from(state.active) / state.weight() as f64
    }

    /// Expected latency, times those that wait there already for its weight.
    fn cost(&self, state: &State, now_ns: u64) -> f64 {
        let latency = state.latency.expected_ns(now_ns);
        let latency = latency.unwrap_or(self.candidates.typical_latency_ns);
        let mean = self.candidates.total_weight as f64 / self.candidates.slots.len() as f64;
        let queue = f64::from(state.active) * mean / state.weight() as f64;
        (latency + 1.0) * (1.0 + queue)
    }

    /// Rendezvous hashing: each endpoint and the request's hash give a score, and the highest wins. So the requests of an
    /// endpoint that goes are spread over all others, and no other request moves.
    fn highest(&self, hash: u64, tried: &[EndpointId]) -> Option<u32> {
        let weighted = !self.candidates.sums.is_empty();
        let mut best: Option<(f64, u32)> = None;
        let mut best_tried: Option<(f64, u32)> = None;
        for slot in &self.candidates.slots {
            let Some(state) = self.at(*slot) else {
                continue;
            };
            let random = mix(state.hash ^ hash);
            let score = match weighted {
                // -weight / ln(u): the share of wins is the weight's share.
                true => -(state.weight() as f64) / fraction(random | 1 << 11).ln(),
                false => fraction(random),
            };
            let best = match !tried.is_empty() && self.was_tried(*slot, tried) {
                true => &mut best_tried,
                false => &mut best,
            };
            if best.is_none_or(|(most, _)| score > most) {
                *best = Some((score, *slot));
            }
        }
        best.or(best_tried).map(|(_, slot)| slot)
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most ten times a stride of at most 2^20"
)]
fn stretch(stride: u64, warmth: f64) -> u64 {
    (stride as f64 / warmth) as u64
}

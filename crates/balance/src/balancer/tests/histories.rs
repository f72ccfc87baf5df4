//! Random histories beside a model of who may be picked.

use std::collections::BTreeMap;

use tidegate_routing::{Balance, Endpoint};

use super::{SECOND, balances, endpoint, number, outliers, pick, settings};
use crate::{Balancer, EndpointId, Outcome, random::Draws};

const HISTORIES: u64 = 100;
const STEPS: u64 = 300;
const FAILURES: u32 = 3;

/// What the model knows of an endpoint: by the rules' words, without the balancer's ways.
#[derive(Clone, Debug, Default)]
struct Known {
    draining: bool,
    unhealthy: bool,
    ejected: bool,
}

struct History {
    balancer: Balancer,
    draws: Draws,
    now_ns: u64,
    known: BTreeMap<u16, Known>,
    open: Vec<EndpointId>,
}

impl History {
    /// Ejections are the balancer's to say; when each ends is checked in `rules`.
    fn look(&mut self) {
        for (id, own) in self.balancer.endpoints() {
            let status = self.balancer.status(id, self.now_ns).expect("it is there");
            let Some(known) = self.known.get_mut(&number(&self.balancer, id)) else {
                panic!("{own:?} should be gone");
            };
            known.ejected = status.ejected;
            assert_eq!(status.healthy, !known.unhealthy);
        }
    }

    fn allowed(&self) -> Vec<u16> {
        let live: Vec<_> = self.known.iter().filter(|(_, own)| !own.draining).collect();
        let healthy: Vec<_> = live
            .iter()
            .filter(|(_, own)| !own.unhealthy)
            .copied()
            .collect();
        let usable = if healthy.len() * 2 < live.len() {
            live
        } else {
            healthy
        };
        let rested: Vec<_> = usable
            .iter()
            .filter(|(_, own)| !own.ejected)
            .copied()
            .collect();
        let chosen = if rested.is_empty() { usable } else { rested };
        chosen.into_iter().map(|(at, _)| *at).collect()
    }

    fn change_endpoints(&mut self) {
        let count = self.draws.below(9);
        let mut list: BTreeMap<u16, Endpoint> = BTreeMap::new();
        for _ in 0..count {
            let at = u16::try_from(self.draws.below(12)).expect("few") + 1;
            let weight = self.draws.below(3) + 1;
            let draining = if self.draws.below(5) == 0 { "-" } else { "" };
            list.insert(at, endpoint(&format!("{at}*{weight}{draining}")));
        }
        let mut known = BTreeMap::new();
        for (at, own) in &list {
            let mut one = self.known.remove(at).unwrap_or_default();
            one.draining = own.draining;
            known.insert(*at, one);
        }
        self.known = known;
        let list: Vec<Endpoint> = list.into_values().collect();
        self.balancer.set_endpoints(&list, self.now_ns);
    }

    fn step(&mut self) {
        self.now_ns += self.draws.below(SECOND);
        match self.draws.below(20) {
            0 => self.change_endpoints(),
            1 => {
                let ids: Vec<EndpointId> = self.balancer.endpoints().map(|(id, _)| id).collect();
                if !ids.is_empty() {
                    let at = usize::try_from(self.draws.below(ids.len() as u64)).expect("few");
                    let healthy = self.draws.below(2) == 0;
                    self.balancer.set_healthy(ids[at], healthy, self.now_ns);
                    if let Some(known) = self.known.get_mut(&number(&self.balancer, ids[at])) {
                        known.unhealthy = !healthy;
                    }
                }
            }
            2..8 if !self.open.is_empty() => {
                let at = usize::try_from(self.draws.below(self.open.len() as u64)).expect("few");
                let id = self.open.swap_remove(at);
                let outcome = match self.draws.below(4) {
                    0 => Outcome::Success,
                    1 => Outcome::Unknown,
                    _ => Outcome::Failure,
                };
                self.balancer
                    .finish(id, outcome, Some(SECOND / 100), self.now_ns);
            }
            _ => self.pick(),
        }
    }

    fn pick(&mut self) {
        self.look();
        let allowed = self.allowed();
        match pick(&mut self.balancer, &mut self.draws, self.now_ns) {
            None => assert!(allowed.is_empty(), "nothing was picked of {allowed:?}"),
            Some(id) => {
                let at = number(&self.balancer, id);
                assert!(
                    allowed.contains(&at),
                    "{at} was picked, allowed: {allowed:?} of {:?}",
                    self.known
                );
                self.open.push(id);
            }
        }
    }

    fn active_is_what_is_open(&self) {
        for (id, own) in self.balancer.endpoints() {
            let status = self.balancer.status(id, self.now_ns).expect("it is there");
            let open = self.open.iter().filter(|one| **one == id).count();
            assert_eq!(status.active as usize, open, "{own:?}");
        }
    }
}

#[test]
fn only_those_who_may_be_are_picked() {
    for seed in 0..HISTORIES {
        for balance in balances() {
            let mut settings = settings(balance.clone());
            settings.outliers = Some(outliers(FAILURES, 60));
            settings.slow_start_ns = if balance == Balance::Random {
                0
            } else {
                5 * SECOND
            };
            let mut history = History {
                balancer: Balancer::new(settings, &[], 0),
                draws: Draws::new(seed),
                now_ns: 0,
                known: BTreeMap::new(),
                open: Vec::new(),
            };
            for _ in 0..STEPS {
                history.step();
            }
            history.active_is_what_is_open();
        }
    }
}

//! Who gets how much.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_routing::Balance;

use super::{
    MS, SECOND, balances, count, endpoint, endpoints, id_of, number, numbered, pick, settings,
};
use crate::{Balancer, Outcome, PickRequest, random::Draws};

const SEEDS: u64 = 8;

/// One after the other, every way of balancing follows the weights within 2 % of all.
#[test]
fn shares_follow_weights() {
    for balance in balances() {
        for text in [
            "1 2 3 4",
            "1 2*3",
            "1*10 2*20 3*30 4*40",
            "1*1 2*1000",
            "1*7 2*7 3*7",
        ] {
            let list = endpoints(text);
            let total: u32 = list.iter().map(|one| one.weight).sum();
            let mut balancer = Balancer::new(settings(balance.clone()), &list, 0);
            let counts = count(&mut balancer, &mut Draws::new(11), 40_000, SECOND);
            for (at, own) in (1..).zip(&list) {
                let share = f64::from(counts.get(&at).copied().unwrap_or(0)) / 40_000.0;
                let fair = f64::from(own.weight) / f64::from(total);
                assert!(
                    (share - fair).abs() < 0.02,
                    "{balance:?} {text}: {counts:?}"
                );
            }
        }
    }
}

/// Round robin is smooth: in any window, no endpoint gets more than a turn beside its share.
#[test]
fn round_robin_is_exact_in_every_window() {
    let list = endpoints("1*5 2*1 3*1 4*3");
    for seed in 0..SEEDS {
        let mut draws = Draws::new(seed);
        let mut balancer = Balancer::new(settings(Balance::RoundRobin), &list, 0);
        let mut counts = BTreeMap::<u16, f64>::new();
        for done in 1..=1_000_u32 {
            let id = pick(&mut balancer, &mut draws, 0).expect("an endpoint");
            *counts.entry(number(&balancer, id)).or_default() += 1.0;
            for (at, own) in (1..).zip(&list) {
                let fair = f64::from(done) * f64::from(own.weight) / 10.0;
                let got = counts.get(&at).copied().unwrap_or(0.0);
                assert!(
                    (got - fair).abs() <= 1.5,
                    "seed {seed}: {at} has {got} of {done}, not {fair}"
                );
            }
        }
    }
}

/// Workers start at different places: their first requests don't all go to the same endpoint.
#[test]
fn workers_start_at_different_places() {
    for balance in balances() {
        let firsts: BTreeSet<u16> = (0..64)
            .map(|seed| {
                let mut balancer = Balancer::new(settings(balance.clone()), &numbered(8), 0);
                let id = pick(&mut balancer, &mut Draws::new(seed), 0).expect("an endpoint");
                number(&balancer, id)
            })
            .collect();
        assert!(firsts.len() >= 6, "{balance:?}: {firsts:?}");
    }
}

/// An open loop: requests arrive at fixed times, and each endpoint needs its own time for one.
struct Load {
    balancer: Balancer,
    draws: Draws,
    now_ns: u64,
    /// Ends of requests under way, with the endpoint's number.
    ends: BTreeSet<(u64, u64, u16)>,
    picked: u64,
}

impl Load {
    fn run(
        &mut self,
        requests: u64,
        every_ns: u64,
        needs_ns: &dyn Fn(u16) -> u64,
    ) -> BTreeMap<u16, u64> {
        let mut counts = BTreeMap::new();
        for _ in 0..requests {
            self.now_ns += every_ns;
            while let Some(&(end_ns, key, at)) = self.ends.first()
                && end_ns <= self.now_ns
            {
                self.ends.remove(&(end_ns, key, at));
                let id = id_of(&self.balancer, at);
                self.balancer
                    .finish(id, Outcome::Success, Some(needs_ns(at)), end_ns);
            }
            let id = pick(&mut self.balancer, &mut self.draws, self.now_ns).expect("an endpoint");
            let at = number(&self.balancer, id);
            *counts.entry(at).or_default() += 1;
            self.picked += 1;
            self.ends
                .insert((self.now_ns + needs_ns(at), self.picked, at));
        }
        counts
    }
}

fn load(balance: Balance, list: u16, seed: u64) -> Load {
    Load {
        balancer: Balancer::new(settings(balance), &numbered(list), 0),
        draws: Draws::new(seed),
        now_ns: 0,
        ends: BTreeSet::new(),
        picked: 0,
    }
}

/// Under load on equal endpoints, the busiest gets at most 1.3 times the mean.
#[test]
fn the_busiest_endpoint_gets_at_most_a_third_more_than_the_mean() {
    for balance in balances() {
        for seed in 0..SEEDS {
            let counts = load(balance.clone(), 20, seed).run(10_000, MS, &|_| 50 * MS);
            let most = counts.values().max().copied().unwrap_or(0) as f64;
            assert!(most / 500.0 <= 1.3, "{balance:?} seed {seed}: {counts:?}");
        }
    }
}

/// An endpoint that is ten times slower gets less where load or latency counts.
#[test]
fn a_slow_endpoint_gets_less() {
    let needs = |at: u16| if at == 1 { 100 * MS } else { 10 * MS };
    for (balance, most) in [(Balance::LeastRequest, 0.06), (Balance::PeakEwma, 0.03)] {
        for seed in 0..SEEDS {
            let counts = load(balance.clone(), 10, seed).run(20_000, MS, &needs);
            let share = counts[&1] as f64 / 20_000.0;
            assert!(share <= most, "{balance:?} seed {seed}: {share}");
            assert!(share > 0.0, "{balance:?} seed {seed}: never tried again");
        }
    }
}

/// Of 10,000 keys, at most 2/n move when one of n endpoints comes or goes, and none between those that stay.
#[test]
fn few_keys_move_when_endpoints_change() {
    let [.., hash] = balances();
    for count in [3_u16, 10, 50] {
        let keys: Vec<u64> = (0..10_000_u64)
            .map(|key| crate::hash_bytes(&key.to_le_bytes()))
            .collect();
        let owners = |list: &[tidegate_routing::Endpoint]| -> Vec<u16> {
            let mut balancer = Balancer::new(settings(hash.clone()), list, 0);
            let mut owner = |key: &u64| {
                let request = PickRequest {
                    hash: Some(*key),
                    ..PickRequest::default()
                };
                let id = balancer.pick(&request, 0).expect("an endpoint");
                number(&balancer, id)
            };
            keys.iter().map(&mut owner).collect()
        };
        let before = owners(&numbered(count));
        let after = owners(&numbered(count + 1));
        let moved = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other)
            .count();
        let n = usize::from(count) + 1;
        assert!(
            moved * n <= 2 * keys.len(),
            "{moved} of {n} endpoints' keys moved"
        );
        let astray = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other && **other != count + 1);
        assert_eq!(
            astray.count(),
            0,
            "keys moved between endpoints that stayed"
        );
        let mut counts = BTreeMap::<u16, u32>::new();
        for owner in &after {
            *counts.entry(*owner).or_default() += 1;
        }
        let most = f64::from(counts.values().max().copied().unwrap_or(0));
        let mean = keys.len() as f64 / n as f64;
        assert!(most / mean <= 1.3, "{count}: {most} of {mean}");
    }
}

/// One that joins gets little at first, then its share.
#[test]
fn a_new_endpoint_starts_slowly() {
    for balance in [Balance::RoundRobin, Balance::LeastRequest, Balance::Random] {
        let mut slow = settings(balance.clone());
        slow.slow_start_ns = 10 * SECOND;
        let mut balancer = Balancer::new(slow, &numbered(3), 0);
        let mut draws = Draws::new(5);
        let at_start = count(&mut balancer, &mut draws, 4_000, SECOND);
        assert!(
            at_start[&1] > 1_200,
            "{balance:?}: the first ones start at once: {at_start:?}"
        );
        balancer.set_endpoints(&numbered(4), 100 * SECOND);
        let share = |balancer: &mut Balancer, draws: &mut Draws, at: u64| {
            let counts = count(balancer, draws, 4_000, at * SECOND);
            f64::from(counts.get(&4).copied().unwrap_or(0)) / 4_000.0
        };
        let shares = [100, 105, 111].map(|at| share(&mut balancer, &mut draws, at));
        assert!(
            (0.015..0.06).contains(&shares[0]),
            "{balance:?}: {shares:?}"
        );
        assert!((0.10..0.19).contains(&shares[1]), "{balance:?}: {shares:?}");
        assert!((0.22..0.28).contains(&shares[2]), "{balance:?}: {shares:?}");
    }
}

/// Nobody who comes back has to catch up on the turns that were missed.
#[test]
fn round_robin_forgives_missed_turns() {
    let mut balancer = Balancer::new(settings(Balance::RoundRobin), &numbered(2), 0);
    let mut draws = Draws::new(1);
    let absent = id_of(&balancer, 1);
    count(&mut balancer, &mut draws, 10, 0);
    balancer.set_endpoints(&[endpoint("1-"), endpoint("2")], 0);
    count(&mut balancer, &mut draws, 1_000, 0);
    balancer.set_endpoints(&numbered(2), 0);
    assert_eq!(id_of(&balancer, 1), absent, "it kept its place");
    let counts = count(&mut balancer, &mut draws, 100, 0);
    assert!((49..=51).contains(&counts[&1]), "{counts:?}");
}

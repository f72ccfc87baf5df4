//! Choice among the backends of a rule, and of the requests that a mirror gets.

use tidegate_routing::{Sampling, WeightedBackend};

use crate::random::below;

/// Which backend gets a request, given a random number: each gets its weight's share. `None` where there is no weight at
/// all, which Gateway API answers with 500.
pub fn choose_backend(backends: &[WeightedBackend], random: u64) -> Option<&WeightedBackend> {
    if let [only] = backends {
        return (only.weight > 0).then_some(only);
    }
    let total: u64 = backends.iter().map(|one| u64::from(one.weight)).sum();
    if total == 0 {
        return None;
    }
    let mut rest = below(random, total);
    backends.iter().find(|backend| {
        let weight = u64::from(backend.weight);
        let chosen = rest < weight;
        rest = rest.saturating_sub(weight);
        chosen
    })
}

/// Whether a request is one of the share.
pub fn is_sampled(sampling: Sampling, random: u64) -> bool {
    below(random, u64::from(sampling.denominator.max(1))) < u64::from(sampling.numerator)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_routing::{BackendChoice, ClusterKey, Sampling, WeightedBackend};

    use super::{choose_backend, is_sampled};
    use crate::random::Draws;

    fn backend(weight: u32) -> WeightedBackend {
        WeightedBackend::new(
            weight,
            BackendChoice::Cluster(ClusterKey(Arc::from(format!("{weight}")))),
        )
    }

    /// Each backend's share of 100,000 picks lies within 1 % of all of its weight's.
    #[test]
    fn shares_follow_weights() {
        for weights in [
            &[1][..],
            &[70, 30],
            &[1, 0, 1],
            &[0, 1],
            &[1, 1, 1],
            &[1, 999_999, 1_000_000],
        ] {
            let backends: Vec<WeightedBackend> = weights.iter().copied().map(backend).collect();
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0; weights.len()];
            let mut draws = Draws::new(7);
            for _ in 0..100_000 {
                let chosen = choose_backend(&backends, draws.next()).expect("a backend");
                let at = backends.iter().position(|one| std::ptr::eq(one, chosen));
                counts[at.expect("one of them")] += 1;
            }
            for (count, weight) in counts.iter().zip(weights) {
                let share = f64::from(*count) / 100_000.0;
                let fair = f64::from(*weight) / f64::from(total);
                assert!((share - fair).abs() < 0.01, "{weights:?}: {counts:?}");
                assert!(*weight > 0 || *count == 0, "{weights:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn no_weight_is_no_backend() {
        for weights in [&[][..], &[0], &[0, 0]] {
            let backends: Vec<WeightedBackend> = weights.iter().copied().map(backend).collect();
            assert!(choose_backend(&backends, 42).is_none(), "{weights:?}");
        }
    }

    #[test]
    fn sampling_takes_its_share() {
        for (numerator, denominator, expect) in [
            (0, 100, 0.0),
            (1, 1, 1.0),
            (20, 100, 0.2),
            (200, 100, 1.0),
            (1, 0, 1.0),
        ] {
            let mut draws = Draws::new(3);
            let sampling = Sampling {
                numerator,
                denominator,
            };
            let taken = (0..50_000)
                .filter(|_| is_sampled(sampling, draws.next()))
                .count();
            let share = f64::from(u32::try_from(taken).expect("few")) / 50_000.0;
            assert!((share - expect).abs() < 0.01, "{sampling:?}: {share}");
        }
    }
}

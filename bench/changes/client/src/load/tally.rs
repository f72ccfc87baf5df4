//! What all clients of a load have seen, by kind of load and by kind of fault.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

use crate::fault::{Failure, Fault};

/// Counts as they grow.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Instant,
    kinds: Mutex<BTreeMap<&'static str, Counts>>,
}

/// What was seen of one kind of load.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Counts {
    /// Right answers; of what lasts, its parts.
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// The longest that a right answer took, or a part of one.
    longest_ms: u128,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    faults: BTreeMap<Fault, Faults>,
    /// Other things that happened, and that are right.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) events: BTreeMap<&'static str, u64>,
}

/// Failures of one kind.
#[derive(Debug, Clone, Serialize)]
struct Faults {
    count: u64,
    /// The first one in words, and when it was.
    first: String,
    first_after_seconds: f64,
}

/// All kinds at one time.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Seen(pub(crate) BTreeMap<&'static str, Counts>);

impl Seen {
    pub(crate) fn answered(&self) -> u64 {
        self.0.values().map(|counts| counts.answered).sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.0.values().map(|counts| counts.failed).sum()
    }
}

impl Tally {
    /// With these kinds, of which nothing was seen yet.
    pub(crate) fn new(kinds: impl Iterator<Item = &'static str>) -> Self {
        Self {
            began: Instant::now(),
            kinds: Mutex::new(kinds.map(|kind| (kind, Counts::default())).collect()),
        }
    }

    /// A right answer that took so long.
    pub(crate) fn answer(&self, kind: &'static str, took: Duration) {
        self.count(kind, |counts| {
            counts.answered += 1;
            counts.longest_ms = counts.longest_ms.max(took.as_millis());
        });
    }

    /// Something worth counting that is no answer.
    pub(crate) fn event(&self, kind: &'static str, what: &'static str) {
        self.count(kind, |counts| *counts.events.entry(what).or_default() += 1);
    }

    /// A failure. The first of its kind is told on standard error, too.
    pub(crate) fn fail(&self, kind: &'static str, failure: &Failure) {
        let after = self.began.elapsed().as_secs_f64();
        self.count(kind, |counts| {
            counts.failed += 1;
            let faults = counts.faults.entry(failure.fault).or_insert_with(|| {
                // Nobody may read it.
                let _ = writeln!(
                    std::io::stderr(),
                    "{kind}: failed after {after:.1} s: {failure}"
                );
                Faults {
                    count: 0,
                    first: failure.words.clone(),
                    first_after_seconds: after,
                }
            });
            faults.count += 1;
        });
    }

    /// What has been seen so far.
    pub(crate) fn seen(&self) -> Seen {
        Seen(self.lock().clone())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn count(&self, kind: &'static str, change: impl FnOnce(&mut Counts)) {
        change(self.lock().entry(kind).or_default());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Counts>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tally;
    use crate::fault::{Failure, Fault};

    #[tokio::test]
    async fn failures_are_split_by_kind() {
        let tally = Tally::new(["a", "b"].into_iter());
        tally.answer("a", Duration::from_millis(7));
        tally.answer("a", Duration::from_millis(3));
        tally.fail("a", &Failure::new(Fault::Status, "503"));
        tally.fail("a", &Failure::new(Fault::Status, "502"));
        tally.fail("a", &Failure::new(Fault::Reset, "read"));
        let seen = tally.seen();
        assert_eq!((seen.answered(), seen.failed()), (2, 3));
        let told = serde_json::to_value(&seen).expect("it can be told");
        assert_eq!(told["a"]["longest_ms"], 7);
        assert_eq!(told["a"]["faults"]["status"]["count"], 2);
        assert_eq!(told["a"]["faults"]["status"]["first"], "503");
        assert_eq!(told["a"]["faults"]["reset"]["count"], 1);
        assert_eq!(told["b"]["answered"], 0);
    }
}

//! Which undelivered event is tried next, and when. Pure: numbers and times in, decisions out.
//!
//! Events of one key go one after the other. After a failure everything pauses, because the
//! receiver is probably down; if only this key fails and others succeed, only this key waits on.
//!
//! Invariants: at most one event of a key is under way; a key's events come out in the order in
//! which they went in; nothing is dropped, only [`Schedule::done`] removes.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
pub(super) struct Schedule {
    keys: HashMap<String, Line>,
    /// Heads of lines that are not under way, by their line's failures, then by sequence: who failed
    /// lets the others go first, so that one bad event does not take every attempt.
    ready: BTreeMap<(u32, u64), String>,
    under_way: HashMap<u64, String>,
    /// Failures since the last success, of any key.
    failures: u32,
    /// Nothing starts before this.
    paused_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<u64>,
    failures: u32,
    not_before: Option<Instant>,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Deliver(u64),
    /// Ask again then.
    Wait(Instant),
    /// Nothing waits, or all that waits is behind what is under way.
    Idle,
}

impl Schedule {
    pub(super) fn add(&mut self, sequence: u64, key: String) {
        let line = self.keys.entry(key.clone()).or_default();
        line.waiting.push_back(sequence);
        if line.waiting.len() == 1 {
            self.ready.insert((line.failures, sequence), key);
        }
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Next::Wait(until);
        }
        // While the receiver seems down, one event probes for all.
        if self.failures > 0 && !self.under_way.is_empty() {
            return Next::Idle;
        }
        let due = |key: &String| self.keys.get(key).and_then(|line| line.not_before);
        let found = self
            .ready
            .iter()
            .find(|(_, key)| due(key).is_none_or(|at| at <= now));
        if let Some((place, key)) = found.map(|(place, key)| (*place, key.clone())) {
            let (_, sequence) = place;
            self.ready.remove(&place);
            self.under_way.insert(sequence, key);
            return Next::Deliver(sequence);
        }
        self.ready
            .values()
            .filter_map(due)
            .min()
            .map_or(Next::Idle, Next::Wait)
    }

    /// Delivered or refused: the next one of its key may go. `healthy` says that the receiver works.
    pub(super) fn done(&mut self, sequence: u64, healthy: bool) {
        let Some(key) = self.under_way.remove(&sequence) else {
            return;
        };
        if healthy {
            self.failures = 0;
            self.paused_until = None;
        }
        let Some(line) = self.keys.get_mut(&key) else {
            return;
        };
        line.waiting.pop_front();
        line.failures = 0;
        line.not_before = None;
        match line.waiting.front() {
            Some(head) => drop(self.ready.insert((0, *head), key)),
            None => drop(self.keys.remove(&key)),
        }
    }

    /// To be tried again. `delay` turns a number of failures into a wait; `at_least` is the
    /// receiver's own wish.
    pub(super) fn failed(
        &mut self,
        sequence: u64,
        now: Instant,
        at_least: Option<Duration>,
        delay: impl Fn(u32) -> Duration,
    ) -> Duration {
        let Some(key) = self.under_way.remove(&sequence) else {
            return Duration::ZERO;
        };
        self.failures = self.failures.saturating_add(1);
        let floor = at_least.unwrap_or_default();
        let pause = delay(self.failures).max(floor);
        self.paused_until = Some(now + pause);
        if let Some(line) = self.keys.get_mut(&key) {
            line.failures = line.failures.saturating_add(1);
            line.not_before = Some(now + delay(line.failures).max(floor));
            self.ready.insert((line.failures, sequence), key);
        }
        pause
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }
}

#[cfg(test)]
mod tests {
    //! Order within a key, pauses, and a poisoned event that must not hold up the others.

    use super::{Next, Schedule};
    use std::time::{Duration, Instant};

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(keys: &[&str]) -> Schedule {
        let mut schedule = Schedule::default();
        for (sequence, key) in (1..).zip(keys) {
            schedule.add(sequence, (*key).to_owned());
        }
        schedule
    }

    fn seconds(failures: u32) -> Duration {
        SECOND * failures
    }

    #[test]
    fn one_of_each_key_at_a_time_and_in_order() {
        let now = Instant::now();
        let mut schedule = schedule(&["a", "a", "b", "a"]);
        assert_eq!(schedule.next(now), Next::Deliver(1));
        assert_eq!(schedule.next(now), Next::Deliver(3));
        assert_eq!(schedule.next(now), Next::Idle);
        schedule.done(1, true);
        assert_eq!(schedule.next(now), Next::Deliver(2));
        schedule.add(5, "b".to_owned());
        schedule.done(3, true);
        assert_eq!(schedule.next(now), Next::Deliver(5));
        schedule.done(2, true);
        assert_eq!(schedule.next(now), Next::Deliver(4));
        schedule.done(4, true);
        schedule.done(5, true);
        assert!(schedule.is_empty());
    }

    #[test]
    fn a_failure_pauses_everything_then_one_probes() {
        let now = Instant::now();
        let mut schedule = schedule(&["a", "b", "c"]);
        assert_eq!(schedule.next(now), Next::Deliver(1));
        assert_eq!(schedule.failed(1, now, None, seconds), SECOND);
        assert_eq!(schedule.next(now), Next::Wait(now + SECOND));
        let later = now + SECOND;
        assert_eq!(
            schedule.next(later),
            Next::Deliver(2),
            "who failed lets others go first"
        );
        assert_eq!(schedule.next(later), Next::Idle, "one probes for all");
        schedule.done(2, true);
        assert_eq!(schedule.next(later), Next::Deliver(3));
        assert_eq!(schedule.next(later), Next::Deliver(1));
    }

    #[test]
    fn the_receivers_wish_is_a_lower_bound() {
        let now = Instant::now();
        let mut schedule = schedule(&["a"]);
        assert_eq!(schedule.next(now), Next::Deliver(1));
        assert_eq!(
            schedule.failed(1, now, Some(SECOND * 9), seconds),
            SECOND * 9
        );
    }

    #[test]
    fn a_poisoned_event_holds_up_only_its_own_key() {
        let mut now = Instant::now();
        let mut schedule = schedule(&["bad", "bad", "a", "b", "c", "d"]);
        let mut delivered = Vec::new();
        for _ in 0..60 {
            match schedule.next(now) {
                Next::Deliver(1) => drop(schedule.failed(1, now, None, seconds)),
                Next::Deliver(sequence) => {
                    delivered.push(sequence);
                    schedule.done(sequence, true);
                }
                Next::Wait(until) => now = until,
                Next::Idle => break,
            }
        }
        assert_eq!(delivered, [3, 4, 5, 6], "2 stays behind 1");
    }
}

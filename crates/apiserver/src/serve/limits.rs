//! How much the server takes on at once, and how much of that one user gets.
//!
//! Kubernetes' API Priority and Fairness lets requests wait in queues, and shuffles users over them. Here nobody waits:
//! the more places a user holds and the fewer are free, the sooner their next request is refused.
//!
//! Invariant: no user holds all places of a class.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A user may hold so many times the places that are free. One alone gets four fifths of a class, two get four ninths
/// each: there is always room for another one.
const SHARE: usize = 4;

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest body of a request, in bytes. 3 MiB, as kube-apiserver's.
    pub body_bytes: usize,
    /// Reading requests that run at once. Others are answered 429. Of these, as of writing ones and watches, one user
    /// gets at most four fifths.
    pub reading: usize,
    /// Writing requests that run at once. Others are answered 429.
    pub writing: usize,
    /// Watches at once. Others are answered 429.
    pub watches: usize,
    /// Connections at once. Others wait to be accepted.
    pub connections: usize,
    /// How long a client may take to greet.
    pub handshake_time: Duration,
    /// How long the head of a request may take to come, and how long a connection may be idle.
    pub head_time: Duration,
    /// How long a request's body may take to come.
    pub body_time: Duration,
    /// How long a client may take to read what it is sent before it is cut off.
    pub write_stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 3 << 20,
            reading: 400,
            writing: 200,
            watches: 10_000,
            connections: 20_000,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(32),
            body_time: Duration::from_secs(60),
            write_stall: Duration::from_secs(60),
        }
    }
}

/// Counts what runs.
#[derive(Debug)]
pub(crate) struct Turnstile {
    reading: Arc<Gate>,
    writing: Arc<Gate>,
    watches: Arc<Gate>,
}

/// The classes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Reading,
    Writing,
    Watch,
}

/// The places of one class.
#[derive(Debug)]
struct Gate {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Only users who hold some.
    by_user: HashMap<Arc<str>, usize>,
}

/// A place of a request that runs. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    user: Option<Arc<str>>,
}

impl Turnstile {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            reading: Gate::new(limits.reading),
            writing: Gate::new(limits.writing),
            watches: Gate::new(limits.watches),
        }
    }

    /// How many requests of a class run.
    pub(crate) fn running(&self, class: Class) -> usize {
        self.gate(class).taken().all
    }

    fn gate(&self, class: Class) -> &Arc<Gate> {
        match class {
            Class::Reading => &self.reading,
            Class::Writing => &self.writing,
            Class::Watch => &self.watches,
        }
    }

    /// A place for a request, before it is known whose it is. Nothing if there is none.
    pub(crate) fn enter(&self, class: Class) -> Option<Place> {
        let gate = self.gate(class);
        let mut taken = gate.taken();
        if taken.all >= gate.limit {
            return None;
        }
        taken.all += 1;
        Some(Place {
            gate: gate.clone(),
            user: None,
        })
    }
}

impl Gate {
    fn new(limit: usize) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { limit, taken })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts the place as the user's. Whether they may have it; if not, it is still only a place.
    #[must_use]
    pub(crate) fn give_to(&mut self, user: &str) -> bool {
        debug_assert!(self.user.is_none(), "a place is given once");
        let mut taken = self.gate.taken();
        // This one is among those that are taken.
        let free = self.gate.limit - taken.all;
        let held = taken.by_user.get(user).copied().unwrap_or_default();
        if held + 1 > free.saturating_mul(SHARE) && held > 0 {
            return false;
        }
        let name = match taken.by_user.get_key_value(user) {
            Some((name, _)) => name.clone(),
            None => user.into(),
        };
        *taken.by_user.entry(name.clone()).or_default() += 1;
        drop(taken);
        self.user = Some(name);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.gate.taken();
        taken.all -= 1;
        let Some(user) = &self.user else {
            return;
        };
        let left = taken.by_user.get_mut(user).map(|held| {
            *held -= 1;
            *held
        });
        if left == Some(0) {
            taken.by_user.remove(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Limits, Place, Turnstile};

    fn turnstile(reading: usize) -> Turnstile {
        Turnstile::new(&Limits {
            reading,
            ..Limits::default()
        })
    }

    /// A place for a user. The error is a place that is nobody's.
    fn take(turnstile: &Turnstile, user: &str) -> Option<Place> {
        let mut place = turnstile.enter(Class::Reading)?;
        place.give_to(user).then_some(place)
    }

    /// As many places as a user gets.
    fn all_for(turnstile: &Turnstile, user: &str) -> Vec<Place> {
        std::iter::from_fn(|| take(turnstile, user)).collect()
    }

    /// With so many places: how many those get who come one after the other and take all they can.
    #[test]
    fn there_is_room_for_one_more() {
        let check = |places: usize, expected: &[usize]| {
            let turnstile = turnstile(places);
            let mut held = Vec::new();
            for (number, expected) in expected.iter().enumerate() {
                let got = all_for(&turnstile, &format!("user-{number}"));
                assert_eq!(got.len(), *expected, "user {number} of {places} places");
                held.push(got);
            }
        };
        check(400, &[320, 64, 12, 3, 1]);
        check(10, &[8, 1, 1, 0]);
        check(5, &[4, 1, 0]);
        check(2, &[1, 1, 0]);
        // Nobody is kept out for ever where there is only one place.
        check(1, &[1, 0]);
    }

    #[test]
    fn places_come_back() {
        let turnstile = turnstile(5);
        let held = all_for(&turnstile, "a");
        assert!(take(&turnstile, "a").is_none());
        let other = take(&turnstile, "b");
        assert!(other.is_some() && turnstile.enter(Class::Reading).is_none());
        assert!(turnstile.enter(Class::Writing).is_some());
        drop((held, other));
        assert_eq!(all_for(&turnstile, "b").len(), 4);
        assert!(turnstile.reading.taken().by_user.is_empty());
    }
}

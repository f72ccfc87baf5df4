//! Series of what is not served any more go after a while, in all workers at once: a sum that lost one worker's part would
//! look like a restart. A request that comes all the same, or later again, begins a new series.
//!
//! Done while somebody asks for figures, so that no request waits and no thread is needed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use tidegate_routing::Snapshot;

use super::{Gone, Metrics, Shelf, lock};

/// How often it is looked at: it takes a look at all that is served.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long the last figures stay, so that they are seen: several scrapes of any interval that is usual.
const STAYS: Duration = Duration::from_secs(15 * 60);

/// When it was looked last, and since when what is gone.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    looked: Option<Instant>,
    listeners: HashMap<String, Instant>,
    routes: HashMap<String, Instant>,
}

impl Metrics {
    /// Forgets what this does not serve, nor has for a while.
    pub(in crate::observe) fn forget(&self, serving: &Snapshot, now: Instant) {
        let mut sweep = lock(&self.sweep);
        let looked = sweep.looked;
        if looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK_EVERY) {
            return;
        }
        sweep.looked = Some(now);
        let shelves = lock(&self.shelves).clone();
        let mut listeners = names(&shelves, |shelf| &shelf.listeners);
        let mut routes = names(&shelves, |shelf| &shelf.routes);
        for listener in serving
            .binds
            .values()
            .flat_map(|bind| bind.listeners.values())
        {
            let key = &listener.key;
            listeners.remove(&super::listener_name(key));
            if !routes.is_empty() {
                for attachment in listener.routes.attachments() {
                    routes.remove(&super::route_name(&attachment.rule.route));
                }
            }
        }
        let old = overdue(&mut sweep.listeners, listeners, now);
        take(&shelves, |shelf| &shelf.listeners, &old);
        let old = overdue(&mut sweep.routes, routes, now);
        take(&shelves, |shelf| &shelf.routes, &old);
    }
}

/// Notes when what is gone was first seen to be, and gives what has been for long.
fn overdue(
    since: &mut HashMap<String, Instant>,
    gone: HashSet<String>,
    now: Instant,
) -> HashSet<String> {
    since.retain(|name, _| gone.contains(name));
    for name in gone {
        since.entry(name).or_insert(now);
    }
    let old = |when: &Instant| now.saturating_duration_since(*when) >= STAYS;
    let names = since.iter().filter(|(_, when)| old(when));
    let names: HashSet<String> = names.map(|(name, _)| name.clone()).collect();
    since.retain(|name, _| !names.contains(name));
    names
}

type Series<T> = Mutex<Vec<(String, Arc<T>)>>;

/// The names of all series but those that are of no one thing.
fn names<T>(shelves: &[Arc<Shelf>], of: fn(&Shelf) -> &Series<T>) -> HashSet<String> {
    let mut names = HashSet::new();
    for shelf in shelves {
        let all = lock(of(shelf));
        let named = all.iter().filter(|(name, _)| name.contains('/'));
        names.extend(named.map(|(name, _)| name.clone()));
    }
    names
}

fn take<T: AsRef<Gone>>(
    shelves: &[Arc<Shelf>],
    of: fn(&Shelf) -> &Series<T>,
    old: &HashSet<String>,
) {
    if old.is_empty() {
        return;
    }
    for shelf in shelves {
        lock(of(shelf)).retain(|(name, series)| {
            let stays = !old.contains(name);
            if !stays {
                series.as_ref().as_ref().0.store(true, Ordering::Relaxed);
            }
            stays
        });
        shelf.taken.fetch_add(1, Ordering::Relaxed);
    }
}

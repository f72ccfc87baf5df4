//! Figures of requests, for Prometheus.
//!
//! Each worker counts in series of its own, which only it writes: an addition is a load and a store, with no lock and no
//! contention. A scrape sums all workers up. The number of series is bounded: listeners and routes beyond the limit share
//! one series called `other`, so that no configuration and no client can make them grow. Those of what is not served any
//! more make room.

mod forget;
mod render;

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasher, Hash},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use foldhash::fast::RandomState;
use tidegate_routing::{ListenerKey, RouteIdentity};

use self::forget::Sweep;
pub(super) use self::render::put_counter;
use super::is_same;
use crate::record::{Hedge, Reason, RequestRecord};

const ROUTES_MAX: usize = 1_000;
const LISTENERS_MAX: usize = 200;

/// Upper bounds of the histograms' buckets, in microseconds.
const BOUNDS_US: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// Written by one worker, read by scrapes.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, more: u64) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(more);
        self.0.store(sum, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Histogram {
    /// One more than bounds: what is above all.
    buckets: [Count; BOUNDS_US.len() + 1],
    sum_us: Count,
}

impl Histogram {
    fn add(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_US.partition_point(|bound| *bound < us);
        self.buckets[at].add(1);
        self.sum_us.add(us);
    }
}

/// Requests by the first digit of their status; 0 where the client got nothing.
type Classes = [Count; 6];

/// Set once, by who takes a series off the shelf: the worker begins a new one.
#[derive(Debug, Default)]
struct Gone(AtomicBool);

impl Gone {
    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct ListenerSeries {
    gone: Gone,
    classes: Classes,
    duration: Histogram,
    upstream_wait: Histogram,
    request_bytes: Count,
    answer_bytes: Count,
    retries: Count,
    hedges_won: Count,
    hedges_lost: Count,
}

#[derive(Debug, Default)]
struct RouteSeries {
    gone: Gone,
    classes: Classes,
    sum_us: Count,
}

impl AsRef<Gone> for ListenerSeries {
    fn as_ref(&self) -> &Gone {
        &self.gone
    }
}

impl AsRef<Gone> for RouteSeries {
    fn as_ref(&self) -> &Gone {
        &self.gone
    }
}

/// One worker's series, for scrapes. The lock is taken for a new series and for a scrape, never for another request.
#[derive(Debug, Default)]
struct Shelf {
    listeners: Mutex<Vec<(String, Arc<ListenerSeries>)>>,
    routes: Mutex<Vec<(String, Arc<RouteSeries>)>>,
    reasons: [Count; Reason::ALL.len()],
    /// How often series were taken off.
    taken: AtomicU64,
}

/// All workers'.
#[derive(Debug)]
pub(super) struct Metrics {
    shelves: Mutex<Vec<Arc<Shelf>>>,
    sweep: Mutex<Sweep>,
    routes_max: usize,
}

/// One worker's.
#[derive(Debug)]
pub(super) struct WorkerMetrics {
    shelf: Arc<Shelf>,
    routes_max: usize,
    hasher: RandomState,
    known: RefCell<Known>,
}

#[derive(Debug, Default)]
struct Known {
    listeners: HashMap<ListenerKey, Arc<ListenerSeries>, RandomState>,
    /// The one that was counted for last: nearly always the next one, too.
    last_listener: Option<(ListenerKey, Arc<ListenerSeries>)>,
    /// Places in `route_series` by the hash of the route's name.
    routes: HashMap<u64, usize, RandomState>,
    route_series: Vec<(Arc<RouteIdentity>, Arc<RouteSeries>)>,
    other_listener: Option<Arc<ListenerSeries>>,
    other_route: Option<Arc<RouteSeries>>,
    no_listener: Option<Arc<ListenerSeries>>,
    /// As [`Shelf::taken`] was when what is gone was last dropped here.
    taken: u64,
}

impl Metrics {
    pub(super) fn new(routes_max: usize) -> Self {
        Self {
            shelves: Mutex::default(),
            sweep: Mutex::default(),
            routes_max: if routes_max == 0 {
                ROUTES_MAX
            } else {
                routes_max
            },
        }
    }

    pub(super) fn worker(&self) -> WorkerMetrics {
        let shelf = Arc::new(Shelf::default());
        lock(&self.shelves).push(shelf.clone());
        WorkerMetrics {
            shelf,
            routes_max: self.routes_max,
            hasher: RandomState::default(),
            known: RefCell::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WorkerMetrics {
    pub(super) fn count(&self, record: &RequestRecord<'_>) {
        let class = usize::from(record.status / 100).min(5);
        if let Some(reason) = record.reason {
            self.shelf.reasons[reason as usize].add(1);
        }
        let mut known = self.known.borrow_mut();
        let series = self.listener(&mut known, record.listener);
        series.classes[class].add(1);
        series.duration.add(record.duration);
        if let Some(wait) = record.upstream_wait {
            series.upstream_wait.add(wait);
        }
        series.request_bytes.add(record.request_bytes);
        series.answer_bytes.add(record.answer_bytes);
        let mut retries = record.tries.saturating_sub(1);
        if let Some(hedge) = record.hedge {
            retries = retries.saturating_sub(1);
            match hedge {
                Hedge::Won => series.hedges_won.add(1),
                Hedge::Lost => series.hedges_lost.add(1),
            }
        }
        series.retries.add(u64::from(retries));
        if let Some(rule) = record.rule {
            let series = self.route(&mut known, &rule.route);
            series.classes[class].add(1);
            series
                .sum_us
                .add(u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX));
        }
    }

    fn listener<'k>(&self, known: &'k mut Known, key: Option<&ListenerKey>) -> &'k ListenerSeries {
        let new = |name: String| {
            let series = Arc::new(ListenerSeries::default());
            lock(&self.shelf.listeners).push((name, series.clone()));
            series
        };
        let Some(key) = key else {
            return known
                .no_listener
                .get_or_insert_with(|| new("none".to_owned()));
        };
        let last = known.last_listener.take();
        let last = last.filter(|(last, series)| is_same(last, key) && !series.gone.get());
        let last = last.or_else(|| {
            let own = known.listeners.get(key);
            if let Some(series) = own.filter(|series| !series.gone.get()) {
                return Some((key.clone(), series.clone()));
            }
            if known.listeners.len() >= LISTENERS_MAX {
                self.make_room(known);
            }
            (known.listeners.len() < LISTENERS_MAX).then(|| {
                let series = new(listener_name(key));
                known.listeners.insert(key.clone(), series.clone());
                (key.clone(), series)
            })
        });
        match last {
            Some(last) => &known.last_listener.insert(last).1,
            None => known
                .other_listener
                .get_or_insert_with(|| new("other".to_owned())),
        }
    }

    fn route<'k>(&self, known: &'k mut Known, route: &Arc<RouteIdentity>) -> &'k RouteSeries {
        let new = |name: String| {
            let series = Arc::new(RouteSeries::default());
            lock(&self.shelf.routes).push((name, series.clone()));
            series
        };
        let hash = self.hasher.hash_one(Name(route));
        let mut place = known.routes.get(&hash).copied();
        match place {
            Some(place) => {
                let own = &mut known.route_series[place];
                if own.1.gone.get() {
                    *own = (route.clone(), new(route_name(route)));
                }
            }
            None => {
                if known.routes.len() >= self.routes_max {
                    self.make_room(known);
                }
                if known.routes.len() < self.routes_max {
                    let series = new(route_name(route));
                    known.routes.insert(hash, known.route_series.len());
                    place = Some(known.route_series.len());
                    known.route_series.push((route.clone(), series));
                }
            }
        }
        match place.map(|place| &known.route_series[place]) {
            Some((own, series)) if Arc::ptr_eq(own, route) || Name(own) == Name(route) => series,
            // No room; or, once in 2^64, another route's hash.
            _ => known
                .other_route
                .get_or_insert_with(|| new("other".to_owned())),
        }
    }

    /// Drops what is gone, if there may be any.
    fn make_room(&self, known: &mut Known) {
        let taken = self.shelf.taken.load(Ordering::Relaxed);
        if std::mem::replace(&mut known.taken, taken) == taken {
            return;
        }
        known.listeners.retain(|_, series| !series.gone.get());
        known.route_series.retain(|(_, series)| !series.gone.get());
        let hashes = known
            .route_series
            .iter()
            .map(|(route, _)| self.hasher.hash_one(Name(route)));
        known.routes.clear();
        known.routes.extend(hashes.zip(0..));
    }
}

fn listener_name(key: &ListenerKey) -> String {
    format!("{}/{}/{}", key.namespace, key.name, key.section)
}

fn route_name(route: &RouteIdentity) -> String {
    format!("{}/{}", route.namespace, route.name)
}

/// A route by its name, in all its generations.
struct Name<'a>(&'a RouteIdentity);

impl Hash for Name<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.0.kind, &self.0.namespace, &self.0.name).hash(state);
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        let name = |one: &Self| {
            (
                one.0.kind.clone(),
                one.0.namespace.clone(),
                one.0.name.clone(),
            )
        };
        name(self) == name(other)
    }
}

//! A cache of unpacked bodies, bounded in bytes and shared by all readers of a resource.
//!
//! Sharded, with second-chance eviction: a lookup takes one shard lock for a hash lookup only.
//! Knows nothing of packing. Invariant: each shard holds at most its share of the bound.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

/// Number of locks; readers of different objects rarely meet.
const SHARDS: usize = 16;
/// Estimated cost of an entry beyond its body: map slot, queue slot, `Bytes` header.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// Bounded cache of unpacked bodies, keyed by the owner's ids.
#[derive(Debug)]
pub struct HotCache {
    shards: [Mutex<Shard>; SHARDS],
    shard_bytes_max: usize,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Counters of a [`HotCache`] since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HotCacheStats {
    /// Lookups that found a body.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<u64, Entry>,
    /// Ids in order of insertion with the entry's stamp; a stale pair is skipped.
    queue: VecDeque<(u64, u64)>,
    bytes: usize,
    next_stamp: u64,
}

#[derive(Debug)]
struct Entry {
    body: Bytes,
    stamp: u64,
    /// Read since it was last considered for eviction.
    used: bool,
}

impl HotCache {
    /// A cache holding at most `max_bytes`, entry overhead included. Zero disables it.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            shard_bytes_max: max_bytes / SHARDS,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Stores `bytes` under `id`, replacing what was there. Bodies larger than a shard are ignored
    /// (and the old one is removed).
    pub fn insert(&self, id: u64, bytes: Bytes) {
        let mut shard = self.shard(id);
        shard.remove(id);
        if cost(&bytes) <= self.shard_bytes_max {
            shard.insert(id, bytes, self.shard_bytes_max);
        }
    }

    /// The body stored under `id`, if it is still here.
    pub fn get(&self, id: u64) -> Option<Bytes> {
        let found = self.shard(id).entries.get_mut(&id).map(|entry| {
            entry.used = true;
            entry.body.clone()
        });
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Forgets `id`, for example because the object changed.
    pub fn remove(&self, id: u64) {
        self.shard(id).remove(id);
    }

    /// Bytes held now, overhead included.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).bytes).sum()
    }

    /// Hits and misses so far.
    pub fn stats(&self) -> HotCacheStats {
        HotCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn shard(&self, id: u64) -> MutexGuard<'_, Shard> {
        // Fibonacci hashing: ids may be sequential. The top four bits choose the shard.
        let index = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
        lock(&self.shards[usize::try_from(index).unwrap_or(0) % SHARDS])
    }
}

impl Shard {
    fn insert(&mut self, id: u64, body: Bytes, bytes_max: usize) {
        let body_cost = cost(&body);
        while self.bytes + body_cost > bytes_max && self.evict_one() {}
        self.next_stamp += 1;
        let stamp = self.next_stamp;
        self.bytes += body_cost;
        self.entries.insert(
            id,
            Entry {
                body,
                stamp,
                used: false,
            },
        );
        self.queue.push_back((id, stamp));
        if self.queue.len() > 2 * self.entries.len() + 16 {
            let entries = &self.entries;
            self.queue
                .retain(|(id, stamp)| entries.get(id).is_some_and(|e| e.stamp == *stamp));
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id) {
            self.bytes -= cost(&entry.body);
        }
    }

    /// Takes one step of the clock hand. False when nothing is left to evict.
    fn evict_one(&mut self) -> bool {
        let Some((id, stamp)) = self.queue.pop_front() else {
            return false;
        };
        match self.entries.get_mut(&id) {
            Some(entry) if entry.stamp == stamp && entry.used => {
                entry.used = false;
                self.queue.push_back((id, stamp));
            }
            Some(entry) if entry.stamp == stamp => self.remove(id),
            _ => {}
        }
        true
    }
}

/// Every critical section leaves the shard consistent, so a poisoned lock is still good.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cost(body: &Bytes) -> usize {
    body.len() + ENTRY_OVERHEAD_BYTES
}

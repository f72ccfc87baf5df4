//! Stores an object against one base of its group.
//!
//! Knows no groups and no dictionaries: it is given a home and answers what the object would cost
//! there. Invariant: the returned bytes decode to the object in the returned home.

use std::{cell::RefCell, sync::Arc};

use crate::{
    delta,
    diff::Differ,
    holes::Holes,
    packed::{Home, Siblings, push_len},
};

/// Replaced tokens unknown to a group that are worth a new list of holes, if they also are at
/// least a quarter of those known: lists then grow geometrically, so there are few.
const UNFORESEEN_MAX: usize = 8;
const UNFORESEEN_SHARE: usize = 4;
/// A departure is good enough not to look further at this share of its base's frame.
const GOOD_SHARE: usize = 2;

/// What storing an object against a base takes.
pub(crate) struct Departure {
    /// Where it was tried.
    pub(crate) found_at: Arc<Home>,
    /// Where it would live: the same, or a new home with more holes.
    pub(crate) home: Arc<Home>,
    pub(crate) bytes: Box<[u8]>,
    /// Small against the base's own frame.
    pub(crate) is_good: bool,
}

/// Buffers of a thread, whatever packer uses them.
#[derive(Default)]
struct Scratch {
    differ: Differ,
    bits: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Tries to store `raw` against the base in `found_at`. `None` if they differ too much.
pub(crate) fn depart(found_at: &Arc<Home>, raw: &[u8]) -> Option<Departure> {
    let (base_home, known) = match &**found_at {
        Home::Base(_) => (found_at, None),
        Home::Siblings(siblings) => (&siblings.base, Some(&siblings.holes)),
        _ => return None,
    };
    let Home::Base(base) = &**base_home else {
        return None;
    };
    let raw_base = base.raw().ok()?;
    SCRATCH.with_borrow_mut(|Scratch { differ, bits }| {
        if !differ.diff(&raw_base, raw) {
            return None;
        }
        bits.clear();
        push_len(raw.len(), bits);
        let home = match known {
            Some(holes) if !is_worth_widening(holes, differ) => {
                delta::encode(&raw_base, raw, &differ.ops, holes, bits);
                Arc::clone(found_at)
            }
            _ => {
                let holes = delta::widen(known.unwrap_or(&Holes::default()), &differ.ops);
                delta::encode(&raw_base, raw, &differ.ops, &holes, bits);
                Arc::new(Home::Siblings(Siblings {
                    base: Arc::clone(base_home),
                    holes,
                }))
            }
        };
        Some(Departure {
            found_at: Arc::clone(found_at),
            home,
            bytes: bits.as_slice().into(),
            is_good: bits.len() * GOOD_SHARE <= base.frame.len(),
        })
    })
}

fn is_worth_widening(holes: &Holes, differ: &Differ) -> bool {
    let unforeseen = delta::unforeseen(holes, &differ.ops);
    unforeseen > UNFORESEEN_MAX && unforeseen * UNFORESEEN_SHARE >= holes.count()
}

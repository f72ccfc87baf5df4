//! A directory: shared things, each found by a name of its own. Persistent: a clone is one pointer, and a change copies
//! only what lies on the way to it.
//!
//! A trie of hashes. Its nodes are narrow, because a change's price is what it counts up: every neighbour on the way has
//! one more owner. Where there are many, each of them is a miss of the processor's cache, so that wide nodes, which are
//! copied as fast while there are few, would make changes dearer the more there are.
//!
//! Invariant: a thing's name never changes while it is inside.

#[cfg(test)]
mod tests;

use std::{fmt, hash::BuildHasher, iter, mem, slice, sync::Arc};

use foldhash::fast::FixedState;

/// What has a name to be found by.
pub trait Named {
    /// The name, among its like.
    fn name(&self) -> &str;
}

/// Things by name.
#[derive(Clone)]
pub struct Directory<T> {
    root: Node<T>,
    len: usize,
}

enum Node<T> {
    /// In no particular order. More than [`LEAF_MAX`] only where hashes are the same.
    Leaf(Arc<[Entry<T>]>),
    Branch(Arc<[Node<T>; WIDTH]>),
}

struct Entry<T> {
    hash: u64,
    thing: Arc<T>,
}

/// So many bits of a hash choose among the children of a branch.
const BITS: u32 = 3;
const WIDTH: usize = 1 << BITS;
const LEAF_MAX: usize = 8;
/// A branch with as few under it becomes a leaf. Less than a leaf takes, so that one name that comes and goes doesn't
/// split and join it each time.
const JOINED_MAX: usize = LEAF_MAX / 2;
/// Below this, hashes have no bits left.
const DEPTH_MAX: u32 = u64::BITS / BITS;

/// Seeds are fixed: names come from configuration, and colliding ones could only be one owner's.
fn hash(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lowest bits are all that is asked for"
)]
fn slot(hash: u64, depth: u32) -> usize {
    (hash >> (depth * BITS)) as usize % WIDTH
}

impl<T: Named> Directory<T> {
    /// How many things are inside.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The thing of this name.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Arc<T>> {
        if self.is_empty() {
            return None;
        }
        let hash = hash(name);
        let mut node = &self.root;
        let mut rest = hash;
        while let Node::Branch(children) = node {
            node = &children[slot(rest, 0)];
            rest >>= BITS;
        }
        let Node::Leaf(entries) = node else {
            return None;
        };
        entries
            .iter()
            .find(|entry| entry.is(hash, name))
            .map(|entry| &entry.thing)
    }

    /// The thing of this name, to change it: alone here, what shares it with others keeps it as it was.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T>
    where
        T: Clone,
    {
        self.get(name)?;
        let hash = hash(name);
        let mut node = &mut self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Branch(children) => node = &mut Arc::make_mut(children)[slot(hash, depth)],
                Node::Leaf(entries) => {
                    let at = entries.iter().position(|entry| entry.is(hash, name))?;
                    return Some(Arc::make_mut(&mut Arc::make_mut(entries)[at].thing));
                }
            }
            depth += 1;
        }
    }

    /// Puts a thing in; gives the one of the same name whose place it takes.
    pub fn insert(&mut self, thing: Arc<T>) -> Option<Arc<T>> {
        let hash = hash(thing.name());
        let replaced = self.root.insert(Entry { hash, thing }, 0);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Takes the thing of this name out.
    pub fn remove(&mut self, name: &str) -> Option<Arc<T>> {
        // What isn't there must not copy anything.
        self.get(name)?;
        let removed = self.root.remove(hash(name), name, 0);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// All that is inside, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        let mut nodes = vec![slice::from_ref(&self.root).iter()];
        let mut leaf: slice::Iter<'_, Entry<T>> = [].iter();
        iter::from_fn(move || {
            loop {
                if let Some(entry) = leaf.next() {
                    return Some(&entry.thing);
                }
                match nodes.last_mut()?.next() {
                    Some(Node::Leaf(entries)) => leaf = entries.iter(),
                    Some(Node::Branch(children)) => nodes.push(children.iter()),
                    None => {
                        nodes.pop();
                    }
                }
            }
        })
    }
}

impl<T: Named> Node<T> {
    fn insert(&mut self, entry: Entry<T>, depth: u32) -> Option<Arc<T>> {
        let entries = match self {
            Self::Branch(children) => {
                let child = &mut Arc::make_mut(children)[slot(entry.hash, depth)];
                return child.insert(entry, depth + 1);
            }
            Self::Leaf(entries) => entries,
        };
        let name = entry.thing.name();
        if let Some(at) = entries.iter().position(|own| own.is(entry.hash, name)) {
            let own = &mut Arc::make_mut(entries)[at];
            return Some(mem::replace(&mut own.thing, entry.thing));
        }
        let is_full = entries.len() >= LEAF_MAX && depth < DEPTH_MAX;
        let all = entries.iter().cloned().chain(iter::once(entry));
        *self = match is_full {
            true => Self::split(all, depth),
            false => Self::Leaf(all.collect()),
        };
        None
    }

    fn split(entries: impl Iterator<Item = Entry<T>>, depth: u32) -> Self {
        let mut children: [Self; WIDTH] = Default::default();
        for entry in entries {
            children[slot(entry.hash, depth)].insert(entry, depth + 1);
        }
        Self::Branch(Arc::new(children))
    }

    fn remove(&mut self, hash: u64, name: &str, depth: u32) -> Option<Arc<T>> {
        match self {
            Self::Branch(children) => {
                let child = &mut Arc::make_mut(children)[slot(hash, depth)];
                let removed = child.remove(hash, name, depth + 1);
                if let Some(joined) = joined(&**children) {
                    *self = Self::Leaf(joined);
                }
                removed
            }
            Self::Leaf(entries) => {
                let at = entries.iter().position(|own| own.is(hash, name))?;
                let removed = entries[at].thing.clone();
                let rest = entries[..at].iter().chain(&entries[at + 1..]);
                *self = Self::Leaf(rest.cloned().collect());
                Some(removed)
            }
        }
    }
}

/// What is under a branch as one leaf, where it's little.
fn joined<T>(children: &[Node<T>]) -> Option<Arc<[Entry<T>]>> {
    let mut count = 0;
    for child in children {
        match child {
            Node::Leaf(entries) => count += entries.len(),
            Node::Branch(_) => return None,
        }
        if count > JOINED_MAX {
            return None;
        }
    }
    let leaves = children.iter().filter_map(|child| match child {
        Node::Leaf(entries) => Some(entries.iter()),
        Node::Branch(_) => None,
    });
    Some(leaves.flatten().cloned().collect())
}

impl<T: Named> Entry<T> {
    #[inline]
    fn is(&self, hash: u64, name: &str) -> bool {
        self.hash == hash && self.thing.name() == name
    }
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            hash: self.hash,
            thing: self.thing.clone(),
        }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(entries) => Self::Leaf(entries.clone()),
            Self::Branch(children) => Self::Branch(children.clone()),
        }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self::Leaf(Arc::default())
    }
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self {
            root: Node::default(),
            len: 0,
        }
    }
}

impl<T: Named> FromIterator<Arc<T>> for Directory<T> {
    fn from_iter<I: IntoIterator<Item = Arc<T>>>(things: I) -> Self {
        let mut all = Self::default();
        for thing in things {
            all.insert(thing);
        }
        all
    }
}

impl<T: Named + fmt::Debug> fmt::Debug for Directory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = self.iter().map(|thing| (thing.name(), thing));
        f.debug_map().entries(things).finish()
    }
}

//! What the compiler is fed: changes of all objects that it may need, from informers, and before those know anything,
//! from the state on disk.
//!
//! Most kinds are watched whole. Secrets, config maps and definitions are watched sparingly: only those that something
//! refers to, by name; where many of one namespace are, that namespace.
//!
//! Invariants: nothing that came from disk is taken back before the server has said, in a full picture, that it is gone.
//! An event of an object that nothing refers to (any more) is not passed on.

mod carried;
mod gate;
mod source;
mod sparing;

pub(crate) use self::carried::Carried;

use self::{
    gate::Gate,
    source::{Scope, Source},
    sparing::Sparing,
};
use crate::state::{Picture, Saved};
use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tidegate_compile::{Kind, ObjectKey, ReferenceChanges};
use tidegate_informer::{Event, InformerFactory, Object};
use tokio::{runtime::Handle, sync::mpsc};

/// One change, as it goes to the compiler.
#[derive(Debug)]
pub(crate) enum Item {
    Upsert(Kind, Object),
    Delete(Kind, ObjectKey),
}

/// All sources of changes.
#[derive(Debug)]
pub(crate) struct Feed {
    factory: InformerFactory,
    /// Where informers run.
    runtime: Handle,
    sources: Vec<Source>,
    carried: Carried,
    sparing: Sparing,
    gate: Gate,
    settling: mpsc::UnboundedSender<Kind>,
    settled: mpsc::UnboundedReceiver<Kind>,
    /// Items that came of no event.
    extra: Vec<Item>,
}

/// How many events are taken at once at most, so that a flood can't keep everything waiting.
const BATCH_MAX: usize = 4096;

/// Kinds that are watched whole.
fn whole() -> impl Iterator<Item = Kind> {
    Kind::ALL
        .into_iter()
        .filter(|kind| !sparing::is_sparing(*kind))
}

impl Feed {
    /// What is known from disk, and nothing that runs yet.
    pub(crate) fn new(factory: InformerFactory, runtime: Handle, saved: Vec<Saved>) -> Self {
        let (sender, settled) = mpsc::unbounded_channel();
        Self {
            factory,
            runtime,
            sources: Vec::new(),
            carried: Carried::new(saved),
            sparing: Sparing::default(),
            gate: Gate::new(whole()),
            settling: sender,
            settled,
            extra: Vec::new(),
        }
    }

    /// Starts to watch.
    pub(crate) fn start(&mut self) {
        for kind in whole() {
            self.add_source(kind, Scope::All);
        }
    }

    /// Whether enough is known to serve: every kind was read, or is certainly not to be had.
    pub(crate) fn is_complete(&self) -> bool {
        self.gate.is_open()
    }

    /// Kinds that are still waited for, for people.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        self.gate.missing()
    }

    /// What came from disk and is not confirmed yet.
    pub(crate) fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Until when what was compiled should wait, because something that it refers to is being read.
    pub(crate) fn holds_until(&self, now: Instant, patience: Duration) -> Option<Instant> {
        self.sources
            .iter()
            .filter(|source| !source.is_synced() && !self.carried.covers(source))
            .filter(|source| !source.is_out_of_reach())
            .filter_map(Source::wanted_since)
            .map(|since| since + patience)
            .filter(|until| *until > now)
            .max()
    }

    /// Takes all changes that are there, in `items`; pending if there is none.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, items: &mut Vec<Item>) -> Poll<()> {
        items.append(&mut self.extra);
        let mut news = !items.is_empty();
        while let Poll::Ready(Some(kind)) = self.settled.poll_recv(context) {
            self.gate.settled(kind);
            news = true;
        }
        for at in 0..self.sources.len() {
            while items.len() < BATCH_MAX {
                match self.sources[at].poll(context) {
                    Poll::Ready(event) => {
                        news = true;
                        self.take(at, event, items);
                    }
                    Poll::Pending => break,
                }
            }
        }
        if items.len() >= BATCH_MAX {
            // There may be more, which no one will wake us for.
            context.waker().wake_by_ref();
        }
        if news { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The compiler has come to need other objects.
    pub(crate) fn refer(&mut self, changes: &ReferenceChanges, now: Instant) {
        for (kind, key) in &changes.removed {
            if !sparing::is_sparing(*kind) {
                continue;
            }
            self.sparing.remove(*kind, key);
            self.carried.confirm(*kind, key);
            self.sources
                .retain(|source| !source.is_of_object(*kind, key));
            self.extra.push(Item::Delete(*kind, key.clone()));
        }
        for (kind, key) in &changes.added {
            if sparing::is_sparing(*kind) {
                self.want(*kind, key, now);
            }
        }
        let needed = |kind: Kind, namespace: &str| self.sparing.needs(kind, namespace);
        self.sources.retain(|source| source.is_needed(&needed));
    }

    /// Objects from disk that nothing refers to, once it is known what is referred to.
    pub(crate) fn drop_unneeded(&mut self) {
        for (kind, key) in self.carried.keys() {
            if sparing::is_sparing(kind) && !self.sparing.has(kind, &key) {
                self.carried.confirm(kind, &key);
                self.extra.push(Item::Delete(kind, key));
            }
        }
    }

    /// All that the compiler knows, for the disk. Secrets that nothing refers to are not in it.
    pub(crate) fn picture(&self) -> Picture {
        let mut picture = Picture {
            carried: self.carried.all(),
            ..Picture::default()
        };
        for source in &self.sources {
            let kind = source.kind();
            let snapshot = source.informer().snapshot();
            if sparing::is_sparing(kind) {
                let known = snapshot.iter().map(|object| (source::key(object), object));
                let needed = known.filter(|(key, _)| self.sparing.has(kind, key));
                picture
                    .objects
                    .extend(needed.map(|(_, object)| (kind.name(), object.clone())));
            } else {
                picture.caches.push((kind.name(), snapshot));
            }
        }
        picture
    }

    /// Watches one more object of a kind that is watched sparingly.
    fn want(&mut self, kind: Kind, key: &ObjectKey, now: Instant) {
        if !self.sparing.add(kind, key) {
            return;
        }
        let whole = Scope::Namespace(key.namespace.clone());
        if let Some(source) = self
            .sources
            .iter()
            .find(|source| source.kind() == kind && *source.scope() == whole)
        {
            let snapshot = source.informer().snapshot();
            if let Some(object) = snapshot.get(Some(&key.namespace), &key.name) {
                self.extra.push(Item::Upsert(kind, object.clone()));
            }
            return;
        }
        if self.sparing.is_crowded(kind, &key.namespace) {
            // The single watches end when the one that takes their place has a picture.
            self.add_source(kind, whole);
        } else {
            self.add_source(kind, Scope::Object(key.clone()));
        }
        if let Some(source) = self.sources.last_mut() {
            source.set_wanted_since(now);
        }
    }

    fn add_source(&mut self, kind: Kind, scope: Scope) {
        // Informers run where their runtime is entered.
        let _entered = self.runtime.enter();
        let source = Source::start(&self.factory, kind, scope);
        let informer = source.informer().clone();
        // Nothing waits for what is not to be had.
        self.runtime
            .spawn(gate::settle(kind, informer, self.settling.clone()));
        self.sources.push(source);
    }

    fn take(&mut self, at: usize, event: Event, items: &mut Vec<Item>) {
        let kind = self.sources[at].kind();
        let sparing = sparing::is_sparing(kind);
        let passes = |key: &ObjectKey| !sparing || self.sparing.has(kind, key);
        match event {
            Event::Added { object, .. } | Event::Updated { new: object, .. } => {
                let key = source::key(&object);
                if passes(&key) {
                    self.carried.confirm(kind, &key);
                    items.push(Item::Upsert(kind, object));
                }
            }
            Event::Deleted { object, .. } => {
                let key = source::key(&object);
                if passes(&key) {
                    self.carried.confirm(kind, &key);
                    items.push(Item::Delete(kind, key));
                }
            }
            Event::Synced => self.synced(at, items),
        }
    }

    /// A source has given its first full picture: what it covers and doesn't know is gone.
    fn synced(&mut self, at: usize, items: &mut Vec<Item>) {
        self.sources[at].set_synced();
        let source = &self.sources[at];
        let kind = source.kind();
        for key in self.carried.covered(source) {
            self.carried.confirm(kind, &key);
            items.push(Item::Delete(kind, key));
        }
        match self.sources[at].scope().clone() {
            Scope::All => self.gate.settled(kind),
            Scope::Namespace(namespace) => self
                .sources
                .retain(|source| !source.is_single_of(kind, &namespace)),
            Scope::Object(_) => {}
        }
    }
}

//! A simulated handler that checks what it is told against what it was told before.

use crate::{
    event::Event,
    handlers::Mailbox,
    object::Object,
    shared::{Consumer, Shared},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

pub(super) struct Handler {
    mailbox: Arc<Mailbox>,
    pub(super) view: BTreeMap<String, Object>,
    pub(super) synced: bool,
    pub(super) events: u64,
    pub(super) recreated: u64,
    pub(super) marked_unknown: u64,
}

impl Handler {
    pub(super) fn join(shared: &Shared) -> Self {
        let mailbox = Mailbox::new();
        shared.add_consumer(Consumer {
            mailbox: Arc::clone(&mailbox),
            worker: None,
        });
        Self {
            mailbox,
            view: BTreeMap::new(),
            synced: false,
            events: 0,
            recreated: 0,
            marked_unknown: 0,
        }
    }

    pub(super) fn leave(&self, shared: &Shared) {
        shared.remove_consumer(&self.mailbox);
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Takes one event, if there is one. `versions_go_back`: the server was restored.
    pub(super) fn take(&mut self, versions_go_back: bool) -> bool {
        let context = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(event)) = self.mailbox.poll_next(&context) else {
            return false;
        };
        self.events += 1;
        match event {
            Event::Synced => {
                assert!(!self.synced, "synced twice");
                self.synced = true;
            }
            Event::Added { object, initial } => {
                assert!(
                    !(initial && self.synced),
                    "initial after the first picture: {object:?}"
                );
                assert!(
                    initial || self.synced,
                    "added before the first picture without initial: {object:?}"
                );
                let known = self.view.insert(object.key().to_string(), object);
                assert!(known.is_none(), "added twice: {known:?}");
            }
            Event::Updated { old, new } => self.update(old, new, versions_go_back),
            Event::Deleted {
                object,
                final_state_unknown,
            } => {
                let known = self.view.remove(&object.key().to_string());
                let known = known.unwrap_or_else(|| panic!("deleted, but never added: {object:?}"));
                assert_eq!(known.uid(), object.uid(), "another object was deleted");
                self.marked_unknown += u64::from(final_state_unknown);
                self.recreated += 1;
            }
        }
        true
    }

    fn update(&mut self, old: Object, new: Object, versions_go_back: bool) {
        let known = self.view.insert(new.key().to_string(), new.clone());
        let known = known.unwrap_or_else(|| panic!("updated, but never added: {new:?}"));
        assert!(
            known.same(&old),
            "old is {old:?}, but {known:?} was told last"
        );
        assert_eq!(known.uid(), new.uid(), "an update changed the uid");
        let order = known.resource_version().compare(new.resource_version());
        let forward = order.is_some_and(|order| order.is_lt());
        assert!(
            forward || versions_go_back,
            "went back from {known:?} to {new:?}"
        );
    }
}

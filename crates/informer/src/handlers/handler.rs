//! What a user implements to be told of changes.

use crate::{event::Event, object::Object};

/// Is called for every change, one call at a time, in order for each object.
///
/// Calls come from a thread of the handler's own, so they may block: the cache and other handlers go on, and changes
/// that come meanwhile are merged (see [`contract`](crate::contract)). A call that panics is counted and logged, and the
/// handler is called again for the next change.
pub trait Handler: Send + 'static {
    /// The object is new to this handler; `initial` if it belongs to the first full picture.
    fn on_add(&mut self, object: &Object, initial: bool) {
        let _ = (object, initial);
    }

    /// The object changed. At a resync `old` and `new` are the same.
    fn on_update(&mut self, old: &Object, new: &Object) {
        let _ = (old, new);
    }

    /// The object is gone; `final_state_unknown` if the deletion itself was not seen.
    fn on_delete(&mut self, object: &Object, final_state_unknown: bool) {
        let _ = (object, final_state_unknown);
    }

    /// The first full picture has been delivered. Called once.
    fn on_synced(&mut self) {}
}

/// A handler from one function over [`Event`].
pub fn from_fn(function: impl FnMut(Event) + Send + 'static) -> impl Handler {
    FnHandler(function)
}

struct FnHandler<F>(F);

impl<F: FnMut(Event) + Send + 'static> Handler for FnHandler<F> {
    fn on_add(&mut self, object: &Object, initial: bool) {
        let object = object.clone();
        (self.0)(Event::Added { object, initial });
    }

    fn on_update(&mut self, old: &Object, new: &Object) {
        let (old, new) = (old.clone(), new.clone());
        (self.0)(Event::Updated { old, new });
    }

    fn on_delete(&mut self, object: &Object, final_state_unknown: bool) {
        let object = object.clone();
        (self.0)(Event::Deleted {
            object,
            final_state_unknown,
        });
    }

    fn on_synced(&mut self) {
        (self.0)(Event::Synced);
    }
}

/// One call of a handler.
pub(super) fn call(handler: &mut dyn Handler, event: &Event) {
    match event {
        Event::Added { object, initial } => handler.on_add(object, *initial),
        Event::Updated { old, new } => handler.on_update(old, new),
        Event::Deleted {
            object,
            final_state_unknown,
        } => handler.on_delete(object, *final_state_unknown),
        Event::Synced => handler.on_synced(),
    }
}

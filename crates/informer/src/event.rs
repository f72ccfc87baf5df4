//! What happened to an object, as handlers and streams are told.

use crate::{key::ObjectKey, object::Object};

/// One notification. See [`contract`](crate::contract) for what may be relied on.
#[derive(Debug, Clone)]
pub enum Event {
    /// The object is new to this handler.
    Added {
        /// The object.
        object: Object,
        /// True if it was there before this handler was in sync: part of the first full picture.
        initial: bool,
    },
    /// The object changed, or a resync is due (then both are the same).
    Updated {
        /// What this handler was last told.
        old: Object,
        /// What the cache holds now, or held a moment ago.
        new: Object,
    },
    /// The object is gone.
    Deleted {
        /// Its last state that is known.
        object: Object,
        /// True if the deletion itself was not seen, so that the object may have changed once more before it.
        final_state_unknown: bool,
    },
    /// The first full picture has been delivered. Comes once for each handler.
    Synced,
}

impl Event {
    /// The newest state that the event carries; `None` for [`Event::Synced`].
    pub fn object(&self) -> Option<&Object> {
        match self {
            Self::Added { object, .. } | Self::Deleted { object, .. } => Some(object),
            Self::Updated { new, .. } => Some(new),
            Self::Synced => None,
        }
    }

    /// The key of the object; `None` for [`Event::Synced`].
    pub fn key(&self) -> Option<&ObjectKey> {
        self.object().map(Object::key)
    }
}

/// One difference between two states of a cache. Unlike [`Event`], it is the same for all handlers.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Added(Object),
    Updated {
        old: Object,
        new: Object,
    },
    Deleted {
        object: Object,
        final_state_unknown: bool,
    },
}

impl Change {
    pub(crate) fn key(&self) -> &ObjectKey {
        match self {
            Self::Added(object) | Self::Deleted { object, .. } => object.key(),
            Self::Updated { new, .. } => new.key(),
        }
    }
}

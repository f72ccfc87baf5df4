//! What a writer asks for, and what it gets.

use crate::entry::Entry;

/// One write.
#[derive(Debug, Clone)]
pub enum Write<'a> {
    /// Stores a value.
    Put {
        /// Where.
        key: &'a str,
        /// What must be there.
        expected: Expected,
        /// The value.
        body: Body,
    },
    /// Removes a key. There must be something to remove.
    Delete {
        /// Where.
        key: &'a str,
        /// What must be there.
        expected: Expected,
        /// The last state, for those who watch.
        body: Body,
    },
}

/// What must be there for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Absent,
    /// Something, last written at this revision.
    Revision(u64),
    /// Something.
    Present,
    /// Anything, or nothing.
    Any,
}

impl Expected {
    pub(crate) fn holds(self, current: Option<&Entry>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::Revision(revision) => current.is_some_and(|entry| entry.revision == revision),
            Self::Present => current.is_some(),
            Self::Any => true,
        }
    }
}

/// A value that may name the revision of its own write, which is known only once the write is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The value without the revision.
    pub bytes: Vec<u8>,
    /// Where the decimal digits of the revision are inserted.
    pub revision_at: Option<usize>,
}

impl Body {
    /// The value with the digits of `revision` in place, and nothing to spare. A place behind the end means the end.
    #[must_use]
    pub fn with_revision(&self, revision: u64) -> Vec<u8> {
        let Some(at) = self.revision_at else {
            // A copy, because `bytes` may hold more than its length.
            return self.bytes.as_slice().to_vec();
        };
        let digits = revision.to_string();
        let (before, after) = self.bytes.split_at(at.min(self.bytes.len()));
        let mut out = Vec::with_capacity(self.bytes.len() + digits.len());
        out.extend_from_slice(before);
        out.extend_from_slice(digits.as_bytes());
        out.extend_from_slice(after);
        out
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            revision_at: None,
        }
    }
}

/// A write that happened and will not be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its revision.
    pub revision: u64,
    /// What is stored now; after a deletion the last state, at the deletion's revision.
    pub entry: Entry,
}

/// The longest key.
pub const MAX_KEY_BYTES: usize = 2048;

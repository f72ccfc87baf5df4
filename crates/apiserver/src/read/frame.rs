//! The frames of a watch: a word and an object, each in a line of its own.

use crate::chunk::Chunk;
use bytes::{BufMut, Bytes, BytesMut};

/// What an event says of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

const TAIL: &[u8] = b"}\n";

impl Word {
    /// What a frame begins with.
    fn head(self) -> &'static [u8] {
        match self {
            Self::Added => br#"{"type":"ADDED","object":"#,
            Self::Modified => br#"{"type":"MODIFIED","object":"#,
            Self::Deleted => br#"{"type":"DELETED","object":"#,
            Self::Bookmark => br#"{"type":"BOOKMARK","object":"#,
            Self::Error => br#"{"type":"ERROR","object":"#,
        }
    }
}

/// One frame.
pub(super) fn of(word: Word, object: Bytes) -> Chunk {
    Chunk::framed(word.head(), object, TAIL)
}

/// Frames that are sent together. A single one keeps the bytes of its object, which other watches send too; more are
/// copied, so that they go out as one.
#[derive(Debug, Default)]
pub(super) struct Frames {
    single: Option<(Word, Bytes)>,
    more: BytesMut,
}

impl Frames {
    pub(super) fn add(&mut self, word: Word, object: Bytes) {
        match self.single.take() {
            None if self.more.is_empty() => self.single = Some((word, object)),
            single => {
                for (word, object) in single.into_iter().chain([(word, object)]) {
                    self.copy(word, &object);
                }
            }
        }
    }

    fn copy(&mut self, word: Word, object: &[u8]) {
        let head = word.head();
        self.more.reserve(head.len() + object.len() + TAIL.len());
        self.more.put_slice(head);
        self.more.put_slice(object);
        self.more.put_slice(TAIL);
    }

    /// About how many bytes they are.
    pub(super) fn len(&self) -> usize {
        let single = self.single.as_ref();
        self.more.len() + single.map_or(0, |(_, object)| object.len())
    }

    /// All of them, unless there is none.
    pub(super) fn into_chunk(self) -> Option<Chunk> {
        match self.single {
            Some((word, object)) => Some(of(word, object)),
            None if self.more.is_empty() => None,
            None => Some(self.more.freeze().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Frames, Word};
    use bytes::{Buf, Bytes};

    fn check(objects: &[(Word, &'static str)], expect: &str) {
        let mut frames = Frames::default();
        for (word, object) in objects {
            frames.add(*word, Bytes::from_static(object.as_bytes()));
        }
        let text = frames.into_chunk().map(|mut chunk| {
            let length = chunk.remaining();
            chunk.copy_to_bytes(length)
        });
        assert_eq!(text.unwrap_or_default(), expect);
    }

    #[test]
    fn frames_are_lines() {
        check(&[], "");
        check(
            &[(Word::Added, "{}")],
            "{\"type\":\"ADDED\",\"object\":{}}\n",
        );
        check(
            &[(Word::Modified, "1"), (Word::Deleted, "2")],
            "{\"type\":\"MODIFIED\",\"object\":1}\n{\"type\":\"DELETED\",\"object\":2}\n",
        );
        check(
            &[
                (Word::Added, "1"),
                (Word::Bookmark, "2"),
                (Word::Error, "3"),
            ],
            "{\"type\":\"ADDED\",\"object\":1}\n{\"type\":\"BOOKMARK\",\"object\":2}\n{\"type\":\"ERROR\",\"object\":3}\n",
        );
    }
}

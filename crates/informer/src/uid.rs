//! The identity of an object: two objects with one name but two uids are two objects.

use std::fmt;

/// `metadata.uid`. UUIDs, which is what API servers hand out, take 16 bytes; any other text is kept as it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Uid(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Uuid([u8; 16]),
    Text(Box<str>),
}

impl Uid {
    /// The uid that `text` says.
    pub fn parse(text: &str) -> Self {
        Self(parse_uuid(text).map_or_else(|| Repr::Text(text.into()), Repr::Uuid))
    }

    /// True if the object had no uid, as objects that never were stored have.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Repr::Text(text) if text.is_empty())
    }
}

/// Only the canonical form (lower case, four dashes) is taken, so that `Display` gives the same text back.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut uuid = [0u8; 16];
    let mut nibbles = 0usize;
    for (at, byte) in text.iter().enumerate() {
        let value = match byte {
            b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        let place = uuid.get_mut(nibbles / 2)?;
        *place = (*place << 4) | value;
        nibbles += 1;
    }
    (nibbles == 32).then_some(uuid)
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Text(text) => f.write_str(text),
            Repr::Uuid(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Repr, Uid};

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in [
            "",
            "x",
            "0d4ab6b1-6ab5-4f17-8e7a-0f8c4d1e2b3a",
            "0D4AB6B1-6AB5-4F17-8E7A-0F8C4D1E2B3A",
            "0d4ab6b16ab54f178e7a0f8c4d1e2b3a",
            "0d4ab6b1-6ab5-4f17-8e7a-0f8c4d1e2b3-",
            "------------------------------------",
            "é",
        ] {
            assert_eq!(Uid::parse(text).to_string(), text);
        }
    }

    #[test]
    fn uuids_are_compact() {
        let uid = Uid::parse("0d4ab6b1-6ab5-4f17-8e7a-0f8c4d1e2b3a");
        assert!(matches!(uid.0, Repr::Uuid(_)));
        assert!(!uid.is_empty() && Uid::parse("").is_empty());
    }
}

//! Resource versions, as KEP-5504 defines them.
//!
//! A version is a positive decimal integer of any length without leading zeros, and those
//! compare. Other texts are opaque: they can be kept and sent back, but not compared.

use std::{cmp::Ordering, fmt, str::FromStr};

/// A version the server gave out. 16 bytes; versions below 2⁶⁴ need no allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceVersion(Repr);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(u64),
    /// Digits of a number that does not fit in 64 bits.
    #[expect(
        clippy::box_collection,
        reason = "a thin pointer keeps the type at 16 bytes"
    )]
    Large(Box<String>),
    #[expect(
        clippy::box_collection,
        reason = "a thin pointer keeps the type at 16 bytes"
    )]
    Opaque(Box<String>),
}

/// Why a text is no version the server can have given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// In a request it asks for the most recent state.
    #[error("an empty resource version is a request, not a version")]
    Empty,
    /// In a request it asks for any state.
    #[error("resource version 0 is a request, not a version")]
    Zero,
}

impl ResourceVersion {
    /// Reads a version the server gave out; `""` and `"0"` are refused.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        match text {
            "" => Err(VersionError::Empty),
            "0" => Err(VersionError::Zero),
            _ => Ok(Self::opaque(text)),
        }
    }

    /// Keeps any text as it is, for where its absence is no error. It compares if it is a number
    /// as [`Self::parse`] understands it.
    pub fn opaque(text: &str) -> Self {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits && !text.is_empty() && !text.starts_with('0');
        Self(match text.parse() {
            Ok(small) if number => Repr::Small(small),
            _ if number => Repr::Large(Box::new(text.into())),
            _ => Repr::Opaque(Box::new(text.into())),
        })
    }

    /// True if `text` is how this version is written. Does not allocate.
    pub fn is(&self, text: &str) -> bool {
        match &self.0 {
            Repr::Small(number) => !text.starts_with(['0', '+']) && text.parse() == Ok(*number),
            Repr::Large(own) | Repr::Opaque(own) => **own == text,
        }
    }

    /// Which version is older; `None` if either is opaque, unless they are equal.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => Some(a.cmp(b)),
            (Repr::Small(_), Repr::Large(_)) => Some(Ordering::Less),
            (Repr::Large(_), Repr::Small(_)) => Some(Ordering::Greater),
            (Repr::Large(a), Repr::Large(b)) => Some(a.len().cmp(&b.len()).then_with(|| a.cmp(b))),
            (Repr::Opaque(a), Repr::Opaque(b)) if a == b => Some(Ordering::Equal),
            (Repr::Opaque(_), _) | (_, Repr::Opaque(_)) => None,
        }
    }

    /// False if the version can only be sent back.
    pub fn is_comparable(&self) -> bool {
        !matches!(self.0, Repr::Opaque(_))
    }
}

impl PartialOrd for ResourceVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.compare(other)
    }
}

impl FromStr for ResourceVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::parse(text)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(number) => number.fmt(f),
            Repr::Large(text) | Repr::Opaque(text) => f.write_str(text),
        }
    }
}

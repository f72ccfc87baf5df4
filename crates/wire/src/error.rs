//! The errors of this crate: what is wrong, and at which byte or field.
//!
//! No variant carries a payload, since payloads hold secrets; the one name that is quoted (an
//! unknown event type) is cut short and limited to letters and digits.

use crate::status::Status;

/// Why a JSON value could not be read. The bytes are at fault, so reading them again won't help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The input ends inside a value. In a stream: more bytes may complete it.
    #[error("cut off at byte {offset}")]
    Truncated {
        /// Length of the input.
        offset: usize,
    },
    /// A byte that JSON's grammar forbids at this place.
    #[error("byte {offset}: expected {expected}")]
    Unexpected {
        /// What the grammar asks for.
        expected: &'static str,
        /// Where, from the start of the input.
        offset: usize,
    },
    /// Something other than white space follows the value.
    #[error("byte {offset}: data after the end of the value")]
    Trailing {
        /// Where the surplus starts.
        offset: usize,
    },
    /// A string that holds a bad escape, half a surrogate pair or bytes that are not UTF-8.
    #[error("byte {offset}: string with {fault}")]
    BadText {
        /// What is wrong with it.
        fault: &'static str,
        /// Where the string starts.
        offset: usize,
    },
    /// A field of the wrong JSON type, or a number out of range.
    #[error("byte {offset}: {field} is not {expected}")]
    WrongType {
        /// Path of the field, such as `metadata.name`.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// Where its value starts.
        offset: usize,
    },
    /// A field that must be present once is absent.
    #[error("{field} is missing")]
    Missing {
        /// Path of the field.
        field: &'static str,
    },
    /// A field that may be present once came again, too late to undo the first.
    #[error("{field} is given twice")]
    Repeated {
        /// Path of the field.
        field: &'static str,
    },
    /// A watch event of a type this crate does not know. Relist: it may have meant anything.
    #[error("unknown event type {name:?}")]
    UnknownEvent {
        /// At most 32 letters and digits of the type.
        name: String,
    },
}

/// Why a stream could not be split into values. Close the stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// One value is longer than the limit given at the start.
    #[error("a value exceeds {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A value that is neither an object nor an array, or no JSON at all.
    #[error("byte {offset} of the stream: expected an object or an array")]
    NotContainer {
        /// Where, from the start of the stream.
        offset: u64,
    },
    /// The stream ended inside a value. Resume from the last resource version.
    #[error("the stream ended inside a value, after {received} bytes of it")]
    CutOff {
        /// How many bytes of the value arrived.
        received: usize,
    },
    /// Bytes were fed after an error. A bug of the caller.
    #[error("fed again after an error")]
    Spent,
}

/// Why feeding a chunk stopped. The parser is spent afterwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError<E> {
    /// The stream can't be split into values.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A value was split off but can't be read. [`crate::Framer`] never yields this.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The callback refused a value.
    #[error("the consumer refused a value: {0}")]
    Consumer(E),
}

/// Why a list did not end well. Throw away the items received: the list is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The body broke off.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The body is no list.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The server answered with a Status instead of a list.
    #[error("the server answered with a status: {0}")]
    Status(Box<Status>),
}

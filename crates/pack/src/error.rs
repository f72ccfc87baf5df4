//! Why a packed value could not be read back. Values made by this crate in this process always
//! can be; an error means that memory was damaged or that there is a bug here.

/// Why a packed value could not be read. Fetch the object from its source again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The stored bytes are no valid encoding.
    #[error("packed bytes are damaged")]
    Damaged,
    /// The bytes decode, but not to the recorded length.
    #[error("packed bytes decode to {actual} bytes instead of {expected}")]
    Length {
        /// Length recorded at packing.
        expected: usize,
        /// Length found at unpacking.
        actual: usize,
    },
}

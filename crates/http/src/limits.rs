//! What a message's head may cost, and which liberties it may take.

use crate::PathPolicy;

/// Limits of one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Start line, fields and the empty line. Beyond: 431.
    pub head_bytes_max: usize,
    /// Beyond: 431.
    pub fields_max: usize,
    /// Beyond: 414.
    pub target_bytes_max: usize,
    /// Beyond: 501.
    pub method_bytes_max: usize,
    /// What becomes of unusual paths.
    pub path: PathPolicy,
    /// Whether `CONNECT` is for us. Otherwise: 405.
    pub allow_connect: bool,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            head_bytes_max: 64 << 10,
            fields_max: 100,
            target_bytes_max: 16 << 10,
            method_bytes_max: 32,
            path: PathPolicy::default(),
            allow_connect: false,
        }
    }
}

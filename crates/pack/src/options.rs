//! What the owner of a packer chooses. Knows no algorithm.

/// Whether bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Store bytes as they are, in allocations of the exact size.
    Plain,
    /// Compress against a dictionary and against siblings.
    #[default]
    Compressed,
}

/// Tuning of one packer. The defaults suit Kubernetes resources of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackOptions {
    /// zstd level for bodies that are not encoded against a sibling.
    pub level: i32,
    /// Upper bound of one dictionary. Small resources get smaller ones.
    pub dictionary_bytes: usize,
    /// Number of recent bodies a training looks at, at most.
    pub sample_count: usize,
    /// Bodies shorter than this are stored as they are.
    pub min_body_bytes: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            level: 3,
            dictionary_bytes: 112 * 1024,
            sample_count: 256,
            min_body_bytes: 64,
        }
    }
}

//! Sequences that are made up by a program: random ones, the same in every run.

/// Names of files that don't exist, and their texts.
pub(crate) fn files() -> Vec<(String, String)> {
    Vec::new()
}

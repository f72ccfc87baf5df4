//! An embedded, crash-safe, revisioned key-value store with a history of changes.

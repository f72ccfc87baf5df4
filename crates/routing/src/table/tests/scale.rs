//! Cost: lookups and changes must not feel how many routes there are.

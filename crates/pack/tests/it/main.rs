//! Behaviour of the crate as its users see it. One file per subject.

mod corpus;
mod hot_cache;
mod life;
mod round_trip;

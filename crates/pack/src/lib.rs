//! Keeps many similar JSON objects, such as 100,000 Pods, in very little memory with fast reads.
//!
//! A [`Packer`] (one writer per resource) turns raw bytes into [`Packed`] values that any thread
//! can unpack; [`HotCache`] keeps the bodies that are read often. Pure: no IO, no clocks, no tasks.

#![warn(missing_docs)]

mod bits;
mod delta;
mod dictionary;
mod diff;
mod echo;
mod error;
mod frame;
mod groups;
mod holes;
mod hot_cache;
mod options;
mod packed;
mod packer;
mod recent;
mod sibling;
mod token;
mod trainer;

pub use self::{
    error::UnpackError,
    hot_cache::{HotCache, HotCacheStats},
    options::{Mode, PackOptions},
    packed::Packed,
    packer::{PackStats, Packer},
};

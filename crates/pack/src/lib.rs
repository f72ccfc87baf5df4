//! Keeps many similar JSON objects, such as 100,000 Pods, in very little memory with fast reads.
//!
//! A [`Packer`] (one writer per resource) turns raw bytes into [`Packed`] values that any thread
//! can unpack; [`HotCache`] keeps the bodies that are read often. Pure: no IO, no clocks, no tasks.

#![warn(missing_docs)]

mod error;
mod frame;
mod hot_cache;
mod options;
mod packed;
mod packer;

pub use self::{
    error::UnpackError,
    hot_cache::{HotCache, HotCacheStats},
    options::{Mode, PackOptions},
    packed::Packed,
    packer::{PackStats, Packer},
};

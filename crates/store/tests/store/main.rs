//! Tests of the store as its users see it.

mod backup;
mod concurrent;
mod damage;
mod image;
mod model;
mod mutations;
mod semantics;
mod support;

//! Tests of the store as its users see it.

mod concurrent;
mod damage;
mod image;
mod model;
mod mutations;
mod semantics;
mod support;

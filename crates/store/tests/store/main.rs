//! Tests of the store as its users see it.

mod damage;
mod semantics;
mod support;

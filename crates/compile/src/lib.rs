//! Gateway API objects in, routing snapshot and statuses out. Pure and incremental.
//!
//! Start at [`Compiler`]: give it each change of an object, and ask it for an [`Output`] when there are no more for now.
//! One object's change costs in proportion to itself, not to how many objects there are.

mod change;
mod compiler;
mod condition;
mod graph;
mod intern;
mod key;
mod object;
mod options;
mod output;
mod text;

pub use self::{
    change::{Change, ChangeError},
    compiler::Compiler,
    key::{Kind, ObjectKey},
    options::{Addresses, Options, Pool, PoolError},
    output::{Infrastructure, InfrastructureChange, Output, ReferenceChanges, StatusUpdate},
};

//! Gateway API objects in, routing snapshot and statuses out. Pure and incremental.
//!
//! Start at [`Compiler`]: give it each change of an object, and ask it for an [`Output`] when there are no more for now.
//! One object's change costs in proportion to itself, not to how many objects there are.

mod addresses;
mod binds;
mod change;
mod clusters;
mod compiler;
mod condition;
mod conflicts;
mod crds;
mod features;
mod gateways;
mod graph;
mod intake;
mod intern;
mod key;
mod listener;
mod object;
mod options;
mod output;
mod overlaps;
mod policies;
mod report;
mod resolve;
mod routes;
mod small;
mod state;
mod text;
mod trust;
mod versions;

pub use self::{
    change::{Change, ChangeError},
    compiler::Compiler,
    crds::CUSTOM_RESOURCE_DEFINITIONS,
    features::SUPPORTED_FEATURES,
    key::{Kind, ObjectKey},
    options::{Addresses, Options, Pool, PoolError},
    output::{Infrastructure, InfrastructureChange, Output, ReferenceChanges, StatusUpdate},
};

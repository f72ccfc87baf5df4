//! Kubernetes structural schemas: the model, and what is done with it.
//!
//! Pure: JSON trees in, JSON trees and errors out. Start at [`Schemas`], which holds the nodes of one
//! document, and [`Schema`], a cheap handle to one node.

mod field;
mod node;

pub use self::{
    field::{FieldError, FieldErrorType, Path},
    node::{
        Additional, Checks, ListType, MapType, Node, NodeId, PatchStrategy, Rule, Schema, Schemas,
        Type,
    },
};

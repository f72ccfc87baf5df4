//! Rules of custom resources: compiling them for a schema, running them on objects, and checking them in definitions.

mod check;
mod correlate;
pub(crate) mod decl;
pub(crate) mod escape;
mod evaluate;
mod field_path;
mod program;
mod rules;

pub use self::{
    check::check_rules,
    evaluate::blocked_by,
    rules::{REQUEST_BUDGET, Rules},
};

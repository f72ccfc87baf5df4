//! Values with a type: validation, field sets, comparison, merge and removal, as structured-merge-diff's `typed`.
//!
//! All of it walks values and schemas together; a depth is that of the value, which its parser has bounded.

mod atom;
mod compare;
mod item;
mod merge;
mod problems;
mod reconcile;
mod remove;
mod to_set;
mod validate;

pub(crate) use self::{
    atom::Ty,
    compare::{Comparison, compare},
    merge::merge,
    reconcile::{ensure_named, reconcile},
    remove::remove,
    to_set::to_set,
    validate::validate,
};

//! Kubernetes patches: JSON patch, merge patch, strategic merge patch, server-side apply with field ownership.
//!
//! Pure: trees and schemas in, trees and errors out; the time is an argument. Results, messages and
//! managedFields equal those of kube-apiserver. Start at [`Ownership`] for who owns which field and for
//! server-side apply.

mod conflict;
mod document;
mod error;
mod fields;
mod json_patch;
mod managed;
mod merge_patch;
mod owner;
mod shape;
mod strategic;
mod time;
mod typed;
mod updater;
mod words;

pub use self::{
    conflict::Conflict,
    error::{Cause, PatchError},
    fields::{FieldPath, FieldSet, FieldsError, PathElement},
    json_patch::{Patched, json_patch},
    managed::{ManagedFields, ManagedFieldsError, ManagerId, Operation, Owned, is_reset},
    merge_patch::merge_patch,
    owner::Ownership,
    strategic::strategic_merge_patch,
    updater::Version,
};

//! Kubernetes patches: JSON patch, merge patch, strategic merge patch, server-side apply with field ownership.
//!
//! Pure: trees and schemas in, trees and errors out; the time is an argument. Results, messages and
//! managedFields equal those of kube-apiserver. Start at [`Ownership`] for who owns which field and for
//! server-side apply.
//!
//! # How a server calls it
//!
//! Objects are complete trees with `apiVersion` and `kind`, in the version of the request. Those of built-in
//! kinds (`Ownership::builtin`) look as Go writes them: read and written through the kind's types.
//!
//! | request | calls, in this order |
//! |---|---|
//! | create, by POST, or by PUT where there is nothing | decode, default, `update(None, new)`, mutating admission, store |
//! | update by PUT | decode, default, `update(Some(live), new)`, mutating admission, store |
//! | JSON, merge or strategic merge patch | the patch on the live object; decode; refuse with or warn of [`Patched::strict_errors`] and what decoding found, in this order; default; `update(Some(live), patched)`; store |
//! | apply where there is nothing | `apply(None, applied)`; decode, default; store as a create. A `metadata.uid` is a conflict then |
//! | apply | `apply(Some(live), applied)`; decode, default; store as an update. No `update` follows: an applier owns what it applied, not what was defaulted |
//!
//! - **Manager**: the parameter `fieldManager`, which an apply must have, else the first part of the user agent up
//!   to `/`. An empty one is `unknown`.
//! - **Force** only decides whether conflicts are an error: 409 with [`PatchError::causes`].
//! - **Subresources** have an [`Ownership`] of their own, with their name and the fields that the server resets on
//!   that endpoint; the main resource of a kind with a status resets `status`. A subresource ignores the
//!   managedFields in the request. For `scale`, managedFields are carried over by the caller, since the object is
//!   another: entries with the path of the replicas become entries of `.spec.replicas` in `autoscaling/v1`, and back.
//! - **Resets**: `managedFields: []` or `[{}]` in an update forgets all owners ([`is_reset`]); an object without
//!   entries is tracked again from its next apply on, which gives `before-first-apply` all that was there.
//! - **Limits**: at most ten managers of updates; the oldest are merged into `ancient-changes`.
//! - **Times**: right before the store, [`keep_times`] puts the old times back if nothing else has changed; if the
//!   objects are then equal, nothing is written and no resourceVersion is spent.
//! - **Dry runs** are the same calls without the store. **Too large**: if the object doesn't fit into the store,
//!   kube-apiserver tries a patch other than an apply once more without managedFields.
//! - **After mutating admission** managedFields are validated by [`ManagedFields::decode`]; invalid ones are set
//!   back to those before, with a warning.
//! - **No schema**: [`Version::Schemaless`]; maps are granular then, and lists atomic.
//!
//! # Where it differs
//!
//! - Trees are at most 128 levels deep. kube-apiserver allows 10,000.
//! - Go walks maps in random order, so of several errors it names any. Here it is the first by name.
//! - `$setElementOrder` of a field that no struct has: the message lacks the struct's name.
//! - Where Go panics (lists with a merge strategy but no key whose items are maps), there is an error 500.

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
    owner::{Ownership, keep_times},
    strategic::strategic_merge_patch,
    updater::Version,
};

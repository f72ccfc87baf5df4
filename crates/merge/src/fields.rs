//! Sets of fields: who owns what, as structured-merge-diff's `fieldpath` knows it and FieldsV1 writes it.

mod element;
mod order;
mod set;
mod wire;

pub(crate) use self::order::equal;
pub use self::{
    element::{FieldPath, PathElement},
    set::FieldSet,
    wire::FieldsError,
};

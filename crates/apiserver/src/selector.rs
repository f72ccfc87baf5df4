//! Label and field selectors, read and evaluated as apimachinery does.

mod field;
mod label;

pub(crate) use self::{field::FieldSelector, label::LabelSelector};

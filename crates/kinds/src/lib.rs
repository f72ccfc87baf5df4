//! The built-in kinds: schema, defaults, validation and table columns of each.
//!
//! Pure: JSON trees in, JSON trees and errors out; the time is an argument. What can be recorded from a real server is
//! recorded (`record/`, `data/`), and hooks do the rest. Start at [`kinds`].

mod check;
mod convert;
mod data;
mod decode;
mod defaults;
mod fields;
mod internal;
mod kind;
pub mod meta;
mod openapi;
mod part;
mod schema;
pub mod service;
mod table;
mod types;
mod view;
mod ways;

pub use self::{
    kind::{Kind, Subresource, kind_of, kinds},
    openapi::{
        openapi_v2, openapi_v2_hash, openapi_v2_packed, openapi_v3, openapi_v3_document,
        openapi_v3_hash, openapi_v3_packed, openapi_v3_paths,
    },
    part::{Part, part_of},
    table::Column,
};

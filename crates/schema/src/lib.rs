//! Kubernetes structural schemas: the model, and what is done with it.
//!
//! Pure: JSON trees in, JSON trees and errors out. Start at [`Schemas`], which holds the nodes of one
//! document, and [`Schema`], a cheap handle to one node.

mod defaults;
mod field;
mod formats;
mod gotext;
pub mod json_path;
mod meta;
mod node;
mod nulls;
mod parse;
mod pattern;
mod prune;
mod read;
mod settle;
mod validate;

pub use self::{
    defaults::apply_defaults,
    field::{FieldError, FieldErrorType, Path},
    formats::format_matches,
    gotext::{json as go_json, number as go_number, quote as go_quote},
    meta::{
        canonical_time, coerce_embedded, coerce_metadata, coerce_resource, dns1035_label_errors,
        dns1123_label_errors, dns1123_subdomain_errors, form_error, is_dns1123_subdomain,
        label_value_errors, path_segment_errors, qualified_name_errors, too_long_errors,
    },
    node::{
        Additional, Checks, ListType, MapType, Node, NodeId, PatchStrategy, Rule, Schema, Schemas,
        Type,
    },
    nulls::prune_nulls,
    parse::{DEPTH_MAX, ParseError, Parsed, parse_json, parse_yaml},
    pattern::Pattern,
    prune::prune,
    read::ReadError,
    settle::settle_numbers,
    validate::{validate, validate_embedded, validate_lists, validate_status, validate_values},
};

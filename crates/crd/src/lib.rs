//! Custom resource definitions (`apiextensions.k8s.io/v1`): defaults, checks, accepted names, compiled versions, printer
//! columns and published OpenAPI, with kube-apiserver's words.
//!
//! Pure: JSON trees in, JSON trees and errors out. A definition that [`validate_create`] takes is compiled to a
//! [`Definition`], which says how its resources are served.

mod columns;
mod defaults;
mod definition;
mod errors;
mod go_regexp;
mod internal;
mod jsonpath;
mod openapi;
mod status;
mod validate;
mod view;
mod warnings;
mod words;

pub use self::{
    columns::{Column, cells},
    defaults::{default, prepare_create, prepare_update},
    definition::{CompileError, Definition, Names, Scale, Version},
    jsonpath::JsonPath,
    openapi::{openapi_v2, openapi_v3},
    status::conditions,
    validate::{name_errors, validate_create, validate_status_update, validate_update},
    warnings::warnings,
};

//! The expression language: parsing, type checking, cost estimation and evaluation, as cel-go does them with
//! Kubernetes' libraries. Knows nothing of custom resources or policies.

pub(crate) mod ast;
pub(crate) mod checker;
pub(crate) mod compile;
pub(crate) mod cost;
pub(crate) mod decls;
pub(crate) mod env;
pub(crate) mod equal;
pub(crate) mod estimate;
pub(crate) mod eval;
mod functions;
pub(crate) mod issues;
mod lexer;
mod literal;
mod macros;
mod parser;
pub(crate) mod resolve;
pub(crate) mod shape;
pub(crate) mod sizes;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod types;
mod unify;
mod validators;
pub(crate) mod value;

pub(crate) use self::functions::{AuthorizerBase, Opaque, ResourceCheck};

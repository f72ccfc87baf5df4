//! What names stand for while an expression is checked.

use super::types::Type;
use std::{collections::HashMap, sync::Arc};

/// The variables that an expression may use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env {
    pub(crate) variables: HashMap<Arc<str>, Type>,
    /// Functions that new expressions may not use yet.
    pub(crate) hidden: &'static [&'static str],
}

/// The names of types that are constants.
const TYPE_NAMES: [(&str, Type); 8] = [
    ("bool", Type::Bool),
    ("bytes", Type::Bytes),
    ("double", Type::Double),
    ("int", Type::Int),
    ("null_type", Type::Null),
    ("string", Type::String),
    ("uint", Type::Uint),
    ("dyn", Type::Dyn),
];

const OPAQUE_NAMES: [&str; 12] = [
    "kubernetes.URL",
    "kubernetes.Quantity",
    "kubernetes.Semver",
    "kubernetes.NamedFormat",
    "net.IP",
    "net.CIDR",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.PathCheck",
    "kubernetes.authorization.GroupCheck",
    "kubernetes.authorization.ResourceCheck",
    "kubernetes.authorization.Decision",
    "optional_type",
];

/// The type that a name stands for, where it is the name of one.
pub(crate) fn named_type(name: &str) -> Option<Type> {
    if let Some((_, of)) = TYPE_NAMES.iter().find(|(known, _)| *known == name) {
        return Some(of.clone());
    }
    Some(match name {
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => Type::Of(None),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        name if OPAQUE_NAMES.contains(&name) => Type::opaque(name),
        _ => return None,
    })
}

//! Defaults: what Kubernetes sets in an object where a client left it out.
//!
//! Most are constants of a type, in tables; the published schemas add some; the rest is done by a function of the
//! type. A struct is completed before what it holds, as Kubernetes does.

mod apps;
mod core;
mod pod;
mod rest;

pub(crate) use self::core::{is_external, namespace as namespace_label};

use crate::{
    decode,
    types::{Form, Special, Type, Types},
};
use serde_json::{Value, json};

/// What is set in a struct.
pub(crate) struct Defaults {
    /// The type, without the part of its name that all have.
    of: &'static str,
    /// Fields, with the value of one that is missing (or zero, where it is no pointer).
    set: &'static [(&'static str, Given)],
    /// What constants don't say. Runs after `set`.
    then: Option<fn(&mut Value)>,
}

/// A constant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given {
    Text(&'static str),
    Int(i64),
    Flag(bool),
    /// An empty struct.
    Empty,
}

impl std::fmt::Debug for Defaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Defaults")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

impl Defaults {
    const fn constants(of: &'static str, set: &'static [(&'static str, Given)]) -> Self {
        Self {
            of,
            set,
            then: None,
        }
    }

    const fn function(of: &'static str, then: fn(&mut Value)) -> Self {
        Self {
            of,
            set: &[],
            then: Some(then),
        }
    }
}

/// The defaults of a type.
pub(crate) fn of(name: &str) -> Option<&'static Defaults> {
    let name = name.strip_prefix("io.k8s.api.")?;
    let all = [core::ALL, pod::ALL, apps::ALL, rest::ALL];
    all.into_iter()
        .flatten()
        .find(|defaults| defaults.of == name)
}

/// Completes a tree that was read as this type.
pub(crate) fn apply(model: &str, value: &mut Value) {
    if let Some(found) = Types::all().get(model) {
        structure(found, value);
    }
}

fn structure(found: &Type, value: &mut Value) {
    if !value.is_object() {
        return;
    }
    if let Some(defaults) = found.defaults {
        for (name, given) in defaults.set {
            let pointer = found
                .field(name)
                .is_none_or(|field| matches!(field.form, Form::Pointer(_)));
            set(value, name, pointer, || (*given).into());
        }
        if let Some(then) = defaults.then {
            then(value);
        }
    }
    for field in &found.fields {
        if let Some(default) = &field.default {
            set(
                value,
                field.name,
                matches!(field.form, Form::Pointer(_)),
                || default.clone(),
            );
        }
        if let Some(child) = value.get_mut(field.name) {
            form(&field.form, child);
        }
    }
}

fn form(wanted: &Form, value: &mut Value) {
    match (wanted, value) {
        (Form::Struct(name), value) => {
            if let Some(found) = Types::all().get(name) {
                structure(found, value);
            }
        }
        (Form::Pointer(inner), value) => form(inner, value),
        (Form::Named(_, inner), value) => form(inner, value),
        (Form::List(item), Value::Array(items)) => {
            let plain = !matches!(**item, Form::Struct(_) | Form::Pointer(_));
            for value in items.iter_mut().filter(|_| !plain) {
                form(item, value);
            }
        }
        (Form::Map(_, item), Value::Object(entries)) => {
            if matches!(**item, Form::Special(Special::Quantity)) {
                entries.values_mut().for_each(round_to_milli);
            }
        }
        _ => {}
    }
}

/// Amounts of resources have at most three decimal places.
fn round_to_milli(value: &mut Value) {
    let rounded = value
        .as_str()
        .and_then(|text| decode::quantity(text).ok())
        .and_then(|amount| amount.to_milli());
    if let Some(text) = rounded {
        *value = text.into();
    }
}

/// Sets a field that is missing; or zero, where it is no pointer.
fn set(value: &mut Value, name: &str, pointer: bool, make: impl FnOnce() -> Value) {
    let missing = match &value[name] {
        Value::Null => true,
        found => !pointer && (found == "" || found == 0 || found == false),
    };
    if missing {
        value[name] = make();
    }
}

/// Sets a field that is missing.
fn set_missing(value: &mut Value, name: &str, make: impl FnOnce() -> Value) {
    set(value, name, true, make);
}

impl From<Given> for Value {
    fn from(given: Given) -> Self {
        match given {
            Given::Text(text) => text.into(),
            Given::Int(number) => number.into(),
            Given::Flag(flag) => flag.into(),
            Given::Empty => json!({}),
        }
    }
}

/// The items of a list that is a field.
fn items<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    value
        .get_mut(name)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{apps, core, pod, rest};
    use crate::types::Types;

    #[test]
    fn every_default_is_of_a_known_field() {
        for defaults in [core::ALL, pod::ALL, apps::ALL, rest::ALL]
            .into_iter()
            .flatten()
        {
            let found = Types::all().get(&format!("io.k8s.api.{}", defaults.of));
            let found = found.unwrap_or_else(|| panic!("no type {}", defaults.of));
            for (name, _) in defaults.set {
                assert!(found.field(name).is_some(), "{}.{name}", defaults.of);
            }
        }
    }
}

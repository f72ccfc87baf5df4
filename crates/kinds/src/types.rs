//! The Go types behind the built-in kinds, as recorded: which fields, of which type, which are left out when empty.
//!
//! The table is read once, on first use. It tells what the published schemas don't: pointers, widths of integers,
//! `omitempty`, the types' names in messages.
//!
//! Invariant: every `@` of an expression names a type of the table.

use crate::{
    data,
    defaults::{self, Defaults},
};
use serde_json::Value;
use std::{collections::HashMap, sync::OnceLock};

/// A struct.
#[derive(Debug)]
pub(crate) struct Type {
    /// `io.k8s.api.core.v1.Pod`.
    pub(crate) name: &'static str,
    /// `v1.Pod`.
    pub(crate) go: &'static str,
    pub(crate) fields: Vec<Field>,
    /// What the published schema adds, as JSON, or nothing.
    pub(crate) extras: &'static str,
    /// What is set where it is missing.
    pub(crate) defaults: Option<&'static Defaults>,
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The Go names of the structs that it is inlined from, each with a `>` behind it.
    pub(crate) inline: &'static str,
    pub(crate) omit: Omit,
    pub(crate) form: Form,
    /// The expression that `form` was read from.
    pub(crate) raw: &'static str,
    pub(crate) extras: &'static str,
    /// The published default, where it isn't the zero value.
    pub(crate) default: Option<Value>,
}

/// When a field isn't written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omit {
    Never,
    /// `omitempty`: false, 0, "", nil, an empty list or map; never a struct.
    Empty,
    /// `omitzero`: also a struct without anything in it.
    Zero,
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Form {
    String,
    Bool,
    Int32,
    Int64,
    Float,
    Bytes,
    Pointer(Box<Form>),
    List(Box<Form>),
    /// The Go name of the key's type, and the values.
    Map(&'static str, Box<Form>),
    /// A named type that is no struct.
    Named(&'static str, Box<Form>),
    /// By name; `Types::get` finds it.
    Struct(&'static str),
    Special(Special),
}

/// Types with a JSON form of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    /// An object, kept as it is: `FieldsV1`.
    Fields,
    /// Anything, kept as it is.
    Raw,
    Json,
    /// `JSONSchemaPropsOrBool` and its kin.
    PropsOrBool,
    PropsOrArray,
    PropsOrStrings,
}

/// All types.
#[derive(Debug)]
pub(crate) struct Types {
    list: Vec<Type>,
    by_name: HashMap<&'static str, usize>,
}

impl Types {
    /// The table.
    pub(crate) fn all() -> &'static Self {
        static TEXT: OnceLock<String> = OnceLock::new();
        static TYPES: OnceLock<Types> = OnceLock::new();
        TYPES.get_or_init(|| Self::read(TEXT.get_or_init(|| data::text(data::TYPES))))
    }

    fn read(text: &'static str) -> Self {
        let mut list: Vec<Type> = Vec::new();
        for line in text.lines() {
            let mut words = line.splitn(4, ' ');
            let mut next = || words.next().unwrap_or_default();
            let (first, second, third, extras) = (next(), next(), next(), next());
            if first == "type" && second.contains('.') {
                let fields = Vec::new();
                list.push(Type {
                    name: second,
                    go: third,
                    fields,
                    extras,
                    defaults: defaults::of(second),
                });
            } else if let Some(last) = list.last_mut() {
                let omit = match second {
                    "o" => Omit::Empty,
                    "z" => Omit::Zero,
                    _ => Omit::Never,
                };
                let form = Form::read(third);
                let cut = first.rfind('>').map_or(0, |at| at + 1);
                last.fields.push(Field {
                    name: &first[cut..],
                    inline: &first[..cut],
                    omit,
                    default: published_default(&form, extras),
                    form,
                    raw: third,
                    extras,
                });
            }
        }
        let by_name = list
            .iter()
            .enumerate()
            .map(|(at, found)| (found.name, at))
            .collect();
        Self { list, by_name }
    }

    /// The type of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Type> {
        self.by_name.get(name).map(|at| &self.list[*at])
    }
}

impl Type {
    /// The field of this JSON name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The name without its package.
    pub(crate) fn short(&self) -> &'static str {
        self.go.rsplit_once('.').map_or(self.go, |(_, name)| name)
    }
}

impl Form {
    fn read(text: &'static str) -> Self {
        if let Some(rest) = text.strip_prefix('*') {
            return Self::Pointer(Box::new(Self::read(rest)));
        }
        if let Some(rest) = text.strip_prefix("[]") {
            return Self::List(Box::new(Self::read(rest)));
        }
        if let Some(rest) = text.strip_prefix('@') {
            return Self::Struct(rest);
        }
        if let Some(rest) = text.strip_prefix('!') {
            return Self::Special(Special::read(rest));
        }
        if let Some((key, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            return Self::Map(key, Box::new(Self::read(rest)));
        }
        if let Some((name, rest)) = text.split_once('=') {
            return Self::Named(name, Box::new(Self::read(rest)));
        }
        match text {
            "bool" => Self::Bool,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float64" => Self::Float,
            "bytes" => Self::Bytes,
            _ => Self::String,
        }
    }

    /// The type as Go prints it.
    pub(crate) fn go(&self) -> String {
        match self {
            Self::String => "string".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int32 => "int32".to_owned(),
            Self::Int64 => "int64".to_owned(),
            Self::Float => "float64".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Pointer(inner) => format!("*{}", inner.go()),
            Self::List(item) => format!("[]{}", item.go()),
            Self::Map(key, value) => format!("map[{key}]{}", value.go()),
            Self::Named(name, _) => (*name).to_owned(),
            Self::Struct(name) => Types::all()
                .get(name)
                .map_or("", |found| found.go)
                .to_owned(),
            Self::Special(special) => special.go().to_owned(),
        }
    }
}

impl Special {
    fn read(word: &str) -> Self {
        match word {
            "Time" => Self::Time,
            "MicroTime" => Self::MicroTime,
            "Quantity" => Self::Quantity,
            "IntOrString" => Self::IntOrString,
            "FieldsV1" => Self::Fields,
            "JSON" => Self::Json,
            "PropsOrBool" => Self::PropsOrBool,
            "PropsOrArray" => Self::PropsOrArray,
            "PropsOrStrings" => Self::PropsOrStrings,
            _ => Self::Raw,
        }
    }

    fn go(self) -> &'static str {
        match self {
            Self::Time => "v1.Time",
            Self::MicroTime => "v1.MicroTime",
            Self::Quantity => "resource.Quantity",
            Self::IntOrString => "intstr.IntOrString",
            Self::Fields => "v1.FieldsV1",
            Self::Raw => "runtime.RawExtension",
            Self::Json => "v1.JSON",
            Self::PropsOrBool => "v1.JSONSchemaPropsOrBool",
            Self::PropsOrArray => "v1.JSONSchemaPropsOrArray",
            Self::PropsOrStrings => "v1.JSONSchemaPropsOrStringArray",
        }
    }
}

/// The default that the published schema has for a field. Zero values say something only of pointers.
fn published_default(form: &Form, extras: &str) -> Option<Value> {
    if !extras.contains("\"default\"") {
        return None;
    }
    let extras: Value = serde_json::from_str(extras).ok()?;
    let default = extras.get("default")?;
    let zero =
        matches!(default, Value::Object(_)) || default == "" || default == 0 || default == false;
    (!zero || (matches!(form, Form::Pointer(_)) && !default.is_object())).then(|| default.clone())
}

#[cfg(test)]
mod tests {
    use super::{Form, Types};

    fn forms_are_known(form: &Form, types: &Types) -> bool {
        match form {
            Form::Pointer(inner)
            | Form::List(inner)
            | Form::Map(_, inner)
            | Form::Named(_, inner) => forms_are_known(inner, types),
            Form::Struct(name) => types.get(name).is_some(),
            _ => true,
        }
    }

    #[test]
    fn every_named_struct_is_in_the_table() {
        let types = Types::all();
        assert!(types.list.len() > 200);
        for found in &types.list {
            for field in &found.fields {
                assert!(
                    forms_are_known(&field.form, types),
                    "{}.{}",
                    found.name,
                    field.name
                );
            }
        }
    }
}

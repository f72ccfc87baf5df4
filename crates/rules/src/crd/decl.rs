//! What a schema is to the type checker: types, and how large the data may get.

use super::escape::escape;
use crate::cel::{
    estimate::Sizes,
    sizes::Range,
    types::{ObjectType, Type},
};
use serde_json::Value;
use std::{collections::BTreeMap, rc::Rc, sync::Arc};
use tidegate_schema::{Checks, Schema, Type as JsonType};

const LARGEST_REQUEST: u64 = 3 * 1024 * 1024;
const LONGEST_NAME: u64 = 253;
const DEEPEST: usize = 200;

/// A declaration: the type, and the sizes of its values.
#[derive(Debug)]
pub(crate) struct Decl {
    pub(crate) of: Type,
    /// How many items, entries or bytes there may be.
    most: u64,
    /// The shortest JSON of a value.
    pub(super) least: u64,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    None,
    List(Rc<Decl>),
    Map(Rc<Decl>),
    Object(BTreeMap<Box<str>, Rc<Decl>>),
}

/// The longest text of a schema, in bytes.
fn text_length(checks: Option<&Checks>) -> Option<u64> {
    checks
        .and_then(|checks| checks.max_length)
        .map(|length| length.saturating_mul(4))
}

fn text(most: u64) -> Rc<Decl> {
    scalar(Type::String, most, 2)
}

fn scalar(of: Type, most: u64, least: u64) -> Rc<Decl> {
    Rc::new(Decl {
        of,
        most,
        least,
        parts: Parts::None,
    })
}

/// The declaration of a schema; none where the language can't see the data. `name` is the type's name.
pub(crate) fn declare(schema: Schema<'_>, resource: bool, name: &str) -> Option<Rc<Decl>> {
    within(schema, resource, name, DEEPEST)
}

fn within(schema: Schema<'_>, resource: bool, name: &str, deeper: usize) -> Option<Rc<Decl>> {
    let deeper = deeper.checked_sub(1)?;
    let node = schema.node();
    let checks = node.checks.as_deref();
    if node.int_or_string {
        let most = text_length(checks).unwrap_or(LARGEST_REQUEST - 2);
        return Some(scalar(Type::Dyn, most, 1));
    }
    match node.r#type {
        JsonType::Array => {
            let items = schema.items()?;
            let item = within(
                items,
                items.node().embedded_resource,
                &format!("{name}.@idx"),
                deeper,
            )?;
            let most = checks
                .and_then(|checks| checks.max_items)
                .unwrap_or((LARGEST_REQUEST - 2) / (item.least + 1));
            Some(Rc::new(Decl {
                of: Type::list(item.of.clone()),
                most,
                least: 2,
                parts: Parts::List(item),
            }))
        }
        JsonType::Object => match schema.additional() {
            Some(values) => {
                let value = within(
                    values,
                    values.node().embedded_resource,
                    &format!("{name}.@elem"),
                    deeper,
                )?;
                let most = checks
                    .and_then(|checks| checks.max_properties)
                    .unwrap_or((LARGEST_REQUEST - 2) / (value.least + 6));
                Some(Rc::new(Decl {
                    of: Type::map(Type::String, value.of.clone()),
                    most,
                    least: 2,
                    parts: Parts::Map(value),
                }))
            }
            None => Some(object(schema, resource, name, deeper)),
        },
        JsonType::String => Some(string(schema)),
        JsonType::Boolean => Some(scalar(Type::Bool, 0, 4)),
        JsonType::Number => Some(scalar(Type::Double, 0, 1)),
        JsonType::Integer => Some(scalar(Type::Int, 0, 1)),
        JsonType::Any => None,
    }
}

fn string(schema: Schema<'_>) -> Rc<Decl> {
    let node = schema.node();
    let checks = node.checks.as_deref();
    match node.format.as_deref() {
        Some("byte") => {
            let most = checks
                .and_then(|checks| checks.max_length)
                .unwrap_or(LARGEST_REQUEST - 2);
            return scalar(Type::Bytes, most, 2);
        }
        Some("duration") => return scalar(Type::Duration, 32, 3),
        Some("date") => return scalar(Type::Timestamp, 12, 12),
        Some("date-time") => return scalar(Type::Timestamp, 32, 21),
        _ => {}
    }
    if let Some(most) = text_length(checks) {
        return text(most);
    }
    let words = checks
        .map(|checks| checks.r#enum.as_slice())
        .unwrap_or_default();
    if words.is_empty() {
        return text(LARGEST_REQUEST - 2);
    }
    let longest = words.iter().filter_map(Value::as_str).map(str::len).max();
    text(longest.unwrap_or(0) as u64)
}

fn object(schema: Schema<'_>, resource: bool, name: &str, deeper: usize) -> Rc<Decl> {
    let node = schema.node();
    let mut parts: BTreeMap<Box<str>, Rc<Decl>> = BTreeMap::new();
    let mut least = 2;
    for (property, id) in &node.properties {
        let inner = schema.at(*id);
        let meta = resource && matches!(&**property, "apiVersion" | "kind" | "metadata");
        let escaped = escape(property);
        let part = if meta {
            Some(meta_part(property, inner, name))
        } else {
            let path = format!("{name}.{}", escaped.as_deref().unwrap_or(property));
            within(inner, inner.node().embedded_resource, &path, deeper)
        };
        let Some(part) = part else {
            continue;
        };
        if node.required.contains(property) && inner.node().default.is_none() {
            least += property.len() as u64 + part.least + 4;
        }
        if let Some(escaped) = escaped {
            parts.insert(escaped.into(), part);
        }
    }
    if resource {
        for property in ["apiVersion", "kind", "metadata"] {
            let missing = !parts.contains_key(property);
            if missing {
                parts.insert(property.into(), meta_part(property, schema, name));
            }
        }
    }
    struct_of(parts, least, name)
}

fn struct_of(parts: BTreeMap<Box<str>, Rc<Decl>>, least: u64, name: &str) -> Rc<Decl> {
    let fields = parts
        .iter()
        .map(|(field, part)| (field.clone(), part.of.clone()))
        .collect();
    Rc::new(Decl {
        of: Type::Object(Arc::new(ObjectType {
            name: name.into(),
            fields,
        })),
        most: 0,
        least,
        parts: Parts::Object(parts),
    })
}

/// `apiVersion` and `kind` are strings; `metadata` has the names, whose lengths are known.
fn meta_part(property: &str, schema: Schema<'_>, name: &str) -> Rc<Decl> {
    if property != "metadata" {
        return text(LARGEST_REQUEST - 2);
    }
    let length = |field: &str, most: u64| {
        let declared = schema
            .property(field)
            .and_then(|schema| schema.node().checks.as_deref())
            .and_then(|checks| checks.max_length);
        text(declared.unwrap_or(most).min(most).saturating_mul(4))
    };
    let parts = BTreeMap::from([
        ("name".into(), length("name", LONGEST_NAME)),
        (
            "generateName".into(),
            length("generateName", LONGEST_NAME - 1),
        ),
    ]);
    struct_of(parts, 2, &format!("{name}.metadata"))
}

impl Decl {
    /// The declaration of a property.
    pub(super) fn property(&self, name: &str) -> Option<Rc<Decl>> {
        match &self.parts {
            Parts::Object(parts) => escape(name).and_then(|name| parts.get(&*name).cloned()),
            _ => None,
        }
    }

    /// The declaration of items or of a map's values.
    pub(super) fn element(&self) -> Option<Rc<Decl>> {
        match &self.parts {
            Parts::List(part) | Parts::Map(part) => Some(part.clone()),
            _ => None,
        }
    }

    /// How often a value may be in one object, where nothing bounds it.
    pub(super) fn most_often(&self) -> u64 {
        LARGEST_REQUEST / (self.least + 1)
    }
}

impl Sizes for Decl {
    fn size(&self, path: &[Rc<str>]) -> Option<Range> {
        let mut at = self;
        let mut steps = path.iter().skip(1);
        while let Some(step) = steps.next() {
            at = match (&**step, &at.parts) {
                ("@items" | "@values", Parts::List(part) | Parts::Map(part)) => part,
                ("@keys", Parts::Map(_)) => {
                    // Kubernetes' declaration of keys has no length: it counts as none.
                    return steps.next().is_none().then_some(Range::ZERO);
                }
                (name, Parts::Object(parts)) => parts.get(name)?,
                _ => return None,
            };
        }
        Some(Range {
            min: 0,
            max: at.most,
        })
    }
}

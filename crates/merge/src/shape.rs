//! Objects of built-in kinds, as their Go structs show themselves.
//!
//! A struct that is no pointer is always there, even empty: its schema has the default `{}`. A needed field
//! that is missing has its zero value. An optional list or map that is empty isn't there.

use serde_json::{Map, Value};
use tidegate_schema::{Additional, Node, Schema, Type};

/// How deep structs are made in structs. No kind comes near it.
const DEPTH_MAX: usize = 64;

/// Makes `value`, which was read as a struct before, look as a Go struct of this schema does.
pub(crate) fn as_struct(value: &mut Value, schema: Schema<'_>) {
    let shape = Shape {
        scalars: false,
        nulls: true,
    };
    shape.value(value, schema, 0);
}

/// Makes `value`, which was merged, look as a Go struct of this schema does, but for scalars that are missing.
pub(crate) fn as_merged_struct(value: &mut Value, schema: Schema<'_>) {
    let shape = Shape {
        scalars: false,
        nulls: false,
    };
    shape.value(value, schema, 0);
}

/// Makes `value`, which has nothing but its type, the struct that Go makes anew: with zeros where Go shows them.
pub(crate) fn as_new_struct(value: &mut Value, schema: Schema<'_>) {
    let shape = Shape {
        scalars: true,
        nulls: false,
    };
    shape.value(value, schema, 0);
}

/// Puts the nulls of `from` into `value`, where the structs that have them are in both.
pub(crate) fn copy_nulls(value: &mut Value, from: &Value) {
    let (Value::Object(fields), Value::Object(from)) = (value, from) else {
        return;
    };
    for (name, from) in from {
        match fields.get_mut(name) {
            Some(field) => copy_nulls(field, from),
            None if from.is_null() => {
                fields.insert(name.clone(), Value::Null);
            }
            None => {}
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Whether missing scalars get their zero. In an object that was read they have it already.
    scalars: bool,
    /// Whether nulls stay. Go shows some structs that have nothing in them as null, such as times.
    nulls: bool,
}

impl Shape {
    fn value(self, value: &mut Value, schema: Schema<'_>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Object(fields) => self.object(fields, schema, depth),
            Value::Array(items) => {
                if let Some(schema) = schema.items() {
                    items
                        .iter_mut()
                        .for_each(|item| self.value(item, schema, depth + 1));
                }
            }
            _ => {}
        }
    }

    fn object(self, fields: &mut Map<String, Value>, schema: Schema<'_>, depth: usize) {
        let node = schema.node();
        if node.properties.is_empty() {
            if let Some(schema) = schema.additional() {
                fields
                    .values_mut()
                    .for_each(|value| self.value(value, schema, depth + 1));
            }
            return;
        }
        for (name, id) in &node.properties {
            let property = schema.at(*id);
            let required = node.required.contains(name);
            match fields.get_mut(&**name) {
                Some(value) if !self.is_absent(value, property.node(), required) => {
                    self.value(value, property, depth + 1);
                }
                _ => {
                    fields.remove(&**name);
                    if let Some(mut zero) = self.zero(property.node(), required) {
                        self.value(&mut zero, property, depth + 1);
                        fields.insert(name.to_string(), zero);
                    }
                }
            }
        }
    }

    /// Whether Go leaves this value out.
    fn is_absent(self, value: &Value, node: &Node, required: bool) -> bool {
        match value {
            Value::Null => !self.nulls,
            _ if required => false,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty() && is_map(node),
            _ => false,
        }
    }

    /// What a missing field shows itself as, if at all.
    ///
    /// A field that Go never leaves out has its zero value as default, if it can't be null.
    fn zero(self, node: &Node, required: bool) -> Option<Value> {
        let is_struct = node.r#type == Type::Object && !is_map(node);
        match &node.default {
            Some(Value::Object(fields)) if fields.is_empty() => {
                is_struct.then(|| Value::Object(Map::new()))
            }
            Some(value) if is_zero(value) => self.scalars.then(|| value.clone()),
            Some(_) if required => self.scalars.then(|| match node.r#type {
                Type::String => Value::String(String::new()),
                Type::Integer | Type::Number => Value::from(0),
                Type::Boolean => Value::Bool(false),
                Type::Any | Type::Object | Type::Array => Value::Null,
            }),
            _ => required.then_some(Value::Null),
        }
    }
}

fn is_map(node: &Node) -> bool {
    node.properties.is_empty() && node.additional != Additional::None
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

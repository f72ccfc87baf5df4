//! One document on its way into an arena.
//!
//! Named schemas get their places first, so that they may refer to each other and to themselves. A reference with a
//! default of its own is a copy of the named node; the copies are made last.

use super::ReadError;
use crate::{
    Additional, Checks, DEPTH_MAX, ListType, MapType, Node, NodeId, PatchStrategy, Rule, Schemas,
    Type, pattern::Pattern,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

const REFERENCE: &str = "#/components/schemas/";

pub(super) struct Reader {
    schemas: Schemas,
    names: BTreeMap<String, NodeId>,
    copies: Vec<Copy>,
    patterns: HashMap<Box<str>, Arc<Pattern>>,
    path: Vec<Box<str>>,
    pub(super) object_meta: Option<BTreeMap<Box<str>, NodeId>>,
}

/// A node that is another one, but for what was written beside the reference.
struct Copy {
    to: NodeId,
    from: NodeId,
    default: Option<Value>,
    nullable: bool,
}

type Fields = Map<String, Value>;

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            schemas: Schemas::default(),
            names: BTreeMap::new(),
            copies: Vec::new(),
            patterns: HashMap::new(),
            path: Vec::new(),
            object_meta: None,
        }
    }

    /// Makes the copies. What is copied may be a copy itself, so chains are followed to their end first.
    pub(super) fn finish(mut self) -> Result<Schemas, ReadError> {
        let copies = std::mem::take(&mut self.copies);
        let mut waiting: HashMap<NodeId, &Copy> =
            copies.iter().map(|copy| (copy.to, copy)).collect();
        for copy in &copies {
            let mut chain = Vec::new();
            let mut next = waiting.remove(&copy.to);
            while let Some(copy) = next {
                chain.push(copy);
                next = waiting.remove(&copy.from);
            }
            let end = chain.last().map(|last| last.from);
            if chain.iter().any(|copy| Some(copy.to) == end) {
                return Err(ReadError::Circle);
            }
            for copy in chain.iter().rev() {
                let mut node = self.schemas.get(copy.from).node().clone();
                if copy.default.is_some() {
                    node.default.clone_from(&copy.default);
                }
                node.nullable |= copy.nullable;
                self.schemas.set(copy.to, node);
            }
        }
        Ok(self.schemas)
    }

    pub(super) fn read_components(
        &mut self,
        components: &Value,
    ) -> Result<BTreeMap<String, NodeId>, ReadError> {
        let Some(components) = components.as_object() else {
            return Err(self.shape("an object"));
        };
        for name in components.keys() {
            let place = self.schemas.add(Node::default());
            self.names.insert(name.clone(), place);
        }
        for (name, schema) in components {
            let place = self.names[name];
            self.inside(name, |reader| {
                let fields = reader.fields(schema)?;
                match reference(fields) {
                    Some(target) => reader.copy(place, target, fields),
                    None => {
                        let node = reader.node(fields)?;
                        reader.schemas.set(place, node);
                        Ok(())
                    }
                }
            })?;
        }
        Ok(self.names.clone())
    }

    /// Reads one schema into a node of its own, or finds the node that it refers to.
    pub(super) fn read(&mut self, schema: &Value) -> Result<NodeId, ReadError> {
        if self.path.len() > DEPTH_MAX {
            return Err(ReadError::Depth { path: self.here() });
        }
        let fields = self.fields(schema)?;
        if let Some(target) = reference(fields) {
            if !fields.contains_key("default") && !fields.contains_key("nullable") {
                return self.named(target);
            }
            let place = self.schemas.add(Node::default());
            self.copy(place, target, fields)?;
            return Ok(place);
        }
        let node = self.node(fields)?;
        let embedded = node.embedded_resource;
        let id = self.schemas.add(node);
        if embedded {
            self.add_meta(id);
        }
        Ok(id)
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.schemas.add(node)
    }

    pub(super) fn property(&self, of: NodeId, name: &str) -> Option<NodeId> {
        self.schemas.get(of).property(name).map(crate::Schema::id)
    }

    pub(super) fn put(&mut self, into: NodeId, name: &str, property: NodeId) {
        let mut node = self.schemas.get(into).node().clone();
        node.properties.insert(name.into(), property);
        self.schemas.set(into, node);
    }

    fn copy(&mut self, to: NodeId, target: &str, fields: &Fields) -> Result<(), ReadError> {
        let from = self.named(target)?;
        self.copies.push(Copy {
            to,
            from,
            default: fields.get("default").cloned(),
            nullable: flag(fields, "nullable"),
        });
        Ok(())
    }

    fn named(&self, target: &str) -> Result<NodeId, ReadError> {
        let name = target
            .strip_prefix(REFERENCE)
            .and_then(|name| self.names.get(name));
        name.copied().ok_or_else(|| ReadError::Reference {
            path: self.here(),
            reference: target.to_owned(),
        })
    }

    fn node(&mut self, fields: &Fields) -> Result<Node, ReadError> {
        let format = text(fields, "format");
        let strategies = text(fields, "x-kubernetes-patch-strategy").unwrap_or_default();
        let has_strategy = |name: &str| strategies.split(',').any(|strategy| strategy == name);
        let int_or_string =
            flag(fields, "x-kubernetes-int-or-string") || format == Some("int-or-string");
        let additional = match fields.get("additionalProperties") {
            None | Some(Value::Bool(false) | Value::Null) => Additional::None,
            Some(Value::Bool(true)) => Additional::Any,
            Some(schema) => Additional::Schema(
                self.inside("additionalProperties", |reader| reader.read(schema))?,
            ),
        };
        Ok(Node {
            r#type: if int_or_string {
                Type::Any
            } else {
                type_of(text(fields, "type"))
            },
            format: format.map(Into::into),
            nullable: flag(fields, "nullable"),
            int_or_string,
            preserve_unknown_fields: flag(fields, "x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag(fields, "x-kubernetes-embedded-resource"),
            properties: self.properties(fields)?,
            additional,
            items: match fields.get("items") {
                None | Some(Value::Null) => None,
                Some(schema) => Some(self.inside("items", |reader| reader.read(schema))?),
            },
            list_type: match text(fields, "x-kubernetes-list-type") {
                Some("set") => ListType::Set,
                Some("map") => ListType::Map,
                _ => ListType::Atomic,
            },
            list_map_keys: texts(fields, "x-kubernetes-list-map-keys"),
            map_type: match text(fields, "x-kubernetes-map-type") {
                Some("atomic") => MapType::Atomic,
                _ => MapType::Granular,
            },
            patch_strategy: PatchStrategy {
                merge: has_strategy("merge"),
                replace: has_strategy("replace"),
                retain_keys: has_strategy("retainKeys"),
            },
            patch_merge_key: text(fields, "x-kubernetes-patch-merge-key").map(Into::into),
            default: fields.get("default").cloned(),
            required: texts(fields, "required"),
            rules: rules(fields),
            checks: self.checks(fields)?,
            implied: false,
        })
    }

    fn properties(&mut self, fields: &Fields) -> Result<BTreeMap<Box<str>, NodeId>, ReadError> {
        let Some(properties) = fields.get("properties").and_then(Value::as_object) else {
            return Ok(BTreeMap::new());
        };
        self.inside("properties", |reader| {
            let read = properties.iter().map(|(name, schema)| {
                let id = reader.inside(name, |reader| reader.read(schema))?;
                Ok((name.as_str().into(), id))
            });
            read.collect()
        })
    }

    fn checks(&mut self, fields: &Fields) -> Result<Option<Box<Checks>>, ReadError> {
        const KEYS: [&str; 16] = [
            "enum",
            "minimum",
            "maximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "pattern",
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "maxProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
        ];
        if !KEYS.iter().any(|key| fields.contains_key(*key)) {
            return Ok(None);
        }
        Ok(Some(Box::new(Checks {
            r#enum: fields
                .get("enum")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            minimum: fields.get("minimum").and_then(Value::as_f64),
            maximum: fields.get("maximum").and_then(Value::as_f64),
            exclusive_minimum: flag(fields, "exclusiveMinimum"),
            exclusive_maximum: flag(fields, "exclusiveMaximum"),
            multiple_of: fields.get("multipleOf").and_then(Value::as_f64),
            min_length: count(fields, "minLength"),
            max_length: count(fields, "maxLength"),
            pattern: text(fields, "pattern")
                .filter(|text| !text.is_empty())
                .map(|text| self.pattern(text)),
            min_items: count(fields, "minItems"),
            max_items: count(fields, "maxItems"),
            unique_items: flag(fields, "uniqueItems"),
            min_properties: count(fields, "minProperties"),
            max_properties: count(fields, "maxProperties"),
            all_of: self.list(fields, "allOf")?,
            any_of: self.list(fields, "anyOf")?,
            one_of: self.list(fields, "oneOf")?,
            not: match fields.get("not") {
                None | Some(Value::Null) => None,
                Some(schema) => Some(self.inside("not", |reader| reader.read(schema))?),
            },
        })))
    }

    fn list(&mut self, fields: &Fields, key: &str) -> Result<Vec<NodeId>, ReadError> {
        let Some(schemas) = fields.get(key).and_then(Value::as_array) else {
            return Ok(Vec::new());
        };
        self.inside(key, |reader| {
            schemas.iter().map(|schema| reader.read(schema)).collect()
        })
    }

    fn pattern(&mut self, text: &str) -> Arc<Pattern> {
        let known = self.patterns.entry(text.into());
        known
            .or_insert_with(|| Arc::new(Pattern::new(text)))
            .clone()
    }

    fn inside<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.path.push(name.into());
        let result = read(self)?;
        self.path.pop();
        Ok(result)
    }

    fn fields<'a>(&self, schema: &'a Value) -> Result<&'a Fields, ReadError> {
        schema.as_object().ok_or_else(|| self.shape("an object"))
    }

    fn shape(&self, expected: &'static str) -> ReadError {
        ReadError::Shape {
            path: self.here(),
            expected,
        }
    }

    fn here(&self) -> String {
        self.path.join(".")
    }
}

/// What a schema refers to: by `$ref`, or by an `allOf` of one `$ref`, as documents write it beside a default.
fn reference(fields: &Fields) -> Option<&str> {
    if let Some(target) = text(fields, "$ref") {
        return Some(target);
    }
    match fields
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([only]) => only.as_object().and_then(|only| text(only, "$ref")),
        _ => None,
    }
}

fn type_of(name: Option<&str>) -> Type {
    match name {
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        _ => Type::Any,
    }
}

fn rules(fields: &Fields) -> Vec<Rule> {
    let list = fields
        .get("x-kubernetes-validations")
        .and_then(Value::as_array);
    let rules = list.into_iter().flatten().filter_map(Value::as_object);
    let read = rules.map(|rule| Rule {
        rule: text(rule, "rule").unwrap_or_default().to_owned(),
        message: text(rule, "message").map(str::to_owned),
        message_expression: text(rule, "messageExpression").map(str::to_owned),
        reason: text(rule, "reason").map(str::to_owned),
        field_path: text(rule, "fieldPath").map(str::to_owned),
        optional_old_self: rule.get("optionalOldSelf").and_then(Value::as_bool),
    });
    read.collect()
}

fn flag(fields: &Fields, key: &str) -> bool {
    fields.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(fields: &'a Fields, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_str)
}

fn texts(fields: &Fields, key: &str) -> Vec<Box<str>> {
    let list = fields.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(Into::into)
        .collect()
}

/// A whole number; a negative one bounds nothing.
fn count(fields: &Fields, key: &str) -> Option<u64> {
    let value = fields.get(key)?;
    value.as_u64().or_else(|| value.as_i64().map(|_| 0))
}

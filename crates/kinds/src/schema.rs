//! Schemas of the kinds, made of the recorded types on first use: what patches and field ownership go by.

use crate::types::{Form, Omit, Special, Type, Types};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use tidegate_schema::{
    Additional, ListType, MapType, Node, NodeId, PatchStrategy, Schemas, Type as JsonType,
};

/// The schema of one kind, in an arena of its own.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) schemas: Schemas,
    pub(crate) root: NodeId,
}

/// Makes the schema of a type.
pub(crate) fn build(name: &str) -> Built {
    let mut builder = Builder::default();
    let root = builder.structure(name);
    Built {
        schemas: builder.schemas,
        root,
    }
}

#[derive(Default)]
struct Builder {
    schemas: Schemas,
    structures: HashMap<&'static str, NodeId>,
    /// Nodes of fields by expression and extras: equal ones are one node.
    plain: HashMap<(&'static str, &'static str), NodeId>,
}

impl Builder {
    fn structure(&mut self, name: &str) -> NodeId {
        let Some(found) = Types::all().get(name) else {
            return self.schemas.add(Node::default());
        };
        if let Some(id) = self.structures.get(found.name) {
            return *id;
        }
        let id = self.schemas.add(Node::default());
        self.structures.insert(found.name, id);
        let node = self.object(found);
        self.schemas.set(id, node);
        id
    }

    fn object(&mut self, found: &'static Type) -> Node {
        let extras = read(found.extras);
        let mut properties = BTreeMap::new();
        for field in &found.fields {
            let key = (field.raw, field.extras);
            let id = match self.plain.get(&key) {
                Some(id) => *id,
                None => self.field(&field.form, &read(field.extras)),
            };
            self.plain.insert(key, id);
            properties.insert(Box::from(field.name), id);
        }
        Node {
            r#type: JsonType::Object,
            properties,
            map_type: map_type(&extras),
            // What Go always writes, whatever the published schema asks for.
            required: found
                .fields
                .iter()
                .filter(|field| field.omit == Omit::Never)
                .map(|field| Box::from(field.name))
                .collect(),
            ..Node::default()
        }
    }

    /// A field: its form, with what the published schema adds.
    fn field(&mut self, form: &'static Form, extras: &Value) -> NodeId {
        let id = self.form(form, extras);
        let plain = extras
            .as_object()
            .is_none_or(|extras| extras.keys().all(|key| key == "items" || key == "values"));
        if plain {
            return id;
        }
        let node = Node {
            list_type: list_type(extras),
            list_map_keys: words(&extras["x-kubernetes-list-map-keys"]),
            map_type: match extras["x-kubernetes-map-type"].is_null() {
                true => self.schemas.get(id).node().map_type,
                false => map_type(extras),
            },
            patch_strategy: patch_strategy(extras),
            patch_merge_key: extras["x-kubernetes-patch-merge-key"]
                .as_str()
                .map(Box::from),
            default: extras.get("default").cloned(),
            ..self.schemas.get(id).node().clone()
        };
        self.schemas.add(node)
    }

    fn form(&mut self, form: &'static Form, extras: &Value) -> NodeId {
        let node = match form {
            Form::Pointer(inner) | Form::Named(_, inner) => return self.form(inner, extras),
            Form::Struct(name) => return self.structure(name),
            Form::List(item) => {
                let id = self.form(item, &Value::Null);
                Node {
                    r#type: JsonType::Array,
                    items: Some(self.with_default(id, &extras["items"])),
                    ..Node::default()
                }
            }
            Form::Map(_, value) => {
                let id = self.form(value, &Value::Null);
                Node {
                    r#type: JsonType::Object,
                    additional: Additional::Schema(self.with_default(id, &extras["values"])),
                    ..Node::default()
                }
            }
            other => scalar(other),
        };
        self.schemas.add(node)
    }

    fn with_default(&mut self, id: NodeId, default: &Value) -> NodeId {
        if default.is_null() {
            return id;
        }
        let node = Node {
            default: Some(default.clone()),
            ..self.schemas.get(id).node().clone()
        };
        self.schemas.add(node)
    }
}

fn scalar(form: &Form) -> Node {
    let (json_type, format) = match form {
        Form::Bool => (JsonType::Boolean, None),
        Form::Int32 => (JsonType::Integer, Some("int32")),
        Form::Int64 => (JsonType::Integer, Some("int64")),
        Form::Float => (JsonType::Number, Some("double")),
        Form::Bytes => (JsonType::String, Some("byte")),
        Form::Special(Special::Time | Special::MicroTime) => (JsonType::String, Some("date-time")),
        Form::Special(Special::Quantity) => (JsonType::Any, Some("quantity")),
        Form::Special(Special::IntOrString) => (JsonType::Any, Some("int-or-string")),
        Form::Special(Special::Fields | Special::Raw) => (JsonType::Object, None),
        Form::Special(_) => (JsonType::Any, None),
        _ => (JsonType::String, None),
    };
    let free = matches!(
        form,
        Form::Special(
            Special::Fields
                | Special::Raw
                | Special::Json
                | Special::PropsOrBool
                | Special::PropsOrArray
                | Special::PropsOrStrings
        )
    );
    Node {
        r#type: json_type,
        format: format.map(Box::from),
        int_or_string: matches!(
            form,
            Form::Special(Special::Quantity | Special::IntOrString)
        ),
        preserve_unknown_fields: free,
        // What has a type of its own somewhere else is owned as a whole.
        map_type: match form {
            Form::Special(Special::Raw) => MapType::Atomic,
            _ => MapType::default(),
        },
        ..Node::default()
    }
}

fn read(extras: &str) -> Value {
    serde_json::from_str(extras).unwrap_or_default()
}

fn words(list: &Value) -> Vec<Box<str>> {
    let words = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    words.map(Box::from).collect()
}

fn list_type(extras: &Value) -> ListType {
    match extras["x-kubernetes-list-type"].as_str() {
        Some("set") => ListType::Set,
        Some("map") => ListType::Map,
        _ => ListType::Atomic,
    }
}

fn map_type(extras: &Value) -> MapType {
    match extras["x-kubernetes-map-type"].as_str() {
        Some("atomic") => MapType::Atomic,
        _ => MapType::Granular,
    }
}

fn patch_strategy(extras: &Value) -> PatchStrategy {
    let text = extras["x-kubernetes-patch-strategy"]
        .as_str()
        .unwrap_or_default();
    let has = |word| text.split(',').any(|found| found == word);
    PatchStrategy {
        merge: has("merge"),
        replace: has("replace"),
        retain_keys: has("retainKeys"),
    }
}

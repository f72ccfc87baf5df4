//! Schemas for tests: `components.schemas` of an OpenAPI v3 document as nodes, and the file names of documents.

use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
};
use tidegate_schema::{
    Additional, ListType, MapType, Node, NodeId, PatchStrategy, Schema, Schemas, Type,
};

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Document {
    schemas: Schemas,
    names: BTreeMap<String, NodeId>,
    definitions: Map<String, Value>,
}

/// The folder with the data of these tests.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The file of a document.
pub(crate) fn path(name: &str) -> PathBuf {
    data().join("schemas").join(format!("{name}.json"))
}

/// What is read once, and then there for good.
type Once<T> = LazyLock<Mutex<BTreeMap<String, &'static T>>>;

/// `components.schemas` of a document in `data/schemas`.
pub(crate) fn components(name: &str) -> &'static Value {
    static READ: Once<Value> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().expect("no test panics here");
    read.entry(name.to_owned()).or_insert_with(|| {
        let text = fs::read_to_string(path(name)).expect("a document of this name");
        Box::leak(Box::new(serde_json::from_str(&text).expect("JSON")))
    })
}

/// The document of a name.
pub(crate) fn document(name: &str) -> &'static Document {
    static READ: Once<Document> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().expect("no test panics here");
    read.entry(name.to_owned())
        .or_insert_with(|| Box::leak(Box::new(Document::of(components(name)))))
}

impl Document {
    fn of(components: &Value) -> Self {
        let definitions = components.as_object().expect("an object").clone();
        let mut document = Self {
            schemas: Schemas::default(),
            names: BTreeMap::new(),
            definitions,
        };
        for name in document.definitions.keys().cloned().collect::<Vec<_>>() {
            document.named(&name);
        }
        document
    }

    /// The schema of a group, version and kind.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is_it =
            |of: &Value| of["group"] == *group && of["version"] == *version && of["kind"] == *kind;
        let (name, _) = self.definitions.iter().find(|(_, definition)| {
            definition["x-kubernetes-group-version-kind"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(is_it))
        })?;
        Some(self.schemas.get(self.names[name]))
    }

    fn named(&mut self, name: &str) -> NodeId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = self.schemas.add(Node::default());
        self.names.insert(name.to_owned(), id);
        let node = self.defined(name);
        self.schemas.set(id, node);
        id
    }

    /// A definition, or what Kubernetes takes two of them for.
    fn defined(&mut self, name: &str) -> Node {
        let mut node = self.node(&self.definitions[name].clone());
        if name.ends_with("resource.Quantity") {
            node.r#type = Type::String;
            node.format = Some("quantity".into());
        }
        if name.ends_with("runtime.RawExtension") {
            node.r#type = Type::Any;
            node.map_type = MapType::Atomic;
        }
        node
    }

    fn place(&mut self, schema: &Value) -> NodeId {
        let target = schema["$ref"]
            .as_str()
            .or_else(|| schema["allOf"][0]["$ref"].as_str());
        let Some(target) = target.and_then(|target| target.rsplit('/').next()) else {
            let node = self.node(schema);
            return self.schemas.add(node);
        };
        let id = self.named(target);
        let plain = schema["allOf"].is_null();
        if plain {
            return id;
        }
        // What stands beside a reference overrides it. The text is a name, so that recursion ends.
        let text = schema.to_string();
        if let Some(id) = self.names.get(&text) {
            return *id;
        }
        let own = self.schemas.add(Node::default());
        self.names.insert(text, own);
        let mut node = self.defined(target);
        let beside = self.node(schema);
        if schema.get("x-kubernetes-map-type").is_some() {
            node.map_type = beside.map_type;
        }
        node.default = beside.default.or(node.default);
        node.patch_strategy = beside.patch_strategy;
        node.patch_merge_key = beside.patch_merge_key;
        node.nullable = beside.nullable;
        self.schemas.set(own, node);
        own
    }

    fn node(&mut self, schema: &Value) -> Node {
        let text = |name: &str| schema[name].as_str().map(Box::from);
        let flag = |name: &str| schema[name].as_bool().unwrap_or_default();
        let list = |name: &str| -> Vec<Box<str>> {
            let items = schema[name].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(Box::from).collect()
        };
        let strategy = schema["x-kubernetes-patch-strategy"].as_str().unwrap_or("");
        let strategies: Vec<&str> = strategy.split(',').collect();
        let mut node = Node {
            r#type: match schema["type"].as_str() {
                Some("object") => Type::Object,
                Some("array") => Type::Array,
                Some("string") => Type::String,
                Some("integer") => Type::Integer,
                Some("number") => Type::Number,
                Some("boolean") => Type::Boolean,
                _ => Type::Any,
            },
            format: text("format"),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve_unknown_fields: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            list_type: match schema["x-kubernetes-list-type"].as_str() {
                Some("set") => ListType::Set,
                Some("map") => ListType::Map,
                _ => ListType::Atomic,
            },
            list_map_keys: list("x-kubernetes-list-map-keys"),
            map_type: match schema["x-kubernetes-map-type"].as_str() {
                Some("atomic") => MapType::Atomic,
                _ => MapType::Granular,
            },
            patch_strategy: PatchStrategy {
                merge: strategies.contains(&"merge"),
                replace: strategies.contains(&"replace"),
                retain_keys: strategies.contains(&"retainKeys"),
            },
            patch_merge_key: text("x-kubernetes-patch-merge-key"),
            default: schema.get("default").cloned(),
            required: list("required"),
            ..Node::default()
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let id = self.place(property);
            node.properties.insert(name.as_str().into(), id);
        }
        node.additional = match &schema["additionalProperties"] {
            Value::Bool(true) => Additional::Any,
            below @ Value::Object(_) => Additional::Schema(self.place(below)),
            _ => Additional::None,
        };
        if schema["items"].is_object() {
            node.items = Some(self.place(&schema["items"]));
        }
        node
    }
}

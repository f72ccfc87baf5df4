//! The model: nodes in one arena, so that a schema may refer to itself, and handles that are cheap to copy.
//!
//! A node holds what the server acts on. What it only publishes (descriptions, titles, examples) stays in
//! the document that the node was read from.
//!
//! Invariant: every `NodeId` of an arena points into that arena.

use crate::pattern::Pattern;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// All nodes of one document.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    nodes: Vec<Node>,
}

/// A node's place in its [`Schemas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

/// A handle to one node.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'a> {
    schemas: &'a Schemas,
    id: NodeId,
}

/// The JSON type that a node asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// No type is given: anything.
    #[default]
    Any,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
}

/// `additionalProperties`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Additional {
    /// Not given: only the named properties are known.
    #[default]
    None,
    /// `true`: any property, unchecked.
    Any,
    /// Any property, each with this schema: a map.
    Schema(NodeId),
}

/// `x-kubernetes-list-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListType {
    /// Replaced as a whole, and owned as a whole. What a list without the extension is.
    #[default]
    Atomic,
    /// Scalars, each once; each item has owners of its own.
    Set,
    /// Objects told apart by [`Node::list_map_keys`]; each item has owners of its own.
    Map,
}

/// `x-kubernetes-map-type` (also of structs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapType {
    /// Each key has owners of its own. What a map without the extension is.
    #[default]
    Granular,
    /// Replaced and owned as a whole.
    Atomic,
}

/// `x-kubernetes-patch-strategy`: what a strategic merge patch does with a list or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatchStrategy {
    /// `merge` is among the strategies: lists are merged by [`Node::patch_merge_key`], or as sets of scalars.
    pub merge: bool,
    /// `replace` is among them: maps are replaced.
    pub replace: bool,
    /// `retainKeys` is among them: keys that the patch doesn't list are cleared.
    pub retain_keys: bool,
}

/// One CEL rule of `x-kubernetes-validations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The expression; must be true.
    pub rule: String,
    /// What is said where it is false.
    pub message: Option<String>,
    /// An expression that makes the message.
    pub message_expression: Option<String>,
    /// `FieldValueInvalid` unless given.
    pub reason: Option<String>,
    /// A JSON path below the node, for the error's field.
    pub field_path: Option<String>,
    /// Whether a transition rule also runs where there is no old value.
    pub optional_old_self: Option<bool>,
}

/// What one place of a schema asks for.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The JSON type.
    pub r#type: Type,
    /// `format`: `int32`, `date-time`, `int-or-string`, …
    pub format: Option<Box<str>>,
    /// Null is a value.
    pub nullable: bool,
    /// `x-kubernetes-int-or-string`.
    pub int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown_fields: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    /// Named properties.
    pub properties: BTreeMap<Box<str>, NodeId>,
    /// Other properties.
    pub additional: Additional,
    /// Items of an array.
    pub items: Option<NodeId>,
    /// How the list's items are told apart.
    pub list_type: ListType,
    /// The keys of a `Map` list.
    pub list_map_keys: Vec<Box<str>>,
    /// Whether the map or struct is owned as a whole.
    pub map_type: MapType,
    /// What a strategic merge patch does here.
    pub patch_strategy: PatchStrategy,
    /// The key by which a strategic merge patch merges this list.
    pub patch_merge_key: Option<Box<str>>,
    /// The value that a missing property gets.
    pub default: Option<Value>,
    /// Properties that must be there.
    pub required: Vec<Box<str>>,
    /// CEL rules.
    pub rules: Vec<Rule>,
    /// Bounds, patterns, `enum`, `allOf` and so on.
    pub checks: Option<Box<Checks>>,
    /// Not in the document: what every resource has (`apiVersion`, `kind`, `metadata`), put at the root and where a
    /// resource is embedded. Server-side apply goes by it; nothing is validated, pruned or defaulted by it, and CEL
    /// rules see only `apiVersion`, `kind`, `metadata.name` and `metadata.generateName`.
    pub implied: bool,
}

/// The value validations of one node.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// One of these.
    pub r#enum: Vec<Value>,
    /// Bounds of numbers.
    pub minimum: Option<f64>,
    /// As `minimum`.
    pub maximum: Option<f64>,
    /// The bound itself is out.
    pub exclusive_minimum: bool,
    /// The bound itself is out.
    pub exclusive_maximum: bool,
    /// The number is a multiple of this.
    pub multiple_of: Option<f64>,
    /// In Unicode code points.
    pub min_length: Option<u64>,
    /// In Unicode code points.
    pub max_length: Option<u64>,
    /// A regular expression that must match somewhere (RE2's syntax).
    pub pattern: Option<Arc<Pattern>>,
    /// Of arrays.
    pub min_items: Option<u64>,
    /// Of arrays.
    pub max_items: Option<u64>,
    /// No two items are equal.
    pub unique_items: bool,
    /// Of objects.
    pub min_properties: Option<u64>,
    /// Of objects.
    pub max_properties: Option<u64>,
    /// All hold.
    pub all_of: Vec<NodeId>,
    /// At least one holds.
    pub any_of: Vec<NodeId>,
    /// Exactly one holds.
    pub one_of: Vec<NodeId>,
    /// Does not hold.
    pub not: Option<NodeId>,
}

impl Schemas {
    /// Adds a node. Its ids must be of this arena.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("invariant: fewer than 2^32 nodes"));
        self.nodes.push(node);
        id
    }

    /// Replaces a node: how a node that refers to itself is made.
    pub fn set(&mut self, id: NodeId, node: Node) {
        self.nodes[id.0 as usize] = node;
    }

    /// The handle of a node.
    pub fn get(&self, id: NodeId) -> Schema<'_> {
        Schema { schemas: self, id }
    }
}

impl<'a> Schema<'a> {
    /// The node itself.
    pub fn node(self) -> &'a Node {
        &self.schemas.nodes[self.id.0 as usize]
    }

    /// Its place.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Another node of the same document.
    pub fn at(self, id: NodeId) -> Self {
        self.schemas.get(id)
    }

    /// The schema of a named property.
    pub fn property(self, name: &str) -> Option<Self> {
        self.node().properties.get(name).map(|id| self.at(*id))
    }

    /// The schema of a property, named or not.
    pub fn field(self, name: &str) -> Option<Self> {
        self.property(name).or_else(|| self.additional())
    }

    /// The schema that the document gives for a property, named or not: what is implied is left out.
    pub(crate) fn declared(self, name: &str) -> Option<Self> {
        match self.property(name) {
            Some(property) if !property.node().implied => Some(property),
            _ => self.additional(),
        }
    }

    /// The named properties that the document gives.
    pub(crate) fn declared_properties(self) -> impl Iterator<Item = (&'a str, Self)> {
        let properties = self.node().properties.iter();
        properties
            .map(move |(name, id)| (&**name, self.at(*id)))
            .filter(|(_, property)| !property.node().implied)
    }

    /// The schema of properties that have no name of their own.
    pub fn additional(self) -> Option<Self> {
        match self.node().additional {
            Additional::Schema(id) => Some(self.at(id)),
            Additional::None | Additional::Any => None,
        }
    }

    /// The schema of an array's items.
    pub fn items(self) -> Option<Self> {
        self.node().items.map(|id| self.at(id))
    }
}

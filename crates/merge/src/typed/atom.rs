//! What a place of a schema may hold: a scalar, a list, a map, or any of these, as structured-merge-diff's atoms.

use serde_json::Value;
use tidegate_schema::{Additional, ListType, MapType, Node, Schema, Type};

/// A type: a place in a schema, or what is assumed where a schema says nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ty<'a> {
    /// A place in a schema. `preserve`: a place above it keeps unknown fields. `root`: it is the whole object.
    Node {
        schema: Schema<'a>,
        preserve: bool,
        root: bool,
    },
    /// Anything: maps are granular, lists are atomic.
    Deduced,
    /// Anything, and atomic.
    Untyped,
    /// Nothing may be here.
    Nothing,
}

/// The kinds of scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Numeric,
    String,
    Boolean,
    Untyped,
}

/// A list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    /// `None` is an atomic list, an empty slice a set.
    pub(crate) keys: Option<&'a [Box<str>]>,
    pub(crate) element: Ty<'a>,
}

/// A map or struct.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map<'a> {
    pub(crate) atomic: bool,
    /// The type of fields without a name of their own.
    pub(crate) element: Ty<'a>,
    fields: Option<Schema<'a>>,
    preserve: bool,
    /// An object with metadata, which are strict whatever is around them.
    resource: bool,
}

/// What a type allows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Atom<'a> {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<List<'a>>,
    pub(crate) map: Option<Map<'a>>,
}

/// The one thing that an atom is handled as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    Map(Map<'a>),
    Scalar(Scalar),
    List(List<'a>),
    Nothing,
}

impl<'a> Ty<'a> {
    /// The type of a whole object: without a schema, everything is deduced.
    pub(crate) fn root(schema: Option<Schema<'a>>) -> Self {
        match schema {
            Some(schema) => Self::Node {
                schema,
                preserve: false,
                root: true,
            },
            None => Self::Deduced,
        }
    }

    pub(crate) fn resolve(self) -> Atom<'a> {
        match self {
            Self::Nothing => Atom::default(),
            Self::Deduced => Atom::any(false, Self::Deduced),
            Self::Untyped => Atom::any(true, Self::Untyped),
            Self::Node {
                schema,
                preserve,
                root,
            } => {
                let node = schema.node();
                let preserve = preserve || node.preserve_unknown_fields;
                let resource = root || node.embedded_resource;
                match node.r#type {
                    Type::Any => Atom {
                        scalar: Some(Scalar::Untyped),
                        list: Some(list(schema, preserve)),
                        map: Some(map(schema, preserve, resource)),
                    },
                    Type::Object => Atom {
                        map: Some(map(schema, preserve, resource)),
                        ..Atom::default()
                    },
                    Type::Array => Atom {
                        list: Some(list(schema, preserve)),
                        ..Atom::default()
                    },
                    Type::String | Type::Integer | Type::Number | Type::Boolean => Atom {
                        scalar: Some(scalar(node)),
                        ..Atom::default()
                    },
                }
            }
        }
    }

    /// Whether maps of this type can't be told atomic from granular: nothing is known of them.
    fn is_deduced(self) -> bool {
        match self {
            Self::Deduced => true,
            Self::Untyped | Self::Nothing => false,
            // A named type is never untyped itself; an inlined one may be.
            Self::Node { .. } => self.resolve().scalar == Some(Scalar::Untyped),
        }
    }

    /// The value that a missing field has, where the schema says so.
    pub(crate) fn default(self) -> Option<&'a Value> {
        match self {
            Self::Node { schema, .. } => schema.node().default.as_ref(),
            Self::Deduced | Self::Untyped | Self::Nothing => None,
        }
    }
}

fn scalar(node: &Node) -> Scalar {
    match (node.r#type, node.format.as_deref()) {
        (Type::Integer | Type::Number, _) => Scalar::Numeric,
        (Type::Boolean, _) => Scalar::Boolean,
        (Type::String, None | Some("" | "byte")) => Scalar::String,
        _ => Scalar::Untyped,
    }
}

fn list<'a>(schema: Schema<'a>, preserve: bool) -> List<'a> {
    let node = schema.node();
    List {
        keys: match node.list_type {
            ListType::Atomic => None,
            ListType::Set => Some(&[]),
            ListType::Map => Some(&node.list_map_keys),
        },
        element: match schema.items() {
            Some(schema) => Ty::Node {
                schema,
                preserve,
                root: false,
            },
            None => Ty::Untyped,
        },
    }
}

fn map<'a>(schema: Schema<'a>, preserve: bool, resource: bool) -> Map<'a> {
    let node = schema.node();
    let element = match node.additional {
        Additional::Schema(id) => Ty::Node {
            schema: schema.at(id),
            preserve,
            root: false,
        },
        Additional::Any => Ty::Deduced,
        Additional::None if preserve || node.properties.is_empty() => Ty::Deduced,
        Additional::None => Ty::Nothing,
    };
    Map {
        atomic: node.map_type == MapType::Atomic,
        element,
        fields: (!node.properties.is_empty()).then_some(schema),
        preserve,
        resource,
    }
}

impl<'a> Map<'a> {
    /// The type of a field that has a name of its own.
    pub(crate) fn named(&self, name: &str) -> Option<Ty<'a>> {
        let schema = self.fields?.property(name)?;
        Some(Ty::Node {
            schema,
            preserve: self.preserve && !(self.resource && name == "metadata"),
            root: false,
        })
    }

    /// The type of any field.
    pub(crate) fn field(&self, name: &str) -> Ty<'a> {
        self.named(name).unwrap_or(self.element)
    }

    /// A map of which nothing is known.
    pub(crate) fn is_deduced(&self) -> bool {
        self.fields.is_none() && self.element.is_deduced()
    }
}

impl<'a> Atom<'a> {
    fn any(atomic: bool, element: Ty<'a>) -> Self {
        Self {
            scalar: Some(Scalar::Untyped),
            list: Some(List {
                keys: None,
                element: Ty::Untyped,
            }),
            map: Some(Map {
                atomic,
                element,
                fields: None,
                preserve: false,
                resource: false,
            }),
        }
    }

    /// Narrowed to what `value` is, where the atom allows that. Null is anything.
    pub(crate) fn of(self, value: &Value) -> Self {
        let narrow = match value {
            Value::Null => return self,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Self {
                scalar: self.scalar,
                ..Self::default()
            },
            Value::Array(_) => Self {
                list: self.list,
                ..Self::default()
            },
            Value::Object(_) => Self {
                map: self.map,
                ..Self::default()
            },
        };
        match narrow.kinds() {
            (false, false, false) => self,
            _ => narrow,
        }
    }

    /// Which kinds it allows. Atoms of one type that allow the same kinds are equal.
    pub(crate) fn kinds(&self) -> (bool, bool, bool) {
        (
            self.scalar.is_some(),
            self.list.is_some(),
            self.map.is_some(),
        )
    }

    /// What it is handled as: maps before scalars before lists.
    pub(crate) fn shape(self) -> Shape<'a> {
        match self {
            Self { map: Some(map), .. } => Shape::Map(map),
            Self {
                scalar: Some(scalar),
                ..
            } => Shape::Scalar(scalar),
            Self {
                list: Some(list), ..
            } => Shape::List(list),
            Self { .. } => Shape::Nothing,
        }
    }
}

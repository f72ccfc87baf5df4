//! Values at run time.
//!
//! Lists and maps of an object under validation are views of its JSON tree: nothing is copied until it is used.
//! Invariant: a value is never deeper than the object that it came from plus what an expression built.

use super::{functions::Opaque, shape::Shape, text, time::Timestamp, types::Type};
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Text<'a>),
    Bytes(Arc<[u8]>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i64),
    List(List<'a>),
    Map(Map<'a>),
    Optional(Option<Arc<Value<'a>>>),
    Type(Type),
    /// A value of a library's type.
    Opaque(Arc<Opaque<'a>>),
    /// What the schema says nothing about; can only be compared.
    Preserved(&'a Json),
}

/// Text: of the object, or made by the expression.
#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Arc<str>),
}

/// A list.
#[derive(Debug, Clone)]
pub(crate) enum List<'a> {
    Made(Arc<Vec<Value<'a>>>),
    Json {
        items: &'a [Json],
        /// The schema of the list itself.
        shape: Shape<'a>,
    },
}

/// A map or an object.
#[derive(Debug, Clone)]
pub(crate) enum Map<'a> {
    Made(Arc<BTreeMap<Key, Value<'a>>>),
    Json {
        fields: &'a serde_json::Map<String, Json>,
        shape: Shape<'a>,
    },
}

/// A key of a made map. Doubles are kept by their bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(u64),
    String(Arc<str>),
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The expression went wrong, in cel-go's words.
    Error(Arc<str>),
    /// It became too expensive: nothing absorbs this.
    Limit,
}

pub(crate) type Outcome<'a> = Result<Value<'a>, Fault>;

impl Fault {
    pub(crate) fn new(message: impl AsRef<str>) -> Self {
        Self::Error(message.as_ref().into())
    }

    pub(crate) fn no_such_overload() -> Self {
        Self::new("no such overload")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(message) => f.write_str(message),
            Self::Limit => f.write_str("operation cancelled: actual cost limit exceeded"),
        }
    }
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::String(Text::Shared(text.as_ref().into()))
    }

    pub(crate) fn list(items: Vec<Value<'a>>) -> Self {
        Self::List(List::Made(Arc::new(items)))
    }

    pub(crate) fn some(value: Value<'a>) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The type at run time.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Type(of) => Type::Of(Some(Arc::new(of.clone()))),
            Self::Opaque(opaque) => Type::opaque(opaque.type_name()),
            Self::Preserved(_) => Type::opaque("unknown"),
        }
    }

    /// What `size()` gives, where the value has a size.
    pub(crate) fn size(&self) -> Option<usize> {
        Some(match self {
            Self::String(text) => match text.as_str() {
                text if text.is_ascii() => text.len(),
                text => text.chars().count(),
            },
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) => list.len(),
            Self::Map(map) => map.len(),
            Self::Opaque(opaque) => return opaque.size(),
            _ => return None,
        })
    }

    /// Whether `optional.ofNonZeroValue` takes it for nothing.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) | Self::Duration(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Double(value) => *value == 0.0,
            Self::String(text) => text.as_str().is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(List::Made(items)) => items.is_empty(),
            Self::Map(Map::Made(fields)) => fields.is_empty(),
            Self::Timestamp(at) => at.is_zero(),
            Self::Optional(inner) => inner.is_none(),
            _ => false,
        }
    }
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Made(items) => items.len(),
            Self::Json { items, .. } => items.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Outcome<'a>> {
        match self {
            Self::Made(items) => items.get(index).cloned().map(Ok),
            Self::Json { items, shape } => items.get(index).map(|item| shape.items().value(item)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Outcome<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// All items, as a vector.
    pub(crate) fn to_vec(&self) -> Result<Vec<Value<'a>>, Fault> {
        match self {
            Self::Made(items) => Ok((**items).clone()),
            Self::Json { .. } => self.iter().collect(),
        }
    }
}

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Made(fields) => fields.len(),
            Self::Json { fields, .. } => fields.len(),
        }
    }

    /// The value of a key. `None` is: not there.
    pub(crate) fn find(&self, key: &Value<'_>) -> Result<Option<Value<'a>>, Fault> {
        match self {
            Self::Json { fields, shape } => match key.as_str() {
                Some(name) => shape.find(fields, name),
                None => Err(Fault::no_such_overload()),
            },
            Self::Made(fields) => {
                if let Value::String(name) = key {
                    return Ok(fields.get(&Key::String(name.as_str().into())).cloned());
                }
                let found = alternatives(key)
                    .into_iter()
                    .flatten()
                    .find_map(|key| fields.get(&key));
                Ok(found.cloned())
            }
        }
    }

    /// The keys, as expressions see them.
    pub(crate) fn keys(&self) -> Vec<Value<'a>> {
        match self {
            Self::Made(fields) => fields.keys().map(Key::value).collect(),
            Self::Json { fields, shape } => shape.keys(fields),
        }
    }
}

impl Key {
    pub(crate) fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Uint(value) => Self::Uint(*value),
            Value::Double(value) => Self::Double(value.to_bits()),
            Value::String(text) => Self::String(text.as_str().into()),
            _ => return None,
        })
    }

    pub(crate) fn value<'a>(&self) -> Value<'a> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::Double(bits) => Value::Double(f64::from_bits(*bits)),
            Self::String(text) => Value::String(Text::Shared(text.clone())),
        }
    }
}

/// The keys that a number may be found under: whole numbers are equal across their types.
fn alternatives(key: &Value<'_>) -> [Option<Key>; 3] {
    match key {
        Value::Int(value) => [
            Some(Key::Int(*value)),
            u64::try_from(*value).ok().map(Key::Uint),
            None,
        ],
        Value::Uint(value) => [
            Some(Key::Uint(*value)),
            i64::try_from(*value).ok().map(Key::Int),
            None,
        ],
        Value::Double(value) => [
            Some(Key::Double(value.to_bits())),
            super::equal::whole(*value).map(Key::Int),
            super::equal::whole_unsigned(*value).map(Key::Uint),
        ],
        other => [Key::of(other), None, None],
    }
}

/// As Go prints a value in an error.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::Double(value) => f.write_str(&text::double(*value)),
            Self::String(text) => f.write_str(text.as_str()),
            Self::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Timestamp(at) => write!(f, "{at}"),
            Self::Duration(nanos) => f.write_str(&text::duration(*nanos)),
            Self::Type(of) => f.write_str(of.runtime_name()),
            Self::List(_) => f.write_str("list"),
            Self::Map(_) => f.write_str("map"),
            Self::Optional(None) => f.write_str("optional.none()"),
            Self::Optional(Some(inner)) => write!(f, "optional({inner})"),
            Self::Opaque(opaque) => f.write_str(opaque.type_name()),
            Self::Preserved(_) => f.write_str("unknown"),
        }
    }
}

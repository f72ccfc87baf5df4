//! Types of expressions, and how cel-go prints them.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// Words that are no names of variables.
pub(crate) const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "null",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// A type of the language.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    /// Not yet known, or left open: `dyn`.
    Dyn,
    /// What an expression with an error has.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    /// A struct with known fields.
    Object(Arc<ObjectType>),
    /// A named type of a library, such as `optional_type(int)`.
    Opaque(Arc<str>, Arc<[Type]>),
    /// The type of a type.
    Of(Option<Arc<Type>>),
    /// A type variable.
    Param(Arc<str>),
}

/// A struct's name and fields.
#[derive(Debug, Clone)]
pub(crate) struct ObjectType {
    pub(crate) name: Arc<str>,
    pub(crate) fields: BTreeMap<Box<str>, Type>,
}

impl ObjectType {
    /// The type of a field; words of the language are also found as they are.
    pub(crate) fn field(&self, name: &str) -> Option<&Type> {
        self.fields.get(name).or_else(|| {
            let escaped = RESERVED.contains(&name).then(|| format!("__{name}__"))?;
            self.fields.get(&*escaped)
        })
    }
}

impl PartialEq for ObjectType {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Type {
    pub(crate) fn list(item: Type) -> Self {
        Self::List(Arc::new(item))
    }

    pub(crate) fn map(key: Type, value: Type) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn opaque(name: &str) -> Self {
        Self::Opaque(name.into(), Arc::from([]))
    }

    pub(crate) fn optional(item: Type) -> Self {
        Self::Opaque("optional_type".into(), Arc::from([item]))
    }

    /// What is in an optional type.
    pub(crate) fn unwrap_optional(&self) -> Option<&Type> {
        match self {
            Self::Opaque(name, params) if &**name == "optional_type" => params.first(),
            _ => None,
        }
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The name that `type(x)` has at run time, without parameters.
    pub(crate) fn runtime_name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Error => "error",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Object(object) => &object.name,
            Self::Opaque(name, _) | Self::Param(name) => name,
            Self::Of(_) => "type",
        }
    }

    /// As Go prints the type where it is not meant for people: `null_type`, `google.protobuf.Duration`.
    pub(crate) fn go_string(&self) -> String {
        let name = self.runtime_name();
        match self {
            Self::List(item) => format!("{name}({})", item.go_string()),
            Self::Map(key, value) => format!("{name}({}, {})", key.go_string(), value.go_string()),
            Self::Opaque(_, params) if !params.is_empty() => {
                let params: Vec<String> = params.iter().map(Self::go_string).collect();
                format!("{name}({})", params.join(", "))
            }
            Self::Of(Some(of)) => format!("{name}({})", of.go_string()),
            _ => name.to_owned(),
        }
    }

    /// Whether values of the type have a size that is known while compiling.
    pub(crate) fn is_scalar(&self) -> bool {
        match self {
            Self::Bool
            | Self::Double
            | Self::Duration
            | Self::Int
            | Self::Timestamp
            | Self::Uint => true,
            other => other.unwrap_optional().is_some_and(Type::is_scalar),
        }
    }

    /// Whether two types are the same but for the names of type variables.
    pub(crate) fn equivalent(&self, other: &Type) -> bool {
        match (self, other) {
            (Self::Param(_), Self::Param(_)) => true,
            (Self::List(a), Self::List(b)) => a.equivalent(b),
            (Self::Map(a, c), Self::Map(b, d)) => a.equivalent(b) && c.equivalent(d),
            (Self::Opaque(a, c), Self::Opaque(b, d)) => {
                a == b && c.len() == d.len() && c.iter().zip(d.iter()).all(|(x, y)| x.equivalent(y))
            }
            (Self::Of(a), Self::Of(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equivalent(b),
                (a, b) => a.is_none() == b.is_none(),
            },
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Opaque(name, params) if !params.is_empty() => {
                write!(f, "{name}(")?;
                for (index, param) in params.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{param}")?;
                }
                f.write_str(")")
            }
            Self::Of(Some(of)) => write!(f, "type({of})"),
            other => f.write_str(other.runtime_name()),
        }
    }
}

//! The typed decoder of ObjectMeta: Go's struct as a table, and its errors.
//!
//! Go decodes text with sorted keys here, as the tree was marshalled before. It keeps the first wrong type and goes
//! on; what a type's own decoder refuses (a time) ends it at once.

use super::time::canonical_time;
use crate::gotext;
use serde_json::{Map, Value};

/// As many unknown fields as the strict decoder tells.
const COMPLAINTS_MAX: usize = 100;

/// What Go takes for no time.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// A Go type.
#[derive(Clone, Copy)]
enum Go {
    /// A string of a named type.
    Text(&'static str),
    Int,
    /// A pointer to a bool or an int: null and zero differ.
    OptionalInt,
    OptionalBool,
    /// The first moment of the year 1 is no time: it is left out, or null where the field is a pointer.
    Time,
    OptionalTime,
    Labels,
    Texts,
    /// A slice of structs.
    Structs(&'static Struct),
    /// Any JSON, kept as it is.
    Raw,
}

/// A Go struct.
struct Struct {
    name: &'static str,
    fields: &'static [(&'static str, Go)],
    /// These are written even where they are empty.
    kept: &'static [&'static str],
}

static OBJECT_META: Struct = Struct {
    name: "ObjectMeta",
    fields: &[
        ("annotations", Go::Labels),
        ("creationTimestamp", Go::Time),
        ("deletionGracePeriodSeconds", Go::OptionalInt),
        ("deletionTimestamp", Go::OptionalTime),
        ("finalizers", Go::Texts),
        ("generateName", Go::Text("string")),
        ("generation", Go::Int),
        ("labels", Go::Labels),
        ("managedFields", Go::Structs(&MANAGED_FIELDS)),
        ("name", Go::Text("string")),
        ("namespace", Go::Text("string")),
        ("ownerReferences", Go::Structs(&OWNER_REFERENCE)),
        ("resourceVersion", Go::Text("string")),
        ("selfLink", Go::Text("string")),
        ("uid", Go::Text("types.UID")),
    ],
    kept: &[],
};

static OWNER_REFERENCE: Struct = Struct {
    name: "OwnerReference",
    fields: &[
        ("apiVersion", Go::Text("string")),
        ("blockOwnerDeletion", Go::OptionalBool),
        ("controller", Go::OptionalBool),
        ("kind", Go::Text("string")),
        ("name", Go::Text("string")),
        ("uid", Go::Text("types.UID")),
    ],
    kept: &["apiVersion", "kind", "name", "uid"],
};

static MANAGED_FIELDS: Struct = Struct {
    name: "ManagedFieldsEntry",
    fields: &[
        ("apiVersion", Go::Text("string")),
        ("fieldsType", Go::Text("string")),
        ("fieldsV1", Go::Raw),
        ("manager", Go::Text("string")),
        ("operation", Go::Text("v1.ManagedFieldsOperationType")),
        ("subresource", Go::Text("string")),
        ("time", Go::OptionalTime),
    ],
    kept: &[],
};

/// Makes an ObjectMeta of `metadata`. `unknown` gets the paths of fields that it doesn't have.
///
/// On an error, `metadata` is as it was.
pub(crate) fn decode(
    metadata: &mut Value,
    drop_invalid: bool,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let mut decoder = Decoder::default();
    let decoded = decoder.object_meta(metadata);
    match (decoded, metadata) {
        (Ok(fields), metadata) => {
            *metadata = Value::Object(fields);
            unknown.append(&mut decoder.unknown);
            Ok(())
        }
        (Err(_), Value::Object(fields)) if drop_invalid => {
            let mut kept = Map::new();
            for (name, value) in std::mem::take(fields) {
                let mut decoder = Decoder::default();
                let alone = Value::Object(Map::from_iter([(name, value)]));
                if let Ok(mut decoded) = decoder.object_meta(&alone) {
                    kept.append(&mut decoded);
                    unknown.append(&mut decoder.unknown);
                }
            }
            *fields = kept;
            Ok(())
        }
        (Err(_), metadata) if drop_invalid => Err(format!(
            "invalid metadata: expected object, got {}",
            go_type(metadata)
        )),
        (Err(error), _) => Err(error),
    }
}

/// What `%T` says of a tree's value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[derive(Default)]
struct Decoder {
    /// The first wrong type.
    wrong: Option<String>,
    unknown: Vec<String>,
}

/// Where the decoder is: the struct's name, the fields on the way as error messages join them, and the strict path.
struct Place<'a> {
    holder: &'a Struct,
    fields: String,
    path: String,
}

impl Place<'_> {
    fn field(&self, name: &str) -> (String, String) {
        (join(&self.fields, name), join(&self.path, name))
    }
}

fn join(above: &str, name: &str) -> String {
    match above {
        "" => name.to_owned(),
        above => format!("{above}.{name}"),
    }
}

impl Decoder {
    fn object_meta(&mut self, metadata: &Value) -> Result<Map<String, Value>, String> {
        let fields = match metadata {
            Value::Null => Map::new(),
            Value::Object(fields) => self.structure(fields, &OBJECT_META, "", "")?,
            other => {
                let found = found(other);
                return Err(format!(
                    "json: cannot unmarshal {found} into Go value of type v1.ObjectMeta"
                ));
            }
        };
        match self.wrong.take() {
            Some(wrong) => Err(wrong),
            None => Ok(fields),
        }
    }

    fn structure(
        &mut self,
        fields: &Map<String, Value>,
        holder: &Struct,
        above: &str,
        path: &str,
    ) -> Result<Map<String, Value>, String> {
        let place = Place {
            holder,
            fields: above.to_owned(),
            path: path.to_owned(),
        };
        let mut out = Map::new();
        for (name, value) in fields {
            let Some((_, go)) = holder.fields.iter().find(|(known, _)| known == name) else {
                let path = join(path, name);
                if self.unknown.len() < COMPLAINTS_MAX && !self.unknown.contains(&path) {
                    self.unknown.push(path);
                }
                continue;
            };
            if let Some(value) = self.value(value, *go, name, &place)? {
                out.insert(name.clone(), value);
            }
        }
        for name in holder.kept {
            out.entry(*name).or_insert_with(|| Value::from(""));
        }
        Ok(out)
    }

    /// The value as Go writes it; nothing where it leaves it out.
    fn value(
        &mut self,
        value: &Value,
        go: Go,
        name: &str,
        place: &Place<'_>,
    ) -> Result<Option<Value>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let decoded = match go {
            Go::Raw => Some(value.clone()),
            Go::Time => Some(self.time(value, name, place)?).filter(|time| time != ZERO_TIME),
            Go::OptionalTime => Some(match self.time(value, name, place)? {
                time if time == ZERO_TIME => Value::Null,
                time => time,
            }),
            Go::Text(r#type) => match value {
                Value::String(text) => (!text.is_empty()).then(|| value.clone()),
                other => self.wrong(other, name, place, r#type),
            },
            Go::Int | Go::OptionalInt => match int_of(value) {
                Some(0) if matches!(go, Go::Int) => None,
                Some(int) => Some(int.into()),
                None => self.wrong(value, name, place, "int64"),
            },
            Go::OptionalBool => match value {
                Value::Bool(_) => Some(value.clone()),
                other => self.wrong(other, name, place, "bool"),
            },
            Go::Labels => self.labels(value, name, place),
            Go::Texts => self.texts(value, name, place),
            Go::Structs(item) => self.structures(value, item, name, place)?,
        };
        Ok(decoded)
    }

    fn labels(&mut self, value: &Value, name: &str, place: &Place<'_>) -> Option<Value> {
        let Value::Object(fields) = value else {
            return self.wrong(value, name, place, "map[string]string");
        };
        let mut out = Map::new();
        for (key, value) in fields {
            let text = self.text_or_empty(value, name, place);
            out.insert(key.clone(), text);
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn texts(&mut self, value: &Value, name: &str, place: &Place<'_>) -> Option<Value> {
        let Value::Array(items) = value else {
            return self.wrong(value, name, place, "[]string");
        };
        let texts: Vec<Value> = items
            .iter()
            .map(|item| self.text_or_empty(item, name, place))
            .collect();
        (!texts.is_empty()).then_some(Value::Array(texts))
    }

    /// Null leaves a string as it is: empty.
    fn text_or_empty(&mut self, value: &Value, name: &str, place: &Place<'_>) -> Value {
        match value {
            Value::String(_) => value.clone(),
            Value::Null => Value::from(""),
            other => self.wrong(other, name, place, "string").unwrap_or_default(),
        }
    }

    fn structures(
        &mut self,
        value: &Value,
        item: &'static Struct,
        name: &str,
        place: &Place<'_>,
    ) -> Result<Option<Value>, String> {
        let Value::Array(items) = value else {
            return Ok(self.wrong(value, name, place, &format!("[]v1.{}", item.name)));
        };
        let (fields, path) = place.field(name);
        let mut out = Vec::with_capacity(items.len());
        for (index, value) in items.iter().enumerate() {
            let empty = Map::new();
            let inner = match value {
                Value::Object(inner) => inner,
                Value::Null => &empty,
                other => {
                    self.wrong(other, name, place, &format!("v1.{}", item.name));
                    continue;
                }
            };
            out.push(Value::Object(self.structure(
                inner,
                item,
                &fields,
                &format!("{path}[{index}]"),
            )?));
        }
        Ok((!out.is_empty()).then_some(Value::Array(out)))
    }

    fn time(&mut self, value: &Value, name: &str, place: &Place<'_>) -> Result<Value, String> {
        match value {
            Value::String(text) => canonical_time(text).map(Value::from),
            // The error of a decoder inside the decoder ends it, with the place of this one. It doesn't tell numbers.
            other => Err(message(found(other), name, place, "string")),
        }
    }

    fn wrong(
        &mut self,
        value: &Value,
        name: &str,
        place: &Place<'_>,
        r#type: &str,
    ) -> Option<Value> {
        if self.wrong.is_none() {
            let is_int = matches!(value, Value::Number(_)) && r#type == "int64";
            let found = match value {
                Value::Number(number) if is_int => {
                    format!("number {}", gotext::json(&Value::Number(number.clone())))
                }
                other => found(other).to_owned(),
            };
            self.wrong = Some(message(&found, name, place, r#type));
        }
        None
    }
}

/// A whole float prints as an int, and is read as one.
fn int_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => gotext::json(value).parse().ok(),
        _ => None,
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn message(found: &str, name: &str, place: &Place<'_>, r#type: &str) -> String {
    let (fields, _) = place.field(name);
    let holder = place.holder.name;
    format!("json: cannot unmarshal {found} into Go struct field {holder}.{fields} of type {type}")
}

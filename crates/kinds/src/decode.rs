//! Reading a document as the Go type of its kind, and writing it back: what a typed API server keeps of it.
//!
//! Wrong types are refused with the words of Go's decoder, unknown fields are dropped and told, and the result has
//! what Go would write: zero values where a field has no `omitempty`, no empty ones where it has.

mod base64;
mod quantity;
pub(crate) mod restore;
mod time;

pub(crate) use self::{quantity::quantity, time::civil_seconds};

use crate::types::{Field, Form, Omit, Special, Type, Types};
use serde_json::{Map, Number, Value};

/// Deeper schemas than this are refused. No struct but `JSONSchemaProps` holds itself.
const DEPTH_MAX: usize = 200;
/// So many complaints are kept.
const COMPLAINTS_MAX: usize = 100;

/// Reads a tree as a type: the tree that Go would write, and the strict decoder's complaints.
pub(crate) fn decode(model: &str, value: Value) -> Result<(Value, Vec<String>), String> {
    read(model, value, model.starts_with("io.k8s.api."))
}

/// The same for what is never stored: empty lists and maps stay what they are.
pub(crate) fn decode_unstored(model: &str, value: Value) -> Result<(Value, Vec<String>), String> {
    read(model, value, false)
}

fn read(model: &str, value: Value, forgets_empty: bool) -> Result<(Value, Vec<String>), String> {
    let Some(found) = Types::all().get(model) else {
        return Ok((value, Vec::new()));
    };
    let mut reader = Reader {
        strict: true,
        forgets_empty,
        ..Reader::default()
    };
    let value = reader.object(found, value)?;
    match reader.error {
        Some(error) => Err(error),
        None => Ok((value, reader.complaints)),
    }
}

/// The zero value of a type, as Go writes it.
pub(crate) fn zero_struct(found: &'static Type) -> Value {
    let fields = found.fields.iter();
    let kept = fields
        .map(|field| (field, zero(&field.form)))
        .filter(|(field, value)| !is_omitted(field, value));
    kept.map(|(field, value)| (field.name.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

const OWNERS: &str = "managedFields";

#[derive(Default)]
struct Reader {
    /// Complaints are kept.
    strict: bool,
    /// Lists and maps that are empty become null: the stored form doesn't tell them from missing ones.
    forgets_empty: bool,
    complaints: Vec<String>,
    /// The first error that didn't stop the reading.
    error: Option<String>,
    /// The struct whose field is read, and the path to it: what errors name.
    structure: &'static str,
    fields: Vec<&'static str>,
    /// The path that complaints name.
    path: Vec<String>,
    depth: usize,
}

impl Reader {
    fn wrong_type(&mut self, value: &str, wanted: &Form) {
        if self.error.is_none() {
            self.error = Some(self.type_error(value, &wanted.go()));
        }
    }

    fn type_error(&self, value: &str, wanted: &str) -> String {
        if self.fields.is_empty() {
            return format!("json: cannot unmarshal {value} into Go value of type {wanted}");
        }
        let at = format!("{}.{}", self.structure, self.fields.join("."));
        format!("json: cannot unmarshal {value} into Go struct field {at} of type {wanted}")
    }

    fn int_or_string(&self, value: Value) -> Result<Value, String> {
        match value {
            Value::String(_) => Ok(value),
            Value::Number(number) => match number
                .as_i64()
                .filter(|number| i32::try_from(*number).is_ok())
            {
                Some(number) => Ok(number.into()),
                None => Err(self.type_error(&format!("number {number}"), "int32")),
            },
            other => Err(self.type_error(word(&other), "int32")),
        }
    }

    fn complain(&mut self, name: &str) {
        if !self.strict || self.complaints.len() >= COMPLAINTS_MAX {
            return;
        }
        let mut path = String::new();
        for step in self.path.iter().map(String::as_str).chain([name]) {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        self.complaints
            .push(format!("unknown field {}", Value::from(path)));
    }

    fn object(&mut self, found: &'static Type, value: Value) -> Result<Value, String> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return Ok(zero_struct(found)),
            other => {
                self.wrong_type(word(&other), &Form::Struct(found.name));
                return Ok(zero_struct(found));
            }
        };
        if self.depth > DEPTH_MAX {
            return Err("exceeded max depth".to_owned());
        }
        self.depth += 1;
        let mut read = Map::new();
        let mut out = Map::new();
        for (name, value) in fields {
            // An empty list of owners is a wish to forget them.
            if name == OWNERS && value == Value::Array(Vec::new()) && found.field(OWNERS).is_some()
            {
                out.insert(name, value);
                continue;
            }
            match found.field(&name) {
                Some(field) => {
                    let value = self.field(found, field, value)?;
                    read.insert(name, value);
                }
                None => self.complain(&name),
            }
        }
        self.depth -= 1;
        for field in &found.fields {
            let value = read.remove(field.name).unwrap_or_else(|| zero(&field.form));
            if !is_omitted(field, &value) {
                out.insert(field.name.to_owned(), value);
            }
        }
        Ok(out.into())
    }

    fn field(
        &mut self,
        found: &'static Type,
        field: &'static Field,
        value: Value,
    ) -> Result<Value, String> {
        let (structure, depth) = (self.structure, self.fields.len());
        self.structure = found.short();
        self.fields.extend(field.inline.split_terminator('>'));
        self.fields.push(field.name);
        self.path.push(field.name.to_owned());
        let value = self.form(&field.form, value)?;
        self.path.pop();
        self.fields.truncate(depth);
        self.structure = structure;
        Ok(value)
    }

    fn form(&mut self, form: &'static Form, value: Value) -> Result<Value, String> {
        match (form, value) {
            (Form::Pointer(_), Value::Null) => Ok(Value::Null),
            (Form::Pointer(inner), value) => self.form(inner, value),
            (Form::Special(special), value) => self.special(*special, value),
            (form, Value::Null) => Ok(zero(form)),
            (Form::Struct(name), value) => match Types::all().get(name) {
                Some(found) => self.object(found, value),
                None => Ok(value),
            },
            (Form::List(_), Value::Array(items)) if items.is_empty() && self.forgets_empty => {
                Ok(Value::Null)
            }
            (Form::Map(..), Value::Object(entries)) if entries.is_empty() && self.forgets_empty => {
                Ok(Value::Null)
            }
            (Form::List(item), Value::Array(items)) => self.list(item, items),
            (Form::Map(_, item), Value::Object(entries)) => self.map(item, entries),
            (Form::Named(_, inner), value) if fits(inner, &value) => self.form(inner, value),
            (form, value) => Ok(self.scalar(form, value)),
        }
    }

    fn list(&mut self, item: &'static Form, items: Vec<Value>) -> Result<Value, String> {
        let mut read = Vec::with_capacity(items.len());
        for (at, value) in items.into_iter().enumerate() {
            self.path.push(format!("[{at}]"));
            read.push(self.form(item, value)?);
            self.path.pop();
        }
        Ok(read.into())
    }

    fn map(&mut self, item: &'static Form, entries: Map<String, Value>) -> Result<Value, String> {
        let mut read = Map::new();
        for (key, value) in entries {
            self.path.push(key.clone());
            let value = match (item, self.form(item, value)?) {
                (Form::Bytes, Value::Null) => "".into(),
                (_, value) => value,
            };
            self.path.pop();
            read.insert(key, value);
        }
        Ok(read.into())
    }

    /// A value that is no struct, list or map; or one that doesn't fit.
    fn scalar(&mut self, form: &'static Form, value: Value) -> Value {
        let inner = match form {
            Form::Named(_, inner) => inner,
            other => other,
        };
        match (inner, value) {
            (Form::String, value @ Value::String(_)) | (Form::Bool, value @ Value::Bool(_)) => {
                value
            }
            (Form::Bytes, Value::String(text)) => match base64::normal(&text) {
                Ok(text) => text.into(),
                Err(at) => {
                    let error = || format!("illegal base64 data at input byte {at}");
                    self.error.get_or_insert_with(error);
                    Value::Null
                }
            },
            (Form::Bytes, Value::Array(items)) => self.bytes(&items),
            (Form::Int32 | Form::Int64, Value::Number(number)) => self.int(form, inner, &number),
            (Form::Float, Value::Number(number)) => float(number),
            (_, value) => {
                self.wrong_type(word(&value), form);
                zero(form)
            }
        }
    }

    /// Bytes may also come as a list of numbers.
    fn bytes(&mut self, items: &[Value]) -> Value {
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            let byte = item.as_i64().and_then(|number| u8::try_from(number).ok());
            if byte.is_none() && !item.is_null() && self.error.is_none() {
                let word = match item {
                    Value::Number(number) => format!("number {number}"),
                    other => word(other).to_owned(),
                };
                self.error = Some(self.type_error(&word, "uint8"));
            }
            read.push(byte.unwrap_or_default());
        }
        base64::encoded(&read).into()
    }

    fn int(&mut self, form: &Form, inner: &Form, number: &Number) -> Value {
        let fits = |number: &i64| !matches!(inner, Form::Int32) || i32::try_from(*number).is_ok();
        match number.as_i64().filter(fits) {
            Some(number) => number.into(),
            None => {
                self.wrong_type(&format!("number {number}"), form);
                0.into()
            }
        }
    }

    /// Types that read themselves: their errors stop the reading.
    fn special(&mut self, special: Special, value: Value) -> Result<Value, String> {
        match (special, value) {
            (Special::Quantity, Value::Null) => Ok("0".into()),
            (Special::IntOrString, Value::Null) => Ok(0.into()),
            (Special::Fields | Special::Raw | Special::Json, value) => Ok(value),
            (_, Value::Null) => Ok(Value::Null),
            (Special::Time | Special::MicroTime, Value::String(text)) => {
                time::normal(&text, special == Special::MicroTime).map(Value::from)
            }
            (Special::Time | Special::MicroTime, other) => {
                Err(self.type_error(word(&other), "string"))
            }
            (Special::Quantity, value) => {
                let text = match &value {
                    Value::String(text) => text.trim().to_owned(),
                    other => other.to_string(),
                };
                quantity::normal(&text)
                    .map(Value::from)
                    .map_err(str::to_owned)
            }
            (Special::IntOrString, value) => self.int_or_string(value),
            (Special::PropsOrBool, value @ Value::Bool(_)) => Ok(value),
            (Special::PropsOrBool, value @ Value::Object(_)) => self.props(value),
            (Special::PropsOrBool, _) => Err("boolean or JSON schema expected".to_owned()),
            (Special::PropsOrArray, value @ Value::Object(_)) => self.props(value),
            (Special::PropsOrArray, Value::Array(items)) => self.props_list(items),
            (Special::PropsOrStrings, value @ Value::Object(_)) => self.props(value),
            (Special::PropsOrArray | Special::PropsOrStrings, value) => Ok(value),
        }
    }

    /// A schema inside a schema is read by a decoder of its own, which isn't strict.
    fn props(&mut self, value: Value) -> Result<Value, String> {
        let Some(found) = Types::all().get(PROPS) else {
            return Ok(value);
        };
        let mut inner = Reader {
            depth: self.depth + 1,
            ..Reader::default()
        };
        let value = inner.object(found, value)?;
        inner.error.map_or(Ok(value), Err)
    }

    fn props_list(&mut self, items: Vec<Value>) -> Result<Value, String> {
        let items = items.into_iter().map(|item| self.props(item));
        items.collect::<Result<Vec<_>, _>>().map(Value::from)
    }
}

const PROPS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Whether a value goes on to the type behind a name: others are errors, which name the name.
fn fits(form: &Form, value: &Value) -> bool {
    matches!(
        (form, value),
        (Form::List(_), Value::Array(_)) | (Form::Map(..), Value::Object(_))
    )
}

/// What Go's decoder calls a value.
pub(crate) fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Go writes a float that is a whole number as such.
fn float(number: Number) -> Value {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.into();
    };
    let whole = format!("{float:.0}").parse::<i64>().ok();
    match whole.filter(|_| float.fract() == 0.0 && float.abs() < 1e15) {
        Some(whole) => whole.into(),
        None => number.into(),
    }
}

/// The zero value of a form.
fn zero(form: &'static Form) -> Value {
    match form {
        Form::String => "".into(),
        Form::Bool => false.into(),
        Form::Int32 | Form::Int64 | Form::Float | Form::Special(Special::IntOrString) => 0.into(),
        Form::Special(Special::Quantity) => "0".into(),
        Form::Named(_, inner) => zero(inner),
        Form::Struct(name) => Types::all().get(name).map_or(Value::Null, zero_struct),
        Form::Bytes | Form::Pointer(_) | Form::List(_) | Form::Map(..) | Form::Special(_) => {
            Value::Null
        }
    }
}

/// Whether Go leaves a field out.
fn is_omitted(field: &Field, value: &Value) -> bool {
    let pointer = matches!(field.form, Form::Pointer(_));
    match field.omit {
        Omit::Never => false,
        Omit::Zero => value.is_null() || value.as_object().is_some_and(Map::is_empty),
        Omit::Empty if pointer => value.is_null(),
        Omit::Empty => is_empty(&field.form, value),
    }
}

fn is_empty(form: &Form, value: &Value) -> bool {
    match form {
        Form::Named(_, inner) => is_empty(inner, value),
        Form::String | Form::Bytes => value.as_str().is_none_or(str::is_empty),
        Form::Bool => value != true,
        Form::Int32 | Form::Int64 | Form::Float => value == 0,
        Form::List(_) => value.as_array().is_none_or(Vec::is_empty),
        Form::Map(..) => value.as_object().is_none_or(Map::is_empty),
        Form::Pointer(_) => value.is_null(),
        Form::Struct(_) | Form::Special(_) => false,
    }
}

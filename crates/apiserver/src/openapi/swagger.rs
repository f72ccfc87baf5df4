//! The OpenAPI document of version 2 in protobuf form, as `gnostic`'s `OpenAPIv2.proto` has it: what client-go's
//! discovery asks for, and Argo CD and `kubectl explain --output=plaintext-openapiv2` with it.
//!
//! Writes the parts of the form that Kubernetes' documents use. Pure: a tree in, bytes out.

use serde_json::Value;

/// Its media type.
pub(super) const MEDIA_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// What clients call it: no type as RFC 7231 has them, but that is what they send.
pub(super) const ASKED: [&str; 2] = [
    MEDIA_TYPE,
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

/// A message: its fields' names in JSON, their numbers and forms, and the number for extensions (`x-…`).
struct Message {
    fields: &'static [(&'static str, u64, Form)],
    extensions: u64,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Flag,
    Whole,
    Real,
    Texts,
    /// Any value, as YAML.
    Any,
    Anys,
    /// A message, below the messages that stand around it.
    One(Around),
    Many(Around),
    /// A map: a message with a message for each entry, in the field of this number.
    Map(u64, Around),
    /// A map to lists of texts.
    Scopes,
    /// One type or several.
    Types,
    /// Of further properties: their schema, or whether there may be any.
    SchemaOrFlag,
}

/// Which message a value is, and the numbers of the fields that it is wrapped in, outermost first.
type Around = fn(&Value) -> (&'static [u64], &'static Message);

static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Form::Text),
        ("info", 2, Form::One(|_| (&[], &INFO))),
        ("paths", 8, Form::Map(2, |_| (&[], &PATH))),
        ("definitions", 9, Form::Map(1, |_| (&[], &SCHEMA))),
        ("parameters", 10, Form::Map(1, parameter)),
        ("security", 12, Form::Scopes),
        (
            "securityDefinitions",
            13,
            Form::Map(1, |_| (&[2], &API_KEY)),
        ),
    ],
    extensions: 16,
};

static INFO: Message = Message {
    fields: &[("title", 1, Form::Text), ("version", 2, Form::Text)],
    extensions: 7,
};

static API_KEY: Message = Message {
    fields: &[
        ("type", 1, Form::Text),
        ("name", 2, Form::Text),
        ("in", 3, Form::Text),
        ("description", 4, Form::Text),
    ],
    extensions: 5,
};

static PATH: Message = Message {
    fields: &[
        ("get", 2, Form::One(|_| (&[], &OPERATION))),
        ("put", 3, Form::One(|_| (&[], &OPERATION))),
        ("post", 4, Form::One(|_| (&[], &OPERATION))),
        ("delete", 5, Form::One(|_| (&[], &OPERATION))),
        ("options", 6, Form::One(|_| (&[], &OPERATION))),
        ("head", 7, Form::One(|_| (&[], &OPERATION))),
        ("patch", 8, Form::One(|_| (&[], &OPERATION))),
        ("parameters", 9, Form::Many(parameter_or_reference)),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, Form::Texts),
        ("summary", 2, Form::Text),
        ("description", 3, Form::Text),
        ("operationId", 5, Form::Text),
        ("produces", 6, Form::Texts),
        ("consumes", 7, Form::Texts),
        ("parameters", 8, Form::Many(parameter_or_reference)),
        ("responses", 9, Form::Map(1, response)),
        ("schemes", 10, Form::Texts),
        ("deprecated", 11, Form::Flag),
        ("security", 12, Form::Scopes),
    ],
    extensions: 13,
};

static RESPONSE: Message = Message {
    fields: &[
        ("description", 1, Form::Text),
        ("schema", 2, Form::One(|_| (&[1], &SCHEMA))),
    ],
    extensions: 5,
};

static REFERENCE: Message = Message {
    fields: &[("$ref", 1, Form::Text), ("description", 2, Form::Text)],
    extensions: 0,
};

static BODY_PARAMETER: Message = Message {
    fields: &[
        ("description", 1, Form::Text),
        ("name", 2, Form::Text),
        ("in", 3, Form::Text),
        ("required", 4, Form::Flag),
        ("schema", 5, Form::One(|_| (&[], &SCHEMA))),
    ],
    extensions: 6,
};

static QUERY_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Form::Flag),
        ("in", 2, Form::Text),
        ("description", 3, Form::Text),
        ("name", 4, Form::Text),
        ("type", 6, Form::Text),
        ("format", 7, Form::Text),
        ("uniqueItems", 20, Form::Flag),
    ],
    extensions: 23,
};

/// Parameters in paths and in headers: their messages have the same numbers.
static PATH_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Form::Flag),
        ("in", 2, Form::Text),
        ("description", 3, Form::Text),
        ("name", 4, Form::Text),
        ("type", 5, Form::Text),
        ("format", 6, Form::Text),
        ("uniqueItems", 19, Form::Flag),
    ],
    extensions: 22,
};

static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Form::Text),
        ("format", 2, Form::Text),
        ("title", 3, Form::Text),
        ("description", 4, Form::Text),
        ("default", 5, Form::Any),
        ("multipleOf", 6, Form::Real),
        ("maximum", 7, Form::Real),
        ("exclusiveMaximum", 8, Form::Flag),
        ("minimum", 9, Form::Real),
        ("exclusiveMinimum", 10, Form::Flag),
        ("maxLength", 11, Form::Whole),
        ("minLength", 12, Form::Whole),
        ("pattern", 13, Form::Text),
        ("maxItems", 14, Form::Whole),
        ("minItems", 15, Form::Whole),
        ("uniqueItems", 16, Form::Flag),
        ("maxProperties", 17, Form::Whole),
        ("minProperties", 18, Form::Whole),
        ("required", 19, Form::Texts),
        ("enum", 20, Form::Anys),
        ("additionalProperties", 21, Form::SchemaOrFlag),
        ("type", 22, Form::Types),
        ("items", 23, Form::One(|_| (&[1], &SCHEMA))),
        ("allOf", 24, Form::Many(|_| (&[], &SCHEMA))),
        ("properties", 25, Form::Map(1, |_| (&[], &SCHEMA))),
        ("example", 30, Form::Any),
    ],
    extensions: 31,
};

fn parameter_or_reference(value: &Value) -> (&'static [u64], &'static Message) {
    if value.get("$ref").is_some() {
        return (&[2], &REFERENCE);
    }
    match value["in"].as_str() {
        Some("body") => (&[1, 1], &BODY_PARAMETER),
        Some("path") => (&[1, 2, 4], &PATH_PARAMETER),
        Some("header") => (&[1, 2, 1], &PATH_PARAMETER),
        _ => (&[1, 2, 3], &QUERY_PARAMETER),
    }
}

fn parameter(value: &Value) -> (&'static [u64], &'static Message) {
    let (around, message) = parameter_or_reference(value);
    (&around[1..], message)
}

fn response(value: &Value) -> (&'static [u64], &'static Message) {
    if value.get("$ref").is_some() {
        (&[2], &REFERENCE)
    } else {
        (&[1], &RESPONSE)
    }
}

/// The document in this form.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    message(document, &DOCUMENT)
}

fn message(value: &Value, message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, number, form) in message.fields {
        if let Some(value) = value.get(*name) {
            field(&mut out, *number, value, *form);
        }
    }
    let extensions = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("x-"));
    for (name, value) in extensions {
        entry(&mut out, message.extensions, name, &any(value));
    }
    out
}

fn field(out: &mut Vec<u8>, number: u64, value: &Value, form: Form) {
    let items = || value.as_array().into_iter().flatten();
    match form {
        Form::Text => text(out, number, value),
        Form::Flag => flag(out, number, value),
        Form::Whole => whole(out, number, value.as_i64().unwrap_or_default()),
        Form::Real => real(out, number, value.as_f64().unwrap_or_default()),
        Form::Texts => items().for_each(|item| text(out, number, item)),
        Form::Any => bytes(out, number, &any(value)),
        Form::Anys => items().for_each(|item| bytes(out, number, &any(item))),
        Form::One(around) => bytes(out, number, &wrapped(value, around)),
        Form::Many(around) => {
            items().for_each(|item| bytes(out, number, &wrapped(item, around)));
        }
        Form::Map(inner, around) => {
            let mut map = Vec::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                entry(&mut map, inner, name, &wrapped(value, around));
            }
            bytes(out, number, &map);
        }
        Form::Scopes => items().for_each(|item| bytes(out, number, &scopes(item))),
        Form::Types => {
            let mut types = Vec::new();
            text(&mut types, 1, value);
            items().for_each(|item| text(&mut types, 1, item));
            bytes(out, number, &types);
        }
        Form::SchemaOrFlag => {
            let mut either = Vec::new();
            match value {
                Value::Bool(_) => flag(&mut either, 2, value),
                _ => bytes(&mut either, 1, &message(value, &SCHEMA)),
            }
            bytes(out, number, &either);
        }
    }
}

fn wrapped(value: &Value, around: Around) -> Vec<u8> {
    let (numbers, kind) = around(value);
    let within = message(value, kind);
    numbers.iter().rev().fold(within, |within, number| {
        let mut out = Vec::with_capacity(within.len() + 8);
        bytes(&mut out, *number, &within);
        out
    })
}

fn scopes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, scopes) in value.as_object().into_iter().flatten() {
        let mut list = Vec::new();
        field(&mut list, 1, scopes, Form::Texts);
        entry(&mut out, 1, name, &list);
    }
    out
}

/// An entry of a map.
fn entry(out: &mut Vec<u8>, number: u64, name: &str, value: &[u8]) {
    let mut pair = Vec::with_capacity(name.len() + value.len() + 12);
    bytes(&mut pair, 1, name.as_bytes());
    bytes(&mut pair, 2, value);
    bytes(out, number, &pair);
}

/// JSON is YAML.
fn any(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 2, format!("{value}\n").as_bytes());
    out
}

fn text(out: &mut Vec<u8>, number: u64, value: &Value) {
    if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
        bytes(out, number, text.as_bytes());
    }
}

fn flag(out: &mut Vec<u8>, number: u64, value: &Value) {
    whole(out, number, i64::from(value.as_bool().unwrap_or_default()));
}

fn whole(out: &mut Vec<u8>, number: u64, value: i64) {
    if value != 0 {
        varint(out, number << 3);
        varint(out, value.cast_unsigned());
    }
}

fn real(out: &mut Vec<u8>, number: u64, value: f64) {
    if value != 0.0 {
        varint(out, number << 3 | 1);
        out.extend(value.to_le_bytes());
    }
}

fn bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

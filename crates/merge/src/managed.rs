//! `metadata.managedFields`: the entries, as sets of fields by manager.
//!
//! Invariant: a manager has one entry for each operation, API version (of updates) and subresource.

use crate::{
    fields::{FieldSet, FieldsError},
    time, words,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    /// The word in the entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who owns fields: what tells one entry from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagerId {
    /// The manager's name.
    pub manager: String,
    /// How it wrote.
    pub operation: Operation,
    /// The API version of updates; empty for applies, of which there is one entry whatever the version.
    pub api_version: String,
    /// The subresource it wrote through, or empty.
    pub subresource: String,
}

impl ManagerId {
    pub(crate) fn new(
        manager: &str,
        operation: Operation,
        api_version: &str,
        subresource: &str,
    ) -> Self {
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: match operation {
                Operation::Apply => String::new(),
                Operation::Update => api_version.to_owned(),
            },
            subresource: subresource.to_owned(),
        }
    }

    /// The text by which Kubernetes sorts managers.
    pub(crate) fn sort_key(&self) -> String {
        let mut out = "{".to_owned();
        let fields = [
            ("manager", self.manager.as_str()),
            ("operation", self.operation.as_str()),
            ("apiVersion", self.api_version.as_str()),
            ("subresource", self.subresource.as_str()),
        ];
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            if out.len() > 1 {
                out.push(',');
            }
            words::write_json_string(&mut out, name);
            out.push(':');
            words::write_json_string(&mut out, value);
        }
        out.push('}');
        out
    }
}

/// What a manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The fields.
    pub fields: FieldSet,
    /// The API version that the fields are of.
    pub api_version: String,
    /// When the entry last changed, in Unix seconds.
    pub time: Option<i64>,
}

/// All entries of one object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedFields {
    /// By manager.
    pub entries: BTreeMap<ManagerId, Owned>,
}

/// Why managedFields are invalid. Updates then keep or drop them; applies fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedFieldsError {
    /// An entry is no object, or has a field of the wrong type.
    #[error("malformed managed fields entry {0}")]
    Malformed(usize),
    /// Neither `Apply` nor `Update`.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// No API version.
    #[error("apiVersion must not be empty")]
    ApiVersion,
    /// No fieldsType.
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    /// A fieldsType that isn't known, in quotes.
    #[error("invalid fieldsType {0} in managed fields entry {1}")]
    FieldsType(String, usize),
    /// The fields can't be read.
    #[error("error decoding versioned set from entry {1}: error decoding set: {0}")]
    Fields(FieldsError, usize),
}

impl ManagedFields {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `metadata.managedFields`.
    pub fn decode(entries: &[Value]) -> Result<Self, ManagedFieldsError> {
        let mut managed = Self::new();
        for (i, entry) in entries.iter().enumerate() {
            let (id, owned) = decode_entry(i, entry)?;
            managed.entries.insert(id, owned);
        }
        Ok(managed)
    }

    /// Reads the managedFields of an object. Without any, there are no entries.
    pub fn of_object(object: &Value) -> Result<Self, ManagedFieldsError> {
        match raw(object) {
            Some(Value::Array(entries)) => Self::decode(entries),
            _ => Ok(Self::new()),
        }
    }

    /// The entries in Kubernetes' order: applies first, then by time, manager, version and subresource.
    pub fn encode(&self) -> Vec<Value> {
        let mut entries: Vec<(&ManagerId, &Owned)> = self.entries.iter().collect();
        entries.sort_by_cached_key(|(id, owned)| {
            (
                id.operation.as_str(),
                owned.time.unwrap_or(0),
                id.manager.clone(),
                owned.api_version.clone(),
                id.subresource.clone(),
            )
        });
        entries
            .into_iter()
            .map(|(id, owned)| encode_entry(id, owned))
            .collect()
    }

    /// Puts the entries into an object; without any, managedFields is left out.
    pub fn write_to(&self, object: &mut Value) {
        let entries = self.encode();
        set_raw(
            object,
            (!entries.is_empty()).then_some(Value::Array(entries)),
        );
    }
}

/// `metadata.managedFields` as it stands.
pub(crate) fn raw(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Replaces `metadata.managedFields`.
pub(crate) fn set_raw(object: &mut Value, entries: Option<Value>) {
    let Value::Object(fields) = object else {
        return;
    };
    match entries {
        Some(entries) => {
            let metadata = fields
                .entry("metadata")
                .or_insert_with(|| Value::Object(Map::new()));
            if metadata.is_null() {
                *metadata = Value::Object(Map::new());
            }
            if let Value::Object(metadata) = metadata {
                metadata.insert("managedFields".to_owned(), entries);
            }
        }
        None => {
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                metadata.remove("managedFields");
            }
        }
    }
}

/// Whether a write asks to forget all owners: `managedFields: []` or `[{}]`.
pub fn is_reset(object: &Value) -> bool {
    match raw(object).and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(entry)]) => entry.values().all(is_zero),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn decode_entry(i: usize, entry: &Value) -> Result<(ManagerId, Owned), ManagedFieldsError> {
    let malformed = ManagedFieldsError::Malformed(i);
    let entry = entry.as_object().ok_or(malformed.clone())?;
    let text = |name: &str| match entry.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(malformed.clone()),
    };
    let time = match text("time")? {
        "" => None,
        time => Some(time::parse(time).ok_or(malformed.clone())?),
    };
    let (manager, subresource) = (text("manager")?, text("subresource")?);
    let operation = match text("operation")? {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(ManagedFieldsError::Operation),
    };
    let api_version = match text("apiVersion")? {
        "" => return Err(ManagedFieldsError::ApiVersion),
        version => version,
    };
    match text("fieldsType")? {
        "FieldsV1" => {}
        "" => return Err(ManagedFieldsError::NoFieldsType(i)),
        other => return Err(ManagedFieldsError::FieldsType(words::quoted(other), i)),
    }
    let fields = match entry.get("fieldsV1") {
        None => FieldSet::new(),
        Some(fields) => FieldSet::from_fields_v1(fields)
            .map_err(|error| ManagedFieldsError::Fields(error, i))?,
    };
    Ok((
        ManagerId::new(manager, operation, api_version, subresource),
        Owned {
            fields,
            api_version: api_version.to_owned(),
            time,
        },
    ))
}

fn encode_entry(id: &ManagerId, owned: &Owned) -> Value {
    let mut entry = json!({
        "operation": id.operation.as_str(),
        "apiVersion": owned.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields.to_fields_v1(),
    });
    if let Value::Object(fields) = &mut entry {
        let mut put = |name: &str, value: String| fields.insert(name.to_owned(), value.into());
        if !id.manager.is_empty() {
            put("manager", id.manager.clone());
        }
        if let Some(seconds) = owned.time {
            put("time", time::format(seconds));
        }
        if !id.subresource.is_empty() {
            put("subresource", id.subresource.clone());
        }
    }
    entry
}

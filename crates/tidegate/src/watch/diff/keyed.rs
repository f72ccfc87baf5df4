//! Which items of two lists are the same item: by name, type, port and other keys.
//!
//! Kubernetes keeps most lists of objects as maps, but says so only in its schemas, which are not
//! at hand here. A key is taken when it is there in every item, and tells all items of each list apart.

use serde_json::Value;

/// How the items of two lists find each other.
pub(super) enum Matching {
    /// Each item's key, in list order: old, then new.
    Keys(Vec<String>, Vec<String>),
    Set,
    Position,
}

/// The first field is required; the others may be missing.
type KeyFields = &'static [&'static str];

const NAMED: [(&str, KeyFields); 5] = [
    ("conditions", &["type"]),
    ("ownerReferences", &["uid"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("addresses", &["type", "address"]),
];

const GENERAL: [KeyFields; 15] = [
    &["name"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["type"],
    &["key"],
    &["mountPath"],
    &["devicePath"],
    &["ip"],
    &["hostname"],
    &["host"],
    &["topologyKey", "whenUnsatisfiable"],
    &["uid"],
    &["id"],
    &["address"],
    &["podIP"],
];

/// `field` is the name of the field that holds both lists.
pub(super) fn matching(field: &str, old: &[Value], new: &[Value]) -> Matching {
    let all = || old.iter().chain(new);
    if all().all(Value::is_object) {
        let named = NAMED
            .iter()
            .filter(|(name, _)| *name == field)
            .map(|(_, fields)| *fields);
        for fields in named.chain(GENERAL) {
            if let (Some(old), Some(new)) = (keys(fields, old), keys(fields, new)) {
                return Matching::Keys(old, new);
            }
        }
        return Matching::Position;
    }
    let scalars = all().all(|item| !item.is_object() && !item.is_array());
    let same_items = || {
        let sorted = |items: &[Value]| {
            let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
            texts.sort();
            texts
        };
        sorted(old) == sorted(new)
    };
    // Of equal length, arguments and the like changed in place, unless they only swapped places.
    if scalars && (old.len() != new.len() || same_items()) {
        Matching::Set
    } else {
        Matching::Position
    }
}

/// Each item's key, or nothing where one lacks it or two share it.
fn keys(fields: KeyFields, items: &[Value]) -> Option<Vec<String>> {
    let keys: Vec<String> = items
        .iter()
        .map(|item| key(fields, item))
        .collect::<Option<_>>()?;
    let mut unique: Vec<&String> = keys.iter().collect();
    unique.sort();
    unique.dedup();
    (unique.len() == keys.len()).then_some(keys)
}

fn key(fields: KeyFields, item: &Value) -> Option<String> {
    let (first, others) = fields.split_first()?;
    let mut key = scalar(item.get(first)?)?;
    for field in others {
        if let Some(part) = item.get(field).and_then(scalar) {
            key.push('/');
            key.push_str(&part);
        }
    }
    Some(key)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

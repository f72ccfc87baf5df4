//! What the crate should find, worked out on serde_json's tree.

use std::borrow::Cow;

use serde_json::{Value, json};
use tidegate_wire::{Meta, OwnerRef};

fn text(value: &Value) -> Option<Cow<'_, str>> {
    value.as_str().map(Cow::Borrowed)
}

pub(crate) fn meta(object: &Value) -> Meta<'_> {
    let meta = &object["metadata"];
    let labels = meta["labels"].as_object().into_iter().flatten();
    let mut labels: Vec<_> = labels
        .map(|(key, value)| (Cow::Borrowed(&**key), text(value).unwrap_or_default()))
        .collect();
    labels.sort();
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    Meta {
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]).unwrap_or_default(),
        uid: text(&meta["uid"]),
        resource_version: text(&meta["resourceVersion"]).unwrap_or_default(),
        generation: meta["generation"].as_i64(),
        deletion_timestamp: !meta["deletionTimestamp"].is_null(),
        labels,
        owners: owners.map(owner).collect(),
        initial_events_end: meta["annotations"]["k8s.io/initial-events-end"] == "true",
    }
}

fn owner(owner: &Value) -> OwnerRef<'_> {
    OwnerRef {
        api_version: text(&owner["apiVersion"]).unwrap_or_default(),
        kind: text(&owner["kind"]).unwrap_or_default(),
        name: text(&owner["name"]).unwrap_or_default(),
        uid: text(&owner["uid"]).unwrap_or_default(),
        controller: owner["controller"] == true,
    }
}

/// The clean copy: no managedFields, and no type that is null or empty.
pub(crate) fn clean(object: &Value, type_meta: Option<(&str, &str)>) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().expect("an object");
    if let Some(meta) = members.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
    }
    let mut put = |key: &str, value: Option<&str>| {
        if matches!(members.get(key).unwrap_or(&Value::Null), Value::Null)
            || members.get(key) == Some(&json!(""))
        {
            members.remove(key);
            members.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
    };
    put("apiVersion", type_meta.map(|(api_version, _)| api_version));
    put("kind", type_meta.map(|(_, kind)| kind));
    object
}

/// A pointer to each value in `root`.
pub(crate) fn pointers(root: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut open = vec![(String::new(), root)];
    while let Some((path, value)) = open.pop() {
        let members = value.as_object().into_iter().flatten();
        let members =
            members.map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value));
        let elements = value.as_array().into_iter().flatten().enumerate();
        let elements = elements.map(|(index, value)| (index.to_string(), value));
        for (token, value) in members.chain(elements) {
            let path = format!("{path}/{token}");
            all.push(path.clone());
            open.push((path, value));
        }
    }
    all
}

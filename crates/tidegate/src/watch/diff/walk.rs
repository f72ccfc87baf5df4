//! The recursive comparison behind `diff`: objects by key, lists by identity, the rest by value.
//!
//! Knows which fields are bookkeeping and which come last in a summary; knows nothing of output.

use super::{
    Change, What,
    keyed::{self, Matching},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields that change with every write and say nothing.
const METADATA_NOISE: [&str; 3] = ["resourceVersion", "managedFields", "generation"];

/// A copy without bookkeeping. Emptied annotations go too, or they would show as a change.
pub(super) fn without_noise(object: &Value) -> Value {
    let mut copy = object.clone();
    if let Some(metadata) = copy.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in METADATA_NOISE {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove(LAST_APPLIED);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    if let Some(status) = copy.get_mut("status") {
        drop_observed_generation(status);
    }
    copy
}

fn drop_observed_generation(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("observedGeneration");
            map.values_mut().for_each(drop_observed_generation);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_observed_generation),
        _ => {}
    }
}

/// Both sides are free of noise already.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut walk = Walk { out: Vec::new() };
    walk.value("", old, new);
    walk.out
}

struct Walk {
    out: Vec<Change>,
}

impl Walk {
    fn push(&mut self, path: &str, what: What) {
        self.out.push(Change {
            path: path.to_owned(),
            what,
            rank: rank(path),
        });
    }

    fn value(&mut self, path: &str, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.object(path, old, new),
            (Value::Array(old), Value::Array(new)) => self.list(path, old, new),
            _ => self.push(path, What::Changed(old.clone(), new.clone())),
        }
    }

    fn object(&mut self, path: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let path = child(path, key);
            match (old.get(key), new.get(key)) {
                (Some(old), Some(new)) => self.value(&path, old, new),
                (Some(old), None) => self.push(&path, What::Removed(old.clone())),
                (None, Some(new)) => self.push(&path, What::Added(new.clone())),
                (None, None) => {}
            }
        }
    }

    fn list(&mut self, path: &str, old: &[Value], new: &[Value]) {
        match keyed::matching(last_field(path), old, new) {
            Matching::Keys(old_keys, new_keys) => {
                self.keyed(path, (old, &old_keys), (new, &new_keys))
            }
            Matching::Set => self.set(path, old, new),
            Matching::Position => self.positions(path, old, new),
        }
    }

    /// Items found again by key: new order first, then what is gone.
    fn keyed(&mut self, path: &str, old: (&[Value], &[String]), new: (&[Value], &[String])) {
        for (item, key) in new.0.iter().zip(new.1) {
            let path = format!("{path}[{key}]");
            match old.1.iter().position(|candidate| candidate == key) {
                Some(at) => self.value(&path, &old.0[at], item),
                None => self.push(&path, What::Added(item.clone())),
            }
        }
        for (item, key) in old.0.iter().zip(old.1) {
            if !new.1.contains(key) {
                self.push(&format!("{path}[{key}]"), What::Removed(item.clone()));
            }
        }
        let kept_old: Vec<&String> = old.1.iter().filter(|key| new.1.contains(key)).collect();
        let kept_new: Vec<&String> = new.1.iter().filter(|key| old.1.contains(key)).collect();
        if kept_old != kept_new {
            self.push(
                path,
                What::Reordered(strings(&kept_old), strings(&kept_new)),
            );
        }
    }

    /// Scalars of different number: what came, what went. A pure change of order shows as such.
    fn set(&mut self, path: &str, old: &[Value], new: &[Value]) {
        let gone = minus(old, new);
        let come = minus(new, old);
        if gone.is_empty() && come.is_empty() {
            self.push(path, What::Reordered(Value::from(old), Value::from(new)));
        }
        for item in gone {
            self.push(path, What::Removed(item));
        }
        for item in come {
            self.push(path, What::Added(item));
        }
    }

    /// Items without identity: the common ends are the same items, the middle pairs up by place.
    fn positions(&mut self, path: &str, old: &[Value], new: &[Value]) {
        let head = old
            .iter()
            .zip(new)
            .take_while(|(old, new)| old == new)
            .count();
        let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
        let tail = tails.take_while(|(old, new)| old == new).count();
        let old_middle = &old[head..old.len() - tail];
        let new_middle = &new[head..new.len() - tail];
        for at in 0..old_middle.len().max(new_middle.len()) {
            let path = format!("{path}[{}]", head + at);
            match (old_middle.get(at), new_middle.get(at)) {
                (Some(old), Some(new)) => self.value(&path, old, new),
                (Some(old), None) => self.push(&path, What::Removed(old.clone())),
                (None, Some(new)) => self.push(&path, What::Added(new.clone())),
                (None, None) => {}
            }
        }
    }
}

/// The items of `left` that `right` has no partner for.
fn minus(left: &[Value], right: &[Value]) -> Vec<Value> {
    let mut partners: Vec<&Value> = right.iter().collect();
    let mut rest = Vec::new();
    for item in left {
        match partners.iter().position(|partner| *partner == item) {
            Some(at) => drop(partners.swap_remove(at)),
            None => rest.push(item.clone()),
        }
    }
    rest
}

fn strings(keys: &[&String]) -> Value {
    keys.iter().map(|key| Value::from(key.as_str())).collect()
}

/// Dots and slashes in a key would read as structure, so such a key stands in brackets.
fn child(path: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '/', '[', ']', ' ']) {
        format!("{path}[{key}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// `spec.containers[app].ports` → `ports`
fn last_field(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// State before prose, prose before metadata, clocks last.
fn rank(path: &str) -> u8 {
    let field = last_field(path);
    let clock = field.ends_with("Time") || field.ends_with("Timestamp") || field.ends_with("At");
    if clock && field != "deletionTimestamp" {
        3
    } else if path.starts_with("metadata.") && field != "deletionTimestamp" {
        2
    } else if matches!(field, "message" | "reason" | "lastUpdateTime") {
        1
    } else {
        0
    }
}

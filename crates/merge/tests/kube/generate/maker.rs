//! Values that fit a schema.

use super::{Dice, any};
use serde_json::{Map, Value, json};

/// Makes values that fit a schema.
pub(super) struct Maker<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) definitions: &'static Value,
    /// How often a property is there, in percent.
    pub(super) density: usize,
    /// Whether lists may have doubles.
    pub(super) doubles: bool,
    /// Whether scalars may be zero, which Go's structs leave out.
    pub(super) zeros: bool,
}

impl Maker<'_> {
    fn resolve<'s>(&self, schema: &'s Value) -> &'s Value {
        let target = schema["$ref"]
            .as_str()
            .or_else(|| schema["allOf"][0]["$ref"].as_str());
        match target.and_then(|target| target.rsplit('/').next()) {
            Some(name) => &self.definitions[name],
            None => schema,
        }
    }

    pub(super) fn make(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        match schema["type"].as_str() {
            Some("object") => self.object(schema, depth),
            Some("array") => self.list(schema, depth),
            Some("integer") if !self.zeros => json!(*self.dice.pick(&[3, 1, 2, 80])),
            Some("integer") => json!(*self.dice.pick(&[0, 1, 2, 80])),
            Some("number") => json!(*self.dice.pick(&[0.5, 1.0, 2.0, 1e22])),
            Some("boolean") => (!self.zeros || self.dice.often(50)).into(),
            Some("string") if schema["format"] == "date-time" => json!("2020-01-01T00:00:00Z"),
            Some("string") if schema["format"] == "byte" => {
                json!(*self.dice.pick(&["YQ==", "Yg=="]))
            }
            Some("string") => json!(*self.dice.pick(&["a", "b", "c", "d", "1"])),
            _ => json!(*self.dice.pick(&["1", "2"])),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut out = Map::new();
        if let Some(properties) = schema["properties"].as_object() {
            for (name, property) in properties {
                // Structs in Go that show themselves even if nothing is in them.
                let zero = [json!(""), json!(0), json!(false)].contains(&property["default"]);
                let shown = (zero && properties.len() > 1)
                    || ["targetPort", "lastTransitionTime", "lastUpdateTime"]
                        .contains(&name.as_str());
                let needed = (shown && !self.zeros)
                    || schema["required"]
                        .as_array()
                        .is_some_and(|all| all.contains(&json!(name)));
                if name != "metadata" && (needed || (depth > 0 && self.dice.often(self.density))) {
                    out.insert(name.clone(), self.make(property, depth.saturating_sub(1)));
                }
            }
        }
        let free = schema["properties"].is_null()
            || schema["x-kubernetes-preserve-unknown-fields"] == true;
        if free {
            for _ in 0..self.dice.below(3) {
                let key = (*self.dice.pick(&["a", "b", "c"])).to_owned();
                let value = match &schema["additionalProperties"] {
                    below @ Value::Object(_) => self.make(&below.clone(), depth.saturating_sub(1)),
                    _ => any(self.dice, 2),
                };
                out.insert(key, value);
            }
        }
        Value::Object(out)
    }

    fn list(&mut self, schema: &Value, depth: usize) -> Value {
        let keys: Vec<String> = match schema["x-kubernetes-list-map-keys"].as_array() {
            Some(keys) => keys
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            None => schema["x-kubernetes-patch-merge-key"]
                .as_str()
                .map(str::to_owned)
                .into_iter()
                .collect(),
        };
        let mut out: Vec<Value> = Vec::new();
        let mut seen = Vec::new();
        for _ in 0..self.dice.below(4) {
            let mut item = self.make(&schema["items"], depth.saturating_sub(1));
            let item_schema = self.resolve(&schema["items"]);
            for key in &keys {
                let property = &item_schema["properties"][key];
                let optional = property.get("default").is_some() && self.dice.often(40);
                if !optional && item.is_object() {
                    item[key] = self.make(property, 0);
                }
            }
            let id: Vec<Value> = if keys.is_empty() {
                vec![item.clone()]
            } else {
                keys.iter()
                    .map(|key| {
                        item.get(key)
                            .unwrap_or(&item_schema["properties"][key]["default"])
                            .clone()
                    })
                    .collect()
            };
            if self.doubles && self.dice.often(10) || !seen.contains(&id) {
                seen.push(id);
                out.push(item);
            }
        }
        Value::Array(out)
    }
}

pub(super) fn definition(
    definitions: &'static Value,
    api_version: &str,
    kind: &str,
) -> &'static Value {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let wanted = json!({"group": group, "version": version, "kind": kind});
    definitions
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, definition)| definition)
        .find(|definition| {
            definition["x-kubernetes-group-version-kind"]
                .as_array()
                .is_some_and(|kinds| kinds.contains(&wanted))
        })
        .expect("a known kind")
}

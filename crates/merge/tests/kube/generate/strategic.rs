//! Strategic merge patches of objects of a kind, with directives.

use super::{
    Dice,
    maker::{Maker, definition},
    scalar, torn,
};
use crate::schemas;
use serde_json::{Map, Value, json};

pub(super) fn strategic(dice: &mut Dice, name: &str, api_version: &str, kind: &str) -> Value {
    let definitions = schemas::components(name);
    let schema = definition(definitions, api_version, kind);
    let doubles = dice.often(10);
    let density = 35;
    let mut maker = Maker {
        dice,
        definitions,
        density,
        doubles,
        zeros: true,
    };
    let original = maker.make(schema, 4);
    let other = maker.make(schema, 4);
    let mut directives = Directives { dice, definitions };
    let patch = directives.patch(&original, &other, schema);
    json!({"op": "strategic", "schemas": name, "kind": [api_version, kind], "object": original,
        "patch": torn(dice, &patch), "strict": dice.often(50)})
}

/// Makes strategic merge patches: some of another object, with directives.
struct Directives<'a> {
    dice: &'a mut Dice,
    definitions: &'static Value,
}

impl Directives<'_> {
    fn patch(&mut self, old: &Value, new: &Value, schema: &Value) -> Value {
        let target = schema["$ref"]
            .as_str()
            .or_else(|| schema["allOf"][0]["$ref"].as_str());
        let schema = match target.and_then(|target| target.rsplit('/').next()) {
            Some(name) => &self.definitions[name].clone(),
            None => schema,
        };
        let Value::Object(new) = new else {
            return new.clone();
        };
        let mut out = Map::new();
        for (name, value) in new {
            let property = &schema["properties"][name];
            let before = &old[name];
            match value {
                _ if self.dice.often(8) => drop(out.insert(name.clone(), Value::Null)),
                Value::Object(_) => {
                    drop(out.insert(name.clone(), self.patch(before, value, property)))
                }
                Value::Array(items) => self.list(&mut out, name, before, items, property),
                _ => drop(out.insert(name.clone(), value.clone())),
            }
        }
        if self.dice.often(6) {
            let directive = *self.dice.pick(&["replace", "delete", "merge", "odd"]);
            out.insert("$patch".into(), directive.into());
        }
        if self.dice.often(6) {
            let keys: Vec<Value> = out
                .keys()
                .filter(|_| self.dice.often(95))
                .map(|k| json!(k))
                .collect();
            out.insert("$retainKeys".into(), keys.into());
        }
        if self.dice.often(1) {
            out.insert("$retainKeys".into(), "odd".into());
        }
        Value::Object(out)
    }

    fn list(
        &mut self,
        out: &mut Map<String, Value>,
        name: &str,
        old: &Value,
        new: &[Value],
        schema: &Value,
    ) {
        let key = schema["x-kubernetes-patch-merge-key"].as_str();
        let mut items: Vec<Value> = Vec::new();
        for item in new {
            let before = old.as_array().into_iter().flatten();
            let before = before
                .clone()
                .find(|o| key.is_some_and(|key| o[key] == item[key]))
                .cloned();
            let mut item = self.patch(&before.unwrap_or_default(), item, &schema["items"]);
            if item.is_object() && self.dice.often(15) {
                let directive = *self.dice.pick(&["delete", "delete", "replace", "merge"]);
                item["$patch"] = directive.into();
            }
            items.push(item);
        }
        if self.dice.often(3) {
            items.push(scalar(self.dice));
        }
        if self.dice.often(20) {
            let gone: Vec<Value> = old
                .as_array()
                .into_iter()
                .flatten()
                .filter(|_| self.dice.often(50))
                .cloned()
                .collect();
            if gone.iter().all(|item| !item.is_object()) {
                out.insert(format!("$deleteFromPrimitiveList/{name}"), gone.into());
            }
        }
        if self.dice.often(35) {
            let both = items.iter().chain(old.as_array().into_iter().flatten());
            let mut order: Vec<Value> = Vec::new();
            for item in both {
                let entry = match key {
                    Some(key) if item.is_object() => json!({key: item[key]}),
                    _ => item.clone(),
                };
                if self.dice.often(85) && !order.contains(&entry) {
                    let at = if self.dice.often(70) {
                        order.len()
                    } else {
                        self.dice.below(order.len() + 1)
                    };
                    order.insert(at, entry);
                }
            }
            out.insert(format!("$setElementOrder/{name}"), order.into());
        }
        if self.dice.often(80) {
            out.insert(name.to_owned(), items.into());
        }
    }
}

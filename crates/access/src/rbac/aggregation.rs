//! ClusterRoles whose rules are those of other ClusterRoles, chosen by label.

use super::rule::Rule;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Whether the ClusterRole's rules are made from others'.
#[must_use]
pub fn is_aggregated(role: &Value) -> bool {
    role.get("aggregationRule")
        .is_some_and(|rule| !rule.is_null())
}

/// The rules that an aggregated ClusterRole has to have, given all ClusterRoles: selector by selector, in the order of
/// names, each rule once. `None` for a role that is not aggregated, or whose selectors can't be read.
#[must_use]
pub fn aggregate<'a>(role: &Value, all: impl IntoIterator<Item = &'a Value>) -> Option<Vec<Value>> {
    if !is_aggregated(role) {
        return None;
    }
    let own_name = name_of(role);
    let others: BTreeMap<&str, &Value> = all
        .into_iter()
        .map(|other| (name_of(other), other))
        .filter(|(name, _)| *name != own_name)
        .collect();
    let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array();
    let mut rules = Vec::new();
    let mut known = HashSet::new();
    for selector in selectors.into_iter().flatten() {
        for other in others.values() {
            if !selects(selector, &other["metadata"]["labels"])? {
                continue;
            }
            for rule in Rule::of_role(other) {
                if known.insert(rule.clone()) {
                    rules.push(rule.to_value());
                }
            }
        }
    }
    Some(rules)
}

fn name_of(role: &Value) -> &str {
    role["metadata"]["name"].as_str().unwrap_or_default()
}

/// A `LabelSelector` of meta/v1. `None`: it can't be read.
fn selects(selector: &Value, labels: &Value) -> Option<bool> {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let exact = selector.get("matchLabels").and_then(Value::as_object);
    for (key, value) in exact.into_iter().flatten() {
        if label(key) != Some(value.as_str()?) {
            return Some(false);
        }
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let found = label(expression["key"].as_str()?);
        let values = expression["values"].as_array();
        let is_listed = || {
            let mut values = values.into_iter().flatten();
            found.is_some_and(|found| values.any(|value| value == found))
        };
        let matched = match expression["operator"].as_str()? {
            "In" => is_listed(),
            "NotIn" => !is_listed(),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => return None,
        };
        if !matched {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::aggregate;
    use serde_json::{Value, json};

    #[test]
    fn roles_are_gathered_in_the_order_of_selectors_and_names() {
        fn check(selectors: &Value, expect: Option<&[&str]>) {
            let role = |name: &str, labels: Value, verbs: &[&str]| {
                let rules: Vec<Value> = verbs
                    .iter()
                    .map(|verb| json!({"apiGroups": [""], "resources": ["x"], "verbs": [verb]}))
                    .collect();
                json!({"metadata": {"name": name, "labels": labels}, "rules": rules})
            };
            let all = [
                role("c", json!({"a": "1", "b": "1"}), &["c", "common"]),
                role("b", json!({"a": "1"}), &["b", "common"]),
                role("d", json!({"a": "2"}), &["d"]),
                role("e", Value::Null, &["e"]),
                role("own", json!({"a": "1"}), &["own"]),
            ];
            let own = json!({"metadata": {"name": "own"}, "aggregationRule": selectors});
            let found = aggregate(&own, &all);
            let verbs = found.map(|rules| {
                let verb = |rule: &Value| rule["verbs"][0].as_str().unwrap_or_default().to_owned();
                rules.iter().map(verb).collect::<Vec<_>>()
            });
            let expect = expect.map(|verbs| verbs.iter().map(|&verb| verb.to_owned()).collect());
            assert_eq!(verbs, expect, "{selectors}");
        }
        let one = |selector: Value| json!({"clusterRoleSelectors": [selector]});
        check(
            &one(json!({"matchLabels": {"a": "1"}})),
            Some(&["b", "common", "c"]),
        );
        check(
            &json!({"clusterRoleSelectors": [{"matchLabels": {"a": "2"}}, {"matchLabels": {"a": "1"}}]}),
            Some(&["d", "b", "common", "c"]),
        );
        let by = |operator: &str, values: Value| {
            one(json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]}))
        };
        check(&by("In", json!(["2", "3"])), Some(&["d"]));
        check(&by("NotIn", json!(["1"])), Some(&["d", "e"]));
        check(&by("Exists", Value::Null), Some(&["b", "common", "c", "d"]));
        check(&by("DoesNotExist", Value::Null), Some(&["e"]));
        check(&by("Like", Value::Null), None);
        check(&one(json!({})), Some(&["b", "common", "c", "d", "e"]));
        check(&json!({}), Some(&[]));
        check(&Value::Null, None);
    }
}

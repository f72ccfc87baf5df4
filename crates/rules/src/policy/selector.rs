//! Label selectors.

use serde_json::Value;
use std::collections::BTreeMap;

/// Why a selector can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid label selector operator")]
pub struct BadSelector(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

/// A `LabelSelector`: empty ones select all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

impl Selector {
    /// Reads a `LabelSelector`; null is as empty.
    pub fn read(value: &Value) -> Result<Self, BadSelector> {
        let mut out = Vec::new();
        for (key, label) in value["matchLabels"].as_object().into_iter().flatten() {
            out.push(Requirement {
                key: key.clone(),
                operator: Operator::In,
                values: label.as_str().map(str::to_owned).into_iter().collect(),
            });
        }
        for item in value["matchExpressions"].as_array().into_iter().flatten() {
            let operator = match item["operator"].as_str().unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(BadSelector(other.to_owned())),
            };
            out.push(Requirement {
                key: item["key"].as_str().unwrap_or_default().to_owned(),
                operator,
                values: texts(&item["values"]),
            });
        }
        Ok(Self(out))
    }

    /// Whether it selects all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it selects something with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let label = labels.get(&requirement.key);
            let listed = label.is_some_and(|label| requirement.values.contains(label));
            match requirement.operator {
                Operator::In => listed,
                Operator::NotIn => !listed,
                Operator::Exists => label.is_some(),
                Operator::DoesNotExist => label.is_none(),
            }
        })
    }
}

/// The labels of an object.
pub(super) fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object();
    labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

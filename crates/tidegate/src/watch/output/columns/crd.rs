//! The columns that a CRD names in `additionalPrinterColumns`, and the JSONPath subset they use.
//!
//! The subset: `.field`, `['field']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. Whatever else a CRD
//! says there yields an empty cell, never an error.

use super::{Subject, text};
use crate::watch::event::ResourceId;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrdColumn {
    name: String,
    json_path: String,
    date: bool,
    wide: bool,
}

impl CrdColumn {
    pub(super) fn title(&self) -> String {
        crate::watch::diff::printable(&self.name.to_uppercase())
    }

    pub(super) fn cell(&self, subject: &Subject<'_>) -> String {
        let found = find(subject.object, &self.json_path);
        if self.date {
            return found.first().map_or_else(
                || text::UNKNOWN.to_owned(),
                |time| text::since(time, subject.now),
            );
        }
        let texts = found.into_iter().map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        });
        texts.collect::<Vec<_>>().join(" ")
    }
}

/// Columns by resource, filled in as CRDs become known; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct CrdColumns(Arc<RwLock<HashMap<String, Vec<CrdColumn>>>>);

impl CrdColumns {
    /// Takes the columns for one version out of a CustomResourceDefinition.
    pub(crate) fn learn(&self, resource: &ResourceId, crd: &Value) {
        let versions = text::items(&crd["spec"]["versions"]);
        let Some(version) = versions
            .iter()
            .find(|version| version["name"] == resource.version.as_str())
        else {
            return;
        };
        let mut columns: Vec<CrdColumn> = text::items(&version["additionalPrinterColumns"])
            .iter()
            .map(|column| CrdColumn {
                name: text::string(&column["name"]),
                json_path: text::string(&column["jsonPath"]),
                date: column["type"] == "date",
                wide: column["priority"].as_i64().unwrap_or(0) > 0,
            })
            .collect();
        if columns.is_empty() {
            columns.push(CrdColumn {
                name: "Age".to_owned(),
                json_path: ".metadata.creationTimestamp".to_owned(),
                date: true,
                wide: false,
            });
        }
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(resource.gvr(), columns);
    }

    /// Whether the kind has columns without any CRD.
    pub(crate) fn knows_builtin(&self, resource: &ResourceId) -> bool {
        super::builtin(resource).is_some()
    }

    pub(super) fn of(&self, resource: &ResourceId, wide: bool) -> Option<Vec<CrdColumn>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let columns = known.get(&resource.gvr())?;
        Some(
            columns
                .iter()
                .filter(|column| wide || !column.wide)
                .cloned()
                .collect(),
        )
    }
}

/// All that the path leads to.
fn find<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    let mut rest = path
        .trim()
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim_start_matches('$');
    while !rest.is_empty() {
        let (step, after) = next_step(rest);
        let Some(step) = step else { return Vec::new() };
        found = found
            .into_iter()
            .flat_map(|value| take(value, &step))
            .collect();
        rest = after;
    }
    found
}

enum Step {
    Field(String),
    Index(usize),
    All,
    /// Items where the field has the value.
    Where(String, String),
}

fn next_step(path: &str) -> (Option<Step>, &str) {
    if let Some(rest) = path.strip_prefix('.') {
        // A dot may be escaped inside a field name.
        let mut name = String::new();
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' => return (Some(Step::Field(name)), &rest[at..]),
                _ => name.push(letter),
            }
        }
        return (Some(Step::Field(name)), "");
    }
    let Some(rest) = path.strip_prefix('[') else {
        return (None, "");
    };
    if let Some(rest) = rest.strip_prefix("?(") {
        let Some((condition, after)) = rest.split_once(")]") else {
            return (None, "");
        };
        return (condition_step(condition), after);
    }
    let Some((inner, after)) = rest.split_once(']') else {
        return (None, "");
    };
    let step = match inner {
        "*" => Some(Step::All),
        _ => match inner.parse() {
            Ok(index) => Some(Step::Index(index)),
            Err(_) => unquoted(inner).map(Step::Field),
        },
    };
    (step, after)
}

/// `@.type=="Ready"`
fn condition_step(condition: &str) -> Option<Step> {
    let (field, value) = condition.split_once("==")?;
    let field = field.trim().strip_prefix("@.")?;
    Some(Step::Where(field.to_owned(), unquoted(value.trim())?))
}

fn unquoted(text: &str) -> Option<String> {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| Some(text.strip_prefix(quote)?.strip_suffix(quote)?.to_owned()))
}

fn take<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match step {
        Step::Field(name) => value.get(name).into_iter().collect(),
        Step::Index(at) => value.get(at).into_iter().collect(),
        Step::All => match value {
            Value::Object(map) => map.values().collect(),
            other => text::items(other).iter().collect(),
        },
        Step::Where(field, wanted) => text::items(value)
            .iter()
            .filter(|item| item[field].as_str() == Some(wanted))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    //! The paths that real CRDs use.

    use super::find;
    use serde_json::json;

    #[test]
    fn json_paths_of_real_crds() {
        let object = json!({
            "metadata": {"labels": {"a.b/c": "dotted"}},
            "spec": {"hostnames": ["a.com", "b.com"], "parents": [{"name": "p"}, {"name": "q"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
        });
        let cases = [
            (".spec.hostnames", r#"["a.com","b.com"]"#),
            (".spec.hostnames[1]", r#""b.com""#),
            (".spec.parents[*].name", r#""p" "q""#),
            (
                r#".status.conditions[?(@.type=="Ready")].status"#,
                r#""True""#,
            ),
            (
                ".status.conditions[?(@.type=='Other')].status",
                r#""False""#,
            ),
            (r".metadata.labels.a\.b/c", r#""dotted""#),
            (".metadata.labels['a.b/c']", r#""dotted""#),
            ("{.spec.missing}", ""),
            (".spec[", ""),
            ("spec", ""),
        ];
        for (path, expected) in cases {
            let found: Vec<String> = find(&object, path)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(" "), expected, "{path}");
        }
    }
}

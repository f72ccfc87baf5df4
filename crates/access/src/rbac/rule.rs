//! One rule of a role: what it lets do. Matching allocates nothing.

use crate::{attributes::Attributes, text::QuotedList};
use serde_json::{Map, Value};
use std::fmt;

const ALL: &str = "*";

/// A `PolicyRule` of `rbac.authorization.k8s.io/v1`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The verbs; `*` is all.
    pub verbs: Vec<String>,
    /// The API groups; empty text is the core group, `*` is all.
    pub api_groups: Vec<String>,
    /// The resources: `pods`, `pods/log`, `*/scale`; `*` is all, with their subresources.
    pub resources: Vec<String>,
    /// The objects' names. None is all.
    pub resource_names: Vec<String>,
    /// Paths that are no resources; a `*` at the end is any rest.
    pub non_resource_urls: Vec<String>,
}

impl Rule {
    /// Reads a rule of an object that was checked before it was stored. What has the wrong type is left out.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let texts = |name: &str| -> Vec<String> {
            let list = value.get(name).and_then(Value::as_array);
            let texts = list.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        Self {
            verbs: texts("verbs"),
            api_groups: texts("apiGroups"),
            resources: texts("resources"),
            resource_names: texts("resourceNames"),
            non_resource_urls: texts("nonResourceURLs"),
        }
    }

    /// All rules of a Role or ClusterRole.
    #[must_use]
    pub fn of_role(role: &Value) -> Vec<Self> {
        let rules = role.get("rules").and_then(Value::as_array);
        rules.into_iter().flatten().map(Self::from_value).collect()
    }

    /// The rule as it stands in an object: empty lists are left out, except `verbs`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for (name, texts) in [
            ("apiGroups", &self.api_groups),
            ("nonResourceURLs", &self.non_resource_urls),
            ("resourceNames", &self.resource_names),
            ("resources", &self.resources),
        ] {
            if !texts.is_empty() {
                fields.insert(name.to_owned(), texts.clone().into());
            }
        }
        fields.insert("verbs".to_owned(), self.verbs.clone().into());
        Value::Object(fields)
    }

    /// Whether the rule lets do this.
    #[must_use]
    pub fn allows(&self, attributes: &Attributes<'_>) -> bool {
        if !has_or_all(&self.verbs, attributes.verb) {
            return false;
        }
        if !attributes.is_resource {
            return self.url_matches(attributes.path);
        }
        has_or_all(&self.api_groups, attributes.group)
            && self.resource_matches(attributes.resource, attributes.subresource)
            && (self.resource_names.is_empty() || has(&self.resource_names, attributes.name))
    }

    fn resource_matches(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|own| {
            own == ALL
                || is_joined(own, resource, subresource)
                || (!subresource.is_empty() && is_joined(own, ALL, subresource))
        })
    }

    fn url_matches(&self, path: &str) -> bool {
        self.non_resource_urls
            .iter()
            .any(|own| own == ALL || url_covers(own, path))
    }
}

/// As Kubernetes writes a rule in the refusal of an escalation: `{APIGroups:["apps"], Resources:["x"], Verbs:["get"]}`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        let mut separator = "";
        for (name, texts) in [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ] {
            if !texts.is_empty() {
                write!(f, "{separator}{name}:{}", QuotedList(texts))?;
                separator = ", ";
            }
        }
        f.write_str("}")
    }
}

/// Whether the text is `resource/subresource`, or `resource` where there is no subresource.
fn is_joined(text: &str, resource: &str, subresource: &str) -> bool {
    if subresource.is_empty() {
        return text == resource;
    }
    text.len() == resource.len() + 1 + subresource.len()
        && text.starts_with(resource)
        && text.ends_with(subresource)
        && text.as_bytes()[resource.len()] == b'/'
}

pub(crate) fn has(texts: &[String], text: &str) -> bool {
    texts.iter().any(|own| own == text)
}

pub(crate) fn has_or_all(texts: &[String], text: &str) -> bool {
    texts.iter().any(|own| own == text || own == ALL)
}

pub(crate) fn url_covers(own: &str, path: &str) -> bool {
    own == path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}

#[cfg(test)]
mod tests {
    use super::Rule;
    use crate::attributes::Attributes;
    use serde_json::json;

    /// `verb group resource/subresource name` or `verb /path`.
    fn attributes(text: &str) -> Attributes<'_> {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            [verb, path] => Attributes {
                verb,
                path,
                ..Attributes::default()
            },
            [verb, group, resource, name] => {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                Attributes {
                    verb,
                    group,
                    resource,
                    subresource,
                    name,
                    is_resource: true,
                    ..Attributes::default()
                }
            }
            _ => panic!("{text}"),
        }
    }

    fn check(rule: &serde_json::Value, yes: &[&str], no: &[&str]) {
        let rule = Rule::from_value(rule);
        for text in yes {
            assert!(rule.allows(&attributes(text)), "{rule} should allow {text}");
        }
        for text in no {
            assert!(
                !rule.allows(&attributes(text)),
                "{rule} should refuse {text}"
            );
        }
    }

    #[test]
    fn rules_of_resources_match_as_kubernetes_does() {
        check(
            &json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]}),
            &["get  pods ", "list  pods x", "get  pods/log x"],
            &[
                "watch  pods ",
                "get apps pods ",
                "get  pods/exec x",
                "get  pod ",
                "get /pods",
            ],
        );
        check(
            &json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
            &["get  pods ", "x y z/w v"],
            &["get /"],
        );
        check(
            &json!({"verbs": ["update"], "apiGroups": ["*"], "resources": ["*/scale"]}),
            &["update apps deployments/scale x", "update x y/scale "],
            &[
                "update apps deployments x",
                "update apps scale x",
                "update apps deployments/xscale x",
            ],
        );
        check(
            &json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/*"]}),
            &["get  pods/* x"],
            &["get  pods/log x", "get  pods x"],
        );
        check(
            &json!({"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"]}),
            &["get  secrets a", "get  secrets b"],
            &["get  secrets c", "get  secrets "],
        );
    }

    #[test]
    fn rules_of_paths_match_as_kubernetes_does() {
        check(
            &json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*", "/x**"]}),
            &[
                "get /healthz",
                "get /api/",
                "get /api/v1",
                "get /x",
                "get /xy",
            ],
            &[
                "get /healthz/",
                "get /api",
                "post /healthz",
                "get  healthz ",
            ],
        );
        check(
            &json!({"verbs": ["get"], "nonResourceURLs": ["*"]}),
            &["get /", "get "],
            &["get  a b"],
        );
        check(&json!({"verbs": ["get"]}), &[], &["get  a b", "get /"]);
        check(&json!({"verbs": [7], "apiGroups": "x"}), &[], &["7 x y z"]);
    }

    #[test]
    fn rules_are_written_as_kubernetes_does() {
        let value = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["a", "b"], "resourceNames": ["c"]});
        let rule = Rule::from_value(&value);
        assert_eq!(
            rule.to_string(),
            r#"{APIGroups:[""], Resources:["a" "b"], ResourceNames:["c"], Verbs:["get"]}"#
        );
        assert_eq!(rule.to_value(), value);
        let rule = Rule::from_value(&json!({"verbs": ["get"], "nonResourceURLs": ["/a"]}));
        assert_eq!(
            rule.to_string(),
            r#"{NonResourceURLs:["/a"], Verbs:["get"]}"#
        );
        assert_eq!(Rule::default().to_string(), "{}");
        assert_eq!(Rule::default().to_value(), json!({"verbs": []}));
    }
}

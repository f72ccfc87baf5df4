//! Which requests a policy or a binding is about.

use super::{
    admission::{GroupVersionKind, GroupVersionResource},
    selector::{BadSelector, Selector, labels},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// `matchConstraints` of a policy, or `matchResources` of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    namespaces: Result<Selector, BadSelector>,
    objects: Result<Selector, BadSelector>,
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    equivalent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    names: Vec<String>,
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: String,
}

/// A request, as far as matching looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// What is asked for.
    pub resource: &'a GroupVersionResource,
    /// Its kind.
    pub kind: &'a GroupVersionKind,
    /// Empty: the resource itself.
    pub subresource: &'a str,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'a str,
    /// May be empty in creations.
    pub name: &'a str,
    /// The namespace; for a namespace itself its own name; else empty in cluster scope.
    pub namespace: &'a str,
    /// The new object.
    pub object: Option<&'a Value>,
    /// The object before.
    pub old_object: Option<&'a Value>,
    /// The labels of the namespace, where it is found.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    /// Other versions and groups in which the same resource is served, with their kinds.
    pub equivalents: &'a [(GroupVersionResource, GroupVersionKind)],
}

/// As what a request matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The resource, in the version that matched.
    pub resource: GroupVersionResource,
    /// The kind, in the version that matched.
    pub kind: GroupVersionKind,
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn rules(value: &Value) -> Vec<Rule> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(Rule::read)
        .collect()
}

impl Rule {
    fn read(value: &Value) -> Self {
        Self {
            names: texts(&value["resourceNames"]),
            operations: texts(&value["operations"]),
            groups: texts(&value["apiGroups"]),
            versions: texts(&value["apiVersions"]),
            resources: texts(&value["resources"]),
            scope: value["scope"].as_str().unwrap_or("*").to_owned(),
        }
    }

    fn fits(&self, target: &Target<'_>, resource: &GroupVersionResource) -> bool {
        let listed =
            |list: &[String], word: &str| list.iter().any(|item| item == "*" || item == word);
        let namespaces = resource.group.is_empty()
            && resource.version == "v1"
            && resource.resource == "namespaces";
        let scope = match self.scope.as_str() {
            "*" => true,
            "Namespaced" => !namespaces && !target.namespace.is_empty(),
            "Cluster" => namespaces || target.namespace.is_empty(),
            _ => false,
        };
        let resources = || {
            self.resources.iter().any(|item| {
                let (name, sub) = item.split_once('/').unwrap_or((item, ""));
                (name == "*" || name == resource.resource)
                    && (sub == "*" || sub == target.subresource)
            })
        };
        scope
            && listed(&self.operations, target.operation)
            && listed(&self.groups, &resource.group)
            && listed(&self.versions, &resource.version)
            && resources()
            && (self.names.is_empty() || self.names.iter().any(|name| name == target.name))
    }
}

impl Matches {
    /// Reads `matchConstraints` or `matchResources`; null matches all.
    pub fn read(value: &Value) -> Self {
        Self {
            namespaces: Selector::read(&value["namespaceSelector"]),
            objects: Selector::read(&value["objectSelector"]),
            rules: rules(&value["resourceRules"]),
            excluded: rules(&value["excludeResourceRules"]),
            equivalent: value["matchPolicy"].as_str().unwrap_or("Equivalent") != "Exact",
        }
    }

    /// Whether a request is meant, and as what.
    pub fn matched(&self, target: &Target<'_>) -> Result<Option<Matched>, BadSelector> {
        let namespaces = self.namespace(target);
        if namespaces == Ok(false) {
            return Ok(None);
        }
        let objects = self.object(target);
        if objects == Ok(false) {
            return Ok(None);
        }
        if self.find(&self.excluded, target).is_some() {
            return Ok(None);
        }
        let found = if self.rules.is_empty() {
            Some(Matched {
                resource: target.resource.clone(),
                kind: target.kind.clone(),
            })
        } else {
            self.find(&self.rules, target)
        };
        let Some(found) = found else {
            return Ok(None);
        };
        // Only now selectors that can't be used matter.
        namespaces?;
        objects?;
        Ok(Some(found))
    }

    fn namespace(&self, target: &Target<'_>) -> Result<bool, BadSelector> {
        let is_namespace = target.resource.resource == "namespaces";
        if target.namespace.is_empty() && !is_namespace {
            return Ok(true);
        }
        let selector = self.namespaces.as_ref().map_err(Clone::clone)?;
        if selector.is_empty() {
            return Ok(true);
        }
        let changed = is_namespace
            && target.subresource.is_empty()
            && matches!(target.operation, "CREATE" | "UPDATE");
        let of_object;
        let labels = match (changed, target.object) {
            (true, Some(object)) => {
                of_object = labels(object);
                Some(&of_object)
            }
            _ => target.namespace_labels,
        };
        let none = BTreeMap::new();
        Ok(selector.matches(labels.unwrap_or(&none)))
    }

    fn object(&self, target: &Target<'_>) -> Result<bool, BadSelector> {
        let selector = self.objects.as_ref().map_err(Clone::clone)?;
        let selected =
            |object: Option<&Value>| object.is_some_and(|object| selector.matches(&labels(object)));
        Ok(selector.is_empty() || selected(target.object) || selected(target.old_object))
    }

    fn find(&self, rules: &[Rule], target: &Target<'_>) -> Option<Matched> {
        if rules.iter().any(|rule| rule.fits(target, target.resource)) {
            return Some(Matched {
                resource: target.resource.clone(),
                kind: target.kind.clone(),
            });
        }
        if !self.equivalent {
            return None;
        }
        for rule in rules {
            for (resource, kind) in target.equivalents {
                if resource != target.resource && rule.fits(target, resource) {
                    return Some(Matched {
                        resource: resource.clone(),
                        kind: kind.clone(),
                    });
                }
            }
        }
        None
    }
}

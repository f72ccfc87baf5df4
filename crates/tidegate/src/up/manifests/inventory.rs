//! The list of what was applied from here, kept on the server.

use serde_json::{Value, json};

/// The config map with the list.
pub(super) const PATH: &str = "/api/v1/namespaces/kube-system/configmaps/tidegate-manifests";

/// An object, so that it can be found again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Identity {
    /// Without the version: the same object in another version is the same.
    pub(super) fn key(&self) -> (&str, &str, &str, &str) {
        (&self.group, &self.kind, &self.namespace, &self.name)
    }

    /// All but the name.
    fn kin(&self) -> (&str, &str, &str, &str) {
        (&self.group, &self.version, &self.kind, &self.namespace)
    }

    /// The same object without a word on its version.
    pub(super) fn of_any_version(&self) -> Self {
        Self {
            version: String::new(),
            ..self.clone()
        }
    }

    /// As objects say it: `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// For people: `Deployment.apps/web in shop`.
    pub(super) fn shown(&self) -> String {
        let kind = if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        };
        if self.namespace.is_empty() {
            format!("{kind}/{}", self.name)
        } else {
            format!("{kind}/{} in {}", self.name, self.namespace)
        }
    }
}

/// The list as a config map that can be applied: neighbours of one kind and namespace share a line, so that tens of
/// thousands of objects fit.
pub(super) fn to_object(identities: &[Identity]) -> Value {
    let lines: Vec<String> = identities
        .chunk_by(|one, next| one.kin() == next.kin())
        .map(|neighbours| {
            let (group, version, kind, namespace) = neighbours[0].kin();
            let names: Vec<&str> = neighbours.iter().map(|one| &*one.name).collect();
            let (group, namespace) = (dash(group), dash(namespace));
            format!("{group} {version} {kind} {namespace} {}", names.join(" "))
        })
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "tidegate-manifests", "namespace": "kube-system" },
        "data": { "objects": lines.join("\n") },
    })
}

/// The list in a config map, in its order: what was applied first comes first.
pub(super) fn from_object(object: &Value) -> Vec<Identity> {
    let text = object
        .pointer("/data/objects")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut found: Vec<Identity> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [group, version, kind, namespace, names @ ..] = words.as_slice() else {
            continue;
        };
        found.extend(names.iter().map(|name| Identity {
            group: undash(group),
            version: (*version).to_owned(),
            kind: (*kind).to_owned(),
            namespace: undash(namespace),
            name: (*name).to_owned(),
        }));
    }
    found
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn undash(text: &str) -> String {
    if text == "-" {
        String::new()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, from_object, to_object};

    #[test]
    fn the_list_comes_back() {
        let identity = |group: &str, namespace: &str, name: &str| Identity {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: "Thing".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let check = |list: &[Identity], lines: &str| {
            let object = to_object(list);
            assert_eq!(object["data"]["objects"], lines);
            assert_eq!(from_object(&object), list);
        };
        check(&[], "");
        check(
            &[
                identity("", "default", "a"),
                identity("", "default", "c"),
                identity("apps", "", "b"),
                identity("", "default", "d"),
            ],
            "- v1 Thing default a c\napps v1 Thing - b\n- v1 Thing default d",
        );
    }
}

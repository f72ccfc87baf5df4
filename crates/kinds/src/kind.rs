//! One built-in kind: its names, its paths, its schema.

use crate::{
    data, decode,
    schema::{self, Built},
};
use serde_json::Value;
use std::sync::OnceLock;
use tidegate_schema::Schema;

/// A built-in kind in one version.
#[derive(Debug)]
pub struct Kind {
    /// Empty for the core.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Pod`.
    pub kind: String,
    /// `PodList`.
    pub list_kind: String,
    /// `pods`.
    pub plural: String,
    /// `pod`.
    pub singular: String,
    /// `po`.
    pub short_names: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
    /// Its objects live in namespaces.
    pub namespaced: bool,
    /// What it can be asked for, in discovery's order.
    pub verbs: Vec<String>,
    /// Parts of its objects with paths of their own.
    pub subresources: Vec<Subresource>,
    /// By which clients notice a change of the stored version. Empty for kinds that aren't stored.
    pub storage_version_hash: String,
    /// Kinds with the same collection are the same objects: `events`, `deployments.apps`.
    pub collection: String,
    /// The name of its type in the published documents.
    pub model: String,
    built: OnceLock<Built>,
}

/// A part of an object with a path of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// `status`, `scale`.
    pub name: String,
    /// Of the kind that it takes and gives.
    pub group: String,
    /// Of the kind that it takes and gives.
    pub version: String,
    /// What it takes and gives: `Scale`.
    pub kind: String,
    /// What it can be asked for.
    pub verbs: Vec<String>,
}

/// All kinds: the core first, then by group, version and plural name.
pub fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let list: Value =
            serde_json::from_str(data::KINDS).expect("invariant: recorded files are sound");
        list.as_array()
            .into_iter()
            .flatten()
            .map(Kind::read)
            .collect()
    })
}

/// The kind at a place.
pub fn kind_of(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    kinds()
        .iter()
        .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

impl Kind {
    fn read(entry: &Value) -> Self {
        let group = text(&entry["group"]);
        let version = text(&entry["version"]);
        let kind = text(&entry["kind"]);
        let plural = text(&entry["name"]);
        let subresources = entry["subresources"].as_array();
        Self {
            collection: collection(&group, &plural),
            model: format!("{}.{version}.{kind}", package(&group)),
            list_kind: format!("{kind}List"),
            singular: text(&entry["singularName"]),
            short_names: texts(&entry["shortNames"]),
            categories: texts(&entry["categories"]),
            namespaced: entry["namespaced"] == true,
            verbs: texts(&entry["verbs"]),
            subresources: subresources
                .into_iter()
                .flatten()
                .map(Subresource::read)
                .collect(),
            storage_version_hash: text(&entry["storageVersionHash"]),
            built: OnceLock::new(),
            group,
            version,
            kind,
            plural,
        }
    }

    /// `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The schema, made on first use.
    pub fn schema(&self) -> Schema<'_> {
        let built = self.built.get_or_init(|| schema::build(&self.model));
        built.schemas.get(built.root)
    }

    /// Reads a tree as the kind's type: it becomes what Go would write. Gives the strict decoder's complaints
    /// (`unknown field "spec.x"`), or the text of a decoder that can't go on.
    pub fn decode(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let (read, complaints) = decode::decode(&self.model, std::mem::take(object))?;
        *object = read;
        Ok(complaints)
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources
            .iter()
            .find(|subresource| subresource.name == name)
    }
}

impl Subresource {
    fn read(entry: &Value) -> Self {
        Self {
            name: text(&entry["name"]),
            group: text(&entry["group"]),
            version: text(&entry["version"]),
            kind: text(&entry["kind"]),
            verbs: texts(&entry["verbs"]),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// Both kinds of events are one collection.
fn collection(group: &str, plural: &str) -> String {
    match (group, plural) {
        ("", _) | (_, "events") => plural.to_owned(),
        _ => format!("{plural}.{group}"),
    }
}

/// Where Kubernetes keeps the Go types of a group.
fn package(group: &str) -> String {
    match group {
        "" => "io.k8s.api.core".to_owned(),
        "apiextensions.k8s.io" => {
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions".to_owned()
        }
        _ => format!("io.k8s.api.{}", group.split('.').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::{kind_of, kinds};
    use tidegate_schema::{ListType, Type};

    #[test]
    fn every_kind_has_a_schema() {
        for kind in kinds() {
            let node = kind.schema().node();
            assert_eq!(node.r#type, Type::Object, "{}", kind.model);
            assert!(node.properties.contains_key("metadata"), "{}", kind.model);
        }
    }

    #[test]
    fn lists_keep_their_keys() {
        let kind = kind_of("apps", "v1", "deployments").expect("served");
        let mut at = kind.schema();
        for name in ["spec", "template", "spec", "containers"] {
            at = at.property(name).expect("a property");
        }
        assert_eq!(at.node().list_type, ListType::Map);
        assert_eq!(at.node().patch_merge_key.as_deref(), Some("name"));
        let ports = at
            .items()
            .and_then(|item| item.property("ports"))
            .expect("ports");
        assert_eq!(
            ports.node().list_map_keys,
            [Box::from("containerPort"), Box::from("protocol")]
        );
        let protocol = ports
            .items()
            .and_then(|item| item.property("protocol"))
            .expect("protocol");
        assert_eq!(protocol.node().default, Some("TCP".into()));
    }
}

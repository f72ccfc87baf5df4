//! One built-in kind: its names, its paths, its schema.

use crate::{
    convert, data, decode, defaults, fields,
    schema::{self, Built},
    table::{self, Column},
    ways::{self, Ways},
};
use serde_json::Value;
use std::sync::OnceLock;
use tidegate_schema::{FieldError, Schema};

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
    columns: OnceLock<Vec<Column>>,
    ways: &'static Ways,
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
        let model = format!("{}.{version}.{kind}", package(&group));
        Self {
            collection: collection(&group, &plural),
            columns: OnceLock::new(),
            ways: ways::of(&model),
            model,
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

    /// What Go's converter from trees says of a tree that isn't of this type: strategic merge patches are read by it.
    pub fn conversion_error(&self, object: &Value) -> Option<String> {
        decode::restore::error(&self.model, object)
    }

    /// Completes an object that was read.
    pub fn default(&self, object: &mut Value) {
        defaults::apply(&self.model, object);
        ways::complete(self.ways, object);
    }

    /// Takes what a client may not set out of a new object, and sets what the server does. The name and the uid are
    /// there already, where they are made up.
    pub fn prepare_create(&self, object: &mut Value) {
        ways::prepare_create(&self.model, self.ways, object);
    }

    /// The same for an update, of the object or of a subresource.
    pub fn prepare_update(&self, new: &mut Value, old: &Value, subresource: &str) {
        ways::prepare_update(self.ways, new, old, subresource);
    }

    /// What is wrong with a new object.
    pub fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        ways::validate_create(self.ways, self.namespaced, object)
    }

    /// What is wrong with an update.
    pub fn validate_update(&self, new: &Value, old: &Value, subresource: &str) -> Vec<FieldError> {
        ways::validate_update(self.ways, new, old, subresource)
    }

    /// What is worth a word, but not wrong.
    pub fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = Vec::new();
        (self.ways.warn)(new, old, &mut warnings);
        warnings
    }

    /// What is wrong with a name of this kind; `prefix` where something will follow it.
    pub fn name_errors(&self, name: &str, prefix: bool) -> Vec<String> {
        (self.ways.name)(name, prefix)
    }

    /// A PUT may create.
    pub fn allow_create_on_update(&self) -> bool {
        self.ways.put_creates
    }

    /// An update may come without a version.
    pub fn allow_unconditional_update(&self) -> bool {
        self.ways.unconditional
    }

    /// The fields that are reset on writes through this endpoint.
    pub fn reset_fields(&self, subresource: &str) -> &'static [&'static [&'static str]] {
        ways::reset_fields(self.ways, subresource)
    }

    /// The fields that objects can be selected by.
    pub fn field_labels(&self) -> &'static [&'static str] {
        fields::labels(self)
    }

    /// What is said of a field that they can't be selected by.
    pub fn unknown_field_label(&self, label: &str) -> String {
        fields::unknown(self, label)
    }

    /// The value of a field that they can be selected by.
    pub fn field_value(&self, object: &Value, label: &str) -> Option<String> {
        fields::value(self, object, label)
    }

    /// The columns of a table of these objects, read on first use.
    pub fn columns(&self) -> &[Column] {
        self.columns.get_or_init(|| {
            let root = if self.group.is_empty() {
                "/api"
            } else {
                "/apis"
            };
            table::columns(&format!("{root}/{}/{}", self.api_version(), self.plural))
        })
    }

    /// An object's cells; ages are counted to `now`, in seconds since 1970.
    pub fn cells(&self, object: &Value, now: i64) -> Vec<Value> {
        table::cells(&self.model, object, now)
    }

    /// Turns an object of this kind into one of another kind of the same collection.
    pub fn convert(&self, object: &mut Value, to: &Self) {
        if convert::convert(object, &self.model, &to.model)
            && let Ok((read, _)) = decode::decode(&to.model, object.clone())
        {
            *object = read;
        }
        object["apiVersion"] = to.api_version().into();
        object["kind"] = to.kind.clone().into();
    }

    /// Seconds that an object has between the request to delete it and its end; nothing where deletion is at once.
    /// `wanted` is what the request asks for.
    pub fn grace_period(&self, object: &Value, wanted: Option<i64>) -> Option<i64> {
        if self.kind != "Pod" || !self.group.is_empty() {
            return None;
        }
        let (spec, status) = (&object["spec"], &object["status"]);
        let ended = matches!(status["phase"].as_str(), Some("Failed" | "Succeeded"));
        let scheduled = spec["nodeName"]
            .as_str()
            .is_some_and(|name| !name.is_empty());
        let seconds = wanted.unwrap_or_else(|| {
            spec["terminationGracePeriodSeconds"]
                .as_i64()
                .unwrap_or_default()
        });
        match seconds {
            _ if ended || !scheduled => Some(0),
            ..0 => Some(1),
            seconds => Some(seconds),
        }
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
    use tidegate_schema::{ListType, MapType, Type};

    #[test]
    fn every_kind_has_a_schema() {
        for kind in kinds() {
            let node = kind.schema().node();
            assert_eq!(node.r#type, Type::Object, "{}", kind.model);
            assert!(node.properties.contains_key("metadata"), "{}", kind.model);
        }
    }

    #[test]
    fn lists_and_maps_keep_their_kinds() {
        let kind = kind_of("apps", "v1", "deployments").expect("served");
        let mut at = kind.schema();
        for name in ["spec", "template", "spec", "containers"] {
            at = at.property(name).expect("a property");
        }
        assert_eq!(at.node().list_type, ListType::Map);
        assert_eq!(at.node().patch_merge_key.as_deref(), Some("name"));
        let kind = kind_of("", "v1", "persistentvolumes").expect("served");
        let claim = kind.schema().property("spec").expect("a spec");
        let claim = claim.property("claimRef").expect("a claim");
        assert_eq!(claim.node().map_type, MapType::Granular, "not the type's");
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

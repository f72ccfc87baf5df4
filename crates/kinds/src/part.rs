//! What is sent to subresources and beside objects: scales, requests for tokens, evictions, options of deletion.

use crate::{
    decode, defaults,
    schema::{self, Built},
};
use serde_json::Value;
use std::sync::OnceLock;
use tidegate_schema::Schema;

/// A type that is no kind of stored objects.
#[derive(Debug)]
pub struct Part {
    /// Empty for the core.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// `Scale`.
    pub kind: &'static str,
    model: &'static str,
    built: OnceLock<Built>,
}

static PARTS: [Part; 4] = [
    Part::of("autoscaling", "Scale", "io.k8s.api.autoscaling.v1.Scale"),
    Part::of(
        "authentication.k8s.io",
        "TokenRequest",
        "io.k8s.api.authentication.v1.TokenRequest",
    ),
    Part::of("policy", "Eviction", "io.k8s.api.policy.v1.Eviction"),
    Part::of(
        "meta.k8s.io",
        "DeleteOptions",
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    ),
];

/// The part of this name.
pub fn part_of(group: &str, version: &str, kind: &str) -> Option<&'static Part> {
    PARTS
        .iter()
        .find(|part| part.group == group && part.version == version && part.kind == kind)
}

impl Part {
    const fn of(group: &'static str, kind: &'static str, model: &'static str) -> Self {
        Self {
            group,
            version: "v1",
            kind,
            model,
            built: OnceLock::new(),
        }
    }

    /// `autoscaling/v1`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// An older version with the same fields, which clients still send: `policy/v1beta1`.
    pub fn older_api_version(&self) -> Option<String> {
        (self.kind == "Eviction").then(|| format!("{}/v1beta1", self.group))
    }

    /// Reads a tree as the type: it becomes what Go would write. Gives the strict decoder's complaints, or the text of
    /// a decoder that can't go on.
    pub fn decode(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let (read, complaints) = decode::decode_unstored(self.model, std::mem::take(object))?;
        *object = read;
        Ok(complaints)
    }

    /// What Go's converter from trees says of a tree that isn't of this type.
    pub fn conversion_error(&self, object: &Value) -> Option<String> {
        decode::restore::error(self.model, object)
    }

    /// Completes a tree that was read.
    pub fn default(&self, object: &mut Value) {
        defaults::apply(self.model, object);
    }

    /// The schema, made on first use.
    pub fn schema(&self) -> Schema<'_> {
        let built = self.built.get_or_init(|| schema::build(self.model));
        built.schemas.get(built.root)
    }
}

#[cfg(test)]
mod tests {
    use super::{PARTS, part_of};
    use serde_json::{Value, json};

    fn check(group: &str, kind: &str, input: Value, expect: Result<Value, &str>) {
        let part = part_of(group, "v1", kind).expect("a part");
        let mut object = input;
        let read = part.decode(&mut object).map(|_| part.default(&mut object));
        assert_eq!(read.map(|()| object), expect.map_err(str::to_owned));
    }

    #[test]
    fn parts_are_read_as_their_types() {
        let wrong = "json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32";
        check(
            "autoscaling",
            "Scale",
            json!({ "spec": { "replicas": "1" } }),
            Err(wrong),
        );
        let scale = json!({ "metadata": {}, "spec": {}, "status": { "replicas": 0 } });
        check(
            "autoscaling",
            "Scale",
            json!({ "spec": { "replicas": 0 } }),
            Ok(scale),
        );
        let request = json!({
            "metadata": {},
            "spec": { "audiences": null, "boundObjectRef": null, "expirationSeconds": 3600 },
            "status": { "expirationTimestamp": null, "token": "" },
        });
        check(
            "authentication.k8s.io",
            "TokenRequest",
            json!({}),
            Ok(request),
        );
        for part in &PARTS {
            assert!(!part.schema().node().properties.is_empty(), "{}", part.kind);
        }
    }
}

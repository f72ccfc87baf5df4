//! What `/openapi/v3` and `/openapi/v2` publish of custom resources, as kube-apiserver builds it: paths with their
//! parameters and answers, and the schemas with what every resource has.
//!
//! `common.json` has what does not depend on the definition, recorded from a real server.

mod paths;
mod schemas;

use crate::definition::{Definition, Version};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static COMMON: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("openapi/common.json"))
        .expect("invariant: the recorded data is JSON")
});

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    V2,
    V3,
}

impl Form {
    fn reference(self, name: &str) -> Value {
        let prefix = match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        };
        json!({ "$ref": format!("{prefix}{name}") })
    }

    fn common(self) -> &'static Value {
        match self {
            Self::V2 => &COMMON["v2"],
            Self::V3 => &COMMON["v3"],
        }
    }
}

/// One resource in one version.
#[derive(Clone, Copy)]
struct Resource<'a> {
    definition: &'a Definition,
    version: &'a Version,
    form: Form,
}

impl Resource<'_> {
    /// The name of a kind's schema: `com.example.v1.Thing`.
    fn model(&self, kind: &str) -> String {
        let mut words: Vec<&str> = self.definition.group.split('.').collect();
        words.reverse();
        format!("{}.{}.{kind}", words.join("."), self.version.name)
    }
}

/// The whole document of `/openapi/v3/apis/GROUP/VERSION` for the definitions of that group and version.
pub fn openapi_v3(resources: &[(&Definition, &Version)]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (definition, version) in resources {
        let resource = Resource {
            definition,
            version,
            form: Form::V3,
        };
        paths::add(&mut paths, resource);
        schemas::add(&mut schemas, resource);
        let scale = version.scale.is_some().then_some("scale");
        for part in ["schemas"].into_iter().chain(scale) {
            let common = COMMON["v3"][part].as_object().into_iter().flatten();
            schemas.extend(common.map(|(name, schema)| (name.clone(), schema.clone())));
        }
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// `paths`, `definitions` and `parameters` of `/openapi/v2` for one version of a definition, to be added to the built-in
/// ones, whose definitions of metadata, `Status`, `DeleteOptions`, `Patch` and `Scale` they refer to.
pub fn openapi_v2(definition: &Definition, version: &Version) -> Value {
    let resource = Resource {
        definition,
        version,
        form: Form::V2,
    };
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    paths::add(&mut paths, resource);
    schemas::add(&mut definitions, resource);
    json!({ "paths": paths, "definitions": definitions, "parameters": COMMON["v2"]["shared"] })
}

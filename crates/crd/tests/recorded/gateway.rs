//! The custom resource definitions of Gateway API 1.6.3, standard and experimental: installed unchanged, and published
//! as by kube-apiserver.

use super::{openapi::differences, unzip, warnings};
use serde_json::{Map, Value};
use tidegate_crd::{
    Definition, Version, conditions, default, name_errors, openapi_v2, openapi_v3, prepare_create,
    validate_create, validate_update,
};

fn definitions() -> Vec<Value> {
    let mut data = unzip("gateway-api.json.gz");
    let Value::Array(definitions) = data["crds"].take() else {
        panic!("a list")
    };
    assert_eq!(definitions.len(), 23);
    definitions
}

#[test]
fn definitions_of_gateway_api_install_unchanged() {
    for mut case in definitions() {
        let mut crd = case["crd"].take();
        let name = crd["metadata"]["name"].as_str().expect("a name").to_owned();
        default(&mut crd);
        prepare_create(&mut crd);
        assert_eq!(validate_create(&crd), [], "{name}");
        assert_eq!(name_errors(&crd, &name), [] as [String; 0], "{name}");
        assert_eq!(
            tidegate_crd::warnings(&crd, None),
            warnings(&case),
            "{name}"
        );
        let mut found = Vec::new();
        differences("", &crd["spec"], &case["spec"], &mut found);
        assert!(found.is_empty(), "{name}: {}", found.join("\n"));
        crd["status"] = conditions(&crd, &[], "2026-01-01T00:00:00Z");
        assert_eq!(
            crd["status"]["acceptedNames"], case["status"]["acceptedNames"],
            "{name}"
        );
        assert_eq!(validate_update(&crd, &crd), [], "{name}");
        let definition = Definition::compile(&crd).expect("a definition");
        assert_eq!(
            definition.versions.len(),
            crd["spec"]["versions"].as_array().map_or(0, Vec::len)
        );
        for version in &definition.versions {
            assert!(version.root().property("spec").is_some(), "{name}");
            assert!(version.columns.len() > 1, "{name}");
        }
    }
}

#[test]
fn definitions_of_gateway_api_are_published_as_by_kube_apiserver() {
    let documents = unzip("gateway-api-openapi.json.gz");
    let experimental = definitions()
        .into_iter()
        .filter(|case| case["channel"] == "experimental");
    let compiled: Vec<Definition> = experimental
        .map(|case| Definition::compile(&case["crd"]).expect("a definition"))
        .collect();
    let mut found = Vec::new();
    for (group_version, theirs) in documents["v3"].as_object().expect("documents") {
        let (group, version) = group_version
            .split_once('/')
            .expect("a group and a version");
        let resources: Vec<(&Definition, &Version)> = compiled
            .iter()
            .filter(|definition| definition.group == group)
            .flat_map(|definition| {
                definition
                    .versions
                    .iter()
                    .map(move |version| (definition, version))
            })
            .filter(|(_, it)| it.name == version && it.served)
            .collect();
        differences(group_version, &openapi_v3(&resources), theirs, &mut found);
    }
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for definition in &compiled {
        for version in definition.versions.iter().filter(|version| version.served) {
            let mut part = openapi_v2(definition, version);
            for (whole, name) in [(&mut paths, "paths"), (&mut schemas, "definitions")] {
                whole.append(part[name].as_object_mut().expect("an object"));
            }
        }
    }
    let ours = serde_json::json!({ "paths": paths, "definitions": schemas });
    differences("v2", &ours, &documents["v2"], &mut found);
    assert!(
        found.is_empty(),
        "{} differences: {}",
        found.len(),
        found[..found.len().min(20)].join("\n")
    );
}

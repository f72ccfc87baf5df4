//! Published OpenAPI, whole documents.

use super::{cases, folder, read};
use serde_json::{Map, Value};
use tidegate_crd::{Definition, Version, openapi_v2, openapi_v3};

/// The definitions that were accepted when the documents were recorded.
fn definitions() -> Vec<Definition> {
    let cases = cases("good", "stored");
    let accepted = cases.iter().filter(|(_, _, answer)| {
        let conditions = answer["later"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    });
    accepted
        .map(|(_, _, answer)| Definition::compile(&answer["created"]).expect("a definition"))
        .collect()
}

/// The places in which two documents differ.
pub(super) fn differences(at: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(left), Value::Object(right)) => {
            for name in left
                .keys()
                .chain(right.keys().filter(|name| !left.contains_key(*name)))
            {
                let none = Value::Null;
                let sides = (
                    left.get(name).unwrap_or(&none),
                    right.get(name).unwrap_or(&none),
                );
                differences(&format!("{at}/{name}"), sides.0, sides.1, found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!(
            "{at}\n  ours   {ours:.300}\n  theirs {theirs:.300}"
        )),
    }
}

fn check(document: &str, ours: &Value) {
    let mut found = Vec::new();
    differences(
        "",
        ours,
        &read(&folder("openapi").join(document)),
        &mut found,
    );
    assert!(found.is_empty(), "{document}: {}", found.join("\n"));
}

#[test]
fn version_3_is_published_as_by_kube_apiserver() {
    let definitions = definitions();
    for (group, version, document) in [
        ("example.com", "v1", "v3-example.com-v1.json"),
        (
            "metrics.example.com",
            "v1",
            "v3-metrics.example.com-v1.json",
        ),
        (
            "metrics.example.com",
            "v2beta1",
            "v3-metrics.example.com-v2beta1.json",
        ),
        ("x.k8s.io", "v1", "v3-x.k8s.io-v1.json"),
    ] {
        let of_group = definitions
            .iter()
            .filter(|definition| definition.group == group);
        let resources: Vec<(&Definition, &Version)> = of_group
            .flat_map(|definition| {
                definition
                    .versions
                    .iter()
                    .map(move |version| (definition, version))
            })
            .filter(|(_, it)| it.name == version)
            .collect();
        check(document, &openapi_v3(&resources));
    }
}

#[test]
fn version_2_is_published_as_by_kube_apiserver() {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for definition in &definitions() {
        for version in &definition.versions {
            let part = openapi_v2(definition, version);
            for (whole, name) in [(&mut paths, "paths"), (&mut schemas, "definitions")] {
                whole.extend(part[name].as_object().expect("an object").clone());
            }
        }
    }
    check(
        "v2.json",
        &serde_json::json!({ "paths": paths, "definitions": schemas }),
    );
}

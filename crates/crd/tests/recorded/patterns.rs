//! Regular expressions: those that Go's `regexp` was asked about, with its errors.

use super::{folder, read, told};
use serde_json::{Value, json};
use tidegate_crd::validate_create;

/// A definition with the pattern.
fn definition(pattern: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "p": { "type": "string", "pattern": pattern } } });
    json!({
        "spec": {
            "group": "x.y",
            "scope": "Cluster",
            "names": { "plural": "as", "singular": "a", "kind": "A", "listKind": "AList" },
            "versions": [{ "name": "v1", "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
        "status": { "storedVersions": ["v1"] },
    })
}

fn check(case: &Value) -> Result<(), String> {
    let (pattern, theirs) = (
        case[0].as_str().expect("a pattern"),
        case[1].as_str().expect("an error"),
    );
    let ours = told(&validate_create(&definition(pattern))).join("\n");
    let ours = ours
        .split_once("but isn't: ")
        .map_or(ours.as_str(), |(_, error)| error);
    if ours == theirs {
        Ok(())
    } else {
        Err(format!(
            "{pattern:.60}\n  ours   {ours:.120}\n  theirs {theirs:.120}"
        ))
    }
}

#[test]
fn patterns_are_refused_as_by_go() {
    let data = read(&folder("patterns.json"));
    let cases = data.as_array().expect("a list");
    assert!(cases.len() > 3000, "only {} patterns", cases.len());
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

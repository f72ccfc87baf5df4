//! Bad definitions, and what they are refused with.

use super::{cases, recorded, told, warnings};
use serde_json::Value;
use tidegate_crd::{default, name_errors, prepare_create, validate_create};

/// Cases in which kube-apiserver goes through a map, in an order that changes from call to call.
const UNORDERED: [&str; 9] = [
    "default-inside-embedded-metadata",
    "default-many",
    "default-meta-annotations",
    "default-rules",
    "default-type-object",
    "list-type-on-string",
    "map-type-on-string",
    "ok-formats",
    "rules-old-self",
];

fn check(name: &str, sent: &Value, answer: &Value) -> Result<(), String> {
    let mut crd = sent.clone();
    default(&mut crd);
    prepare_create(&mut crd);
    let mut ours = told(&validate_create(&crd));
    let mut theirs = recorded(answer);
    if UNORDERED.contains(&name) {
        ours.sort();
        theirs.sort();
    }
    if ours != theirs {
        return Err(format!(
            "{name}\n  ours   {}\n  theirs {}",
            ours.join("\n         "),
            theirs.join("\n         ")
        ));
    }
    let object_name = crd["metadata"]["name"].as_str().unwrap_or_default();
    let named: Vec<String> = answer["causes"]
        .as_array()
        .expect("causes")
        .iter()
        .filter(|cause| cause["field"] == "metadata.name" && cause["reason"] == "FieldValueInvalid")
        .filter_map(|cause| Some(cause["message"].as_str()?.split_once("\": ")?.1.to_owned()))
        .collect();
    let ours = name_errors(&crd, object_name);
    if !object_name.is_empty() && ours != named {
        return Err(format!(
            "{name}: name\n  ours   {ours:?}\n  theirs {named:?}"
        ));
    }
    let (mut ours, mut theirs) = (tidegate_crd::warnings(&crd, None), warnings(answer));
    if UNORDERED.contains(&name) {
        ours.sort();
        theirs.sort();
    }
    if answer["code"] == 201 && ours != theirs {
        return Err(format!(
            "{name}: warnings\n  ours   {ours:?}\n  theirs {theirs:?}"
        ));
    }
    Ok(())
}

#[test]
fn definitions_are_refused_in_the_words_of_kube_apiserver() {
    let cases = cases("bad", "status");
    assert!(cases.len() > 150, "only {} cases", cases.len());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|(name, sent, answer)| check(name, sent, answer).err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

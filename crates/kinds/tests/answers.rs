//! What a real kube-apiserver said to the objects of `tests/answers`, and what we say to them.
//!
//! `record answers` (see `record/main.go`) made the recordings. What other parts of the server do (allocation of
//! addresses, admission) is taken from the recording before the comparison.

use serde_json::Value;
use std::fmt::Write;
use tidegate_kinds::{Kind, kind_of};
use tidegate_schema::FieldError;

/// Compares one recorded case; what differs is a line.
fn check(case: &Value, found: &mut String) {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let kind = kind_of(text("group"), text("version"), text("plural")).expect("a kind");
    let name = text("case");
    let before = found.len();
    created(kind, case, found);
    for (at, change) in case["changes"].as_array().into_iter().flatten().enumerate() {
        let before = found.len();
        changed(kind, change, found);
        if found.len() > before {
            found.insert_str(before, &format!("# {name}, change {at}\n"));
        }
    }
    row(kind, &case["row"], found);
    if found.len() > before {
        found.insert_str(before, &format!("# {name}\n"));
    }
}

fn created(kind: &Kind, case: &Value, found: &mut String) {
    let (mut object, output) = (case["input"].clone(), &case["output"]);
    let complaints = match kind.decode(&mut object) {
        Ok(complaints) => complaints,
        Err(error) => return refused(kind, &error, output, found),
    };
    kind.default(&mut object);
    system_fields(kind, &mut object, output);
    let warnings = kind.warnings(&object, None);
    outside(kind, &mut object, output);
    kind.prepare_create(&mut object);
    let errors = kind.validate_create(&object);
    if case["code"] != 422 {
        let all: Vec<String> = complaints.into_iter().chain(warnings).collect();
        said(case, &all, found);
    }
    answered(&case["code"], output, &object, &errors, found);
}

fn said(case: &Value, ours: &[String], found: &mut String) {
    let theirs = case["warnings"].as_array().into_iter().flatten();
    let theirs = theirs.map(|line| {
        line.as_str()
            .unwrap_or_default()
            .trim_start_matches("299 - ")
    });
    let mut theirs: Vec<String> = theirs
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut ours = ours.to_vec();
    ours.sort();
    theirs.sort();
    if ours != theirs {
        let _ = writeln!(found, "warnings: {ours:?}, but {theirs:?}");
    }
}

fn refused(kind: &Kind, error: &str, output: &Value, found: &mut String) {
    let (version, name) = (&kind.version, &kind.kind);
    let message = format!("{name} in version \"{version}\" cannot be handled as a {name}: {error}");
    if output["message"] != message.as_str() {
        let _ = writeln!(found, "refused: {message}\n    but: {}", output["message"]);
    }
}

/// What the server gives before it looks at an object.
fn system_fields(kind: &Kind, object: &mut Value, output: &Value) {
    let meta = &output["metadata"];
    for name in ["uid", "creationTimestamp", "name", "namespace"] {
        if !meta[name].is_null() {
            object["metadata"][name] = meta[name].clone();
        }
    }
    if output["kind"] != "Status" {
        return;
    }
    if kind.namespaced {
        object["metadata"]["namespace"] = "kinds-answers".into();
    }
    let made_up = output["details"]["name"]
        .as_str()
        .filter(|_| object["metadata"]["generateName"].is_string());
    if let Some(name) = made_up {
        object["metadata"]["name"] = name.into();
    }
    // Of a job the message shows the uid.
    let message = output["message"].as_str().unwrap_or_default();
    if let Some((_, rest)) = message.split_once("controller-uid\":\"") {
        object["metadata"]["uid"] = rest[..36].into();
    }
}

/// What other parts of the server set.
fn outside(kind: &Kind, object: &mut Value, output: &Value) {
    let fields: &[&str] = match kind.kind.as_str() {
        "Service" => &[
            "clusterIP",
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "healthCheckNodePort",
        ],
        "Pod" => &["tolerations", "priority", "preemptionPolicy"],
        "Node" => &["taints"],
        _ => &[],
    };
    for name in fields {
        let added = object["spec"].get(name).is_none() || kind.kind == "Node";
        if added && !output["spec"][name].is_null() {
            object["spec"][name] = output["spec"][name].clone();
        }
    }
    let ports = object
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut);
    for (at, port) in ports.into_iter().flatten().enumerate() {
        let allocated = &output["spec"]["ports"][at]["nodePort"];
        if port.get("nodePort").is_none() && !allocated.is_null() {
            port["nodePort"] = allocated.clone();
        }
    }
    let finalizers = &output["metadata"]["finalizers"];
    if kind.kind.starts_with("PersistentVolume") && finalizers.is_array() {
        object["metadata"]["finalizers"] = finalizers.clone();
    }
    let phased = "lastPhaseTransitionTime";
    if kind.kind == "PersistentVolume" && !output["status"][phased].is_null() {
        object["status"][phased] = output["status"][phased].clone();
    }
}

fn answered(code: &Value, output: &Value, ours: &Value, errors: &[FieldError], found: &mut String) {
    let refused = *code == 422;
    if refused || !errors.is_empty() {
        let theirs = output["details"]["causes"].as_array().into_iter().flatten();
        let theirs: Vec<String> = theirs
            .map(|cause| {
                let text = |name: &str| cause[name].as_str().unwrap_or_default();
                let message = text("message");
                // The real server knows already who owns which field.
                let message = message.replace(owners(message), "");
                format!("{} {}: {}", text("reason"), text("field"), message)
            })
            .collect();
        let ours: Vec<String> = errors
            .iter()
            .map(|error| {
                format!(
                    "{} {}: {}",
                    error.error_type.reason(),
                    error.field,
                    error.body()
                )
            })
            .collect();
        lines("errors", &ours, &theirs, found);
        if !refused && *code != 201 && *code != 200 {
            let _ = writeln!(found, "code {code}: {}", output["message"]);
        }
        return;
    }
    if *code == 400 {
        let _ = writeln!(found, "taken, but: {}", output["message"]);
        return;
    }
    if output["kind"] == "CustomResourceDefinition" {
        // Another crate completes it.
        return differences(
            ".spec.versions",
            &ours["spec"]["versions"],
            &output["spec"]["versions"],
            found,
        );
    }
    differences("", &bare(ours), &bare(output), found);
}

/// The part of a message that tells the owners of fields.
fn owners(message: &str) -> &str {
    match (message.find(",\"managedFields\":["), message.find("]}: ")) {
        (Some(start), Some(end)) if start < end => &message[start..=end],
        _ => "\0",
    }
}

/// Each line that only one side has.
fn lines(what: &str, ours: &[String], theirs: &[String], found: &mut String) {
    if ours == theirs {
        return;
    }
    let mut rest = theirs.to_vec();
    for line in ours {
        match rest.iter().position(|other| other == line) {
            Some(at) => {
                rest.remove(at);
            }
            None => {
                let _ = writeln!(found, "{what}: + {line}");
            }
        }
    }
    for line in &rest {
        let _ = writeln!(found, "{what}: - {line}");
    }
    if ours.len() == theirs.len() && rest.is_empty() {
        let _ = writeln!(found, "{what}: in another order\n  {ours:?}\n  {theirs:?}");
    }
}

fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
        meta.remove("managedFields");
        if meta.get("creationTimestamp").is_some_and(Value::is_null) {
            meta.remove("creationTimestamp");
        }
    }
    object
}

fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut String) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names = ours
                .keys()
                .chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
            for name in names {
                let path = format!("{path}.{name}");
                match (ours.get(name), theirs.get(name)) {
                    (Some(ours), Some(theirs)) => differences(&path, ours, theirs, found),
                    (ours, theirs) => {
                        let _ = writeln!(found, "{path}: {ours:?}, but {theirs:?}");
                    }
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(&format!("{path}[{at}]"), ours, theirs, found);
            }
        }
        (ours, theirs) if ours != theirs => {
            let _ = writeln!(found, "{path}: {ours}, but {theirs}");
        }
        _ => {}
    }
}

fn changed(kind: &Kind, change: &Value, found: &mut String) {
    let (mut new, old, output) = (change["input"].clone(), &change["old"], &change["output"]);
    let subresource = change["subresource"].as_str().unwrap_or_default();
    if let Err(error) = kind.decode(&mut new) {
        return refused(kind, &error, output, found);
    }
    kind.default(&mut new);
    outside(kind, &mut new, output);
    kind.prepare_update(&mut new, old, subresource);
    let errors = kind.validate_update(&new, old, subresource);
    answered(&change["code"], output, &new, &errors, found);
}

fn row(kind: &Kind, row: &Value, found: &mut String) {
    if row.is_null() {
        return;
    }
    let now = row["now"].as_i64().unwrap_or_default();
    let ours = kind.cells(&row["object"], now);
    let theirs = row["cells"].as_array().cloned().unwrap_or_default();
    for (at, column) in kind.columns().iter().enumerate() {
        let (ours, theirs) = (ours.get(at), theirs.get(at));
        if ours != theirs && !(is_age(ours) && is_age(theirs)) {
            let _ = writeln!(found, "cell {}: {ours:?}, but {theirs:?}", column.name);
        }
    }
    if ours.len() != theirs.len() {
        let _ = writeln!(found, "{} cells, but {}", ours.len(), theirs.len());
    }
}

/// Seconds may pass between the answer and the look at the clock.
fn is_age(cell: Option<&Value>) -> bool {
    cell.and_then(Value::as_str)
        .is_some_and(|text| text.ends_with('s') && text.starts_with(|c: char| c.is_ascii_digit()))
}

/// All recorded cases of a file.
fn cases(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("recorded JSON"))
        .collect()
}

fn compare(text: &str) -> String {
    let mut found = String::new();
    let cases = cases(text);
    assert!(!cases.is_empty());
    for case in &cases {
        check(case, &mut found);
    }
    found
}

#[test]
fn core_answers_as_the_real_server() {
    let found = compare(include_str!("answers/core.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn services_answer_as_the_real_server() {
    let found = compare(include_str!("answers/service.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn pods_answer_as_the_real_server() {
    let found = compare(include_str!("answers/pod.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn workloads_answer_as_the_real_server() {
    let found = compare(include_str!("answers/workload.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn volumes_answer_as_the_real_server() {
    let found = compare(include_str!("answers/volume.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn replication_controllers_answer_as_the_real_server() {
    let found = compare(include_str!("answers/controller.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn the_rest_answers_as_the_real_server() {
    let found = compare(include_str!("answers/rest.jsonl"));
    assert!(found.is_empty(), "{found}");
}

#[test]
fn every_kind_reads_its_own_output() {
    for text in [
        include_str!("answers/core.jsonl"),
        include_str!("answers/workload.jsonl"),
    ] {
        for case in cases(text).iter().filter(|case| case["code"] == 201) {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let kind = kind_of(text("group"), text("version"), text("plural")).expect("a kind");
            let mut object = case["output"].clone();
            assert_eq!(kind.decode(&mut object), Ok(Vec::new()), "{}", case["case"]);
            kind.default(&mut object);
            assert_eq!(bare(&object), bare(&case["output"]), "{}", case["case"]);
        }
    }
}

#[test]
fn more_answers_are_as_the_real_servers() {
    let found = compare(include_str!("answers/more.jsonl"));
    assert!(found.is_empty(), "{found}");
}

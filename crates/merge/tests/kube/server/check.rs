//! The crate's answers to the recorded requests.

use super::{LAST, cases, entries, files};
use crate::{oracle::differences, schemas};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate_merge::{
    FieldSet, Ownership, PatchError, Version, json_patch, keep_times, merge_patch,
    strategic_merge_patch,
};

#[test]
fn a_server_refuses_the_same_and_makes_the_same_owners() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files() {
        for case in cases(&file) {
            let mut last = Value::Null;
            let mut steps = case["steps"].as_array().cloned().unwrap_or_default();
            for (i, step) in steps.iter_mut().enumerate() {
                count += 1;
                if step["live"] == LAST {
                    step["live"] = last.clone();
                }
                if step["code"].as_u64().is_some_and(|code| code < 300) {
                    last = step["answer"].clone();
                }
                if let Err(why) = check(&case, step) {
                    wrong.push(format!("{} step {i} {}\n{why}", case["name"], step["do"]));
                }
            }
        }
    }
    assert!(count > 50, "there are recorded requests");
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Calls `work` with the ownership of the step's endpoint.
fn with<R>(case: &Value, step: &Value, work: impl FnOnce(&Ownership<'_>) -> R) -> R {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let document = schemas::document(&text(case, "schemas"));
    let kind = text(case, "kind");
    let versions = |version: &str| match document.kind(version, &kind) {
        Some(schema) => Version::Schema(schema),
        None => Version::Missing,
    };
    let api_version = match text(step, "version") {
        version if version.is_empty() => text(case, "apiVersion"),
        version => version,
    };
    let subresource = text(step, "subresource");
    let reset = &case["reset"][if subresource.is_empty() {
        "main"
    } else {
        &subresource
    }];
    let reset = FieldSet::from_fields_v1(reset).unwrap_or_default();
    let reset = if reset.has(&[]) {
        FieldSet::new()
    } else {
        reset
    };
    work(&Ownership {
        api_version: &api_version,
        kind: &kind,
        subresource: &subresource,
        builtin: case["builtin"] == true,
        versions: &versions,
        reset: &BTreeMap::from([(api_version.clone(), reset)]),
    })
}

fn check(case: &Value, step: &Value) -> Result<(), String> {
    let answer = &step["answer"];
    let refused = step["code"].as_u64().unwrap_or_default() >= 300;
    match ours(case, step) {
        Err(error) if refused => same(&status(answer), &of_error(&error)),
        Err(error) => Err(format!("  refused: {error}")),
        Ok(_) if refused && (step["elsewhere"] == true || is_validation(answer)) => Ok(()),
        Ok(_) if refused => Err(format!("  not refused: {}", answer["message"])),
        Ok(object) if step["later"] == true => includes(&entries(&object), &entries(answer)),
        Ok(object) => same(&entries(answer), &entries(&object)),
    }
}

/// Where the server sets fields after it has told the owners, the answer has more than they own.
fn includes(ours: &Value, theirs: &Value) -> Result<(), String> {
    let set = |entries: &Value| FieldSet::from_fields_v1(&entries[0]["fieldsV1"]);
    match (set(ours), set(theirs)) {
        (Ok(ours), Ok(theirs)) if theirs.difference(&ours).is_empty() => Ok(()),
        _ => Err(differences(theirs, ours)),
    }
}

/// Whether the server refused an object, not a patch.
fn is_validation(status: &Value) -> bool {
    status["reason"] == "Invalid" && status.pointer("/details/kind").is_some()
}

fn same(theirs: &Value, ours: &Value) -> Result<(), String> {
    if theirs == ours {
        Ok(())
    } else {
        Err(differences(theirs, ours))
    }
}

/// The object of the answer, with the owners that this crate makes.
fn ours(case: &Value, step: &Value) -> Result<Value, PatchError> {
    let live = Some(&step["live"]).filter(|live| live.is_object());
    let mut live = live.cloned();
    if let (Some(live), Some(version)) = (&mut live, step["version"].as_str()) {
        live["apiVersion"] = version.into();
    }
    let live = live.as_ref();
    let manager = step["manager"].as_str().unwrap_or_default();
    let now = newest(&step["answer"]);
    let body = match &step["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let patched = match step["do"].as_str() {
        Some("apply") => {
            let force = step["force"] == true;
            let applied = with(case, step, |o| {
                o.apply(live, &step["body"], manager, force, now)
            })?;
            let mut object = step["answer"].clone();
            object["metadata"]["managedFields"] = entries(&applied);
            live.inspect(|live| keep_times(&mut object, live));
            return Ok(object);
        }
        Some("json") => json_patch(live.unwrap_or(&Value::Null), body.as_bytes(), true)?.value,
        Some("merge") => merge_patch(live.unwrap_or(&Value::Null), body.as_bytes(), true)?.value,
        Some("strategic") => {
            let document = schemas::document(case["schemas"].as_str().unwrap_or_default());
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let schema = document.kind(text("apiVersion"), text("kind"));
            let schema = schema.expect("a known kind");
            let live = live.unwrap_or(&Value::Null);
            strategic_merge_patch(live, body.as_bytes(), schema, true)?.value
        }
        _ => step["body"].clone(),
    };
    // The server has decoded and defaulted the object; the request only says which owners it names.
    let mut object = step["answer"].clone();
    if object["metadata"].is_object() {
        object["metadata"]["managedFields"] = entries(&patched);
        let entries = &object["metadata"]["managedFields"];
        // Metadata of custom resources goes through its struct, which leaves out empty lists.
        let lost = case["builtin"] != true && *entries == json!([]);
        if lost || entries.is_null() {
            let metadata = object["metadata"].as_object_mut();
            metadata.map(|metadata| metadata.remove("managedFields"));
        }
    }
    let mut object = with(case, step, |o| o.update(live, &object, manager, now));
    live.inspect(|live| keep_times(&mut object, live));
    Ok(object)
}

/// The newest time of the entries: when the request was made, if it changed anything.
fn newest(object: &Value) -> i64 {
    let entries = entries(object);
    let times = entries.as_array().into_iter().flatten();
    let newest = times.filter_map(|entry| entry["time"].as_str()).max();
    let time: Option<jiff::Timestamp> = newest.and_then(|time| time.parse().ok());
    time.map_or(0, jiff::Timestamp::as_second)
}

/// What of a Status is this crate's.
fn status(status: &Value) -> Value {
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    let mut causes = causes.cloned().unwrap_or_default();
    causes.sort_by_key(ToString::to_string);
    json!({"code": status["code"], "reason": status["reason"], "message": status["message"],
        "causes": causes, "details": status.get("details").is_some()})
}

fn of_error(error: &PatchError) -> Value {
    let mut causes: Vec<Value> = error
        .causes()
        .into_iter()
        .map(
            |cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}),
        )
        .collect();
    causes.sort_by_key(ToString::to_string);
    let reason = match error.reason() {
        "" => Value::Null,
        reason => reason.into(),
    };
    json!({"code": error.code(), "reason": reason, "message": error.message(),
        "causes": causes, "details": error.has_details()})
}

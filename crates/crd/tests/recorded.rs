//! What a real kube-apiserver 1.37 answered, beside what this crate says: refused and changed definitions, their status,
//! printer columns, and published OpenAPI. The files below `data` were recorded; nothing in them is written by hand.

#[path = "recorded/columns.rs"]
mod columns;
#[path = "recorded/gateway.rs"]
mod gateway;
#[path = "recorded/good.rs"]
mod good;
#[path = "recorded/openapi.rs"]
mod openapi;
#[path = "recorded/patterns.rs"]
mod patterns;
#[path = "recorded/refused.rs"]
mod refused;
#[path = "recorded/updated.rs"]
mod updated;

use flate2::read::GzDecoder;
use serde_json::Value;
use std::{fs, io::BufReader, path::PathBuf};
use tidegate_schema::FieldError;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn read(path: &PathBuf) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn unzip(name: &str) -> Value {
    let file = fs::File::open(folder(name)).expect("the file is there");
    serde_json::from_reader(GzDecoder::new(BufReader::new(file))).expect("JSON")
}

/// The cases of a folder: their names, what was sent, and what was answered.
fn cases(name: &str, answer: &str) -> Vec<(String, Value, Value)> {
    let entries = fs::read_dir(folder(name)).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter_map(|file| {
            file.strip_suffix(".json")
                .filter(|name| !name.contains('.'))
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    let case = |case: String| {
        let sent = read(&folder(name).join(format!("{case}.json")));
        let answered = read(&folder(name).join(format!("{case}.{answer}.json")));
        (case, sent, answered)
    };
    names.into_iter().map(case).collect()
}

/// Errors as the causes of a `Status`, one a line.
fn told(errors: &[FieldError]) -> Vec<String> {
    errors
        .iter()
        .map(|error| {
            format!(
                "{} {} {}",
                error.error_type.reason(),
                error.field,
                error.body()
            )
        })
        .collect()
}

/// The recorded causes, but for those of metadata that are for others to tell.
fn recorded(answer: &Value) -> Vec<String> {
    let causes = answer["causes"].as_array().expect("causes");
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
    causes
        .iter()
        .filter(|cause| {
            let field = text(cause, "field");
            !field.starts_with("metadata.") || field.starts_with("metadata.annotations[")
        })
        .map(|cause| {
            format!(
                "{} {} {}",
                text(cause, "reason"),
                text(cause, "field"),
                text(cause, "message")
            )
        })
        .collect()
}

fn warnings(answer: &Value) -> Vec<String> {
    let texts = answer["warnings"].as_array().expect("warnings");
    texts
        .iter()
        .map(|text| {
            let text = text.as_str().expect("a text");
            let text = text
                .strip_prefix("299 - \"")
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap_or(text);
            text.replace("\\\"", "\"")
        })
        .collect()
}

//! Requests that a real kube-apiserver answered, `data/server/*.jsonl`: the same refusals, and the same owners.
//!
//! What the server decodes, defaults and validates is not this crate's: the object is taken from the answer, and
//! only its managedFields are ours to make. `MERGE_TESTCLUSTER=BINARY` is the program of `testcluster/` that the
//! recorder starts, without controllers, so that nobody else writes.

mod check;
mod record;

use crate::schemas;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// What stands for a live object that is the last answer.
const LAST: &str = "the last answer";

fn folder() -> PathBuf {
    schemas::data().join("server")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of data")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn cases(path: &PathBuf) -> Vec<Value> {
    fs::read_to_string(path)
        .expect("a file")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The owners of an object.
fn entries(object: &Value) -> Value {
    object
        .pointer("/metadata/managedFields")
        .cloned()
        .unwrap_or_default()
}

//! Rows of tables: what `kubectl get` shows of an object. The columns are recorded; the cells are made here.

mod cluster;
mod network;
mod pod;
mod rest;
mod words;
mod workload;

use crate::{
    data,
    view::{list, text},
};
use serde_json::Value;

/// A column, as a Table defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `Ready`.
    pub name: String,
    /// `string`, `integer`, …
    pub r#type: String,
    /// `name` for the name.
    pub format: String,
    /// For people.
    pub description: String,
    /// 0 is always shown; 1 in wide output.
    pub priority: i64,
}

/// The columns of the table at a path.
pub(crate) fn columns(path: &str) -> Vec<Column> {
    let all: Value = serde_json::from_str(&data::text(data::COLUMNS)).unwrap_or_default();
    list(&all[path]).iter().map(Column::read).collect()
}

impl Column {
    fn read(entry: &Value) -> Self {
        let words = |name: &str| text(entry, name).to_owned();
        Self {
            name: words("name"),
            r#type: words("type"),
            format: words("format"),
            description: words("description"),
            priority: entry["priority"].as_i64().unwrap_or_default(),
        }
    }
}

/// An object and the time that ages are counted to, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Row<'o> {
    object: &'o Value,
    now: i64,
}

/// Makes the cells of one kind, without the name (which is first, but for events).
type Cells = fn(&Row<'_>) -> Vec<Value>;

/// By type, without the part of the name that all have.
const ALL: &[&[(&str, Cells)]] = &[cluster::ALL, network::ALL, rest::ALL, workload::ALL];

/// The cells of an object. Kinds without columns of their own show when objects were created.
pub(crate) fn cells(model: &str, object: &Value, now: i64) -> Vec<Value> {
    let row = Row { object, now };
    let model = model.strip_prefix("io.k8s.api.").unwrap_or(model);
    let found = ALL.iter().copied().flatten().find(|(of, _)| *of == model);
    match found {
        Some((_, cells)) => cells(&row),
        None => vec![row.name(), object["metadata"]["creationTimestamp"].clone()],
    }
}

//! Printer columns: each JSONPath as a column of each type.

use super::{folder, read};
use serde_json::{Value, json};
use tidegate_crd::{Definition, cells};

const TYPES: [&str; 5] = ["string", "integer", "number", "boolean", "date"];

/// A definition with the path as a column of each type.
fn definition(path: &str) -> Definition {
    let columns: Vec<Value> = TYPES
        .iter()
        .map(|name| json!({ "name": name, "type": name, "jsonPath": path }))
        .collect();
    let version = json!({ "name": "v1", "served": true, "storage": true, "additionalPrinterColumns": columns });
    Definition::compile(&json!({ "spec": { "group": "x.y", "versions": [version] } }))
        .expect("a definition")
}

/// Seconds since 1970 of a `Date` header in November 2026.
fn seconds(date: &str) -> i64 {
    let words: Vec<&str> = date.split([' ', ':']).collect();
    let number = |at: usize| words[at].parse::<i64>().expect("a number");
    assert_eq!(&words[2..4], ["Nov", "2026"]);
    1_793_491_200 + (number(1) - 1) * 86_400 + number(4) * 3600 + number(5) * 60 + number(6)
}

fn check(object: &Value, table: &Value) -> Result<(), String> {
    let path = table["path"].as_str().expect("a path");
    let definition = definition(path);
    let columns = &definition.versions[0].columns;
    let names: Value = columns.iter().map(|column| column.name.as_str()).collect();
    let now = seconds(table["date"].as_str().expect("a date"));
    let ours: Value = cells(columns, object, now).into();
    let about = columns.last().map(|column| column.description.as_str());
    if names != table["names"] || ours != table["cells"] || about != table["description"].as_str() {
        return Err(format!(
            "{path}\n  ours   {names} {ours}\n  theirs {} {}",
            table["names"], table["cells"]
        ));
    }
    Ok(())
}

#[test]
fn columns_show_what_kube_apiserver_shows() {
    let data = read(&folder("columns.json"));
    let tables = data["tables"].as_array().expect("tables");
    assert!(tables.len() > 80, "only {} paths", tables.len());
    let failed: Vec<String> = tables
        .iter()
        .filter_map(|table| check(&data["object"], table).err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        tables.len(),
        failed.join("\n")
    );
}

fn check_path(object: &Value, case: &Value) -> Result<(), String> {
    let (path, theirs) = (
        case[0].as_str().expect("a path"),
        case[1].as_str().expect("a result"),
    );
    let definition = definition(path);
    let columns = &definition.versions[0].columns;
    let ours = match cells(columns, object, 0).get(1) {
        None => "!parse".to_owned(),
        Some(Value::String(text)) => format!("={text}"),
        Some(_) => "!none".to_owned(),
    };
    if ours == theirs {
        Ok(())
    } else {
        Err(format!("{path:?}\n  ours   {ours}\n  theirs {theirs}"))
    }
}

#[test]
fn paths_lead_where_those_of_client_go_do() {
    let data = read(&folder("paths.json"));
    let paths = data["paths"].as_array().expect("paths");
    assert!(paths.len() > 2000, "only {} paths", paths.len());
    let failed: Vec<String> = paths
        .iter()
        .filter_map(|case| check_path(&data["object"], case).err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        paths.len(),
        failed.join("\n")
    );
}

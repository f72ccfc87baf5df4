//! Printer columns: what `kubectl get` shows of a custom resource.

mod age;

use crate::{
    jsonpath::{Item, JsonPath},
    view::Fields,
};
use age::age;
use serde_json::Value;
use tidegate_schema::{go_json, go_number};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// One column, with the fields of a Table's column definition.
#[derive(Debug, Clone)]
pub struct Column {
    /// The header.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub r#type: String,
    /// `name` for the first column.
    pub format: String,
    /// What it shows.
    pub description: String,
    /// Above zero: only in wide output.
    pub priority: i32,
    /// Where in the object it looks.
    pub json_path: String,
    path: Option<JsonPath>,
}

/// The columns of a version: the name, then its own, then the age where it has none of its own. The columns from the
/// first one on whose path can't be read are left out, as kube-apiserver does.
pub(crate) fn columns(own: &[Value]) -> Vec<Column> {
    let name = column("Name", "string", ".metadata.name", NAME);
    let mut columns = vec![Column {
        format: "name".to_owned(),
        ..name
    }];
    if own.is_empty() {
        columns.push(column(
            "Age",
            "date",
            ".metadata.creationTimestamp",
            CREATED,
        ));
    }
    for fields in own.iter().map(|column| Fields::of(Some(column))) {
        let path = fields.text("jsonPath");
        let about = match fields.text("description") {
            "" => &format!("Custom resource definition column (in JSONPath format): {path}"),
            about => about,
        };
        let column = column(fields.text("name"), fields.text("type"), path, about);
        if column.path.is_none() {
            break;
        }
        columns.push(Column {
            format: fields.text("format").to_owned(),
            priority: fields
                .int("priority")
                .and_then(|priority| priority.try_into().ok())
                .unwrap_or(0),
            ..column
        });
    }
    columns
}

fn column(name: &str, r#type: &str, path: &str, description: &str) -> Column {
    Column {
        name: name.to_owned(),
        r#type: r#type.to_owned(),
        format: String::new(),
        description: description.to_owned(),
        priority: 0,
        json_path: path.to_owned(),
        path: JsonPath::parse(path),
    }
}

/// The cells of an object's row.
pub fn cells(columns: &[Column], object: &Value, now_unix_seconds: i64) -> Vec<Value> {
    columns
        .iter()
        .map(|column| cell(column, object, now_unix_seconds))
        .collect()
}

fn cell(column: &Column, object: &Value, now: i64) -> Value {
    let found = column.path.as_ref().and_then(|path| path.find(object));
    let Some(item) = found.and_then(|found| found.into_iter().next()) else {
        return Value::Null;
    };
    match column.r#type.as_str() {
        "string" => printed(&item).into(),
        "integer" => integer(&item),
        "number" => number(&item),
        "boolean" => match item {
            Item::Tree(Value::Bool(flag)) => (*flag).into(),
            Item::Bool(flag) => flag.into(),
            _ => Value::Null,
        },
        "date" => match item {
            Item::Tree(Value::String(text)) => age(text, now).into(),
            Item::Text(text) => age(text, now).into(),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

/// As Go prints it; trees as JSON.
fn printed(item: &Item<'_>) -> String {
    match item {
        Item::Tree(Value::Null) => "<no value>".to_owned(),
        Item::Tree(Value::String(text)) => text.clone(),
        Item::Tree(Value::Number(number)) => go_number(number),
        Item::Tree(tree) => go_json(tree),
        Item::Text(text) => (*text).to_owned(),
        Item::Int(number) => number.to_string(),
        Item::Float(number) => serde_json::Number::from_f64(*number)
            .as_ref()
            .map(go_number)
            .unwrap_or_default(),
        Item::Bool(flag) => flag.to_string(),
    }
}

fn integer(item: &Item<'_>) -> Value {
    let float = match item {
        Item::Tree(Value::Number(number)) => match number.as_i64() {
            Some(number) => return number.into(),
            None => number.as_f64(),
        },
        Item::Float(number) => Some(*number),
        _ => None,
    };
    float.map_or(Value::Null, |float| truncated(float).into())
}

/// A fraction without what follows its point. What doesn't fit becomes the lowest number, as on the usual machines.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked before"
)]
fn truncated(float: f64) -> i64 {
    if (-9.2e18..=9.2e18).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

fn number(item: &Item<'_>) -> Value {
    match item {
        Item::Tree(Value::Number(number)) => number.as_f64().map_or(Value::Null, plain),
        Item::Float(number) => plain(*number),
        _ => Value::Null,
    }
}

/// A fraction as Go's JSON writes it: a whole one has no point.
fn plain(float: f64) -> Value {
    let whole = truncated(float);
    #[expect(clippy::cast_precision_loss, reason = "only compared")]
    let same = whole as f64 == float && whole != i64::MIN && float.abs() < 1e21;
    if same { whole.into() } else { float.into() }
}

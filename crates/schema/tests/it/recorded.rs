//! The answers of Kubernetes' own packages, recorded by the program in `tests/oracle`: a case is a line of a file in
//! `tests/data`.

use serde_json::{Value, json};
use tidegate_schema::{
    Path, Pattern, Schemas, apply_defaults, canonical_time, coerce_embedded, coerce_metadata,
    format_matches, go_number, parse_json, parse_yaml, prune, prune_nulls, settle_numbers,
    validate,
};

/// What a case found, in the words of the recorder.
#[derive(Debug, Default, PartialEq)]
struct Found {
    result: Value,
    errors: Vec<String>,
    unknown: Vec<String>,
    error: String,
    accepted: bool,
}

fn check(file: &str) {
    let path = format!("{}/tests/data/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(&path).expect("the file of cases can be read");
    let cases = parse_json(&text).expect("the file of cases is JSON").value;
    let cases = cases.as_array().expect("the file of cases is a list");
    let mut wrong = Vec::new();
    for case in cases {
        let (mut expected, mut found) = (expected(case), run(case));
        if case["ordered"] != true {
            // Go walks maps in random order; the recorder saw several.
            expected.errors.sort();
            found.errors.sort();
        }
        if expected != found {
            wrong.push(format!(
                "{case}\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
    }
    assert!(!cases.is_empty());
    assert!(
        wrong.is_empty(),
        "{} of {} cases\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}

fn expected(case: &Value) -> Found {
    Found {
        result: case["result"].clone(),
        errors: texts(&case["errors"]),
        unknown: texts(&case["unknown"]),
        error: text(case, "error").to_owned(),
        accepted: case["accepted"] == true,
    }
}

fn run(case: &Value) -> Found {
    let mut found = Found::default();
    let input = text(case, "text");
    match text(case, "op") {
        "json" | "yaml" => {
            let parsed = if case["op"] == "json" {
                parse_json(input.as_bytes())
            } else {
                parse_yaml(input.as_bytes())
            };
            match parsed {
                Ok(parsed) => {
                    found.result = typed(parsed.value);
                    found.unknown = parsed.duplicates;
                }
                Err(error) => found.error = error.to_string(),
            }
        }
        "format" => found.accepted = format_matches(text(case, "format"), input) == Some(true),
        "pattern" => {
            let pattern = Pattern::new(text(case, "format"));
            match pattern.is_match(input) {
                Ok(accepted) => found.accepted = accepted,
                Err(error) => found.error = error.to_owned(),
            }
        }
        "time" => match canonical_time(input) {
            Ok(time) => found.result = time.into(),
            Err(error) => found.error = error,
        },
        op => resource(op, case, &mut found),
    }
    found
}

fn resource(op: &str, case: &Value, found: &mut Found) {
    let empty = json!({});
    let schema = case.get("schema").unwrap_or(&empty);
    let (schemas, root) = Schemas::from_crd(schema).expect("the schema can be read");
    let schema = schemas.get(root);
    let mut value = case["value"].clone();
    let drop = case["drop"] == true;
    match op {
        "prune" => found.unknown = prune(&mut value, schema, !drop),
        "default" => apply_defaults(&mut value, schema),
        "nulls" => prune_nulls(&mut value, schema),
        "coerce" => match coerce_embedded(&mut value, schema, &Path::ROOT, drop) {
            Ok(unknown) => found.unknown = unknown,
            Err(error) => found.error = error.to_string(),
        },
        "metadata" => match coerce_metadata(&mut value, drop) {
            Ok(unknown) => {
                let bare = |text: String| {
                    text.trim_start_matches("unknown field ")
                        .trim_matches('"')
                        .to_owned()
                };
                found.unknown = unknown.into_iter().map(bare).collect();
            }
            Err(error) => found.error = error,
        },
        "resource" => {
            let errors = validate(&value, case.get("old"), schema, &Path::ROOT);
            found.errors = errors
                .iter()
                .map(|error| format!("{} {error}", error.error_type.reason()))
                .collect();
            return;
        }
        other => panic!("no such case: {other}"),
    }
    if found.error.is_empty() {
        settle_numbers(&mut value);
        found.result = value;
    }
}

/// Floats are marked, as JSON doesn't tell 1.0 from 1.
fn typed(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, typed(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(typed).collect(),
        Value::Number(number) if number.is_f64() => {
            format!("float64 {}", go_number(&number)).into()
        }
        other => other,
    }
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn json() {
    check("json");
}

#[test]
fn yaml() {
    check("yaml");
}

#[test]
fn resources() {
    check("resources");
}

#[test]
fn shaping() {
    check("shaping");
}

#[test]
fn metadata() {
    check("metadata");
}

#[test]
fn formats() {
    check("formats");
}

#[test]
fn patterns() {
    check("patterns");
}

#[test]
fn times() {
    check("times");
}

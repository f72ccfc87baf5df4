//! Expressions and rules with the answers of cel-go and apiserver, recorded in `tests`.

use crate::{
    cel::{
        compile,
        env::Env,
        eval::{self, Activation},
        shape::Shape,
        text,
        value::{Outcome, Value},
    },
    crd::decl,
};
use serde_json::{Value as Json, json};
use std::{collections::HashMap, fmt::Write as _};
use tidegate_schema::Schemas;

struct Object<'a>(Shape<'a>, &'a Json);

impl<'a> Activation<'a> for Object<'a> {
    fn resolve(&self, name: &str) -> Option<Outcome<'a>> {
        (name == "self" && !self.1.is_null()).then(|| self.0.value(self.1))
    }
}

/// As the recorder prints values.
fn shown(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => text::quoted(text.as_str()),
        Value::Bytes(bytes) => format!("b{}", text::quoted(&String::from_utf8_lossy(bytes))),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) if value.is_finite() => {
            let text = format!("double:{value:?}");
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }
        Value::Double(_) => "double:".to_owned(),
        Value::Duration(nanos) => format!("duration:{}", text::duration(*nanos)),
        Value::Timestamp(at) => format!("timestamp:{at}"),
        Value::Optional(None) => "optional.none".to_owned(),
        Value::Optional(Some(inner)) => format!("optional({})", shown(inner)),
        Value::Type(of) => format!("type:{}", of.runtime_name()),
        Value::List(list) => {
            let items: Vec<String> = list
                .iter()
                .map(|item| item.map_or_else(|fault| format!("error:{fault}"), |item| shown(&item)))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(_) => "map".to_owned(),
        Value::Opaque(opaque) => format!("opaque:{}", opaque.type_name()),
        Value::Preserved(_) => "unknown".to_owned(),
        other => other.to_string(),
    }
}

/// What we make of an expression, in the recorder's words.
fn expression(case: &Json) -> Json {
    let shared: Json = serde_json::from_str(include_str!("../tests/expressions.json"))
        .expect("the shared schema is JSON");
    let empty = json!({"schema": {"type": "object"}, "object": null});
    let part = |name: &str| match case.get(name) {
        Some(own) => own.clone(),
        None if case["shared"] == true => shared[name].clone(),
        None => empty[name].clone(),
    };
    let (schema, object) = (&part("schema"), &part("object"));
    let (schemas, root) = Schemas::from_crd(schema).expect("the case's schema is good");
    let schema = schemas.get(root);
    let resource = case["root"] == true || case["shared"] == true;
    let decl = decl::declare(schema, resource, "selfType1").expect("the case's schema is visible");
    let env = Env {
        variables: HashMap::from([
            ("self".into(), decl.of.clone()),
            ("oldSelf".into(), decl.of.clone()),
        ]),
        hidden: &[],
    };
    let source = case["expr"].as_str().expect("a case has an expression");
    let checked = match compile::check(source, &env) {
        Ok(checked) => checked,
        Err(issues) => return json!({"compile": issues}),
    };
    let cost = checked.estimate(&*decl);
    let mut out = json!({
        "type": checked.output().to_string(),
        "min": cost.min.to_string(),
        "max": cost.max.to_string(),
    });
    let program = match checked.program() {
        Ok(program) => program,
        Err(reason) => {
            out["program"] = json!(reason);
            return out;
        }
    };
    let object = Object(Shape::Node { schema, resource }, object);
    let done = eval::evaluate(program.expr(), &object, 1_000_000);
    out["cost"] = json!(done.cost);
    match done.outcome {
        Ok(value) => out["value"] = json!(shown(&value)),
        Err(fault) => out["err"] = json!(fault.to_string()),
    }
    out
}

fn check(file: &str, run: fn(&Json) -> Json, keys: &[&str]) {
    let mut wrong = String::new();
    let mut count = 0;
    for line in file.lines().filter(|line| !line.is_empty()) {
        let case: Json = serde_json::from_str(line).expect("a case is JSON");
        let got = run(&case);
        count += 1;
        for key in keys {
            if got[key] != case["want"][key] {
                let _ = writeln!(
                    wrong,
                    "{}\n  {key}: got  {}\n  {key}: want {}",
                    case.get("expr").unwrap_or(&case),
                    got[key],
                    case["want"][key]
                );
            }
        }
    }
    assert!(count > 0, "no cases");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn expressions_have_the_values_of_cel_go() {
    check(
        include_str!("../tests/expressions.jsonl"),
        expression,
        &[
            "compile", "type", "value", "err", "program", "cost", "min", "max",
        ],
    );
}

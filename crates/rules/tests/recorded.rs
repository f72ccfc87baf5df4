//! Rules, policies and their checks, with the answers of apiserver's own packages.

use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _};
use tidegate_rules::{
    Admission, Ask, Authorize, GroupVersionKind, GroupVersionResource, Outcome, Policy,
    REQUEST_BUDGET, Rules, User, Verdict, Violation, check_binding, check_policy, check_rules,
};
use tidegate_schema::{Path, Schemas};

/// Runs all cases of a file; a case says in `want` what is right.
fn check(file: &str, run: impl Fn(&Value) -> Value) {
    let mut wrong = String::new();
    let mut count = 0;
    for line in file.lines().filter(|line| !line.is_empty()) {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let got = run(&case);
        count += 1;
        if got != case["want"] {
            let mut short = case.clone();
            short["want"] = Value::Null;
            let _ = writeln!(wrong, "{short}\n  got  {got}\n  want {}", case["want"]);
        }
    }
    assert!(count > 0, "no cases");
    assert!(wrong.is_empty(), "{wrong}");
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// Every distinct rule of the Gateway API, on objects that keep it and on objects that break it.
#[test]
fn rules_of_the_gateway_api_say_what_apiserver_says() {
    let mut wrong = String::new();
    let (mut kept, mut broken) = (0, 0);
    for line in include_str!("gateway.jsonl").lines() {
        let table: Value = serde_json::from_str(line).expect("a table is JSON");
        let schemas_of =
            Schemas::from_crd(&json!({"type": "object", "properties": {"at": table["schema"]}}));
        let (schemas, root) = schemas_of.expect("the schema is good");
        let rules = Rules::compile(schemas.get(root));
        let cases = table["cases"].as_array().expect("a table has cases");
        for case in cases {
            let object = json!({"at": case["object"]});
            let old = case.get("old").map(|old| json!({"at": old}));
            let mut budget = REQUEST_BUDGET;
            let schema = schemas.get(root);
            let (errors, warnings) = rules.validate_with_warnings(
                schema,
                &object,
                old.as_ref(),
                &Path::ROOT,
                &mut budget,
            );
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let want: Vec<String> = texts(&case["want"]["errors"])
                .iter()
                .map(|text| placed(text))
                .collect();
            let known: Vec<String> = texts(&case["want"]["warnings"])
                .iter()
                .map(|text| placed(text))
                .collect();
            let cost = json!(REQUEST_BUDGET - budget);
            if want.is_empty() {
                kept += 1;
            } else {
                broken += 1;
            }
            if sorted(errors.clone()) != sorted(want)
                || warnings != known
                || cost != case["want"]["cost"]
            {
                let _ = writeln!(
                    wrong,
                    "{object}\n  got  {cost} {errors:?} {warnings:?}\n  want {}",
                    case["want"]
                );
            }
        }
    }
    assert!(kept > 200 && broken > 200, "{kept} kept, {broken} broken");
    assert!(wrong.is_empty(), "{wrong}");
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The recorded error of a node, as that of the property `at`.
fn placed(text: &str) -> String {
    let text = text.split_once('|').map_or(text, |(_, text)| text);
    match text.strip_prefix("<nil>") {
        Some(rest) => format!("at{rest}"),
        None if text.starts_with('[') => format!("at{text}"),
        None => format!("at.{text}"),
    }
}

/// Whether bad definitions are refused in the same words.
#[test]
fn bad_rules_are_refused_as_apiserver_refuses_them() {
    check(include_str!("checks.jsonl"), |case| {
        let (schemas, root) = Schemas::from_crd(&case["schema"]).expect("the schema is good");
        let start = Path::ROOT;
        let spec = start.child("spec");
        let validation = spec.child("validation");
        let path = validation.child("openAPIV3Schema");
        let errors = check_rules(schemas.get(root), None, &path);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        json!({"errors": errors})
    });
}

#[test]
fn bad_policies_are_refused_as_apiserver_refuses_them() {
    check(include_str!("policy_checks.jsonl"), |case| {
        let errors = match case["op"].as_str() {
            Some("vap") => check_policy(&case["object"], None),
            _ => check_binding(&case["object"]),
        };
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        json!({"errors": errors})
    });
}

/// Allows `get`, fails at `fail`, and tells what it was asked.
struct Authorizer;

impl Authorize for Authorizer {
    fn authorize(&self, ask: &Ask) -> Verdict {
        let user = match &ask.service_account {
            Some((namespace, name)) => format!("system:serviceaccount:{namespace}:{name}"),
            None => "alice".to_owned(),
        };
        let text = format!(
            "{} {}/{}/{} {}/{} {} by {user}",
            ask.verb,
            ask.group,
            ask.resource,
            ask.subresource,
            ask.namespace,
            ask.name,
            ask.path.as_deref().unwrap_or_default(),
        );
        let failed = ask.verb == "fail";
        Verdict {
            allowed: ask.verb == "get",
            error: failed.then(|| format!("failed: {text}")),
            reason: if failed { String::new() } else { text },
        }
    }
}

#[test]
fn policies_say_what_apiserver_says() {
    let kind = GroupVersionKind {
        group: "g.io".to_owned(),
        version: "v1".to_owned(),
        kind: "Thing".to_owned(),
    };
    let resource = GroupVersionResource {
        group: "g.io".to_owned(),
        version: "v1".to_owned(),
        resource: "things".to_owned(),
    };
    let user = User {
        name: "alice".to_owned(),
        uid: "u1".to_owned(),
        groups: vec!["g1".to_owned(), "g2".to_owned()],
        extra: BTreeMap::from([("k".to_owned(), vec!["v".to_owned()])]),
    };
    let options = json!({"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"});
    check(include_str!("policies.jsonl"), |case| {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let outcome = Policy::compile(&case["spec"]).evaluate(&Admission {
            object: case.get("object"),
            old_object: case.get("old"),
            operation: text("operation"),
            kind: &kind,
            resource: &resource,
            request_kind: &kind,
            request_resource: &resource,
            subresource: text("subresource"),
            name: text("name"),
            namespace: text("namespace"),
            user: &user,
            options: Some(&options),
            namespace_object: case.get("namespaceObject"),
            params: case.get("params"),
            dry_run: case["dryRun"] == true,
            authorizer: &Authorizer,
        });
        told(&outcome, &case["spec"])
    });
}

/// What a policy said, as the recorder tells it.
fn told(outcome: &Outcome, spec: &Value) -> Value {
    let denied: Vec<String> = outcome
        .violations
        .iter()
        .map(
            |Violation {
                 index,
                 message,
                 reason,
                 error,
                 ..
             }| {
                // What failed has no reason there; what has none becomes Invalid in the end.
                let (kind, reason) = if *error {
                    ("error", "")
                } else {
                    ("deny", reason.as_str())
                };
                format!("{index}|{kind}|{reason}|{message}")
            },
        )
        .collect();
    let published = outcome.audit_annotations.iter();
    let mut audit: Vec<String> = published
        .map(|annotation| format!("publish|{}|{}|", annotation.key, annotation.value))
        .collect();
    let keys = spec["auditAnnotations"].as_array();
    audit.extend(outcome.audit_errors.iter().map(|error| {
        let key = keys
            .and_then(|keys| keys[error.index]["key"].as_str())
            .unwrap_or_default();
        format!("error|{key}||{}", error.message)
    }));
    let or_null = |texts: Vec<String>| {
        if texts.is_empty() {
            Value::Null
        } else {
            json!(texts)
        }
    };
    json!({"denied": or_null(denied), "audit": or_null(audit)})
}

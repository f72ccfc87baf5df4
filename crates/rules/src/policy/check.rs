//! What makes a bad policy or binding: apiserver's words. Metadata is checked elsewhere.

use super::env::{self, Environment, TOO_NEW};
use crate::cel::types::{RESERVED, Type};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::{FieldError, FieldErrorType, Path, go_json, qualified_name_errors};

mod resources;

const MOST_CONDITIONS: usize = 64;
const MOST_ANNOTATIONS: usize = 20;
const LONGEST_VALUE: usize = 5 * 1024;

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Checks a `ValidatingAdmissionPolicy` with its defaults filled in. `old` is the policy before an update: its
/// expressions may stay.
pub fn check_policy(policy: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &policy["spec"];
    let mut check = Check {
        errors: Vec::new(),
        known: HashSet::new(),
        params: !spec["paramKind"].is_null(),
        environment: Environment::new(
            !spec["paramKind"].is_null(),
            !items(&spec["variables"]).is_empty(),
        ),
    };
    if let Some(old) = old {
        collect(&old["spec"], &mut check.known);
    }
    check.failure_policy(spec, &path);
    if check.params {
        resources::param_kind(
            &spec["paramKind"],
            &path.child("paramKind"),
            &mut check.errors,
        );
    }
    let constraints = path.child("matchConstraints");
    if spec["matchConstraints"].is_null() {
        check.errors.push(FieldError::required(&constraints, ""));
    } else {
        let value = &spec["matchConstraints"];
        resources::match_resources(value, &constraints, &mut check.errors);
        if items(&value["resourceRules"]).is_empty() {
            check.errors.push(FieldError::required(
                &constraints.child("resourceRules"),
                "",
            ));
        }
    }
    let unchanged = old.is_some_and(|old| {
        old["spec"]["matchConditions"] == spec["matchConditions"]
            && old["spec"]["paramKind"] == spec["paramKind"]
    });
    if !unchanged {
        check.conditions(
            items(&spec["matchConditions"]),
            &path.child("matchConditions"),
        );
    }
    for (index, variable) in items(&spec["variables"]).iter().enumerate() {
        check.variable(variable, &path.child("variables").index(index));
    }
    check.validations(policy, spec, &path);
    check.errors
}

/// Checks a `ValidatingAdmissionPolicyBinding` with its defaults filled in.
pub fn check_binding(binding: &Value) -> Vec<FieldError> {
    resources::binding(&binding["spec"])
}

/// The expressions of a policy.
fn collect(spec: &Value, known: &mut HashSet<String>) {
    for (list, key) in [
        ("matchConditions", "expression"),
        ("variables", "expression"),
        ("validations", "expression"),
        ("validations", "messageExpression"),
        ("auditAnnotations", "valueExpression"),
    ] {
        known.extend(
            items(&spec[list])
                .iter()
                .map(|item| text(&item[key]).to_owned()),
        );
    }
}

struct Check {
    errors: Vec<FieldError>,
    known: HashSet<String>,
    params: bool,
    environment: Environment,
}

impl Check {
    fn failure_policy(&mut self, spec: &Value, path: &Path<'_>) {
        let at = path.child("failurePolicy");
        match &spec["failurePolicy"] {
            Value::Null => self.errors.push(FieldError::required(&at, "")),
            policy if !matches!(text(policy), "Ignore" | "Fail") => {
                self.errors
                    .push(FieldError::not_supported(&at, policy, &["Fail", "Ignore"]));
            }
            _ => {}
        }
    }

    /// Compiles an expression; gives its type.
    fn compile(
        &mut self,
        source: &str,
        shown: &str,
        authorizer: bool,
        returns: &[Type],
        path: &Path<'_>,
    ) -> Option<Type> {
        let hidden = if self.known.contains(source) {
            &[]
        } else {
            TOO_NEW
        };
        match env::compile(source, self.environment.with(authorizer, hidden), returns) {
            Ok((_, of)) => Some(of),
            Err(reason) => {
                self.errors
                    .push(if reason.starts_with("program instantiation failed") {
                        FieldError::new(FieldErrorType::Internal, path, reason)
                    } else {
                        FieldError::invalid(path, &Value::from(shown), reason)
                    });
                None
            }
        }
    }

    fn conditions(&mut self, list: &[Value], path: &Path<'_>) {
        if list.len() > MOST_CONDITIONS {
            self.errors.push(FieldError {
                bad_value: list.len().to_string(),
                ..FieldError::new(
                    FieldErrorType::TooMany,
                    path,
                    format!("must have at most {MOST_CONDITIONS} items"),
                )
            });
        }
        // Match conditions know no variables while a policy is checked.
        let composed =
            std::mem::replace(&mut self.environment, Environment::new(self.params, false));
        let mut names = HashSet::new();
        for (index, condition) in list.iter().enumerate() {
            let path = path.index(index);
            let expression = text(&condition["expression"]).trim();
            let at = path.child("expression");
            if expression.is_empty() {
                self.errors.push(FieldError::required(&at, ""));
            } else {
                self.compile(expression, expression, true, &[Type::Bool], &at);
            }
            let name = text(&condition["name"]);
            let at = path.child("name");
            if name.is_empty() {
                self.errors.push(FieldError::required(&at, ""));
                continue;
            }
            for words in qualified_name_errors(name) {
                self.errors
                    .push(FieldError::invalid(&at, &condition["name"], words));
            }
            if !names.insert(name) {
                self.errors
                    .push(FieldError::duplicate(&at, &condition["name"]));
            }
        }
        self.environment = composed;
    }

    fn variable(&mut self, variable: &Value, path: &Path<'_>) {
        let name = text(&variable["name"]);
        let at = path.child("name");
        if name.trim().is_empty() {
            self.errors
                .push(FieldError::required(&at, "name is not specified"));
        } else if !is_identifier(name) {
            let words = "must be a valid CEL identifier";
            self.errors
                .push(FieldError::invalid(&at, &variable["name"], words));
        }
        let expression = text(&variable["expression"]);
        let at = path.child("expression");
        if expression.trim().is_empty() {
            self.errors
                .push(FieldError::required(&at, "expression is not specified"));
            return;
        }
        let of = self.compile(expression, expression, true, &[], &at);
        self.environment.define(name, of);
    }

    fn validations(&mut self, policy: &Value, spec: &Value, path: &Path<'_>) {
        let (validations, annotations) = (
            items(&spec["validations"]),
            items(&spec["auditAnnotations"]),
        );
        if validations.is_empty() && annotations.is_empty() {
            let words = "validations or auditAnnotations must contain at least one item";
            self.errors
                .push(FieldError::required(&path.child("validations"), words));
            self.errors
                .push(FieldError::required(&path.child("auditAnnotations"), words));
            return;
        }
        for (index, validation) in validations.iter().enumerate() {
            self.validation(validation, &path.child("validations").index(index));
        }
        let path = path.child("auditAnnotations");
        if annotations.len() > MOST_ANNOTATIONS {
            let words = format!("must not have more than {MOST_ANNOTATIONS} auditAnnotations");
            let shown: Vec<String> = annotations.iter().map(go_annotation).collect();
            self.errors.push(FieldError {
                bad_value: format!("[{}]", shown.join(",")),
                ..FieldError::invalid(&path, &Value::Null, words)
            });
        }
        let mut keys = HashSet::new();
        let name = text(&policy["metadata"]["name"]);
        for (index, annotation) in annotations.iter().enumerate() {
            let path = path.index(index);
            self.annotation(annotation, name, &path);
            if !keys.insert(text(&annotation["key"])) {
                self.errors.push(FieldError::duplicate(
                    &path.child("key"),
                    &annotation["key"],
                ));
            }
        }
    }

    fn validation(&mut self, validation: &Value, path: &Path<'_>) {
        let expression = text(&validation["expression"]);
        let at = path.child("expression");
        if expression.trim().is_empty() {
            self.errors
                .push(FieldError::required(&at, "expression is not specified"));
        } else {
            self.compile(expression, expression, true, &[Type::Bool], &at);
        }
        let source = text(&validation["messageExpression"]);
        let at = path.child("messageExpression");
        if !source.is_empty() && source.trim().is_empty() {
            let words = "must be non-empty if specified";
            self.errors.push(FieldError::invalid(
                &at,
                &validation["messageExpression"],
                words,
            ));
        } else if !source.is_empty() {
            self.compile(source, source, false, &[Type::String], &at);
        }
        let message = text(&validation["message"]);
        let at = path.child("message");
        if !message.is_empty() && message.trim().is_empty() {
            let words = "must be non-empty if specified";
            self.errors
                .push(FieldError::invalid(&at, &validation["message"], words));
        } else if message.trim().contains(['\n', '\r']) {
            let words = "must not contain line breaks";
            self.errors
                .push(FieldError::invalid(&at, &validation["message"], words));
        }
        const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
        if let Some(reason) = validation["reason"].as_str()
            && !REASONS.contains(&reason)
        {
            let at = path.child("reason");
            self.errors.push(FieldError::not_supported(
                &at,
                &validation["reason"],
                &REASONS,
            ));
        }
    }

    fn annotation(&mut self, annotation: &Value, name: &str, path: &Path<'_>) {
        let at = path.child("key");
        let key = text(&annotation["key"]);
        if name.is_empty() {
            let words = "requires metadata.name be non-empty";
            self.errors
                .push(FieldError::invalid(&at, &annotation["key"], words));
        } else {
            let full = format!("{name}/{key}");
            for words in qualified_name_errors(&full) {
                self.errors
                    .push(FieldError::invalid(&at, &Value::from(full.as_str()), words));
            }
        }
        let source = text(&annotation["valueExpression"]);
        let trimmed = source.trim();
        let at = path.child("valueExpression");
        if trimmed.is_empty() {
            self.errors.push(FieldError::required(
                &at,
                "valueExpression is not specified",
            ));
        } else if trimmed.len() > LONGEST_VALUE {
            let words = format!("must not exceed {LONGEST_VALUE} bytes in length");
            self.errors.push(FieldError::required(&at, words));
        } else {
            self.compile(trimmed, source, true, &[Type::String, Type::Null], &at);
        }
    }
}

/// An annotation as Go prints that struct.
fn go_annotation(annotation: &Value) -> String {
    let shown = |key: &str| go_json(&Value::from(text(&annotation[key])));
    format!(
        "{{\"Key\":{},\"ValueExpression\":{}}}",
        shown("key"),
        shown("valueExpression")
    )
}

fn is_identifier(name: &str) -> bool {
    !RESERVED.contains(&name)
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

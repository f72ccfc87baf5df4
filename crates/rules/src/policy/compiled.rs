//! A policy, compiled.

use super::{
    env::{self, Environment},
    matching::Matches,
};
use crate::cel::{compile::Program, types::Type};
use serde_json::Value;

/// An expression, or why it can't be run.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) source: String,
    pub(super) program: Result<Program, String>,
}

/// A named expression.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) expression: Expression,
}

/// What must hold.
#[derive(Debug)]
pub(super) struct Validation {
    pub(super) expression: Expression,
    pub(super) message: String,
    pub(super) message_expression: Option<Expression>,
    pub(super) reason: String,
}

/// A `ValidatingAdmissionPolicy`, ready to be asked.
///
/// Lenient: an expression that does not compile counts as one that fails.
#[derive(Debug)]
pub struct Policy {
    pub(super) variables: Vec<Named>,
    pub(super) match_conditions: Vec<Named>,
    pub(super) validations: Vec<Validation>,
    pub(super) audit_annotations: Vec<Named>,
    pub(super) ignore_failures: bool,
    has_params: bool,
    matches: Matches,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn expression(
    value: &Value,
    environment: &mut Environment,
    authorizer: bool,
    returns: &[Type],
) -> (Expression, Option<Type>) {
    let source = text(value);
    let compiled = env::compile(&source, environment.with(authorizer, &[]), returns);
    let (program, of) = match compiled {
        Ok((program, of)) => (Ok(program), Some(of)),
        Err(reason) => (Err(reason), None),
    };
    (Expression { source, program }, of)
}

/// The named expressions of a list; `keys` are those of the name and of the expression.
fn named(
    environment: &mut Environment,
    list: &Value,
    keys: [&str; 2],
    returns: &[Type],
) -> Vec<Named> {
    let [key, source] = keys;
    items(list)
        .iter()
        .map(|item| Named {
            name: text(&item[key]),
            expression: expression(&item[source], environment, true, returns).0,
        })
        .collect()
}

impl Policy {
    /// Compiles the `spec` of a policy.
    pub fn compile(spec: &Value) -> Self {
        let has_params = !spec["paramKind"].is_null();
        let mut environment = Environment::new(has_params, true);
        let mut variables = Vec::new();
        for variable in items(&spec["variables"]) {
            let name = text(&variable["name"]);
            let (expression, of) = expression(&variable["expression"], &mut environment, true, &[]);
            environment.define(&name, of);
            variables.push(Named { name, expression });
        }
        let validations = items(&spec["validations"])
            .iter()
            .map(|item| Validation {
                expression: expression(&item["expression"], &mut environment, true, &[Type::Bool])
                    .0,
                message: text(&item["message"]),
                message_expression: Some(&item["messageExpression"])
                    .filter(|source| source.as_str().is_some_and(|source| !source.is_empty()))
                    .map(|source| expression(source, &mut environment, false, &[Type::String]).0),
                reason: match item["reason"].as_str() {
                    Some(reason) => reason.to_owned(),
                    None => "Invalid".to_owned(),
                },
            })
            .collect();
        let env = &mut environment;
        let conditions = &spec["matchConditions"];
        let annotations = &spec["auditAnnotations"];
        Self {
            match_conditions: named(env, conditions, ["name", "expression"], &[Type::Bool]),
            audit_annotations: named(
                env,
                annotations,
                ["key", "valueExpression"],
                &[Type::String, Type::Null],
            ),
            validations,
            variables,
            ignore_failures: spec["failurePolicy"] == "Ignore",
            has_params,
            matches: Matches::read(&spec["matchConstraints"]),
        }
    }

    /// Which requests the policy is about.
    pub fn matches(&self) -> &Matches {
        &self.matches
    }

    /// Whether it takes a parameter.
    pub fn has_params(&self) -> bool {
        self.has_params
    }

    /// Whether errors let requests pass (`failurePolicy: Ignore`).
    pub fn ignores_failures(&self) -> bool {
        self.ignore_failures
    }
}

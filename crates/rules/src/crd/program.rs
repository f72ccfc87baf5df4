//! One rule, compiled.

use super::{decl::Decl, field_path};
use crate::cel::{
    compile::{self, Checked, Program},
    env::Env,
    types::Type,
};
use std::{collections::HashMap, rc::Rc};
use tidegate_schema::{Rule, Schema};

/// Functions that a new rule may not use yet: the release before does not know them.
pub(super) const TOO_NEW: &[&str] = &["includes"];

/// A rule that can be run.
#[derive(Debug)]
pub(super) struct Compiled {
    /// None where the rule is empty.
    pub(super) program: Option<Program>,
    /// Why it can't be run.
    pub(super) error: Option<String>,
    pub(super) uses_old: bool,
    pub(super) message: Option<Program>,
    pub(super) message_error: Option<String>,
    pub(super) field_path: String,
    /// What running the rule costs at most.
    pub(super) cost: u64,
    pub(super) message_cost: u64,
}

/// The variables of a rule.
fn env(decl: &Decl, optional: bool, hidden: &'static [&'static str]) -> Env {
    let old = if optional {
        Type::optional(decl.of.clone())
    } else {
        decl.of.clone()
    };
    Env {
        variables: HashMap::from([("self".into(), decl.of.clone()), ("oldSelf".into(), old)]),
        hidden,
    }
}

/// Compiles a rule of a node.
pub(super) fn compile(
    rule: &Rule,
    schema: Schema<'_>,
    decl: &Rc<Decl>,
    hidden: &'static [&'static str],
) -> Compiled {
    let mut out = Compiled {
        program: None,
        error: None,
        uses_old: false,
        message: None,
        message_error: None,
        field_path: String::new(),
        cost: 0,
        message_cost: 0,
    };
    if rule.rule.trim().is_empty() {
        return out;
    }
    let env = env(decl, rule.optional_old_self == Some(true), hidden);
    let checked = match compile::check(&rule.rule, &env) {
        Ok(checked) => checked,
        Err(issues) => {
            out.error = Some(format!("compilation failed: {issues}"));
            return out;
        }
    };
    if checked.output() != Type::Bool {
        out.error = Some("cel expression must evaluate to a bool".to_owned());
        return out;
    }
    out.uses_old = checked.uses("oldSelf");
    let cost = checked.estimate(&**decl).max;
    match checked.program() {
        Ok(program) => out.program = Some(program),
        Err(reason) => {
            out.error = Some(format!("program instantiation failed: {reason}"));
            return out;
        }
    }
    out.cost = cost;
    if let Some(expression) = rule
        .message_expression
        .as_deref()
        .filter(|text| !text.is_empty())
    {
        match message(expression, &env, decl) {
            Ok((program, cost)) => {
                out.message = Some(program);
                out.message_cost = cost;
            }
            Err(reason) => {
                out.message_error = Some(reason);
                return out;
            }
        }
    }
    if let Some(path) = rule.field_path.as_deref().filter(|path| !path.is_empty()) {
        out.field_path = field_path::normalize(path, schema).unwrap_or_default();
    }
    out
}

fn message(source: &str, env: &Env, decl: &Rc<Decl>) -> Result<(Program, u64), String> {
    let checked: Checked = compile::check(source, env)
        .map_err(|issues| format!("messageExpression compilation failed: {issues}"))?;
    if checked.output() != Type::String {
        return Err("messageExpression must evaluate to a string".to_owned());
    }
    let cost = checked.estimate(&**decl).max;
    let program = checked
        .program()
        .map_err(|reason| format!("messageExpression instantiation failed: {reason}"))?;
    Ok((program, cost))
}

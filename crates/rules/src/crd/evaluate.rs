//! Running the rules on an object.

use super::{
    correlate::{Keyed, Pair, Ratchet},
    program::Compiled,
    rules::{CALL_LIMIT, Nodes, Rules},
};
use crate::cel::{
    compile::Program,
    eval::{self, Activation},
    shape::Shape,
    value::{Fault, Outcome, Value},
};
use serde_json::Value as Json;
use tidegate_schema::{FieldError, FieldErrorType, Path, Rule, Schema, Type};

const LONGEST_MESSAGE: usize = 5 * 1024;
const NO_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";
const NO_MESSAGE_BUDGET: &str = "messageExpression evaluation failed due to running out of cost budget, no further \
                                 validation rules will be run";

/// Nothing more is to be run.
struct Stop;

type Go = Result<(), Stop>;

impl Rules {
    /// Runs the rules on an object that is valid by its schema.
    ///
    /// `old` is the object before an update: with it transition rules run, and errors of what did not change are let
    /// pass (ratcheting). The cost is taken from `budget`, which begins as [`crate::REQUEST_BUDGET`] for each object.
    pub fn validate(
        &self,
        schema: Schema<'_>,
        value: &Json,
        old: Option<&Json>,
        path: &Path<'_>,
        budget: &mut u64,
    ) -> Vec<FieldError> {
        self.validate_with_warnings(schema, value, old, path, budget)
            .0
    }

    /// As `validate`; also gives what was let pass, as the texts that become warnings.
    pub fn validate_with_warnings(
        &self,
        schema: Schema<'_>,
        value: &Json,
        old: Option<&Json>,
        path: &Path<'_>,
        budget: &mut u64,
    ) -> (Vec<FieldError>, Vec<String>) {
        if self.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let mut run = Run {
            nodes: self.nodes(schema),
            budget,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        let ratchet = Ratchet::of(old.map(|old| Pair::new(value, old, schema)));
        let place = Place {
            rules: schema,
            schema,
            resource: true,
        };
        // Stopping is told by an error.
        if run.node(place, value, old, path, ratchet).is_err() {
            *run.budget = 0;
        }
        (run.errors, run.warnings)
    }
}

/// What is said instead of running rules, where an object's errors are of the kind that rules can't cope with.
///
/// To be asked only where there are rules.
pub fn blocked_by(errors: &[FieldError]) -> Option<FieldError> {
    let blocking = |error: &FieldError| {
        matches!(
            error.error_type,
            FieldErrorType::NotSupported
                | FieldErrorType::Required
                | FieldErrorType::TooLong
                | FieldErrorType::TooMany
                | FieldErrorType::TypeInvalid
        )
    };
    errors.iter().any(blocking).then(|| FieldError {
        error_type: FieldErrorType::Invalid,
        field: "<nil>".to_owned(),
        bad_value: "null".to_owned(),
        detail: "some validation rules were not checked because the object was invalid; correct the existing errors \
                 to complete validation"
            .to_owned(),
    })
}

/// A node: whose rules, whose data, and whether it is a whole resource.
#[derive(Clone, Copy)]
struct Place<'a> {
    rules: Schema<'a>,
    schema: Schema<'a>,
    resource: bool,
}

struct Run<'r> {
    nodes: &'r Nodes,
    budget: &'r mut u64,
    errors: Vec<FieldError>,
    warnings: Vec<String>,
}

/// `self` and `oldSelf`.
struct Variables<'a> {
    shape: Shape<'a>,
    value: &'a Json,
    old: Option<&'a Json>,
    optional: bool,
}

impl<'a> Activation<'a> for Variables<'a> {
    fn resolve(&self, name: &str) -> Option<Outcome<'a>> {
        match (name, self.old) {
            ("self", _) => Some(self.shape.value(self.value)),
            ("oldSelf", None) if self.optional => Some(Ok(Value::Optional(None))),
            ("oldSelf", None) => None,
            ("oldSelf", Some(old)) => {
                let old = self.shape.value(old);
                Some(if self.optional {
                    old.map(Value::some)
                } else {
                    old
                })
            }
            _ => None,
        }
    }
}

impl Run<'_> {
    fn node<'a>(
        &mut self,
        place: Place<'a>,
        value: &'a Json,
        old: Option<&'a Json>,
        path: &Path<'_>,
        ratchet: Ratchet<'a>,
    ) -> Go {
        if value.is_null() || !self.nodes.at_or_below(place.rules.id()) {
            return Ok(());
        }
        self.expressions(place, value, old, path, ratchet)?;
        for id in place
            .rules
            .node()
            .checks
            .iter()
            .flat_map(|checks| &checks.all_of)
        {
            let inner = Place {
                rules: place.rules.at(*id),
                ..place
            };
            self.node(inner, value, old, path, ratchet.in_all_of())?;
        }
        match value {
            Json::Array(items) => {
                let (Some(rules), Some(schema)) = (place.rules.items(), place.schema.items())
                else {
                    return Ok(());
                };
                let keyed = match old {
                    Some(old) => Keyed::new(place.schema, old),
                    None => Keyed::none(place.schema),
                };
                for (index, item) in items.iter().enumerate() {
                    let inner = child(rules, schema);
                    let at = path.index(index);
                    self.node(
                        inner,
                        item,
                        keyed.get(item),
                        &at,
                        ratchet.index(index, &keyed),
                    )?;
                }
                Ok(())
            }
            Json::Object(fields) => self.fields(place, fields, old, path, ratchet),
            _ => Ok(()),
        }
    }

    fn fields<'a>(
        &mut self,
        place: Place<'a>,
        fields: &'a serde_json::Map<String, Json>,
        old: Option<&'a Json>,
        path: &Path<'_>,
        ratchet: Ratchet<'a>,
    ) -> Go {
        let old = old.and_then(Json::as_object);
        for (name, value) in fields {
            let old = old.and_then(|old| old.get(name));
            if let (Some(rules), Some(schema)) =
                (place.rules.additional(), place.schema.additional())
            {
                let at = path.key(name);
                self.node(child(rules, schema), value, old, &at, ratchet.key(name))?;
            }
            if let (Some(rules), Some(schema)) =
                (place.rules.property(name), place.schema.property(name))
            {
                let at = path.child(name);
                self.node(child(rules, schema), value, old, &at, ratchet.key(name))?;
            }
        }
        Ok(())
    }

    fn expressions<'a>(
        &mut self,
        place: Place<'a>,
        value: &'a Json,
        old: Option<&'a Json>,
        path: &Path<'_>,
        ratchet: Ratchet<'a>,
    ) -> Go {
        let kind = type_name(place.schema);
        let list = match self.nodes.of(place.rules.id()) {
            None => return Ok(()),
            Some(Err(reason)) => {
                self.fail(
                    path,
                    kind,
                    format!("rule compiler initialization error: {reason}"),
                );
                return Ok(());
            }
            Some(Ok(list)) => list,
        };
        if *self.budget == 0 {
            self.fail(path, kind, NO_BUDGET.to_owned());
            return Err(Stop);
        }
        let old = old.filter(|old| !old.is_null());
        let shape = Shape::Node {
            schema: place.schema,
            resource: place.resource,
        };
        for (rule, compiled) in list {
            let variables = Variables {
                shape,
                value,
                old,
                optional: rule.optional_old_self == Some(true),
            };
            let asked = Asked {
                rule,
                compiled,
                variables,
                kind,
            };
            self.rule(&asked, path, ratchet)?;
        }
        Ok(())
    }

    fn fail(&mut self, path: &Path<'_>, kind: &str, detail: String) {
        self.errors
            .push(FieldError::invalid(path, &Json::from(kind), detail));
    }

    fn rule(&mut self, asked: &Asked<'_, '_>, path: &Path<'_>, ratchet: Ratchet<'_>) -> Go {
        let Asked {
            rule,
            compiled,
            variables,
            kind,
        } = asked;
        if let Some(error) = &compiled.error {
            self.fail(path, kind, format!("rule compile error: {error}"));
            return Ok(());
        }
        let Some(program) = &compiled.program else {
            return Ok(());
        };
        if compiled.uses_old && variables.old.is_none() && !variables.optional {
            return Ok(());
        }
        let done = eval::evaluate(program.expr(), variables, CALL_LIMIT);
        let Some(left) = self.budget.checked_sub(done.cost) else {
            self.fail(path, kind, NO_BUDGET.to_owned());
            return Err(Stop);
        };
        *self.budget = left;
        match done.outcome {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(_) => self.violated(asked, path, ratchet),
            Err(fault) => {
                let words = rule_words(rule);
                let detail = match &fault {
                    Fault::Limit => format!(
                        "'{fault}': no further validation rules will be run due to call cost exceeds limit for \
                         rule: {words}"
                    ),
                    Fault::Error(text) if text.starts_with("no such overload") => format!(
                        "'{text}': call arguments did not match a supported operator, function or macro signature \
                         for rule: {words}"
                    ),
                    Fault::Error(text) => format!("{text} evaluating rule: {words}"),
                };
                self.fail(path, kind, detail);
                match fault {
                    Fault::Limit => Err(Stop),
                    Fault::Error(_) => Ok(()),
                }
            }
        }
    }

    fn violated(&mut self, asked: &Asked<'_, '_>, path: &Path<'_>, ratchet: Ratchet<'_>) -> Go {
        let Asked {
            rule,
            compiled,
            variables,
            kind,
        } = asked;
        let mut stop = None;
        let mut detail = None;
        if let Some(program) = &compiled.message {
            let source = rule.message_expression.as_deref().unwrap_or_default();
            match self.message(program, source, variables) {
                Ok(text) => detail = text,
                Err(words) => stop = Some(words),
            }
        }
        let mut error = match &stop {
            Some(words) => FieldError::invalid(path, &Json::from(*kind), words.clone()),
            None => {
                let detail = detail.unwrap_or_else(|| default_message(rule));
                for_reason(rule, path, variables.value, kind, detail)
            }
        };
        if !compiled.field_path.is_empty() {
            error.field = joined(&error.field, &compiled.field_path);
        }
        if !compiled.uses_old && ratchet.unchanged() {
            self.warnings.push(error.to_string());
        } else {
            self.errors.push(error);
        }
        if stop.is_some() { Err(Stop) } else { Ok(()) }
    }

    /// The message that an expression makes; none where it makes no good one.
    fn message(
        &mut self,
        program: &Program,
        source: &str,
        variables: &Variables<'_>,
    ) -> Result<Option<String>, String> {
        let done = eval::evaluate(program.expr(), variables, CALL_LIMIT);
        let Some(left) = self.budget.checked_sub(done.cost) else {
            return Err(NO_MESSAGE_BUDGET.to_owned());
        };
        let text = match done.outcome {
            Err(Fault::Limit) => {
                return Err(format!(
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: \
                     {}",
                    crate::cel::text::quoted(source)
                ));
            }
            Err(Fault::Error(_)) => None,
            Ok(value) => value.as_str().map(|text| text.trim().to_owned()),
        };
        *self.budget = left;
        Ok(text.filter(|text| {
            !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n')
        }))
    }
}

/// A rule and what it is asked of.
struct Asked<'a, 'r> {
    rule: &'r Rule,
    compiled: &'r Compiled,
    variables: Variables<'a>,
    kind: &'static str,
}

fn child<'a>(rules: Schema<'a>, schema: Schema<'a>) -> Place<'a> {
    Place {
        rules,
        schema,
        resource: schema.node().embedded_resource,
    }
}

fn type_name(schema: Schema<'_>) -> &'static str {
    match schema.node().r#type {
        Type::Any => "",
        Type::Object => "object",
        Type::Array => "array",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
    }
}

/// How errors name a rule.
fn rule_words(rule: &Rule) -> &str {
    match rule.message.as_deref() {
        Some(message) if !message.is_empty() => message.trim(),
        _ => rule.rule.trim(),
    }
}

fn default_message(rule: &Rule) -> String {
    match rule.message.as_deref() {
        Some(message) if !message.is_empty() => message.trim().to_owned(),
        _ => format!("failed rule: {}", rule_words(rule)),
    }
}

fn for_reason(
    rule: &Rule,
    path: &Path<'_>,
    value: &Json,
    kind: &str,
    detail: String,
) -> FieldError {
    let omitted = matches!(kind, "object" | "array");
    let (error_type, shows_value) = match rule.reason.as_deref() {
        Some("FieldValueForbidden") => (FieldErrorType::Forbidden, false),
        Some("FieldValueRequired") => (FieldErrorType::Required, false),
        Some("FieldValueDuplicate") => (FieldErrorType::Duplicate, true),
        _ => (FieldErrorType::Invalid, true),
    };
    let detail = if error_type == FieldErrorType::Duplicate {
        String::new()
    } else {
        detail
    };
    if shows_value && !omitted {
        return FieldError {
            error_type,
            detail,
            ..FieldError::invalid(path, value, "")
        };
    }
    FieldError::new(error_type, path, detail)
}

fn joined(path: &str, below: &str) -> String {
    if path.is_empty() || path == "<nil>" {
        below.to_owned()
    } else {
        format!("{path}.{below}")
    }
}

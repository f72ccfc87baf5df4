//! What makes a definition's rules bad: rules that do not compile, cost too much, or ask for what can't be known.

use super::{
    decl::{self, Decl},
    field_path,
    program::{self, Compiled, TOO_NEW},
};
use serde_json::Value;
use std::{collections::HashSet, rc::Rc};
use tidegate_schema::{
    Additional, FieldError, FieldErrorType, ListType, Path, Rule, Schema, Type, go_json,
};

const RULE_LIMIT: u64 = 10_000_000;
const TOTAL_LIMIT: u64 = 100_000_000;
const DEEPEST: usize = 200;
const REASONS: [&str; 4] = [
    "FieldValueRequired",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueDuplicate",
];

/// Checks the rules of a schema that is structural.
///
/// `old` is the schema before an update: what it already had may stay, even where a new definition could not have
/// it. `path` is that of the `openAPIV3Schema`.
pub fn check_rules(
    schema: Schema<'_>,
    old: Option<Schema<'_>>,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut known = HashSet::new();
    if let Some(old) = old {
        collect(old, &mut known, DEEPEST);
    }
    let mut check = Check {
        known,
        unchanged: old.is_some_and(|old| same(schema, old, DEEPEST)),
        errors: Vec::new(),
        cel: Vec::new(),
        total: 0,
        expensive: Vec::new(),
    };
    let context = Context {
        decl: None,
        inside: false,
        often: Some(1),
        uncorrelated: None,
        resource: true,
    };
    check.node(schema, context, path, DEEPEST);
    check.finish(path)
}

/// The texts of all rules.
fn collect(schema: Schema<'_>, known: &mut HashSet<String>, deeper: usize) {
    let Some(deeper) = deeper.checked_sub(1) else {
        return;
    };
    let node = schema.node();
    for rule in &node.rules {
        known.insert(rule.rule.clone());
        known.extend(rule.message_expression.clone());
    }
    let parts = node.properties.values().copied().chain(node.items);
    for id in parts {
        collect(schema.at(id), known, deeper);
    }
    if let Some(values) = schema.additional() {
        collect(values, known, deeper);
    }
}

/// Whether two schemas say the same, as far as rules and their costs go.
fn same(a: Schema<'_>, b: Schema<'_>, deeper: usize) -> bool {
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    let (x, y) = (a.node(), b.node());
    let checks = format!(
        "{:?}",
        x.checks.as_ref().map(|checks| (
            checks.max_length,
            checks.max_items,
            checks.max_properties
        ))
    ) == format!(
        "{:?}",
        y.checks.as_ref().map(|checks| (
            checks.max_length,
            checks.max_items,
            checks.max_properties
        ))
    );
    let pair = |x: Option<Schema<'_>>, y: Option<Schema<'_>>| match (x, y) {
        (None, None) => true,
        (Some(x), Some(y)) => same(x, y, deeper),
        _ => false,
    };
    checks
        && x.r#type == y.r#type
        && x.rules == y.rules
        && x.required == y.required
        && x.properties.keys().eq(y.properties.keys())
        && x.properties
            .keys()
            .all(|name| pair(a.property(name), b.property(name)))
        && pair(a.items(), b.items())
        && pair(a.additional(), b.additional())
}

/// What is known at a node from those above it.
#[derive(Clone)]
struct Context {
    decl: Option<Rc<Decl>>,
    /// There are rules here or above.
    inside: bool,
    /// How often the node may be in an object; none is: no bound.
    often: Option<u64>,
    /// Above which node old values can't be told apart.
    uncorrelated: Option<String>,
    resource: bool,
}

struct Check {
    known: HashSet<String>,
    unchanged: bool,
    errors: Vec<FieldError>,
    cel: Vec<FieldError>,
    total: u64,
    expensive: Vec<(String, u64)>,
}

impl Check {
    /// Checks what is below a node, then its own rules.
    fn node(&mut self, schema: Schema<'_>, context: Context, path: &Path<'_>, deeper: usize) {
        let Some(deeper) = deeper.checked_sub(1) else {
            return;
        };
        let node = schema.node();
        let mut here = context;
        here.inside |= !node.rules.is_empty();
        if here.inside && here.decl.is_none() {
            here.decl = decl::declare(schema, here.resource, "selfType");
        }
        let before = self.errors.len();
        let often = here
            .often
            .and_then(|often| elements(schema).map(|by| often.saturating_mul(by)));
        let below = |decl: Option<Rc<Decl>>, schema: Schema<'_>| Context {
            decl,
            often,
            resource: schema.node().embedded_resource,
            ..here.clone()
        };
        if let Some(values) = schema.additional() {
            let decl = here.decl.as_ref().and_then(|decl| decl.element());
            self.node(
                values,
                below(decl, values),
                &path.child("additionalProperties"),
                deeper,
            );
        }
        let properties = path.child("properties");
        for (name, id) in &node.properties {
            let property = schema.at(*id);
            let decl = here.decl.as_ref().and_then(|decl| decl.property(name));
            self.node(
                property,
                below(decl, property),
                &properties.key(name),
                deeper,
            );
        }
        if let Some(items) = schema.items() {
            let decl = here.decl.as_ref().and_then(|decl| decl.element());
            let mut inner = below(decl, items);
            if node.list_type != ListType::Map && inner.uncorrelated.is_none() {
                inner.uncorrelated = Some(path.to_string());
            }
            self.node(items, inner, &path.child("items"), deeper);
        }
        if node.rules.is_empty() {
            return;
        }
        let list = path.child("x-kubernetes-validations");
        for (index, rule) in node.rules.iter().enumerate() {
            self.words(rule, schema, &list.index(index));
        }
        if self.errors.len() == before {
            self.expressions(schema, &here, &list);
        }
    }

    /// What is wrong with a rule before it is compiled.
    fn words(&mut self, rule: &Rule, schema: Schema<'_>, path: &Path<'_>) {
        let lines = |text: &str| text.contains(['\n', '\r']);
        let text = rule.rule.trim();
        let message = rule.message.as_deref().unwrap_or_default();
        let trimmed = message.trim();
        let errors = &mut self.errors;
        let shown = |text: &str| Value::from(text);
        if text.is_empty() {
            errors.push(FieldError::required(
                &path.child("rule"),
                "rule is not specified",
            ));
        } else if !message.is_empty() && trimmed.is_empty() {
            let at = path.child("message");
            errors.push(FieldError::invalid(
                &at,
                &shown(message),
                "must be non-empty if specified",
            ));
        } else if lines(trimmed) {
            let at = path.child("message");
            errors.push(FieldError::invalid(
                &at,
                &shown(message),
                "must not contain line breaks",
            ));
        } else if lines(text) && trimmed.is_empty() {
            let at = path.child("message");
            errors.push(FieldError::required(
                &at,
                "message must be specified if rule contains line breaks",
            ));
        }
        let expression = rule.message_expression.as_deref().unwrap_or_default();
        if !expression.is_empty() && expression.trim().is_empty() {
            let at = path.child("messageExpression");
            errors.push(FieldError::required(
                &at,
                "messageExpression must be non-empty if specified",
            ));
        }
        if let Some(reason) = rule.reason.as_deref()
            && !REASONS.contains(&reason)
        {
            let at = path.child("reason");
            errors.push(FieldError::not_supported(&at, &shown(reason), &REASONS));
        }
        self.field_path(rule.field_path.as_deref().unwrap_or_default(), schema, path);
    }

    fn field_path(&mut self, below: &str, schema: Schema<'_>, path: &Path<'_>) {
        let lines = |text: &str| text.contains(['\n', '\r']);
        let shown = |text: &str| Value::from(text);
        let errors = &mut self.errors;
        if below.is_empty() {
            return;
        }
        let at = path.child("fieldPath");
        if below.trim().is_empty() {
            errors.push(FieldError::invalid(
                &at,
                &shown(below),
                "must be non-empty if specified",
            ));
        }
        if lines(below) {
            errors.push(FieldError::invalid(
                &at,
                &shown(below),
                "must not contain line breaks",
            ));
        }
        if field_path::normalize(below, schema).is_err() {
            errors.push(FieldError::invalid(
                &at,
                &shown(below),
                "must be a valid path",
            ));
        }
    }

    fn expressions(&mut self, schema: Schema<'_>, here: &Context, list: &Path<'_>) {
        let Some(decl) = &here.decl else {
            let words = "internal error: failed to construct type information for x-kubernetes-validations rules: \
                         unable to convert structural schema to CEL declarations";
            self.cel
                .push(FieldError::new(FieldErrorType::Internal, list, words));
            return;
        };
        for (index, rule) in schema.node().rules.iter().enumerate() {
            let hidden = if self.known.contains(&rule.rule) {
                &[]
            } else {
                TOO_NEW
            };
            let compiled = program::compile(rule, schema, decl, hidden);
            self.compiled(rule, &compiled, decl, here, &list.index(index));
        }
    }

    fn compiled(
        &mut self,
        rule: &Rule,
        compiled: &Compiled,
        decl: &Decl,
        here: &Context,
        path: &Path<'_>,
    ) {
        let at = path.child("rule");
        let often = here.often.unwrap_or_else(|| decl.most_often());
        let cost = compiled.cost.saturating_mul(often);
        if !self.unchanged && cost > RULE_LIMIT {
            let words = too_expensive("estimated rule cost", cost, RULE_LIMIT);
            self.cel.push(FieldError::forbidden(&at, words));
        }
        self.observe(&at, cost);
        if let Some(error) = &compiled.error {
            self.cel.push(of_rule(&at, rule, error));
        }
        let message_at = path.child("messageExpression");
        if let Some(error) = &compiled.message_error {
            self.cel.push(of_rule(&message_at, rule, error));
        } else if compiled.message.is_some() {
            if !self.unchanged && compiled.message_cost > RULE_LIMIT {
                let words = too_expensive(
                    "estimated messageExpression cost",
                    compiled.message_cost,
                    RULE_LIMIT,
                );
                self.cel.push(FieldError::forbidden(&message_at, words));
            }
            self.observe(&message_at, compiled.message_cost);
        }
        if compiled.uses_old {
            if let Some(within) = &here.uncorrelated {
                let words = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {within}"
                );
                self.cel.push(FieldError::invalid(
                    &at,
                    &Value::from(rule.rule.as_str()),
                    words,
                ));
            }
        } else if let Some(optional) = rule.optional_old_self {
            self.cel.push(FieldError::invalid(
                &path.child("optionalOldSelf"),
                &Value::from(optional),
                "may not be set if oldSelf is not used in rule",
            ));
        }
    }

    fn observe(&mut self, path: &Path<'_>, cost: u64) {
        self.total = self.total.saturating_add(cost);
        if cost < TOTAL_LIMIT / 100 {
            return;
        }
        self.expensive.push((path.to_string(), cost));
        self.expensive
            .sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        self.expensive.truncate(4);
    }

    fn finish(mut self, path: &Path<'_>) -> Vec<FieldError> {
        let mut out = std::mem::take(&mut self.errors);
        out.append(&mut self.cel);
        if self.total > TOTAL_LIMIT {
            for (field, _) in &self.expensive {
                let words = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
                out.push(FieldError {
                    field: field.clone(),
                    ..FieldError::forbidden(path, words)
                });
            }
            let name =
                "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
            out.push(FieldError::forbidden(
                path,
                too_expensive(name, self.total, TOTAL_LIMIT),
            ));
        }
        out
    }
}

/// How often a node multiplies what is below it; none is: no bound.
fn elements(schema: Schema<'_>) -> Option<u64> {
    let node = schema.node();
    let checks = node.checks.as_deref();
    match node.r#type {
        Type::Object if node.additional != Additional::None => checks?.max_properties,
        Type::Array => checks?.max_items,
        _ => Some(1),
    }
}

/// An error that shows the whole rule, as Go prints that struct.
fn of_rule(path: &Path<'_>, rule: &Rule, detail: &str) -> FieldError {
    let text = |text: &Option<String>| go_json(&Value::from(text.as_deref().unwrap_or_default()));
    let reason = rule.reason.as_deref().map_or(Value::Null, Value::from);
    let optional = rule.optional_old_self.map_or(Value::Null, Value::from);
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        go_json(&Value::from(rule.rule.as_str())),
        text(&rule.message),
        text(&rule.message_expression),
        go_json(&reason),
        text(&rule.field_path),
        optional,
    );
    FieldError {
        bad_value: shown,
        ..FieldError::new(FieldErrorType::Invalid, path, detail)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rough factor for people")]
fn too_expensive(name: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{name} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, \
         and maxLength where arrays, maps, and strings are declared)"
    )
}

//! Asking a policy.

use super::{
    Admission,
    compiled::{Expression, Named, Policy, Validation},
};
use crate::{
    REQUEST_BUDGET,
    cel::{
        AuthorizerBase, Opaque, ResourceCheck,
        eval::{self, Activation},
        shape::Shape,
        text::quoted,
        value::{Fault, Key, Map, Outcome as Evaluated, Value},
    },
};
use serde_json::Value as Json;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
};

const CALL_LIMIT: u64 = 1_000_000;
const MATCH_BUDGET: u64 = 2_500_000;
const LONGEST_MESSAGE: usize = 5 * 1024;
const LONGEST_ANNOTATION: usize = 10 * 1024;
/// How deep variables may refer to others.
const DEEPEST: u32 = 64;
const NO_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// A reason to deny a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which of the validations.
    pub index: usize,
    /// What is said.
    pub message: String,
    /// The `Status` reason.
    pub reason: String,
    /// The HTTP status.
    pub code: u16,
    /// An expression failed, as opposed to being false.
    pub error: bool,
}

/// Something to be written into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAnnotation {
    /// The key, without the policy's name.
    pub key: String,
    /// The value.
    pub value: String,
}

/// What a policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Why the request is to be denied, warned of or audited, by the binding's actions.
    pub violations: Vec<Violation>,
    /// What is to be published for the audit log.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// Audit annotations that failed: each denies the request, whatever the binding's actions.
    pub audit_errors: Vec<Violation>,
}

fn violation(index: usize, message: String, reason: &str, error: bool) -> Violation {
    Violation {
        index,
        message,
        reason: reason.to_owned(),
        code: match reason {
            "Forbidden" => 403,
            "Unauthorized" => 401,
            "RequestEntityTooLarge" => 413,
            _ => 422,
        },
        error,
    }
}

/// What happened with one expression.
enum Step<'a> {
    Value(Value<'a>),
    Failed(String),
}

/// Nothing more may be run; the reason.
struct Spent(&'static str);

impl Policy {
    /// Asks the policy about a request that it matches.
    pub fn evaluate(&self, admission: &Admission<'_>) -> Outcome {
        let request = admission.request();
        let namespace = admission.namespace();
        let null = Json::Null;
        let inputs = Inputs {
            admission,
            request: &request,
            namespace: &namespace,
            null: &null,
        };
        match self.conditions(&inputs) {
            Err(message) => return self.failed(message),
            Ok(false) => return Outcome::default(),
            Ok(true) => {}
        }
        let mut out = Outcome::default();
        if let Err(Spent(message)) = self.validate(&inputs, &mut out) {
            return self.failed(message.to_owned());
        }
        if let Err(Spent(message)) = self.annotate(&inputs, &mut out) {
            return self.failed(message.to_owned());
        }
        out
    }

    /// The whole policy failed.
    fn failed(&self, message: String) -> Outcome {
        let mut out = Outcome::default();
        if !self.ignore_failures {
            out.violations.push(violation(0, message, "Invalid", true));
        }
        out
    }

    /// Whether all match conditions hold. The error is that of those that failed.
    fn conditions(&self, inputs: &Inputs<'_>) -> Result<bool, String> {
        if self.match_conditions.is_empty() {
            return Ok(true);
        }
        let without = Inputs {
            namespace: inputs.null,
            ..*inputs
        };
        let run = Run::new(self, &without, true, MATCH_BUDGET);
        let mut errors: Vec<String> = Vec::new();
        for Named { expression, .. } in &self.match_conditions {
            match run.step(expression) {
                Err(Spent(_)) if self.ignore_failures => return Ok(false),
                Err(Spent(message)) => return Err(message.to_owned()),
                Ok(Step::Value(Value::Bool(false))) => return Ok(false),
                Ok(Step::Value(_)) => {}
                Ok(Step::Failed(message)) => {
                    if !errors.contains(&message) {
                        errors.push(message);
                    }
                }
            }
        }
        match errors.as_slice() {
            [] => Ok(true),
            _ if self.ignore_failures => Ok(false),
            [one] => Err(one.clone()),
            more => Err(format!("[{}]", more.join(", "))),
        }
    }

    fn validate(&self, inputs: &Inputs<'_>, out: &mut Outcome) -> Result<(), Spent> {
        let run = Run::new(self, inputs, true, REQUEST_BUDGET);
        let mut results = Vec::with_capacity(self.validations.len());
        for validation in &self.validations {
            results.push(run.step(&validation.expression)?);
        }
        let messages = Run::new(self, inputs, false, run.budget.get());
        let mut texts = Vec::with_capacity(self.validations.len());
        let mut spent = None;
        for validation in &self.validations {
            match message(&messages, validation) {
                Ok(text) => texts.push(text),
                Err(Spent(words)) => {
                    spent = Some(words);
                    break;
                }
            }
        }
        for (index, (validation, result)) in self.validations.iter().zip(results).enumerate() {
            let found = match (result, spent) {
                (Step::Failed(message), _) => violation(index, message, "Invalid", true),
                (_, Some(words)) => violation(
                    index,
                    format!("failed messageExpression: {words}"),
                    "",
                    true,
                ),
                (Step::Value(Value::Bool(true)), None) => continue,
                (Step::Value(_), None) => {
                    let text = texts.get(index).cloned().flatten();
                    let words = text.unwrap_or_else(|| default_message(validation));
                    violation(index, words, &validation.reason, false)
                }
            };
            if !(found.error && self.ignore_failures) {
                out.violations.push(found);
            }
        }
        Ok(())
    }

    fn annotate(&self, inputs: &Inputs<'_>, out: &mut Outcome) -> Result<(), Spent> {
        let run = Run::new(self, inputs, false, REQUEST_BUDGET);
        for (index, Named { name, expression }) in self.audit_annotations.iter().enumerate() {
            let failed = match run.step(expression)? {
                Step::Failed(message) if self.ignore_failures => {
                    let _ = message;
                    continue;
                }
                Step::Failed(message) => message,
                Step::Value(Value::Null) => continue,
                Step::Value(Value::String(text)) => {
                    let mut value = text.as_str().trim().to_owned();
                    while value.len() > LONGEST_ANNOTATION {
                        value.pop();
                    }
                    if !value.is_empty() {
                        out.audit_annotations.push(AuditAnnotation {
                            key: name.clone(),
                            value,
                        });
                    }
                    continue;
                }
                Step::Value(other) => format!(
                    "valueExpression '{}' resulted in unsupported return type: {}. Return type must be either \
                     string or null.",
                    expression.source,
                    other.type_of().runtime_name()
                ),
            };
            out.audit_errors
                .push(violation(index, failed, "Invalid", true));
        }
        Ok(())
    }
}

/// The message that an expression makes; none where it makes no good one.
fn message(run: &Run<'_, '_>, validation: &Validation) -> Result<Option<String>, Spent> {
    let Some(expression) = &validation.message_expression else {
        return Ok(None);
    };
    Ok(match run.step(expression)? {
        Step::Value(Value::String(text)) => Some(text.as_str().trim().to_owned()).filter(|text| {
            !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n')
        }),
        _ => None,
    })
}

fn default_message(validation: &Validation) -> String {
    let text = validation.message.trim();
    if text.is_empty() {
        format!("failed expression: {}", validation.expression.source.trim())
    } else {
        text.to_owned()
    }
}

/// The values of a request's variables.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    admission: &'a Admission<'a>,
    request: &'a Json,
    namespace: &'a Json,
    null: &'a Json,
}

/// One pass over expressions: the policy's variables are worked out once in it.
struct Run<'a, 'p> {
    policy: &'p Policy,
    inputs: &'a Inputs<'a>,
    authorizer: bool,
    budget: Cell<u64>,
    /// What variables cost since this was last asked.
    spent: Cell<u64>,
    depth: Cell<u32>,
    known: RefCell<HashMap<&'p str, Evaluated<'a>>>,
}

impl<'a, 'p> Run<'a, 'p> {
    fn new(policy: &'p Policy, inputs: &'a Inputs<'a>, authorizer: bool, budget: u64) -> Self {
        Self {
            policy,
            inputs,
            authorizer,
            budget: Cell::new(budget),
            spent: Cell::new(0),
            depth: Cell::new(0),
            known: RefCell::new(HashMap::new()),
        }
    }

    fn pay(&self, cost: u64) -> Result<(), Spent> {
        let left = self
            .budget
            .get()
            .checked_sub(cost)
            .ok_or(Spent(NO_BUDGET))?;
        self.budget.set(left);
        Ok(())
    }

    fn step(&self, expression: &Expression) -> Result<Step<'a>, Spent> {
        let program = match &expression.program {
            Ok(program) => program,
            Err(reason) => return Ok(Step::Failed(format!("compilation error: {reason}"))),
        };
        let done = eval::evaluate(program.expr(), self, CALL_LIMIT);
        self.pay(self.spent.take())?;
        self.pay(done.cost)?;
        Ok(match done.outcome {
            Ok(value) => Step::Value(value),
            Err(fault) => Step::Failed(format!(
                "expression '{}' resulted in error: {fault}",
                expression.source
            )),
        })
    }

    fn variable(&self, name: &str) -> Option<Evaluated<'a>> {
        let named = self
            .policy
            .variables
            .iter()
            .rev()
            .find(|named| named.name == name)?;
        if let Some(known) = self.known.borrow().get(&*named.name) {
            return Some(known.clone());
        }
        let result = match &named.expression.program {
            Err(reason) => Err(Fault::new(format!(
                "composited variable {} fails to compile: {reason}",
                quoted(name)
            ))),
            Ok(_) if self.depth.get() >= DEEPEST => Err(Fault::new(format!(
                "composited variable {} refers to others too deep",
                quoted(name)
            ))),
            Ok(program) => {
                self.depth.set(self.depth.get() + 1);
                let done = eval::evaluate(program.expr(), self, CALL_LIMIT);
                self.depth.set(self.depth.get() - 1);
                self.spent.set(self.spent.get().saturating_add(done.cost));
                done.outcome.map_err(|fault| {
                    Fault::new(format!(
                        "composited variable {} fails to evaluate: {fault}",
                        quoted(name)
                    ))
                })
            }
        };
        self.known.borrow_mut().insert(&named.name, result.clone());
        Some(result)
    }
}

impl<'a> Activation<'a> for Run<'a, '_> {
    fn resolve(&self, name: &str) -> Option<Evaluated<'a>> {
        let inputs = self.inputs;
        let tree = |tree: Option<&'a Json>| Some(Shape::Dyn.value(tree.unwrap_or(inputs.null)));
        let opaque = |opaque: Opaque<'a>| Some(Ok(Value::Opaque(Arc::new(opaque))));
        let authorize = inputs.admission.authorizer;
        match name {
            "object" => tree(inputs.admission.object),
            "oldObject" => tree(inputs.admission.old_object),
            "params" => tree(inputs.admission.params),
            "request" => tree(Some(inputs.request)),
            "namespaceObject" => tree(Some(inputs.namespace)),
            "authorizer" if self.authorizer => {
                opaque(Opaque::Authorizer(AuthorizerBase { authorize }))
            }
            "authorizer.requestResource" if self.authorizer => {
                let check = ResourceCheck::new(authorize, inputs.admission.ask());
                opaque(Opaque::Resource(Box::new(check)))
            }
            // Only asked whether it has a variable.
            "variables" => {
                let names = self
                    .policy
                    .variables
                    .iter()
                    .map(|named| (Key::String(named.name.as_str().into()), Value::Null));
                Some(Ok(Value::Map(Map::Made(Arc::new(names.collect())))))
            }
            _ => self.variable(name.strip_prefix("variables.")?),
        }
    }
}

//! `--filter`: a CEL expression over `object`, `old` and `event` decides which events are shown.
//!
//! Compiled once before anything connects. An expression that fails on an object, mostly because a
//! field is missing, does not match; failures are counted, and the first of each kind is reported.
//! Kubernetes' CEL functions (`quantity`, `isIP`, `semver`, sets, lists and so on) are there.

use crate::watch::event::{EventKind, WatchEvent};
use kube_cel::{
    KubeCelExt,
    cel::{
        Context, ExecutionError, ParseErrors, Program, Value,
        objects::{Key, Map},
    },
};
use serde_json::Value as Json;
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

const VARIABLES: [&str; 3] = ["object", "old", "event"];

/// Why an expression cannot be used. Always the user's to mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    /// Not CEL. The text points at the place.
    #[error("invalid --filter: {0}")]
    Syntax(String),
    /// CEL, but about something that is not there.
    #[error("invalid --filter: there is no '{0}'; use object, old and event")]
    UnknownVariable(String),
    /// CEL, but it calls what is not there.
    #[error("invalid --filter: there is no function '{0}'")]
    UnknownFunction(String),
}

/// What the filter says of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Matches,
    Differs,
    /// Counts as not matching. Holds a message the first time that it happens for a kind.
    Failed(Option<String>),
}

/// A compiled expression that can be shared by several evaluators.
#[derive(Clone)]
pub(crate) struct Filter {
    program: Arc<Program>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

impl Filter {
    pub(crate) fn compile(expression: &str) -> Result<Self, FilterError> {
        let program = Program::compile(expression)
            .map_err(|errors| FilterError::Syntax(syntax_text(expression, &errors)))?;
        let references = program.references();
        let mut unknown: Vec<&str> = references
            .variables()
            .into_iter()
            .filter(|name| {
                !VARIABLES.contains(name) && !TYPE_NAMES.contains(name) && !name.starts_with('@')
            })
            .filter(|name| !is_loop_variable(expression, name))
            .collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            return Err(FilterError::UnknownVariable((*name).to_owned()));
        }
        drop(references);
        let filter = Self {
            program: Arc::new(program),
        };
        filter.try_functions()?;
        Ok(filter)
    }

    /// A function that isn't there shows only when it is called, so call it once, on nothing.
    fn try_functions(&self) -> Result<(), FilterError> {
        let mut context = Context::default().with_all();
        for name in VARIABLES {
            context.add_variable_from_value(name, Value::Null);
        }
        match self.program.execute(&context) {
            Err(ExecutionError::UndeclaredReference(name)) => {
                Err(FilterError::UnknownFunction(name.to_string()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn evaluator(&self) -> Evaluator {
        Evaluator {
            program: Arc::clone(&self.program),
            functions: Context::default().with_all(),
            reported: HashSet::new(),
        }
    }
}

/// Names that CEL itself declares, for `type(x) == string`.
const TYPE_NAMES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "string",
    "timestamp",
    "uint",
];

/// Whether a macro such as `all(name, …)` binds the name somewhere. Lenient: what is let through
/// by mistake still fails at evaluation, with a message.
fn is_loop_variable(expression: &str, name: &str) -> bool {
    const MACROS: [&str; 8] = [
        "all",
        "exists",
        "exists_one",
        "existsOne",
        "map",
        "filter",
        "sortBy",
        "transformList",
    ];
    MACROS.iter().any(|macro_name| {
        expression.match_indices(macro_name).any(|(at, _)| {
            let rest = expression[at + macro_name.len()..].trim_start();
            rest.strip_prefix('(').is_some_and(|rest| {
                rest.trim_start()
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.trim_start().starts_with(','))
            })
        })
    })
}

/// One sink's filter: the expression, its functions, and which failures were told already.
pub(crate) struct Evaluator {
    program: Arc<Program>,
    functions: Context<'static>,
    reported: HashSet<String>,
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator").finish_non_exhaustive()
    }
}

impl Evaluator {
    /// `SYNCED` marks always match: they are about the watch, not about an object.
    pub(crate) fn judge(&mut self, event: &WatchEvent) -> Verdict {
        if event.kind == EventKind::Synced {
            return Verdict::Matches;
        }
        let body = |body: &Option<Arc<crate::watch::event::Body>>| {
            body.as_ref()
                .map_or(Value::Null, |body| to_cel(body.value()))
        };
        let mut scope = self.functions.new_inner_scope();
        scope.add_variable_from_value("object", body(&event.object));
        scope.add_variable_from_value("old", body(&event.old));
        scope.add_variable_from_value("event", event.kind.word());
        let failure = match self.program.execute(&scope) {
            Ok(Value::Bool(true)) => return Verdict::Matches,
            Ok(Value::Bool(false)) => return Verdict::Differs,
            Ok(other) => format!("the expression yields {}, not a bool", other.type_of()),
            Err(error) => failure_text(&error),
        };
        drop(scope);
        let kind = event.resource.qualified_plural();
        let first = self.reported.insert(kind.clone());
        Verdict::Failed(first.then(|| {
            format!(
                "warning: --filter fails on {kind} {}: {failure}; such objects don't match (test with has() for fields that may be missing)",
                event.name()
            )
        }))
    }
}

/// Says what failed without the values involved: they may be a Secret's.
fn failure_text(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no '{key}'"),
        ExecutionError::UndeclaredReference(name) => format!("there is no '{name}'"),
        ExecutionError::FunctionError { function, .. } => {
            format!("{function}() refuses its argument")
        }
        ExecutionError::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a division by zero".to_owned()
        }
        _ => "the types of its values don't fit".to_owned(),
    }
}

fn to_cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(map) => {
            let map: HashMap<Key, Value> = map
                .iter()
                .map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value)))
                .collect();
            Value::Map(Map { map: Arc::new(map) })
        }
    }
}

/// The first error, with the line and a mark under the place.
fn syntax_text(expression: &str, errors: &ParseErrors) -> String {
    let Some(error) = errors.errors.first() else {
        return errors.to_string();
    };
    if expression.trim().is_empty() {
        return "the expression is empty".to_owned();
    }
    let (line, column) = error.pos;
    let message = error.msg.lines().next().unwrap_or_default();
    // The parser lists every token that it would have liked; the place says enough.
    let message = message.split(" expecting {").next().unwrap_or(message);
    let (Ok(line), Ok(column)) = (usize::try_from(line), usize::try_from(column)) else {
        return message.to_owned();
    };
    let source = expression
        .lines()
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    format!(
        "{message} (line {line}, column {column})\n  {source}\n  {:>column$}",
        "^",
        column = column.max(1)
    )
}

#[cfg(test)]
mod tests {
    //! One table of expressions over two objects.

    use super::{Filter, Verdict};
    use crate::watch::event::{
        EventKind, WatchEvent,
        testing::{event, modified, pods},
    };
    use expect_test::{Expect, expect};
    use serde_json::json;

    fn moved() -> WatchEvent {
        modified(
            &pods(),
            &json!({"metadata": {"name": "a"}, "status": {"phase": "Pending"}}),
            &json!({"metadata": {"name": "a", "labels": {"tier": "x"}}, "spec": {"replicas": 3, "weight": 0.5},
                    "status": {"phase": "Running", "hostIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}}),
        )
    }

    fn added() -> WatchEvent {
        event(
            EventKind::Added,
            &pods(),
            &json!({"metadata": {"name": "b"}}),
        )
    }

    /// Only this function touches the API; the answer is for `moved`, then for `added`.
    fn check(expression: &str, expect: Expect) {
        let filter = match Filter::compile(expression) {
            Ok(filter) => filter,
            Err(error) => return expect.assert_eq(&error.to_string()),
        };
        let mut evaluator = filter.evaluator();
        let mut word = |event: WatchEvent| match evaluator.judge(&event) {
            Verdict::Matches => "yes".to_owned(),
            Verdict::Differs => "no".to_owned(),
            Verdict::Failed(message) => message.unwrap_or_else(|| "fails".to_owned()),
        };
        expect.assert_eq(&format!("{}, {}", word(moved()), word(added())));
    }

    #[test]
    fn variables() {
        check("event == 'MODIFIED'", expect!["yes, no"]);
        check("old == null", expect!["no, yes"]);
        check(
            "old != null && object.status.phase != old.status.phase",
            expect!["yes, no"],
        );
        check(
            "has(object.status) && object.status.phase == 'Running'",
            expect!["yes, no"],
        );
        check("object.metadata.name in ['b', 'c']", expect!["no, yes"]);
        check("object.metadata.name.startsWith('a')", expect!["yes, no"]);
    }

    #[test]
    fn numbers_lists_and_macros() {
        check(
            "has(object.spec) && object.spec.replicas > 2 && object.spec.weight < 1.0",
            expect!["yes, no"],
        );
        check(
            "has(object.status) && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
            expect!["yes, no"],
        );
        check(
            "has(object.metadata.labels) && object.metadata.labels.all(k, k.size() > 2)",
            expect!["yes, no"],
        );
        check(
            "has(object.status) && isIP(object.status.hostIP)",
            expect!["yes, no"],
        );
        check(
            "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
            expect!["yes, yes"],
        );
        check(
            "type(object.metadata.name) == string",
            expect!["invalid --filter: there is no function 'type'"],
        );
    }

    #[test]
    fn missing_fields_do_not_match_and_are_told_once() {
        check(
            "object.spec.replicas > 1",
            expect![
                "yes, warning: --filter fails on pods b: there is no 'spec'; such objects don't match (test with has() for fields that may be missing)"
            ],
        );
        check(
            "object.status.nodeName == 'x'",
            expect![
                "warning: --filter fails on pods a: there is no 'nodeName'; such objects don't match (test with has() for fields that may be missing), fails"
            ],
        );
        check(
            "object.metadata.name",
            expect![
                "warning: --filter fails on pods a: the expression yields string, not a bool; such objects don't match (test with has() for fields that may be missing), fails"
            ],
        );
    }

    #[test]
    fn compile_errors_point_at_the_place() {
        check(
            "object.spec.replicas >",
            expect![[r#"
            invalid --filter: Syntax error: mismatched input '<EOF>' (line 1, column 23)
              object.spec.replicas >
                                    ^"#]],
        );
        check(
            "object.a == 'x",
            expect![[r#"
            invalid --filter: Syntax error: token recognition error at: ''x' (line 1, column 13)
              object.a == 'x
                          ^"#]],
        );
        check("", expect!["invalid --filter: the expression is empty"]);
        check(
            "frob(object)",
            expect!["invalid --filter: there is no function 'frob'"],
        );
        check(
            "pod.spec == 1",
            expect!["invalid --filter: there is no 'pod'; use object, old and event"],
        );
    }

    #[test]
    fn synced_always_matches() {
        let filter = Filter::compile("false").expect("an expression");
        assert_eq!(
            filter.evaluator().judge(&WatchEvent::synced(pods())),
            Verdict::Matches
        );
    }
}

//! Checks of literals after the types are checked: durations, timestamps, patterns, formats, mixed lists.

use super::{
    ast::{Call, Expr, Id, Kind},
    functions,
    issues::{Issues, NOWHERE, Place},
    time::{self, Timestamp},
    types::Type,
    value::Value,
};
use tidegate_schema::Pattern;

/// Reports what is wrong with literals.
pub(super) fn validate(expr: &Expr, types: &[Type], places: &[Place], issues: &mut Issues) {
    let mut reporter = Reporter {
        types,
        places,
        issues,
    };
    let (mut calls, mut lists, mut maps) = (Vec::new(), Vec::new(), Vec::new());
    expr.walk(&mut |node| match &node.kind {
        Kind::Call(call) => calls.push((node, &**call)),
        Kind::List(_) => lists.push(node),
        Kind::Map(_) => maps.push(node),
        _ => {}
    });
    for name in ["duration", "timestamp", "matches"] {
        for (_, call) in calls.iter().filter(|(_, call)| &*call.function == name) {
            reporter.argument(call);
        }
    }
    // What is handed to `format` may be mixed, however deep.
    let mut exempt = Vec::new();
    for (_, call) in calls.iter().filter(|(_, call)| &*call.function == "format") {
        for part in call.target.iter().chain(&call.args) {
            part.walk(&mut |node| exempt.push(node.id));
        }
    }
    exempt.sort_unstable();
    let kept = |node: &&&Expr| exempt.binary_search(&node.id).is_err();
    lists
        .iter()
        .filter(kept)
        .for_each(|node| reporter.list(node));
    maps.iter().filter(kept).for_each(|node| reporter.map(node));
    for (node, call) in calls {
        reporter.format(node, call);
    }
}

struct Reporter<'r> {
    types: &'r [Type],
    places: &'r [Place],
    issues: &'r mut Issues,
}

impl Reporter<'_> {
    fn of(&self, id: Id) -> &Type {
        self.types.get(id as usize).unwrap_or(&Type::Error)
    }

    fn report(&mut self, id: Id, message: String) {
        let place = self.places.get(id as usize).copied().unwrap_or(NOWHERE);
        self.issues.report(place, message);
    }

    fn argument(&mut self, call: &Call) {
        let Some(arg) = call.args.first() else {
            return;
        };
        let Kind::Const(value) = &arg.kind else {
            return;
        };
        let good = match (&*call.function, value) {
            ("duration", Value::String(text)) => time::duration(text.as_str()).is_some(),
            ("timestamp", Value::String(text)) => time::rfc3339(text.as_str())
                .is_some_and(|(seconds, nanos)| Timestamp::new(seconds, nanos).is_some()),
            ("timestamp", Value::Int(seconds)) => Timestamp::new(*seconds, 0).is_some(),
            ("matches", Value::String(pattern)) => Pattern::new(pattern.as_str()).check().is_ok(),
            _ => true,
        };
        if !good {
            self.report(arg.id, format!("invalid {} argument", call.function));
        }
    }

    fn mismatch(&mut self, id: Id, expected: &Type) {
        let found = self.of(id);
        let message = format!("expected type '{expected}' but found '{found}'");
        self.report(id, message);
    }

    fn inner(&self, id: Id, optional: bool) -> Type {
        let of = self.of(id);
        let inner = of.unwrap_optional().filter(|_| optional);
        inner.unwrap_or(of).clone()
    }

    fn list(&mut self, node: &Expr) {
        let Kind::List(items) = &node.kind else {
            return;
        };
        let mut expected: Option<Type> = None;
        for (item, optional) in items {
            let of = self.inner(item.id, *optional);
            match &expected {
                None => expected = Some(of),
                Some(first) if !first.equivalent(&of) => {
                    let first = first.clone();
                    self.mismatch(item.id, &first);
                    return;
                }
                Some(_) => {}
            }
        }
    }

    fn map(&mut self, node: &Expr) {
        let Kind::Map(entries) = &node.kind else {
            return;
        };
        let mut expected: Option<(Type, Type)> = None;
        for entry in entries {
            let key = self.inner(entry.key.id, false);
            let value = self.inner(entry.value.id, entry.optional);
            let Some((first_key, first_value)) = expected.clone() else {
                expected = Some((key, value));
                continue;
            };
            if !first_key.equivalent(&key) {
                self.mismatch(entry.key.id, &first_key);
            }
            if !first_value.equivalent(&value) {
                self.mismatch(entry.value.id, &first_value);
            }
        }
    }

    fn format(&mut self, node: &Expr, call: &Call) {
        if &*call.function != "format" || !call.overloads.contains(&"string_format") {
            return;
        }
        let (Some(target), [args]) = (&call.target, call.args.as_slice()) else {
            return;
        };
        let (Kind::Const(Value::String(form)), Kind::List(items)) = (&target.kind, &args.kind)
        else {
            return;
        };
        let mut seen = 0;
        let mut bad = None;
        let walked = functions::format_walk(form.as_str(), items.len(), |letter| {
            let item = &items[seen].0;
            seen += 1;
            let of = self.of(item.id);
            if functions::format_takes(letter, of) {
                return Ok(());
            }
            bad = Some(item.id);
            Err(functions::format_refusal(letter, of.runtime_name()))
        });
        match walked {
            Err(words) => self.report(bad.unwrap_or(node.id), words),
            Ok(()) if items.len() > seen => self.report(
                node.id,
                format!(
                    "too many arguments supplied to string.format (expected {seen}, got {})",
                    items.len()
                ),
            ),
            Ok(()) => {}
        }
    }
}

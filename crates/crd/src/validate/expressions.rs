//! Whether the rules of a schema compile and are cheap enough: asked of `tidegate-rules`.
//!
//! Where something else is wrong with a schema, its rules are not looked at, nor are those above it.

use crate::view::Props;
use serde_json::{Map, Value};
use tidegate_rules::check_rules;
use tidegate_schema::{FieldError, Path, Schemas};

/// Tells what is wrong with the rules of a structural schema with these faults. `old` is the stored schema, whose rules
/// may stay as they are.
pub(super) fn check(
    schema: Props<'_>,
    old: Option<&Value>,
    faults: &[FieldError],
    path: &Path<'_>,
) -> Vec<FieldError> {
    if !schema.any(&mut |node| !node.rules().is_empty()) {
        return Vec::new();
    }
    let fields = schema
        .fields()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.clone()));
    let mut schema: Value = fields.collect::<Map<_, _>>().into();
    let faults: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    strip(&mut schema, &path.to_string(), &faults);
    // A schema that can't be read has faults of its own, which are told elsewhere.
    let Ok((schemas, root)) = Schemas::from_crd(&schema) else {
        return Vec::new();
    };
    let old = old.and_then(|old| Schemas::from_crd(old).ok());
    let old = old.as_ref().map(|(schemas, root)| schemas.get(*root));
    let mut errors = check_rules(schemas.get(root), old, path);
    for error in errors
        .iter_mut()
        .filter(|error| error.bad_value.starts_with("{\"Rule\":"))
    {
        error.bad_value = escaped(&error.bad_value);
    }
    errors
}

/// JSON with what HTML could take for its own escaped, as Go writes it.
fn escaped(json: &str) -> String {
    json.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

/// Takes the rules away from the nodes that have faults, or have nodes with faults inside.
fn strip(schema: &mut Value, path: &str, faults: &[&str]) {
    let inside = |fault: &&str| {
        fault
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let faults: Vec<&str> = faults.iter().copied().filter(inside).collect();
    let Some(fields) = schema.as_object_mut().filter(|_| !faults.is_empty()) else {
        return;
    };
    fields.remove("x-kubernetes-validations");
    for word in ["items", "additionalProperties"] {
        if let Some(child) = fields.get_mut(word) {
            strip(child, &format!("{path}.{word}"), &faults);
        }
    }
    for (name, child) in fields
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        strip(child, &format!("{path}.properties[{name}]"), &faults);
    }
}

//! Objects as the server's own types write them, for messages that show them: fields by their Go names, in the types'
//! order, with what is empty. The types are recorded (`record/internal`); nothing is read by them.

mod difference;

use crate::data;
use serde_json::Value;
use std::{collections::HashMap, sync::OnceLock};

/// The fields of a type.
type Fields = Vec<Field>;

struct Field {
    /// It lies in the published object's metadata.
    in_metadata: bool,
    name: &'static str,
    omits_empty: bool,
    form: &'static str,
}

/// What is written.
enum Node {
    Leaf(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

fn types() -> &'static HashMap<&'static str, Fields> {
    static TYPES: OnceLock<HashMap<&'static str, Fields>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut types: HashMap<&str, Fields> = HashMap::new();
        let mut current = "";
        for line in data::INTERNAL.lines() {
            if let Some(name) = line.strip_prefix("type ") {
                current = name;
            } else if let [place, name, flag, form] = line.split(' ').collect::<Vec<_>>().as_slice()
            {
                types.entry(current).or_default().push(Field {
                    in_metadata: *place == "metadata",
                    name,
                    omits_empty: *flag == "o",
                    form,
                });
            }
        }
        types
    })
}

/// A value in one line. `form` is `@core.PodSpec`, or `[]@core.PersistentVolumeClaim`.
pub(crate) fn shown(form: &str, value: &Value) -> String {
    let mut out = String::new();
    node(form, value).write(&mut out);
    out
}

/// The difference of two values, as `diff -u` tells it.
pub(crate) fn difference(form: &str, old: &Value, new: &Value) -> String {
    let lines = |value: &Value| {
        let mut lines = vec![String::new()];
        node(form, value).write_lines(&mut lines, 0);
        lines
    };
    difference::unified(&lines(old), &lines(new))
}

fn node(form: &str, value: &Value) -> Node {
    let null = || Node::Leaf("null".to_owned());
    if let Some(inner) = form.strip_prefix('*') {
        return if value.is_null() {
            null()
        } else {
            node(inner, value)
        };
    }
    if let Some(inner) = form.strip_prefix("[]") {
        return match value {
            Value::Array(items) => Node::List(items.iter().map(|it| node(inner, it)).collect()),
            _ => null(),
        };
    }
    if let Some(inner) = form.strip_prefix('{') {
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        return match value {
            Value::Object(entries) => Node::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), node(inner, value)))
                    .collect(),
            ),
            _ => null(),
        };
    }
    if let Some(name) = form.strip_prefix('@') {
        return structure(name, value);
    }
    let empty = match form {
        "string" => "\"\"",
        "bool" => "false",
        "number" => "0",
        "quantity" => "\"0\"",
        _ => "null",
    };
    Node::Leaf(match value {
        Value::Null => empty.to_owned(),
        value => escaped(&value.to_string()),
    })
}

fn structure(name: &str, value: &Value) -> Node {
    let fields = types().get(name).map(Vec::as_slice).unwrap_or_default();
    let written = fields.iter().filter_map(|field| {
        let place = match field.in_metadata {
            true => &value["metadata"],
            false => value,
        };
        let value = published(place, field.name);
        let node = node(field.form, value);
        let left_out = field.omits_empty && node.is_empty();
        (!left_out).then(|| (field.name.to_owned(), node))
    });
    Node::Object(written.collect())
}

/// The published field of a Go name: mostly the same, but for the case of its letters.
fn published<'v>(value: &'v Value, name: &str) -> &'v Value {
    let name = match name {
        "DeprecatedServiceAccount" => "serviceAccount",
        "DoNotUseExternalID" => "externalID",
        other => other,
    };
    let fields = value.as_object().into_iter().flatten();
    let mut fields = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    fields.next().map_or(&Value::Null, |(_, value)| value)
}

/// Go's encoder keeps texts out of HTML's way.
fn escaped(text: &str) -> String {
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

impl Node {
    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(text) => matches!(text.as_str(), "null" | "\"\"" | "false" | "0"),
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Leaf(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Writes on from the last line, with a space for each level.
    fn write_lines(&self, lines: &mut Vec<String>, depth: usize) {
        let (open, close, count) = match self {
            Self::Leaf(text) => return append(lines, text),
            Self::List(items) => ("[", "]", items.len()),
            Self::Object(fields) => ("{", "}", fields.len()),
        };
        append(lines, open);
        for at in 0..count {
            lines.push(" ".repeat(depth + 1));
            match self {
                Self::Object(fields) => {
                    append(lines, &format!("{}: ", quoted(&fields[at].0)));
                    fields[at].1.write_lines(lines, depth + 1);
                }
                Self::List(items) => items[at].write_lines(lines, depth + 1),
                Self::Leaf(_) => {}
            }
            if at + 1 < count {
                append(lines, ",");
            }
        }
        if count > 0 {
            lines.push(" ".repeat(depth));
        }
        append(lines, close);
    }
}

fn append(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

fn quoted(text: &str) -> String {
    escaped(&Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::{difference, shown};
    use serde_json::json;

    #[test]
    fn fields_stand_in_the_order_of_the_type() {
        let reference = json!({ "name": "<n>", "kind": "Pod" });
        let expect = r#"{"Kind":"Pod","Namespace":"","Name":"\u003cn\u003e","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}"#;
        assert_eq!(shown("@core.ObjectReference", &reference), expect);
    }

    #[test]
    fn metadata_is_part_of_the_object() {
        let template = json!({ "metadata": { "labels": { "a": "b" } }, "spec": {} });
        let text = shown("@core.PodTemplateSpec", &template);
        assert!(
            text.starts_with(r#"{"labels":{"a":"b"},"Spec":{"Volumes":null,"#),
            "{text}"
        );
    }

    #[test]
    fn differences_have_three_lines_around_them() {
        let old = json!({ "kind": "A", "name": "b" });
        let new = json!({ "kind": "A", "name": "c" });
        let expect = "@@ -1,7 +1,7 @@\n {\n  \"Kind\": \"A\",\n  \"Namespace\": \"\",\n- \"Name\": \"b\",\n+ \"Name\": \"c\",\n  \"UID\": \"\",\n  \"APIVersion\": \"\",\n  \"ResourceVersion\": \"\",\n";
        assert_eq!(difference("@core.ObjectReference", &old, &new), expect);
    }
}

//! From the text of a file to the objects in it.

use serde_json::Value;
use std::sync::Arc;
use tidegate_schema::{ParseError, Parsed, parse_json, parse_yaml};

/// The file that an object was applied from.
const ANNOTATION: &str = "tidegate.dev/manifest";

/// An object, and where it stands. Held as text: a tree of it takes twenty times as much, and is wanted rarely.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    /// The file, as it is named to people.
    pub(super) file: Arc<str>,
    /// The line at which its document begins.
    pub(super) line: usize,
    pub(super) api_version: Box<str>,
    pub(super) kind: Box<str>,
    /// Empty where it says none.
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    /// All of it, as JSON.
    pub(super) json: Box<str>,
}

impl Manifest {
    /// Of an object that has what every object needs.
    fn new(file: &Arc<str>, line: usize, mut object: Value) -> Result<Self, String> {
        mark(&mut object, file);
        let object = &object;
        let needed = |pointer: &str| {
            let text = text(object, pointer);
            match text.is_empty() {
                true => Err(format!("{} is missing", pointer[1..].replace('/', "."))),
                false => Ok(text.into()),
            }
        };
        Ok(Self {
            file: Arc::clone(file),
            line,
            api_version: needed("/apiVersion")?,
            kind: needed("/kind")?,
            name: needed("/metadata/name")?,
            namespace: text(object, "/metadata/namespace").into(),
            json: object.to_string().into(),
        })
    }

    /// Which manifest this is, among all.
    pub(super) fn place(&self) -> String {
        let Self {
            file,
            line,
            kind,
            namespace,
            name,
            ..
        } = self;
        format!("{file}:{line} {kind}/{namespace}/{name}")
    }
}

/// Says in an object where it stands. So there is always a field that was applied from here: of an object that says
/// nothing but its name, none would be known to be ours.
fn mark(object: &mut Value, file: &str) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    let Some(metadata) = metadata else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = Value::Object(serde_json::Map::new());
    }
    // What is no map is refused by the server, in its own words.
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(ANNOTATION.to_owned(), file.into());
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Reads all documents of a file. The error names the file and the line.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Manifest>, String> {
    let named: Arc<str> = file.into();
    let mut manifests = Vec::new();
    for (line, document) in documents(text) {
        if document
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            continue;
        }
        let value = parse(&document).map_err(|why| {
            let at = line - 1 + fault_line(&document);
            format!("{file}:{at}: {why}")
        })?;
        for object in expanded(value) {
            let manifest = Manifest::new(&named, line, object);
            manifests.push(manifest.map_err(|why| format!("{file}:{line}: {why}"))?);
        }
    }
    Ok(manifests)
}

/// Reads a document as kubectl does: JSON, or YAML 1.1. A field that is there twice is a fault.
fn parse(document: &str) -> Result<Value, String> {
    let json = document
        .trim_start()
        .starts_with('{')
        .then(|| parse_json(document.as_bytes()));
    let parsed: Result<Parsed, ParseError> = match json {
        Some(Ok(parsed)) => Ok(parsed),
        // It may be YAML that begins like JSON.
        Some(Err(_)) | None => parse_yaml(document.as_bytes()),
    };
    let parsed = parsed.map_err(|error| {
        let text = error.to_string().replace('\n', " ");
        // The line is said before, and counted from the beginning of the file.
        match text
            .strip_prefix("yaml: line ")
            .and_then(|rest| rest.split_once(": "))
        {
            Some((_, why)) => why.to_owned(),
            None => text.trim_start_matches("yaml: ").to_owned(),
        }
    })?;
    match parsed.duplicates.first() {
        Some(first) => Err(first.replace('\n', " ")),
        None => Ok(parsed.value),
    }
}

/// The line of a document with a fault. Kubernetes' words name a line too, but not always the right one.
fn fault_line(document: &str) -> usize {
    let read: Result<Value, _> = serde_saphyr::from_str(document);
    let place = read.err().and_then(|error| error.location());
    place
        .and_then(|place| usize::try_from(place.line()).ok())
        .unwrap_or(1)
}

/// The documents of a YAML stream, each with the number of its first line.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(1, String::new())];
    for (at, line) in text.lines().enumerate() {
        let separator = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if separator {
            documents.push((at + 2, String::new()));
            continue;
        }
        if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents
}

/// A list stands for its items.
fn expanded(value: Value) -> Vec<Value> {
    let is_list = value["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("List"));
    match value {
        Value::Null => Vec::new(),
        Value::Object(mut fields)
            if is_list && fields.get("items").is_some_and(Value::is_array) =>
        {
            match fields.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// The lines at which objects begin, or the error.
    fn check(text: &str, expected: &str) {
        let found = match read("a.yaml", text) {
            Ok(manifests) => {
                let found: Vec<String> = manifests
                    .iter()
                    .map(|manifest| format!("{}:{:?}", manifest.line, manifest.name))
                    .collect();
                found.join(" ")
            }
            Err(error) => error.lines().next().unwrap_or_default().to_owned(),
        };
        assert!(
            found.starts_with(expected),
            "{text}\nfound    {found}\nexpected {expected}"
        );
    }

    #[test]
    fn documents_are_found_with_their_lines() {
        let object =
            |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
        check("", "");
        check("# nothing\n---\n", "");
        check(&object("a"), "1:\"a\"");
        check(
            &format!("{}---\n{}", object("a"), object("b")),
            "1:\"a\" 6:\"b\"",
        );
        check(&format!("---\n{}", object("a")), "2:\"a\"");
        check(
            "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"i\"}}]}",
            "1:\"i\"",
        );
        check(
            &format!("{}---\nkind: X\n", object("a")),
            "a.yaml:6: apiVersion is missing",
        );
        check(
            &format!("{}---\na: [\n", object("a")),
            "a.yaml:6: did not find expected node content",
        );
        check(
            "a: 1\nb: 2\na: 3\n",
            "a.yaml:3: yaml: unmarshal errors:   line 3: key \"a\" already set in map",
        );
        check("{\n\"a\": 1,\n\"b\" 2}", "a.yaml:");
        check(
            "a: b: c\n",
            "a.yaml:1: mapping values are not allowed in this context",
        );
        check("a: 1\n\tb: 2\n", "a.yaml:");
    }
}

//! From the text of a file to the objects in it.

use serde_json::Value;
use tidegate_schema::{ParseError, Parsed, parse_json, parse_yaml};

/// An object, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    /// The file, as it is named to people.
    pub(super) file: String,
    /// The line at which its document begins.
    pub(super) line: usize,
    pub(super) object: Value,
}

impl Manifest {
    /// Which manifest this is, among all.
    pub(super) fn place(&self) -> String {
        let text = |pointer: &str| {
            self.object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let Self { file, line, .. } = self;
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        format!("{file}:{line} {}/{namespace}/{name}", text("/kind"))
    }
}

/// Reads all documents of a file. The error names the file and the line.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Manifest>, String> {
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
            check(&object).map_err(|why| format!("{file}:{line}: {why}"))?;
            manifests.push(Manifest {
                file: file.to_owned(),
                line,
                object,
            });
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

fn check(object: &Value) -> Result<(), String> {
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        if object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty()
        {
            return Err(format!("{} is missing", pointer[1..].replace('/', ".")));
        }
    }
    Ok(())
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
                    .map(|manifest| {
                        format!("{}:{}", manifest.line, manifest.object["metadata"]["name"])
                    })
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

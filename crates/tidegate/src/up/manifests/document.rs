//! From the text of a file to the objects in it.

use serde_json::Value;

/// An object, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    /// The file, as it is named to people.
    pub(super) file: String,
    /// The line at which its document begins.
    pub(super) line: usize,
    pub(super) object: Value,
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
        let value: Value = serde_saphyr::from_str(&document).map_err(|error| {
            let at = error
                .location()
                .map_or(line, |place| line - 1 + place.line() as usize);
            format!("{file}:{at}: {error}")
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
        check(&format!("{}---\na: [\n", object("a")), "a.yaml:");
    }
}

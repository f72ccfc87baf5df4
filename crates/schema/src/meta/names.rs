//! Forms of names: what is wrong with a text, in the words that Kubernetes' users know. Nothing wrong is no text.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_WORDS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035_WORDS: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const QUALIFIED_WORDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_VALUE_WORDS: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// `words (e.g. 'a',  or 'b', regex used for validation is 'x')`.
pub fn form_error(words: &str, form: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{words} (regex used for validation is '{form}')");
    }
    let examples: Vec<String> = examples
        .iter()
        .map(|example| format!("'{example}', "))
        .collect();
    format!(
        "{words} (e.g. {}regex used for validation is '{form}')",
        examples.join(" or ")
    )
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    is_lower(*first) && is_lower(*last) && bytes.iter().all(|byte| is_lower(*byte) || *byte == b'-')
}

/// Whether labels of the DNS are joined by dots. How long it is doesn't matter.
pub fn is_dns1123_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_qualified(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && bytes.iter().all(inner)
}

/// Names of the DNS are counted in characters, parts of labels in bytes: so the messages say. All count bytes.
pub fn too_long_errors(text: &str, limit: usize, unit: &str) -> Vec<String> {
    if text.len() > limit {
        vec![format!("must be no more than {limit} {unit}")]
    } else {
        Vec::new()
    }
}

/// A label of the DNS: `my-name`.
pub fn dns1123_label_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 63, "characters");
    if !is_label(text) {
        errors.push(if is_dns1123_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            form_error(LABEL_WORDS, LABEL, &["my-name", "123-abc"])
        });
    }
    errors
}

/// A name of the DNS: `example.com`.
pub fn dns1123_subdomain_errors(text: &str) -> Vec<String> {
    subdomain_errors(text, "characters")
}

fn subdomain_errors(text: &str, unit: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 253, unit);
    if !is_dns1123_subdomain(text) {
        let form = format!("{LABEL}(\\.{LABEL})*");
        errors.push(form_error(SUBDOMAIN_WORDS, &form, &["example.com"]));
    }
    errors
}

/// A label that begins with a letter.
pub fn dns1035_label_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 63, "characters");
    if !is_label(text) || text.starts_with(|first: char| first.is_ascii_digit()) {
        errors.push(form_error(
            LABEL_1035_WORDS,
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    errors
}

/// The key of a label, the name of a finalizer: `example.com/MyName`.
pub fn qualified_name_errors(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let form = || {
        form_error(
            QUALIFIED_WORDS,
            QUALIFIED,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                errors.extend(
                    subdomain_errors(prefix, "bytes")
                        .iter()
                        .map(|error| format!("prefix part {error}")),
                );
            }
            name
        }
        _ => {
            let rest = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {} {rest}", form())];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    }
    errors.extend(
        too_long_errors(name, 63, "bytes")
            .iter()
            .map(|error| format!("name part {error}")),
    );
    if !is_qualified(name) {
        errors.push(format!("name part {}", form()));
    }
    errors
}

/// The value of a label.
pub fn label_value_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 63, "bytes");
    if !text.is_empty() && !is_qualified(text) {
        let form = format!("({QUALIFIED})?");
        errors.push(form_error(
            LABEL_VALUE_WORDS,
            &form,
            &["MyValue", "my_value", "12345"],
        ));
    }
    errors
}

/// Names that are fit for a URL's path, no more. A prefix may be a dot.
pub fn path_segment_errors(text: &str, prefix: bool) -> Vec<String> {
    if !prefix && matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    let bad = ["/", "%"].into_iter().filter(|bad| text.contains(bad));
    bad.map(|bad| format!("may not contain '{bad}'")).collect()
}

//! Forms of names: what is wrong with a text, in the words that Kubernetes' users know. Nothing wrong is no text.

use tidegate_schema::{
    dns1035_label_errors, dns1123_label_errors, dns1123_subdomain_errors, form_error,
    is_dns1123_subdomain, too_long_errors,
};

/// The form of a kind's names; `true` for a prefix that something will follow.
pub type NameCheck = fn(&str, bool) -> Vec<String>;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const WILDCARD_WORDS: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";

/// `*.example.com`.
pub fn wildcard_subdomain_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 253, "characters");
    if !text.strip_prefix("*.").is_some_and(is_dns1123_subdomain) {
        let form = format!("\\*\\.{LABEL}(\\.{LABEL})*");
        errors.push(form_error(WILDCARD_WORDS, &form, &["*.example.com"]));
    }
    errors
}

/// The key of a ConfigMap or Secret.
pub fn config_key_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 253, "characters");
    if text.is_empty()
        || !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        errors.push(form_error(
            words,
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match text {
        "." | ".." => errors.push(format!("must not be '{text}'")),
        _ if text.starts_with("..") => errors.push("must not start with '..'".to_owned()),
        _ => {}
    }
    errors
}

/// The name of an environment variable.
pub fn env_var_name_errors(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.is_empty() {
        errors.push("environment variable name must be non-empty".to_owned());
    }
    if !text
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
    {
        let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        errors.push(words.to_owned());
    }
    errors
}

/// An identifier of C.
pub fn c_identifier_errors(text: &str) -> Vec<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.is_empty() || !text.bytes().all(good) || text.as_bytes()[0].is_ascii_digit() {
        let words = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
        return vec![form_error(
            words,
            "[A-Za-z_][A-Za-z0-9_]*",
            &["my_name", "MY_NAME", "MyName"],
        )];
    }
    Vec::new()
}

fn port_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// The name of a port.
pub fn port_name_errors(text: &str) -> Vec<String> {
    let mut errors = too_long_errors(text, 15, "characters");
    if text.is_empty() || !text.bytes().all(port_byte) {
        errors.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

/// `93%`.
pub fn percent_errors(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let words = "a valid percent string must be a numeric string followed by an ending '%'";
        return vec![form_error(words, "[0-9]+%", &["1%", "93%"])];
    }
    Vec::new()
}

/// A prefix may end in a dash, as something will follow: the dash and what is before it are not looked at.
fn masked(text: &str, prefix: bool) -> String {
    match text.strip_suffix('-') {
        Some(rest) if prefix && !rest.is_empty() => {
            let mut cut = rest.len() - 1;
            while !rest.is_char_boundary(cut) {
                cut -= 1;
            }
            format!("{}a", &rest[..cut])
        }
        _ => text.to_owned(),
    }
}

/// Names that are names of the DNS: what most kinds ask for.
pub fn name_is_subdomain(text: &str, prefix: bool) -> Vec<String> {
    dns1123_subdomain_errors(&masked(text, prefix))
}

/// Names that are labels of the DNS.
pub fn name_is_label(text: &str, prefix: bool) -> Vec<String> {
    dns1123_label_errors(&masked(text, prefix))
}

/// Names that are labels of the DNS and begin with a letter.
pub fn name_is_dns1035_label(text: &str, prefix: bool) -> Vec<String> {
    dns1035_label_errors(&masked(text, prefix))
}

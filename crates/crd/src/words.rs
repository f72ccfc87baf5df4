//! Names that Kubernetes accepts, with the words in which it refuses others in definitions: it has two sets of words for
//! lengths, and this is the older one.

use tidegate_schema::{
    FieldError, FieldErrorType, Path, dns1035_label_errors, dns1123_subdomain_errors, go_quote,
};

/// What is wrong with a DNS-1035 label.
pub(crate) fn label_errors(text: &str) -> Vec<String> {
    dns1035_label_errors(text)
        .into_iter()
        .map(|error| older(&error))
        .collect()
}

/// What is wrong with an RFC 1123 subdomain.
pub(crate) fn subdomain_errors(text: &str) -> Vec<String> {
    dns1123_subdomain_errors(text)
        .into_iter()
        .map(|error| older(&error))
        .collect()
}

fn older(error: &str) -> String {
    match error.strip_suffix(" bytes") {
        Some(start) => format!("{start} characters"),
        None => error.to_owned(),
    }
}

/// A word that is none of some, which are told in their order.
pub(crate) fn not_supported(path: &Path<'_>, word: &str, known: &[&str]) -> FieldError {
    let known: Vec<String> = known.iter().map(|word| go_quote(word)).collect();
    let detail = format!("supported values: {}", known.join(", "));
    FieldError {
        bad_value: go_quote(word),
        ..FieldError::new(FieldErrorType::NotSupported, path, detail)
    }
}

//! Checks of how a pod resolves names.

use super::{Errors, net, words::form};
use crate::{
    meta::{dns1123_subdomain_errors, form_error},
    view::{list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const SERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCH_LETTERS_MAX: usize = 2048;

pub(crate) fn config(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let config = &spec["dnsConfig"];
    let servers_at = path.child("nameservers");
    let servers = list(&config["nameservers"]);
    if text(spec, "dnsPolicy") == "None" {
        if config.is_null() {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None";
            errors.push(FieldError::required(path, why));
            return;
        }
        if servers.is_empty() {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.push(FieldError::required(&servers_at, why));
            return;
        }
    }
    if servers.len() > SERVERS_MAX {
        let why = format!("must not have more than {SERVERS_MAX} nameservers");
        let value = &config["nameservers"];
        errors.push(FieldError::invalid(&servers_at, value, why));
    }
    for (index, server) in servers.iter().enumerate() {
        let server = server.as_str().unwrap_or_default();
        net::ip(server, &servers_at.index(index), errors);
    }
    searches(config, &path.child("searches"), errors);
    let at = path.child("options");
    for (index, option) in list(&config["options"]).iter().enumerate() {
        if text(option, "name").is_empty() {
            errors.push(FieldError::required(&at.index(index), "must not be empty"));
        }
    }
}

fn searches(config: &Value, path: &Path<'_>, errors: &mut Errors) {
    let value = &config["searches"];
    let searches: Vec<&str> = list(value).iter().filter_map(Value::as_str).collect();
    if searches.len() > SEARCHES_MAX {
        let why = format!("must not have more than {SEARCHES_MAX} search paths");
        errors.push(FieldError::invalid(path, value, why));
    }
    if searches.join(" ").len() > SEARCH_LETTERS_MAX {
        let why = format!(
            "must not have more than {SEARCH_LETTERS_MAX} characters (including spaces) in the search list"
        );
        errors.push(FieldError::invalid(path, value, why));
    }
    for (index, search) in searches.iter().enumerate().filter(|(_, it)| **it != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        form(search, underscored_subdomain, &path.index(index), errors);
    }
}

/// A subdomain whose labels may have underscores.
fn underscored_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push("must be no more than 253 bytes".to_owned());
    }
    let inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let sound = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        label.starts_with(inner)
            && label.ends_with(inner)
            && label.chars().all(|it| inner(it) || "-_".contains(it))
    };
    if !text.split('.').all(sound) {
        errors.push(form_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
            "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
            &["example.com"],
        ));
    }
    errors
}

pub(crate) fn host_aliases(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (index, alias) in list(&spec["hostAliases"]).iter().enumerate() {
        let at = path.index(index);
        net::ip(text(alias, "ip"), &at.child("ip"), errors);
        let at = at.child("hostnames");
        for (index, name) in list(&alias["hostnames"]).iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            form(name, dns1123_subdomain_errors, &at.index(index), errors);
        }
    }
}

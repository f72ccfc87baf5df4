//! Named formats: `format.dns1123Label().validate(x)`.

use super::{no_overload, opaque::Opaque, url};
use crate::cel::{
    time,
    value::{Outcome, Value},
};
use std::sync::Arc;

/// A named format.
#[derive(Debug)]
pub(crate) struct Format {
    /// As expressions name it.
    key: &'static str,
    name: &'static str,
    /// What costs count for its pattern.
    size: u64,
    check: fn(&str) -> Vec<String>,
}

impl Format {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }
}

const fn format(
    key: &'static str,
    name: &'static str,
    size: u64,
    check: fn(&str) -> Vec<String>,
) -> Format {
    Format {
        key,
        name,
        size,
        check,
    }
}

static FORMATS: [Format; 13] = [
    format("dns1123Label", "DNS1123Label", 30, |text| {
        dns1123_label(text)
    }),
    format("dns1123Subdomain", "DNS1123Subdomain", 60, |text| {
        dns1123_subdomain(text)
    }),
    format("dns1035Label", "DNS1035Label", 30, |text| {
        dns1035_label(text)
    }),
    format("qualifiedName", "QualifiedName", 60, |text| {
        qualified_name(text)
    }),
    format("dns1123LabelPrefix", "DNS1123LabelPrefix", 30, |text| {
        dns1123_label(&prefix(text))
    }),
    format(
        "dns1123SubdomainPrefix",
        "DNS1123SubdomainPrefix",
        60,
        |text| dns1123_subdomain(&prefix(text)),
    ),
    format("dns1035LabelPrefix", "DNS1035LabelPrefix", 30, |text| {
        dns1035_label(&prefix(text))
    }),
    format("labelValue", "LabelValue", 40, label_value),
    format("uri", "URI", 1103, |text| match url::check_request(text) {
        Ok(()) => Vec::new(),
        Err(reason) => vec![url::parse_error(text, &reason)],
    }),
    format("uuid", "uuid", 70, |text| {
        unless(is_uuid(text), "does not match the UUID format")
    }),
    format("byte", "byte", 84, |text| {
        unless(is_base64(text), "invalid base64")
    }),
    format("date", "date", 71, |text| {
        unless(time::date(text).is_some(), "invalid date")
    }),
    format("datetime", "datetime", 71, |text| {
        unless(is_date_time(text), "invalid datetime")
    }),
];

fn unless(good: bool, words: &str) -> Vec<String> {
    if good {
        Vec::new()
    } else {
        vec![words.to_owned()]
    }
}

/// A name to which something is added may end with a dash.
fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(_) if text.len() > 1 && text.is_ascii() => format!("{}a", &text[..text.len() - 2]),
        _ => text.to_owned(),
    }
}

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn pattern(words: &str, pattern: &str, examples: &[&str]) -> String {
    let list: Vec<String> = examples
        .iter()
        .map(|example| format!("'{example}', "))
        .collect();
    format!(
        "{words} (e.g. {}regex used for validation is '{pattern}')",
        list.join(" or ")
    )
}

fn label(text: &str, first: fn(&u8) -> bool) -> bool {
    let lower = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(first)
        && bytes.last().is_some_and(lower)
        && bytes.iter().all(|c| lower(c) || *c == b'-')
}

fn starts(c: &u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                         '.', and must start and end with an alphanumeric character";
const SUBDOMAIN_PATTERN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

pub(super) fn dns1123_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(too_long(63));
    }
    if !label(text, starts) {
        if text.split('.').all(|part| label(part, starts)) {
            out.push("must not contain dots".to_owned());
        } else {
            out.push(pattern(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                 start and end with an alphanumeric character",
                "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                &["my-name", "123-abc"],
            ));
        }
    }
    out
}

pub(super) fn dns1123_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push(too_long(253));
    }
    if !text.split('.').all(|part| label(part, starts)) {
        out.push(pattern(SUBDOMAIN, SUBDOMAIN_PATTERN, &["example.com"]));
    }
    out
}

fn dns1035_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(too_long(63));
    }
    if !label(text, u8::is_ascii_lowercase) {
        out.push(pattern(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    out
}

fn name_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

const NAME_PATTERN: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let words = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                 alphanumeric character";
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [domain, name] => {
            if domain.is_empty() {
                out.push("prefix part must be non-empty".to_owned());
            } else {
                out.extend(
                    dns1123_subdomain(domain)
                        .into_iter()
                        .map(|error| format!("prefix part {error}")),
                );
            }
            name
        }
        _ => {
            let words = format!("a valid label key {words}");
            let shown = pattern(&words, NAME_PATTERN, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "{shown} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        out.push(format!("name part {}", too_long(63)));
    }
    if !name_part(name) {
        let words = format!("name part {words}");
        out.push(pattern(
            &words,
            NAME_PATTERN,
            &["MyName", "my.name", "123-abc"],
        ));
    }
    out
}

pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(too_long(63));
    }
    if !text.is_empty() && !name_part(text) {
        out.push(pattern(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
             must start and end with an alphanumeric character",
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
            &["MyValue", "my_value", "12345"],
        ));
    }
    out
}

/// Dashes between the groups are optional.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, width) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, tail)) = rest.split_at_checked(width) else {
            return false;
        };
        if !group.bytes().all(|c| c.is_ascii_hexdigit()) {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

fn is_base64(text: &str) -> bool {
    super::base64(text).is_some() && !text.is_empty()
}

/// What strfmt takes for a date and a time.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some((day, clock)) = lower.split_once('t') else {
        return false;
    };
    if time::date(day).is_none() {
        return false;
    }
    let number = |at: usize, limit: u32| {
        clock
            .get(at..at + 2)
            .and_then(|part| part.parse::<u32>().ok())
            .is_some_and(|value| value < limit)
    };
    let zoned = clock.ends_with('z')
        || clock
            .get(clock.len().saturating_sub(6)..)
            .is_some_and(|zone| {
                zone.starts_with(['+', '-']) && zone.as_bytes().get(3) == Some(&b':')
            });
    number(0, 24) && number(3, 60) && number(6, 60) && zoned
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    let wrap = |format: &'static Format| Value::Opaque(Arc::new(Opaque::Format(format)));
    if name == "format.named" {
        let [Value::String(key)] = args else {
            return Some(Err(no_overload(name, args)));
        };
        let found = FORMATS.iter().find(|format| format.key == key.as_str());
        return Some(Ok(Value::Optional(
            found.map(|format| Arc::new(wrap(format))),
        )));
    }
    if let Some(key) = name.strip_prefix("format.") {
        let found = FORMATS.iter().find(|format| format.key == key);
        return found.map(|format| Ok(wrap(format)));
    }
    if name != "validate" {
        return None;
    }
    let [Value::Opaque(opaque), Value::String(text)] = args else {
        return Some(Err(no_overload(name, args)));
    };
    let Opaque::Format(format) = &**opaque else {
        return Some(Err(no_overload(name, args)));
    };
    let errors = (format.check)(text.as_str());
    Some(Ok(if errors.is_empty() {
        Value::Optional(None)
    } else {
        Value::some(Value::list(errors.into_iter().map(Value::text).collect()))
    }))
}

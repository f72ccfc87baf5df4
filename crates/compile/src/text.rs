//! Small grammars: hostnames, header names and values, durations of Gateway API, label selectors, hashes of bytes.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use tidegate_routing::Host;

/// Longest hostname, in bytes.
const HOST_BYTES_MAX: usize = 253;

/// A hostname as Gateway API writes it: in lower case, maybe with `*.` before it. An empty one is every host.
pub(crate) fn host(text: &str) -> Option<Host> {
    if text.is_empty() {
        return Some(Host::Any);
    }
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("*.") {
        Some(rest) if is_dns_name(rest) => Some(Host::Suffix(rest.into())),
        None if is_dns_name(&lower) => Some(Host::Exact(lower.as_str().into())),
        _ => None,
    }
}

/// Whether it's labels of letters, digits and inner hyphens.
pub(crate) fn is_dns_name(text: &str) -> bool {
    text.len() <= HOST_BYTES_MAX
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Whether some host matches both.
pub(crate) fn hosts_meet(one: &Host, other: &Host) -> bool {
    match (one, other) {
        (Host::Any, _) | (_, Host::Any) => true,
        (Host::Exact(a), Host::Exact(b)) => a == b,
        (Host::Exact(name), Host::Suffix(suffix)) | (Host::Suffix(suffix), Host::Exact(name)) => {
            is_under(name, suffix)
        }
        (Host::Suffix(a), Host::Suffix(b)) => a == b || is_under(a, b) || is_under(b, a),
    }
}

fn is_under(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
}

/// Whether it's a token of RFC 9110, as names of fields and methods are.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether it may be the value of a field: no control characters but tabs, no space around it.
pub(crate) fn is_field_value(text: &str) -> bool {
    text.len() <= 4096
        && text.trim_matches([' ', '\t']).len() == text.len()
        && !text.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f)
}

/// A path without a query, a fragment, spaces or controls.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= 4096
        && !text
            .bytes()
            .any(|b| b <= 0x20 || b == 0x7f || b == b'?' || b == b'#')
}

/// A duration as in GEP-2257: up to four of `1h`, `2m`, `3s`, `4ms`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    for _ in 0..4 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 5 {
            return None;
        }
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let units = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        total += match &rest[..units] {
            "h" => Duration::from_secs(number * 3600),
            "m" => Duration::from_secs(number * 60),
            "s" => Duration::from_secs(number),
            "ms" => Duration::from_millis(number),
            _ => return None,
        };
        rest = &rest[units..];
        if rest.is_empty() {
            return Some(total);
        }
    }
    None
}

/// A label selector of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selector {
    #[serde(default)]
    match_labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    match_expressions: Option<Vec<Requirement>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Requirement {
    key: String,
    operator: String,
    #[serde(default)]
    values: Option<Vec<String>>,
}

impl Selector {
    /// Whether labels are selected. An operator that isn't known selects nothing.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = self.match_labels.iter().flatten();
        let demands = self.match_expressions.iter().flatten();
        equal
            .into_iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && demands.into_iter().all(|demand| {
                let value = labels.get(&demand.key);
                let listed =
                    |value: &String| demand.values.iter().flatten().any(|one| one == value);
                match demand.operator.as_str() {
                    "In" => value.is_some_and(listed),
                    "NotIn" => !value.is_some_and(listed),
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
    }
}

/// A hash of bytes (FNV-1a, 64 bits) to notice changes; not against those who mean harm.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::{Selector, duration, host, hosts_meet, is_field_value, is_path};

    #[test]
    fn durations() {
        for (text, millis) in [
            ("0s", Some(0)),
            ("1h2m3s4ms", Some(3_723_004)),
            ("99999h", Some(359_996_400_000)),
            ("5ms5ms", Some(10)),
            ("", None),
            ("1", None),
            ("s", None),
            ("1.5s", None),
            ("-1s", None),
            ("1d", None),
            ("100000s", None),
            ("1s1s1s1s1s", None),
            ("1 s", None),
        ] {
            assert_eq!(
                duration(text),
                millis.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }

    #[test]
    fn hosts() {
        for (one, other, meet) in [
            ("", "a.example.com", true),
            ("a.example.com", "A.Example.com", true),
            ("a.example.com", "b.example.com", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("*.example.com", "*.b.example.com", true),
            ("*.example.com", "*.example.org", false),
        ] {
            let parse = |text| host(text).expect("a hostname");
            assert_eq!(
                hosts_meet(&parse(one), &parse(other)),
                meet,
                "{one:?} {other:?}"
            );
            assert_eq!(
                hosts_meet(&parse(other), &parse(one)),
                meet,
                "{other:?} {one:?}"
            );
        }
        for wrong in ["*", "*.", "a..b", "-a.b", "a b", "a.*.b", "exa\0mple", "a."] {
            assert_eq!(host(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn values_and_paths() {
        for (text, good) in [
            ("", true),
            ("a b", true),
            (" a", false),
            ("a\r\nb: c", false),
            ("\u{7f}", false),
        ] {
            assert_eq!(is_field_value(text), good, "{text:?}");
        }
        for (text, good) in [
            ("/", true),
            ("/a%20b", true),
            ("", false),
            ("a", false),
            ("/a b", false),
            ("/a?b", false),
            ("/a#b", false),
        ] {
            assert_eq!(is_path(text), good, "{text:?}");
        }
    }

    #[test]
    fn selectors() {
        let labels: BTreeMap<String, String> = [("a", "1"), ("b", "2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        for (json, selected) in [
            ("{}", true),
            (r#"{"matchLabels":{"a":"1"}}"#, true),
            (r#"{"matchLabels":{"a":"2"}}"#, false),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"In","values":["1","3"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"c","operator":"NotIn","values":["1"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"NotIn","values":["1"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"c","operator":"Exists"}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"c","operator":"DoesNotExist"}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"Like"}]}"#,
                false,
            ),
        ] {
            let selector: Selector = serde_json::from_str(json).expect("a selector");
            assert_eq!(selector.matches(&labels), selected, "{json}");
        }
    }
}

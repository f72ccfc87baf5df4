//! What calls cost at run time: apiserver's `CostEstimator.CallCost`, then cel-go's own table.

use super::{functions::Opaque, value::Value};

/// A literal list.
pub(crate) const LIST: u64 = 10;
/// A literal map.
pub(crate) const MAP: u64 = 30;
/// A requirement of a selector: a list and a struct.
const REQUIREMENT: u64 = 50;
const TRAVERSAL: f64 = 0.1;
/// Functions that only read or ask: each costs one.
pub(super) const CHEAP: [&str; 38] = [
    "serviceAccount",
    "path",
    "group",
    "resource",
    "subresource",
    "namespace",
    "name",
    "allowed",
    "reason",
    "error",
    "errored",
    "masked",
    "prefixLength",
    "family",
    "isUnspecified",
    "isLoopback",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isGlobalUnicast",
    "format.named",
    "sign",
    "asInteger",
    "isInteger",
    "asApproximateFloat",
    "isGreaterThan",
    "isLessThan",
    "compareTo",
    "add",
    "sub",
    "major",
    "minor",
    "patch",
    "getScheme",
    "getHostname",
    "getHost",
    "getPort",
    "getEscapedPath",
    "getQuery",
];
const REGEX: f64 = 0.25;

/// Whether the cost depends on the result, not on the arguments.
pub(super) fn by_result(function: &str) -> bool {
    matches!(function, "join" | "slice" | "reverse" | "lists.range")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "costs are rounded up as cel-go rounds them"
)]
fn ceil(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as cel-go rounds these down"
)]
fn floor(size: u64, factor: f64) -> u64 {
    (size as f64 * factor) as u64
}

fn size(value: Option<&Value<'_>>) -> u64 {
    match value {
        Some(Value::Optional(Some(inner))) => size(Some(inner)),
        Some(value) => value.size().map_or(1, |size| size as u64),
        None => 1,
    }
}

/// The cost of a call. `result` is the size of what it gave, where that is asked for.
pub(super) fn call(
    function: &str,
    overloads: &[&str],
    args: &[Value<'_>],
    result: Option<usize>,
) -> u64 {
    let overload = match overloads {
        [one] => *one,
        _ => "",
    };
    let first = args.first();
    let sizes = (size(first), size(args.get(1)));
    lists(function, args, result)
        .or_else(|| kubernetes(function, overload, args, sizes, result))
        .unwrap_or_else(|| standard(function, overload, sizes))
}

/// cel-go's lists: what they give out or compare.
fn lists(function: &str, args: &[Value<'_>], result: Option<usize>) -> Option<u64> {
    let first = size(args.first());
    let compared = |list: Option<&Value<'_>>| {
        let square = size(list).saturating_mul(size(list));
        let text = match list {
            Some(Value::List(list)) => {
                matches!(list.get(0), Some(Ok(Value::String(_) | Value::Bytes(_))))
            }
            _ => false,
        };
        floor(square, if text { 2.0 + TRAVERSAL } else { 2.0 })
    };
    let items = match function {
        "slice" | "reverse" | "lists.range" => result.map_or(1, |size| size as u64),
        "flatten" => match args.get(1) {
            Some(Value::Int(depth)) => first.saturating_mul(u64::try_from(*depth).unwrap_or(1)),
            _ => first,
        },
        "distinct" | "sort" => compared(args.first()),
        "@sortByAssociatedKeys" => compared(args.get(1)),
        _ => return None,
    };
    Some(items.saturating_add(1 + LIST))
}

fn kubernetes(
    function: &str,
    overload: &str,
    args: &[Value<'_>],
    (first, second): (u64, u64),
    result: Option<usize>,
) -> Option<u64> {
    let traversal = |size: u64| ceil(size, TRAVERSAL);
    Some(match function {
        "check" => 350_000,
        cheap if CHEAP.contains(&cheap) => 1,
        "fieldSelector" | "labelSelector" => {
            LIST + traversal(second) + ceil(second, 0.5).saturating_mul(REQUIREMENT)
        }
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => {
            args.first().map_or(0, |value| traverse(value, 0))
        }
        "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "cidr" | "isIP" | "isCIDR"
        | "quantity" | "isQuantity" | "semver" | "isSemver" => traversal(first),
        "replace" | "split" | "ip.isCanonical" => ceil(first, 2.0 * TRAVERSAL),
        "join" => ceil(result.map_or(1, |size| size as u64), 2.0 * TRAVERSAL),
        "find" | "findAll" => traversal(1 + first).saturating_mul(ceil(second, REGEX)),
        "ip" if overload == "cidr_ip" => 1,
        "ip" => traversal(first),
        "containsIP" => {
            let parsing = if overload == "cidr_contains_ip_string" {
                traversal(second)
            } else {
                0
            };
            traversal(2 * first) + parsing
        }
        "containsCIDR" => {
            let parsing = if overload == "cidr_contains_cidr_string" {
                traversal(second)
            } else {
                0
            };
            traversal(2 * first) + traversal(first) + 1 + parsing
        }
        "validate" => match args.first() {
            Some(Value::Opaque(opaque)) => match &**opaque {
                Opaque::Format(format) => {
                    traversal(1 + second).saturating_mul(ceil(format.size(), REGEX))
                }
                _ => return None,
            },
            _ => return None,
        },
        "_==_" if matches!(args.first(), Some(Value::Opaque(_))) => 1,
        _ => return None,
    })
}

fn standard(function: &str, overload: &str, (first, second): (u64, u64)) -> u64 {
    let traversal = |size: u64| ceil(size, TRAVERSAL);
    match function {
        "_==_" | "_!=_" => return traversal(first.min(second)),
        "sets.contains" | "sets.intersects" => {
            return first.saturating_mul(second).saturating_add(1);
        }
        "sets.equivalent" => {
            return first
                .saturating_mul(second)
                .saturating_mul(2)
                .saturating_add(1);
        }
        _ => {}
    }
    match overload {
        "starts_with_string" | "ends_with_string" => traversal(second),
        "string_to_bytes" | "bytes_to_string" | "strings_quote" | "string_format" => {
            traversal(first)
        }
        "in_list" => second,
        "less_string"
        | "greater_string"
        | "less_equals_string"
        | "greater_equals_string"
        | "less_bytes"
        | "greater_bytes"
        | "less_equals_bytes"
        | "greater_equals_bytes" => traversal(first.min(second)),
        "add_string" | "add_bytes" => traversal(first + second),
        "matches" | "matches_string" => traversal(1 + first).saturating_mul(ceil(second, REGEX)),
        "contains_string" => traversal(first).saturating_mul(traversal(second)),
        _ => 1,
    }
}

/// What going through a whole value costs.
fn traverse(value: &Value<'_>, depth: usize) -> u64 {
    const DEEPEST: usize = 100;
    if depth > DEEPEST {
        return 1;
    }
    match value {
        Value::String(text) => floor(text.as_str().len() as u64, TRAVERSAL),
        Value::Bytes(bytes) => floor(bytes.len() as u64, TRAVERSAL),
        Value::List(list) => list
            .iter()
            .map(|item| item.map_or(1, |item| traverse(&item, depth + 1)))
            .fold(0, u64::saturating_add),
        Value::Map(map) => map
            .keys()
            .iter()
            .map(|key| {
                let value = map.find(key).ok().flatten();
                traverse(key, depth + 1) + value.map_or(1, |value| traverse(&value, depth + 1))
            })
            .fold(0, u64::saturating_add),
        _ => 1,
    }
}

//! URLs, as Go's `net/url` reads them.

use super::{no_overload, opaque::Opaque};
use crate::cel::{
    text::quoted,
    value::{Fault, Key, Map, Outcome, Value},
};
use std::{collections::BTreeMap, sync::Arc};

/// A URL in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: String,
    host: String,
    /// As it was written, where that is a valid escaping.
    path: String,
    query: String,
    text: String,
}

/// Why a URL is none, without the URL.
type Reason = String;

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        check_request(text)
            .and_then(|()| {
                let body = text.split_once('#').map_or(text, |(body, _)| body);
                split(body).map(|url| Self {
                    text: text.to_owned(),
                    ..url
                })
            })
            .map_err(|reason| {
                let inner = parse_error(text, &reason);
                Fault::new(format!(
                    "URL parse error during conversion from string: {inner}"
                ))
            })
    }
}

pub(super) fn parse_error(text: &str, reason: &str) -> String {
    format!("parse {}: {reason}", quoted(text))
}

/// Go's `url.ParseRequestURI`: absolute, or a path from the root.
pub(super) fn check_request(text: &str) -> Result<(), Reason> {
    if text.bytes().any(|c| c < 0x20 || c == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() {
        return Err("empty url".to_owned());
    }
    if text == "*" {
        return Ok(());
    }
    let (scheme, rest) = scheme(text)?;
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(());
        }
        return Err("invalid URI for request".to_owned());
    }
    split(text).map(|_| ())
}

fn scheme(text: &str) -> Result<(&str, &str), Reason> {
    for (index, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            '0'..='9' | '+' | '-' | '.' => return Ok(("", text)),
            ':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..index], &text[index + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn split(text: &str) -> Result<Url, Reason> {
    let (scheme, rest) = scheme(text)?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    let mut url = Url {
        scheme: scheme.to_ascii_lowercase(),
        host: String::new(),
        path: String::new(),
        query: query.to_owned(),
        text: text.to_owned(),
    };
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // Opaque, such as `mailto:a@b`.
            return Ok(url);
        }
        let first = rest.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    if (!url.scheme.is_empty() || !rest.starts_with("///"))
        && let Some(after) = rest.strip_prefix("//")
    {
        let at = after.find('/').unwrap_or(after.len());
        let (authority, rest) = after.split_at(at);
        path = rest;
        url.host = host(authority)?;
    }
    unescape(path, false)?;
    url.path = path.to_owned();
    Ok(url)
}

fn host(authority: &str) -> Result<String, Reason> {
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
            if !user.chars().all(fits) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            host
        }
    };
    let port = if let Some(inside) = host.strip_prefix('[') {
        let close = inside.rfind(']').ok_or("missing ']' in host")?;
        &inside[close + 1..]
    } else {
        host.rfind(':').map_or("", |at| &host[at..])
    };
    let number = port.strip_prefix(':').unwrap_or(port);
    let valid =
        port.is_empty() || (port.starts_with(':') && number.bytes().all(|c| c.is_ascii_digit()));
    if !valid {
        return Err(format!("invalid port {} after host", quoted(port)));
    }
    let bad = host.bytes().find(|c| c.is_ascii() && !host_byte(*c));
    if let Some(bad) = bad {
        return Err(format!(
            "invalid character {} in host name",
            quoted(&char::from(bad).to_string())
        ));
    }
    unescape(host, true)
}

fn host_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&c)
}

/// Escapes resolved; a wrong one is an error.
fn unescape(text: &str, host: bool) -> Result<String, Reason> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&c) = bytes.get(at) {
        if c != b'%' {
            out.push(c);
            at += 1;
            continue;
        }
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let value = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let shown = text
            .get(at..(at + 3).min(text.len()))
            .unwrap_or(&text[at..]);
        match value {
            Some(value) if !(host && value.is_ascii() && shown != "%25") => out.push(value),
            _ => return Err(format!("invalid URL escape {}", quoted(shown))),
        }
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn query_part(text: &str) -> Option<String> {
    unescape(&text.replace('+', " "), false).ok()
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    match (name, args) {
        ("url", [Value::String(text)]) => {
            return Some(
                Url::parse(text.as_str())
                    .map(|url| Value::Opaque(Arc::new(Opaque::Url(Box::new(url))))),
            );
        }
        ("isURL", [Value::String(text)]) => {
            return Some(Ok(Value::Bool(check_request(text.as_str()).is_ok())));
        }
        ("url" | "isURL", _) => return Some(Err(no_overload(name, args))),
        _ => {}
    }
    let [Value::Opaque(opaque)] = args else {
        return None;
    };
    let Opaque::Url(url) = &**opaque else {
        return None;
    };
    Some(Ok(match name {
        "getScheme" => Value::text(&url.scheme),
        "getHost" => Value::text(&url.host),
        "getHostname" => Value::text(host_and_port(&url.host).0),
        "getPort" => Value::text(host_and_port(&url.host).1),
        "getEscapedPath" => Value::text(escaped(&url.path)),
        "getQuery" => query(&url.query),
        _ => return None,
    }))
}

fn host_and_port(host: &str) -> (&str, &str) {
    let colon = host
        .rfind(':')
        .filter(|at| host[at + 1..].bytes().all(|c| c.is_ascii_digit()));
    let (name, port) = match colon {
        Some(at) => (&host[..at], &host[at + 1..]),
        None => (host, ""),
    };
    match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(inner) => (inner, port),
        None if host.starts_with('[') && name.contains(']') => {
            (name.trim_matches(['[', ']']), port)
        }
        None => (name, port),
    }
}

/// The path, with what must be escaped.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@/[]%".contains(&c);
    for c in path.bytes() {
        if fits(c) {
            out.push(char::from(c));
        } else {
            out.push_str(&format!("%{c:02X}"));
        }
    }
    out
}

fn query<'a>(query: &str) -> Value<'a> {
    let mut out: BTreeMap<Key, Vec<Value<'a>>> = BTreeMap::new();
    for pair in query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(name), Some(value)) = (query_part(name), query_part(value)) {
            out.entry(Key::String(name.into()))
                .or_default()
                .push(Value::text(value));
        }
    }
    let out = out
        .into_iter()
        .map(|(name, values)| (name, Value::list(values)))
        .collect();
    Value::Map(Map::Made(Arc::new(out)))
}

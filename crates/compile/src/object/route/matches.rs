//! Matches of a rule.

use std::sync::Arc;

use foldhash::HashMap;
use regex::Regex;
use tidegate_routing::{HeaderMatch, PathMatch, QueryMatch, RequestMatch, TextMatch, whole_regex};

use super::{
    Fault, Reader,
    raw::{RawMatch, RawPath, RawText},
};
use crate::text;

/// Compiled regular expressions, each once. Those that nobody holds are dropped when their number has doubled.
#[derive(Debug, Default)]
pub(crate) struct Regexes {
    compiled: HashMap<Box<str>, Arc<Regex>>,
    sweep_at: usize,
}

/// Longest regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 4096;

impl Regexes {
    /// One that matches whole texts.
    fn get(&mut self, pattern: &str) -> Result<Arc<Regex>, Fault> {
        if let Some(held) = self.compiled.get(pattern) {
            return Ok(held.clone());
        }
        if pattern.len() > REGEX_BYTES_MAX {
            return Err(Fault::value(format!(
                "a regular expression may have {REGEX_BYTES_MAX} bytes"
            )));
        }
        let whole = whole_regex(pattern).map_err(|why| {
            // The rest of it draws the pattern.
            let why = why.to_string();
            let last = why.lines().last().unwrap_or_default();
            Fault::value(format!("regular expression {pattern:?}: {last}"))
        })?;
        let whole = Arc::new(whole);
        if self.compiled.len() >= self.sweep_at.max(64) {
            self.compiled.retain(|_, held| Arc::strong_count(held) > 1);
            self.sweep_at = self.compiled.len() * 2;
        }
        self.compiled.insert(pattern.into(), whole.clone());
        Ok(whole)
    }
}

/// Most matches of a rule that are read. The schema allows 64.
const MATCHES_MAX: usize = 256;

pub(super) fn read(
    raw: &[RawMatch],
    reader: &mut Reader<'_>,
) -> Result<Box<[Arc<RequestMatch>]>, Fault> {
    if raw.is_empty() {
        return Ok(Box::new([Arc::new(RequestMatch {
            path: PathMatch::Prefix(reader.interner.get("")),
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        })]));
    }
    if raw.len() > MATCHES_MAX {
        return Err(Fault::value(format!("more than {MATCHES_MAX} matches")));
    }
    raw.iter()
        .map(|one| request(one, reader).map(Arc::new))
        .collect()
}

/// Whether each is by a path's prefix.
pub(super) fn are_prefixes(matches: &[Arc<RequestMatch>]) -> bool {
    matches
        .iter()
        .all(|one| matches!(one.path, PathMatch::Prefix(_)))
}

fn request(raw: &RawMatch, reader: &mut Reader<'_>) -> Result<RequestMatch, Fault> {
    let mut headers: Vec<HeaderMatch> = Vec::new();
    for one in raw.headers.iter().flatten() {
        if !text::is_token(&one.name) {
            return Err(Fault::value(format!(
                "{:?} is no name of a header",
                one.name
            )));
        }
        let name = reader.interner.get(&one.name.to_ascii_lowercase());
        // Only the first of equal names counts.
        if !headers.iter().any(|header| header.name == name) {
            let value = value(one, reader)?;
            headers.push(HeaderMatch { name, value });
        }
    }
    let mut query: Vec<QueryMatch> = Vec::new();
    for one in raw.query_params.iter().flatten() {
        let name = reader.interner.get(&one.name);
        if !query.iter().any(|param| param.name == name) {
            let value = value(one, reader)?;
            query.push(QueryMatch { name, value });
        }
    }
    let method = match raw.method.as_deref() {
        None => None,
        Some(method) if text::is_token(method) => Some(reader.interner.get(method)),
        Some(method) => return Err(Fault::value(format!("{method:?} is no method"))),
    };
    Ok(RequestMatch {
        path: path(raw.path.as_ref(), reader)?,
        method,
        headers,
        query,
    })
}

fn path(raw: Option<&RawPath>, reader: &mut Reader<'_>) -> Result<PathMatch, Fault> {
    let kind = raw
        .and_then(|raw| raw.kind.as_deref())
        .unwrap_or("PathPrefix");
    let value = raw.and_then(|raw| raw.value.as_deref()).unwrap_or("/");
    if kind != "RegularExpression" && !text::is_path(value) {
        return Err(Fault::value(format!("{value:?} is no path")));
    }
    match kind {
        "Exact" => Ok(PathMatch::Exact(reader.interner.get(value))),
        "PathPrefix" => Ok(PathMatch::Prefix(
            reader.interner.get(value.trim_end_matches('/')),
        )),
        "RegularExpression" => reader.regexes.get(value).map(PathMatch::Regex),
        other => Err(Fault::value(format!(
            "path match of type {other:?} is not known"
        ))),
    }
}

fn value(raw: &RawText, reader: &mut Reader<'_>) -> Result<TextMatch, Fault> {
    match raw.kind.as_deref() {
        None | Some("Exact") => Ok(TextMatch::Exact(reader.interner.get(&raw.value))),
        Some("RegularExpression") => reader.regexes.get(&raw.value).map(TextMatch::Regex),
        Some(other) => Err(Fault::value(format!(
            "match of type {other:?} is not known"
        ))),
    }
}

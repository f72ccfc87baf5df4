//! Lookups: tables of routes and requests, and random ones beside a model.

use std::sync::Arc;

use super::{Attachment, RouteTable};
use crate::{
    Action, HeaderMatch, Host, PathMatch, QueryMatch, RequestMatch, RequestView, RouteIdentity,
    Rule, TextMatch, whole_regex,
};

mod cases;
mod model;
mod scale;

pub(crate) fn host(text: &str) -> Host {
    match (text, text.strip_prefix("*.")) {
        ("*", _) => Host::Any,
        (_, Some(suffix)) => Host::Suffix(suffix.into()),
        (exact, None) => Host::Exact(exact.into()),
    }
}

/// `=/exact`, `/prefix`, or `~pattern`.
fn path(text: &str) -> PathMatch {
    match (text.strip_prefix('='), text.strip_prefix('~')) {
        (Some(exact), _) => PathMatch::Exact(exact.into()),
        (_, Some(pattern)) => PathMatch::Regex(Arc::new(whole_regex(pattern).expect("a pattern"))),
        _ => PathMatch::Prefix(text.trim_end_matches('/').into()),
    }
}

/// `name=value`, or `name~pattern`.
fn text_match(text: &str) -> (Arc<str>, TextMatch) {
    match text.split_once('~') {
        Some((name, pattern)) => {
            let regex = whole_regex(pattern).expect("a pattern");
            (name.into(), TextMatch::Regex(Arc::new(regex)))
        }
        None => {
            let (name, value) = text.split_once('=').expect("name=value");
            (name.into(), TextMatch::Exact(value.into()))
        }
    }
}

fn rule(route: &str, created_s: i64, index: u32) -> Arc<Rule> {
    let (namespace, name) = route.split_once('/').unwrap_or(("default", route));
    Arc::new(Rule::new(
        Arc::new(RouteIdentity {
            kind: "HTTPRoute".into(),
            namespace: namespace.into(),
            name: name.into(),
            generation: 1,
            created_s,
        }),
        index,
        Action::Forward(Vec::new()),
    ))
}

/// `HOST PATH [METHOD] [h:NAME=VALUE] [q:NAME=VALUE] -> ROUTE[@CREATED][#RULE[.ENTRY]]`
pub(crate) fn attachment(text: &str) -> Attachment {
    let (when, route) = text.split_once(" -> ").expect("an arrow");
    let (route, place) = route.split_once('#').unwrap_or((route, "0"));
    let (route, created) = route.split_once('@').unwrap_or((route, "0"));
    let (index, entry) = place.split_once('.').unwrap_or((place, "0"));
    let mut words = when.split_whitespace();
    let host = host(words.next().expect("a host"));
    let rule = rule(
        route.trim(),
        created.trim().parse().expect("seconds"),
        index.trim().parse().expect("a rule"),
    );
    let entry = entry.trim().parse().expect("an entry");
    let mut when = RequestMatch::by_path(path(words.next().expect("a path")));
    for word in words {
        if let Some(header) = word.strip_prefix("h:") {
            let (name, value) = text_match(header);
            when.headers.push(HeaderMatch { name, value });
        } else if let Some(query) = word.strip_prefix("q:") {
            let (name, value) = text_match(query);
            when.query.push(QueryMatch { name, value });
        } else {
            when.method = Some(word.into());
        }
    }
    Attachment::new(host, rule, entry, Arc::new(when))
}

fn table<'a>(lines: impl IntoIterator<Item = &'a str>) -> RouteTable {
    let mut table = RouteTable::new();
    for line in lines {
        table.insert(attachment(line));
    }
    table
}

/// A request: `[METHOD] HOST/PATH[?QUERY] [NAME:VALUE …]`.
struct Request {
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn parse(text: &str) -> Self {
        let (target, headers) = match text.split_once(" | ") {
            Some((target, headers)) => (target, headers),
            None => (text, ""),
        };
        let (method, target) = target
            .trim()
            .split_once(' ')
            .unwrap_or(("GET", target.trim()));
        let (target, query) = target.split_once('?').unwrap_or((target, ""));
        let at = target.find('/').unwrap_or(target.len());
        let pairs = headers
            .split(" ; ")
            .filter_map(|pair| pair.split_once(": "));
        Self {
            method: method.to_owned(),
            host: target[..at].to_owned(),
            path: target[at..].to_owned(),
            query: query.to_owned(),
            headers: pairs
                .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
                .collect(),
        }
    }

    fn with<T>(&self, run: impl FnOnce(&RequestView<'_>) -> T) -> T {
        let headers = Pairs(&self.headers);
        run(&RequestView {
            host: &self.host,
            path: &self.path,
            query: &self.query,
            method: &self.method,
            headers: &headers,
        })
    }
}

struct Pairs<'a>(&'a [(String, String)]);

impl crate::HeaderLookup for Pairs<'_> {
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]> {
        self.0.value(name, nth)
    }
}

/// `ROUTE#RULE.ENTRY` of what is found, or `-`.
fn find(table: &RouteTable, request: &Request) -> String {
    request.with(|view| match table.find(view) {
        Some(found) => name(found),
        None => "-".to_owned(),
    })
}

fn name(attachment: &Attachment) -> String {
    let route = &attachment.rule.route;
    match (attachment.rule.index, attachment.entry) {
        (0, 0) => route.name.to_string(),
        (rule, entry) => format!("{}#{rule}.{entry}", route.name),
    }
}

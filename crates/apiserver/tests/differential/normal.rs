//! What is left of a transcript when everything that differs between two runs of one server is taken out.
//!
//! Resource versions of objects become their rank within the sequence, those of lists the rank of the newest object
//! that they can know; uids, addresses and ports count by first appearance; generated names keep their prefix; times
//! near the run's own become words. What the sequence said itself is kept as it is. Knows no server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    http::Answer,
    run::{Outcome, Record, Transcript},
    scan::{self, Shape},
    value,
};

/// Headers that clients act on.
const HEADERS: &[&str] = &[
    "allow",
    "cache-control",
    "content-encoding",
    "content-type",
    "location",
    "retry-after",
    "vary",
    "warning",
    "www-authenticate",
];

/// One JSON value per step.
pub(crate) fn steps(transcript: &Transcript, today: &[String]) -> Vec<Value> {
    let mut steps: Vec<Value> = transcript.records.iter().map(plain).collect();
    let mut normal = Normal::new(transcript, today);
    for step in &steps {
        normal.learn(step);
    }
    for step in &mut steps {
        normal.rewrite(step, "");
    }
    steps
}

/// A step as it came, reduced by its filters.
fn plain(record: &Record) -> Value {
    match &record.outcome {
        Outcome::Failure(reason) => json!({"step": record.label, "failure": reason}),
        Outcome::Events { events, note } => {
            json!({"step": record.label, "events": events, "note": note})
        }
        Outcome::Answer { answer, filters } => {
            let (form, mut body) = body(answer);
            sort_causes(&mut body);
            for filter in filters {
                value::reduce(&mut body, filter);
            }
            json!({
                "step": record.label,
                "status": answer.status,
                "headers": headers(answer),
                form: body,
            })
        }
    }
}

fn headers(answer: &Answer) -> Value {
    let kept = answer
        .headers
        .iter()
        .filter(|(name, _)| HEADERS.contains(&name.as_str()));
    kept.map(|(name, values)| (name.clone(), json!(values)))
        .collect::<Map<_, _>>()
        .into()
}

/// The body, and what it is written in.
fn body(answer: &Answer) -> (&'static str, Value) {
    let media = answer
        .headers
        .get("content-type")
        .and_then(|it| it.first())
        .map_or("", String::as_str);
    if let Ok(value) = serde_json::from_slice(&answer.body) {
        return ("body", value);
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if media.contains("yaml")
        && let Ok(value) = serde_saphyr::from_str::<Value>(&text)
    {
        return ("yaml", value);
    }
    ("text", text.into())
}

/// Go walks maps in random order, so errors about maps' keys, custom resources and managers come in any.
fn sort_causes(body: &mut Value) {
    let custom = body["details"]["group"]
        .as_str()
        .is_some_and(|group| group.ends_with(".example.com"));
    let Some(causes) = body
        .pointer_mut("/details/causes")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    let keyed = causes.iter().any(|cause| {
        cause["reason"] == "FieldManagerConflict"
            || scan::names_a_key(cause["field"].as_str().unwrap_or_default())
    });
    if !custom && !keyed {
        return;
    }
    let words = |causes: &[Value]| {
        let texts = causes.iter().map(|cause| {
            let part = |name: &str| cause[name].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", part("field"), part("message"))
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    let before = words(causes);
    causes.sort_by_key(Value::to_string);
    let after = words(causes);
    if let Some(message) = body["message"].as_str() {
        body["message"] = message.replace(&before, &after).into();
    }
}

struct Normal<'a> {
    transcript: &'a Transcript,
    today: &'a [String],
    versions: BTreeSet<u64>,
    /// What generated names begin with.
    prefixes: Vec<String>,
    seen: BTreeMap<&'static str, Vec<String>>,
}

impl<'a> Normal<'a> {
    fn new(transcript: &'a Transcript, today: &'a [String]) -> Self {
        Self {
            transcript,
            today,
            versions: BTreeSet::new(),
            prefixes: scan::name_prefixes(&transcript.given),
            seen: BTreeMap::new(),
        }
    }

    /// Collects the versions of objects.
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(map) => {
                if let Some(meta) = map.get("metadata") {
                    self.learn_meta(meta, is_collection(map));
                }
                map.values().for_each(|it| self.learn(it));
            }
            _ => {}
        }
    }

    fn learn_meta(&mut self, meta: &Value, collection: bool) {
        if !collection && let Some(version) = version(meta) {
            self.versions.insert(version);
        }
    }

    fn rewrite(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item, key)),
            Value::Object(map) => self.rewrite_object(map),
            Value::String(text) => *value = self.string(text, key),
            Value::Number(number) => {
                let port = matches!(key, "nodePort" | "healthCheckNodePort");
                if port && !self.given(&number.to_string()) {
                    *value = self.stand_in("port", &number.to_string()).into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn rewrite_object(&mut self, map: &mut Map<String, Value>) {
        let collection = is_collection(map);
        // They stand in order of time, which two runs pass at different speed.
        if let Some(Value::Array(managers)) = map.get_mut("managedFields") {
            managers.sort_by_cached_key(|it| {
                ["operation", "manager", "subresource", "apiVersion"]
                    .map(|name| it[name].to_string())
            });
        }
        // Rules are collected from a map.
        for name in ["resourceRules", "nonResourceRules"] {
            if let Some(Value::Array(rules)) = map.get_mut(name) {
                rules.sort_by_key(Value::to_string);
            }
        }
        // Several controllers set them at the same time.
        if map
            .get("kind")
            .is_some_and(|kind| kind == "CustomResourceDefinition")
            && let Some(Value::Array(conditions)) = map
                .get_mut("status")
                .and_then(|it| it.get_mut("conditions"))
        {
            conditions.sort_by_key(|condition| condition["type"].to_string());
        }
        if let Some(meta) = map.get_mut("metadata")
            && let Some(version) = version(meta)
        {
            meta["resourceVersion"] = self.rank(version, collection).into();
        }
        for (key, mut value) in std::mem::take(map) {
            // The script's own line is kept as it is.
            if key != "step" {
                self.rewrite(&mut value, &key);
            }
            let key = match self.string(&key, "") {
                Value::String(key) => key,
                _ => key,
            };
            map.insert(key, value);
        }
    }

    fn rank(&self, version: u64, collection: bool) -> String {
        let rank = self.versions.range(..=version).count();
        match collection {
            true => format!("version {rank} or later"),
            false => format!("version {rank}"),
        }
    }

    fn given(&self, text: &str) -> bool {
        self.transcript.given.contains(text)
    }

    fn stand_in(&mut self, kind: &'static str, text: &str) -> String {
        let seen = self.seen.entry(kind).or_default();
        let at = seen.iter().position(|it| it == text).unwrap_or_else(|| {
            seen.push(text.to_owned());
            seen.len() - 1
        });
        format!("<{kind} {}>", at + 1)
    }

    fn string(&mut self, text: &str, key: &str) -> Value {
        if let Some(claims) = scan::claims(text) {
            return self.token(claims);
        }
        if key == "continue"
            && let Some(token) = scan::continue_token(text)
        {
            return self.string(&token, "");
        }
        if key == "manager" && text == "testcluster" {
            // All programs of the test cluster are one.
            return "kube-apiserver".into();
        }
        if key == "cells" && scan::is_age(text) {
            return "<age>".into();
        }
        if key == "cells"
            && let Some(ports) = scan::without_node_ports(text)
        {
            return ports.into();
        }
        if matches!(key, "clusterIP" | "clusterIPs" | "ip" | "cells")
            && text.starts_with("10.")
            && !self.given(text)
        {
            return self.stand_in("address", text).into();
        }
        self.text(text).into()
    }

    /// A token's claims, with its times as what they are apart.
    fn token(&mut self, mut claims: Value) -> Value {
        let begin = claims["iat"].as_i64().unwrap_or_default();
        for name in ["exp", "iat", "nbf"] {
            if let Some(time) = claims[name].as_i64() {
                claims[name] = (time - begin).into();
            }
        }
        self.rewrite(&mut claims, "");
        json!({"token": claims})
    }

    fn text(&mut self, text: &str) -> String {
        let mut out = scan::plain_objects(&scan::without_hash(&scan::without_protobuf(text)))
            .replace(&self.transcript.namespace, "$NS")
            .replace(&self.transcript.authority, "$HOST");
        for prefix in self.prefixes.clone() {
            for name in scan::generated_names(&out, &prefix) {
                let stand_in = self.stand_in("random", &name);
                out = out.replace(&name, &format!("{prefix}{stand_in}"));
            }
        }
        for (before, after) in scan::VERSIONS_IN_TEXTS {
            out = self.version_in_text(&out, before, after);
        }
        scan::replace(&out, |shape, found| match shape {
            Shape::Uid if !self.given(found) => Some(self.stand_in("uid", found)),
            Shape::Time
                if self.today.iter().any(|day| found.starts_with(day)) && !self.given(found) =>
            {
                Some(scan::time_word(found))
            }
            Shape::Uid | Shape::Time => None,
        })
    }

    fn version_in_text(&self, text: &str, before: &str, after: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(before) {
            let (head, tail) = rest.split_at(at + before.len());
            let length = tail
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(tail.len());
            let (digits, tail) = tail.split_at(length);
            let ours = digits.is_empty() || !tail.starts_with(after) || self.given(digits);
            out.push_str(head);
            out.push_str(if ours { digits } else { "<version>" });
            rest = tail;
        }
        out + rest
    }
}

fn version(meta: &Value) -> Option<u64> {
    meta["resourceVersion"].as_str()?.parse().ok()
}

/// Lists, tables and bookmarks know a version of the whole store, not one of their own.
fn is_collection(map: &Map<String, Value>) -> bool {
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
    let items = ["items", "rows"].iter().any(|key| map.contains_key(*key));
    let bare = map
        .get("metadata")
        .and_then(Value::as_object)
        .is_some_and(|meta| !meta.contains_key("uid") && !meta.contains_key("name"));
    items || kind.ends_with("List") || bare
}

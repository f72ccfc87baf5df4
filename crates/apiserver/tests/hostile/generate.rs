//! Requests that are nearly right.

use crate::{http::Answer, mutate, random::Random, samples};
use serde_json::{Value, json};
use std::fmt;

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];
const TYPES: [&str; 9] = [
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
    "",
];
const PATHS: [&str; 22] = [
    "/",
    "/api",
    "/apis",
    "/api/v1",
    "/apis/apps",
    "/apis/apps/v1",
    "/apis/nope.example.com/v1",
    "/version",
    "/healthz",
    "/livez",
    "/readyz?verbose",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/api/v1",
    "/api/v1/componentstatuses",
    "/api/v1/namespaces/default/pods/a/log",
    "/api/v1/namespaces/default/services/a/proxy/x",
    "/api/v1/watch/pods?timeoutSeconds=1",
    "/.well-known/openid-configuration",
    "/openid/v1/jwks",
    "/api/v2//x/../..",
];
const PARTS: [&str; 8] = [
    "status", "scale", "token", "finalize", "binding", "eviction", "log", "nope",
];
const KEYS: [&str; 17] = [
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "labelSelector",
    "fieldSelector",
    "timeoutSeconds",
    "allowWatchBookmarks",
    "sendInitialEvents",
    "dryRun",
    "fieldManager",
    "fieldValidation",
    "force",
    "propagationPolicy",
    "gracePeriodSeconds",
    "pretty",
    "includeObject",
];
const VALUES: [&str; 32] = [
    "1",
    "0",
    "-1",
    "true",
    "false",
    "x",
    "",
    "All",
    "Strict",
    "Warn",
    "Ignore",
    "Exact",
    "NotOlderThan",
    "Unset",
    "Foreground",
    "Background",
    "Orphan",
    "app=web",
    "app!=web",
    "app in (a,b),!c",
    "app in (",
    "a==b==c",
    ",",
    "!",
    "a>1",
    "metadata.name=a",
    "metadata.name!=a,metadata.namespace=default",
    "spec.nodeName=",
    "status.phase=Running",
    "nope=1",
    "18446744073709551616",
    "%00%ff",
];

/// Ends of pointers.
const ENDS: [&str; 8] = ["/-", "/0", "/99999999999", "/-1", "/~", "/~2", "/a~1b", "/"];

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(600).collect();
        let path: String = self.path.chars().take(400).collect();
        write!(f, "{} {path} ({}) {body:?}", self.method, self.content_type)
    }
}

/// Makes cases, also of what the server has answered.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) random: Random,
    samples: Vec<(&'static str, Value)>,
    tokens: Vec<String>,
    versions: Vec<String>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            samples: samples::all(),
            tokens: Vec::new(),
            versions: vec!["1".to_owned()],
        }
    }

    /// Keeps tokens and versions, to use them wrongly.
    pub(crate) fn learn(&mut self, answer: &Answer) {
        let Ok(object) = serde_json::from_slice::<Value>(&answer.body) else {
            return;
        };
        let metadata = &object["metadata"];
        if let Some(token) = metadata["continue"].as_str().filter(|it| !it.is_empty()) {
            self.tokens.truncate(20);
            self.tokens.insert(0, token.to_owned());
        }
        if let Some(version) = metadata["resourceVersion"].as_str() {
            self.versions.truncate(20);
            self.versions.insert(0, version.to_owned());
        }
    }

    pub(crate) fn case(&mut self) -> Case {
        let (collection, sample) = self.random.pick(&self.samples).clone();
        let method = *self.random.pick(&METHODS);
        let is_review = sample["metadata"]["name"].is_null();
        let named = !is_review && (method != "POST" || self.random.percent(20));
        let mut path = collection.to_owned();
        if named && self.random.percent(80) {
            path.push_str("/a");
        }
        if self.random.percent(15) {
            path = format!("{path}/{}", self.random.pick(&PARTS));
        }
        if self.random.percent(12) {
            path = (*self.random.pick(&PATHS)).to_owned();
        }
        if self.random.percent(8) {
            path = self.broken_path(&path);
        }
        let path = format!(
            "{path}{}{}",
            if path.contains('?') { "&" } else { "?" },
            self.query()
        );
        let content_type = self.content_type(method);
        let body = self.body(method, content_type, &sample);
        Case {
            method,
            path,
            content_type,
            body,
        }
    }

    fn broken_path(&mut self, path: &str) -> String {
        let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let at = 1 + self.random.below(parts.len() - 1);
        match self.random.below(3) {
            0 => drop(parts.remove(at)),
            1 => parts.insert(at, percent_encoded(&mutate::text(&mut self.random))),
            _ => parts[at] = percent_encoded(&mutate::text(&mut self.random)),
        }
        let path = parts.join("/");
        if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        }
    }

    fn query(&mut self) -> String {
        let mut pairs = Vec::new();
        for _ in 0..self.random.below(4) {
            let key = *self.random.pick(&KEYS);
            let value = match self.random.below(6) {
                0 => percent_encoded(&mutate::text(&mut self.random)),
                1 if key == "continue" && !self.tokens.is_empty() => self.token(),
                1..3 if key == "resourceVersion" => self.random.pick(&self.versions).clone(),
                _ => self.random.pick(&VALUES).replace(' ', "+"),
            };
            pairs.push(format!("{key}={value}"));
        }
        if self.random.percent(10) {
            // A watch that ends by itself.
            pairs.push("watch=1&timeoutSeconds=1".to_owned());
            pairs.retain(|pair| !pair.starts_with("timeoutSeconds"));
            pairs.insert(0, "timeoutSeconds=1".to_owned());
            pairs.push("watch=true".to_owned());
        }
        pairs.join("&")
    }

    fn token(&mut self) -> String {
        let mut token = self.random.pick(&self.tokens).clone().into_bytes();
        if self.random.percent(70) {
            mutate::bytes(&mut self.random, &mut token);
        }
        percent_encoded(&String::from_utf8_lossy(&token))
    }

    fn content_type(&mut self, method: &str) -> &'static str {
        match method {
            "PATCH" if self.random.percent(90) => TYPES[2 + self.random.below(4)],
            _ if self.random.percent(70) => TYPES[0],
            _ => TYPES[self.random.below(TYPES.len())],
        }
    }

    fn body(&mut self, method: &str, content_type: &str, sample: &Value) -> Vec<u8> {
        let mut value = match (method, content_type) {
            ("DELETE", _) => self.delete_options(),
            ("PATCH", "application/json-patch+json") => self.json_patch(sample),
            _ => sample.clone(),
        };
        if method == "POST" && !value["metadata"].is_null() && self.random.percent(50) {
            value["metadata"]["name"] = format!("n{}", self.random.below(50)).into();
        }
        if self.random.percent(10) && value["metadata"].is_object() {
            value["metadata"]["resourceVersion"] = self.random.pick(&self.versions).clone().into();
        }
        let changes = self.random.below(4);
        for _ in 0..changes {
            mutate::tree(&mut self.random, &mut value);
        }
        let mut bytes = value.to_string().into_bytes();
        if self.random.percent(15) {
            mutate::bytes(&mut self.random, &mut bytes);
        }
        bytes
    }

    fn delete_options(&mut self) -> Value {
        let version = self.random.pick(&self.versions).clone();
        json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": self.random.below(3),
            "propagationPolicy": self.random.pick(&["Foreground", "Background", "Orphan"]),
            "preconditions": { "resourceVersion": version }, "dryRun": self.random.pick(&[&[][..], &["All"]]),
        })
    }

    fn json_patch(&mut self, sample: &Value) -> Value {
        let mut paths = vec![String::new()];
        pointers(sample, "", &mut paths);
        let mut steps = Vec::new();
        for _ in 0..=self.random.below(5) {
            let op = *self
                .random
                .pick(&["add", "remove", "replace", "move", "copy", "test", "nope"]);
            let mut path = self.random.pick(&paths).clone();
            if self.random.percent(20) {
                path.push_str(ENDS[self.random.below(ENDS.len())]);
            }
            let from = self.random.pick(&paths).clone();
            steps.push(json!({ "op": op, "path": path, "from": from, "value": mutate::value(&mut self.random) }));
        }
        steps.into()
    }
}

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: String, value: &Value| {
        let path = format!("{at}/{key}");
        pointers(value, &path, found);
        found.push(path);
    };
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| below(key.replace('~', "~0").replace('/', "~1"), value)),
        Value::Array(list) => {
            (list.iter().enumerate()).for_each(|(at, value)| below(at.to_string(), value))
        }
        _ => {}
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

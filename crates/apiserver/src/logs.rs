//! Logs of pods: which container of which kubelet, and what comes from there.

use crate::{
    body::Body,
    call::{Answer, Call},
    cluster::Cluster,
    kubelet, object,
    object::Meta,
    request::{
        options::{flag, integer},
        query::Query,
    },
    status::ApiError,
};
use futures::StreamExt;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tidegate_schema::{FieldError, Path};

/// A kubelet that says nothing for so long has nothing more to say, unless its log is followed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What of a log is wanted, as the query says it.
#[derive(Debug, Default, PartialEq, Eq)]
struct LogOptions {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    /// In seconds since 1970.
    since_time: Option<i64>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    has_stream: bool,
}

/// Answers a request for a log. A pod without a node has none yet: no content.
pub(crate) async fn get(cluster: &Arc<Cluster>, call: &Call) -> Result<Answer, ApiError> {
    let options = LogOptions::parse(&call.query)?;
    options.check(&call.info.name)?;
    let pod = read(cluster, call, &call.key())?;
    let container = options.container_of(&pod)?;
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    if node.is_empty() {
        return Ok(answer(204, "", Body::empty()));
    }
    let node = read(cluster, call, &format!("nodes/{node}"))?;
    let address = kubelet::address(&node)?;
    let path = format!(
        "/containerLogs/{}/{}/{container}{}",
        pod.namespace(),
        pod.name(),
        options.query()
    );
    let asking = kubelet::get(address, &path, "pods/log", pod.name());
    let reply = tokio::select! {
        reply = asking => reply?,
        () = cluster.stopping() => return Err(ApiError::unavailable("the server is shutting down")),
    };
    let bytes = reply.bytes((!options.follow).then_some(PATIENCE));
    let cluster = cluster.clone();
    let bytes = bytes.take_until(async move { cluster.stopping().await });
    Ok(answer(200, "text/plain", Body::stream(bytes)))
}

fn answer(code: u16, media_type: &'static str, body: Body) -> Answer {
    Answer {
        code,
        media_type,
        headers: Vec::new(),
        body,
    }
}

/// An object. A node that is missing is told as a missing pod, as in Kubernetes.
fn read(cluster: &Cluster, call: &Call, key: &str) -> Result<Value, ApiError> {
    let name = key.rsplit('/').next().unwrap_or_default();
    let entry = cluster.store.head(key);
    let entry = entry.ok_or_else(|| ApiError::not_found(call.resource.group_resource(), name))?;
    object::from_bytes(&entry.value).map_err(ApiError::internal)
}

impl LogOptions {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        let flag = |key: &str| flag(query, key).unwrap_or_default();
        Ok(Self {
            container: query.get("container").unwrap_or_default().to_owned(),
            follow: flag("follow"),
            previous: flag("previous"),
            timestamps: flag("timestamps"),
            since_seconds: integer(query, "sinceSeconds")?,
            since_time: time(query, "sinceTime")?,
            tail_lines: integer(query, "tailLines")?,
            limit_bytes: integer(query, "limitBytes")?,
            has_stream: query.get("stream").is_some(),
        })
    }

    fn check(&self, pod: &str) -> Result<(), ApiError> {
        let root = Path::ROOT;
        let mut errors = Vec::new();
        let least = [
            (
                "tailLines",
                self.tail_lines,
                0,
                "must be greater than or equal to 0",
            ),
            ("limitBytes", self.limit_bytes, 1, "must be greater than 0"),
        ];
        let since = (
            "sinceSeconds",
            self.since_seconds.filter(|_| self.since_time.is_none()),
            1,
            "must be greater than 0",
        );
        for (key, value, least, why) in least.into_iter().chain([since]) {
            if let Some(value) = value.filter(|value| *value < least) {
                errors.push(FieldError::invalid(&root.child(key), &value.into(), why));
            }
        }
        if self.since_seconds.is_some() && self.since_time.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            let mut error = FieldError::forbidden(&root, why);
            // As Go writes a path of one empty name.
            "[]".clone_into(&mut error.field);
            errors.push(error);
        }
        if self.has_stream {
            let at = root.child("stream");
            errors.push(FieldError::forbidden(&at, "may not be specified"));
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid("", "PodLogOptions", pod, &errors))
    }

    /// The container that is asked for, or the only one.
    fn container_of(&self, pod: &Value) -> Result<String, ApiError> {
        let of = |list: &str| {
            let containers = pod["spec"][list].as_array().into_iter().flatten();
            let names = containers.filter_map(|container| container["name"].as_str());
            names.collect::<Vec<&str>>()
        };
        let plain = of("containers");
        let all = [
            of("initContainers"),
            plain.clone(),
            of("ephemeralContainers"),
        ]
        .concat();
        let name = pod.name();
        let wanted = self.container.as_str();
        let why = match plain.as_slice() {
            _ if all.contains(&wanted) => return Ok(wanted.to_owned()),
            _ if !wanted.is_empty() => format!("container {wanted} is not valid for pod {name}"),
            [one] => return Ok((*one).to_owned()),
            [] => format!("a container name must be specified for pod {name}"),
            _ => format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                all.join(" ")
            ),
        };
        Err(ApiError::bad_request(why))
    }

    /// The kubelet's query, in the order of Go's.
    fn query(&self) -> String {
        let flag = |set: bool| set.then(|| "true".to_owned());
        let number = |value: Option<i64>| value.map(|value| value.to_string());
        let since = self.since_time.map(crate::clock::text);
        let pairs = [
            ("follow", flag(self.follow)),
            ("limitBytes", number(self.limit_bytes)),
            ("previous", flag(self.previous)),
            ("sinceSeconds", number(self.since_seconds)),
            ("sinceTime", since.map(|text| text.replace(':', "%3A"))),
            ("tailLines", number(self.tail_lines)),
            ("timestamps", flag(self.timestamps)),
        ];
        let pairs = pairs
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", value?)));
        let pairs: Vec<String> = pairs.collect();
        if pairs.is_empty() {
            return String::new();
        }
        format!("?{}", pairs.join("&"))
    }
}

/// A time of a query.
fn time(query: &Query, key: &str) -> Result<Option<i64>, ApiError> {
    let Some(text) = query.get(key).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    crate::clock::parse(text).map(Some).ok_or_else(|| {
        ApiError::bad_request(format!(
            "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::LogOptions;
    use crate::request::query::Query;
    use serde_json::{Value, json};

    /// A query becomes the kubelet's, or is refused.
    fn check(query: &str, expect: Result<&str, &str>) {
        let parsed = LogOptions::parse(&Query::parse(query));
        let done = parsed.and_then(|options| options.check("a").map(|()| options.query()));
        let done = done.map_err(|error| error.message);
        assert_eq!(done.as_deref().map_err(String::as_str), expect, "{query}");
    }

    #[test]
    fn options_are_passed_on() {
        check("", Ok(""));
        check("container=c&other=1", Ok(""));
        check("follow=false&previous=0&timestamps", Ok("?timestamps=true"));
        check(
            "timestamps=1&tailLines=3&follow=true&sinceSeconds=5&previous=t&limitBytes=7",
            Ok(
                "?follow=true&limitBytes=7&previous=true&sinceSeconds=5&tailLines=3&timestamps=true",
            ),
        );
        check(
            "sinceTime=2026-01-02T03:04:05%2B01:00",
            Ok("?sinceTime=2026-01-02T02%3A04%3A05Z"),
        );
        check(
            "tailLines=x",
            Err("strconv.ParseInt: parsing \"x\": invalid syntax"),
        );
        check(
            "tailLines=-1&limitBytes=0&sinceSeconds=0",
            Err(
                "PodLogOptions \"a\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, \
                 limitBytes: Invalid value: 0: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater \
                 than 0]",
            ),
        );
        check(
            "sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z",
            Err(
                "PodLogOptions \"a\" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be \
                 specified",
            ),
        );
        check(
            "stream=Stdout",
            Err("PodLogOptions \"a\" is invalid: stream: Forbidden: may not be specified"),
        );
    }

    #[test]
    fn a_container_is_found() {
        let check = |spec: Value, wanted: &str, expect: Result<&str, &str>| {
            let pod = json!({ "metadata": { "name": "a" }, "spec": spec });
            let options = LogOptions {
                container: wanted.to_owned(),
                ..LogOptions::default()
            };
            let found = options.container_of(&pod).map_err(|error| error.message);
            assert_eq!(found.as_deref().map_err(String::as_str), expect);
        };
        let one = || json!({ "containers": [{ "name": "c" }] });
        let many = || {
            json!({
                "initContainers": [{ "name": "i" }],
                "containers": [{ "name": "c" }, { "name": "d" }],
                "ephemeralContainers": [{ "name": "e" }],
            })
        };
        check(one(), "", Ok("c"));
        check(one(), "../x", Err("container ../x is not valid for pod a"));
        check(
            many(),
            "",
            Err("a container name must be specified for pod a, choose one of: [i c d e]"),
        );
        check(many(), "i", Ok("i"));
        check(many(), "e", Ok("e"));
        check(
            json!({}),
            "",
            Err("a container name must be specified for pod a"),
        );
    }
}

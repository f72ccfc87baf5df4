//! `/metrics`: what the server has done and holds, as Prometheus text, under kube-apiserver's names where it has one.
//!
//! Invariant: what is served bounds the number of series. A request for anything else counts in the series of no
//! resource, and the series of a resource go with it, so no client can make them grow.

mod process;
mod render;

pub(crate) use self::render::answer;

use crate::{
    registry::Resources,
    request::{info::RequestInfo, query::Query},
};
use http::{HeaderMap, StatusCode, header};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Upper bounds of the buckets of durations, in seconds: kube-apiserver's.
const BOUNDS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];
/// Counts requests.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<HashMap<Subject, Series>>,
}

/// What a request is about, as the labels of its series say it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Subject {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    /// For what is no resource, the path's beginning.
    subresource: String,
    scope: &'static str,
    dry_run: bool,
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Running {
    subject: Subject,
    since: Instant,
}

/// The figures of all requests of one subject.
#[derive(Debug, Clone, Default)]
struct Series {
    by_code: BTreeMap<u16, u64>,
    durations: Histogram,
}

#[derive(Debug, Clone, Default)]
struct Histogram {
    /// One more than bounds: what is above all.
    buckets: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Metrics {
    /// A request has been answered, or a stream of answers has begun.
    pub(crate) fn count(&self, running: Running, code: StatusCode, resources: &Resources) {
        let Running { mut subject, since } = running;
        if !subject.resource.is_empty() && !subject.is_served(resources) {
            subject = Subject {
                verb: subject.verb,
                ..Subject::nothing()
            };
        }
        // How long a watch lasts says nothing of the server.
        let lasts = subject.verb == "WATCH" || subject.subresource == "log";
        let mut requests = self.requests();
        let series = requests.entry(subject).or_default();
        *series.by_code.entry(code.as_u16()).or_default() += 1;
        if !lasts {
            series.durations.add(since.elapsed());
        }
    }

    /// All series in order, without those of what is served no more.
    fn read(&self, resources: &Resources) -> Vec<(Subject, Series)> {
        let mut requests = self.requests();
        requests.retain(|subject, _| subject.resource.is_empty() || subject.is_served(resources));
        let mut all: Vec<_> = requests
            .iter()
            .map(|(subject, series)| (subject.clone(), series.clone()))
            .collect();
        drop(requests);
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<Subject, Series>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// A request begins.
    pub(crate) fn new(info: &RequestInfo, query: &Query, headers: &HeaderMap) -> Self {
        Self {
            subject: Subject::new(info, query, headers),
            since: Instant::now(),
        }
    }
}

impl Subject {
    fn nothing() -> Self {
        Self {
            verb: "",
            group: String::new(),
            version: String::new(),
            resource: String::new(),
            subresource: String::new(),
            scope: "",
            dry_run: false,
        }
    }

    fn new(info: &RequestInfo, query: &Query, headers: &HeaderMap) -> Self {
        if !info.is_resource {
            return Self {
                verb: method(info.verb),
                subresource: known_path(&info.path).to_owned(),
                ..Self::nothing()
            };
        }
        let applies = || {
            let media = headers.get(header::CONTENT_TYPE);
            media.is_some_and(|media| media.as_bytes().starts_with(b"application/apply-patch"))
        };
        Self {
            verb: match info.verb {
                "get" => "GET",
                "list" => "LIST",
                "watch" => "WATCH",
                "create" => "POST",
                "update" => "PUT",
                "patch" if applies() => "APPLY",
                "patch" => "PATCH",
                "delete" => "DELETE",
                "deletecollection" => "DELETECOLLECTION",
                _ => "other",
            },
            group: info.group.clone(),
            version: info.version.clone(),
            resource: info.resource.clone(),
            subresource: info.subresource.clone(),
            scope: if !info.name.is_empty() || info.verb == "create" {
                "resource"
            } else if info.namespace.is_empty() {
                "cluster"
            } else {
                "namespace"
            },
            dry_run: query.get("dryRun").is_some_and(|wanted| wanted == "All"),
        }
    }

    fn is_served(&self, resources: &Resources) -> bool {
        let resource = resources.get(&self.group, &self.version, &self.resource);
        resource.is_some_and(|resource| {
            self.subresource.is_empty() || resource.subresource(&self.subresource).is_some()
        })
    }
}

impl Histogram {
    fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.buckets[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
        self.sum += time;
    }
}

fn method(verb: &str) -> &'static str {
    match verb {
        "get" => "GET",
        "head" => "HEAD",
        "post" => "POST",
        "put" => "PUT",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "options" => "OPTIONS",
        _ => "other",
    }
}

/// Where a path that is no resource's leads, in kube-apiserver's words. Nothing for a path of nobody.
fn known_path(path: &str) -> &'static str {
    let mut parts = path.trim_matches('/').split('/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("", _) => "/",
        ("api", _) => "api",
        ("apis", _) => "apis",
        ("healthz", _) => "/healthz",
        ("livez", _) => "/livez",
        ("readyz", _) => "/readyz",
        ("metrics", None) => "/metrics",
        ("version", None) => "/version",
        ("openapi", Some("v2")) => "openapi/v2",
        ("openapi", Some("v3")) => "openapi/v3",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, Metrics, Running, Subject, known_path};
    use crate::{
        registry::Registry,
        request::{info::RequestInfo, query::Query},
    };
    use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
    use std::time::Duration;

    fn running(method: &Method, path: &str, query: &str, media: &'static str) -> Running {
        let query = Query::parse(query);
        let info = RequestInfo::parse(method, path, query.get("watch").is_some(), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        Running::new(&info, &query, &headers)
    }

    fn labels(subject: &Subject) -> String {
        format!(
            "{} {}/{} {} {} {} {}",
            subject.verb,
            subject.group,
            subject.version,
            subject.resource,
            subject.subresource,
            subject.scope,
            subject.dry_run
        )
    }

    #[test]
    fn requests_have_the_labels_of_kube_apiserver() {
        let check = |method: Method, path, query, expected: &str| {
            let running = running(&method, path, query, "application/apply-patch+yaml");
            assert_eq!(labels(&running.subject), expected, "{method} {path}");
        };
        let pod = "/api/v1/namespaces/a/pods/b";
        check(Method::GET, pod, "", "GET /v1 pods  resource false");
        check(
            Method::PATCH,
            pod,
            "dryRun=All",
            "APPLY /v1 pods  resource true",
        );
        check(
            Method::GET,
            "/apis/apps/v1/deployments",
            "watch=1",
            "WATCH apps/v1 deployments  cluster false",
        );
        check(
            Method::POST,
            "/api/v1/namespaces/a/pods",
            "",
            "POST /v1 pods  resource false",
        );
        check(
            Method::DELETE,
            "/api/v1/namespaces/a/pods",
            "",
            "DELETECOLLECTION /v1 pods  namespace false",
        );
        check(Method::GET, "/livez/ping", "", "GET /  /livez  false");
        check(Method::GET, "/a/path/of/nobody", "", "GET /    false");
    }

    #[test]
    fn clients_cannot_make_series() {
        let registry = Registry::default();
        let metrics = Metrics::default();
        for n in 0..100 {
            for path in [
                format!("/apis/g{n}.example.com/v1/things"),
                format!("/api/v1/namespaces/n{n}/pods/p{n}"),
                format!("/api/v1/namespaces/a/pods/p/sub{n}"),
                format!("/path{n}/x"),
            ] {
                let running = running(&Method::GET, &path, "", "");
                metrics.count(running, StatusCode::NOT_FOUND, &registry.now());
            }
        }
        let all = metrics.read(&registry.now());
        let all: Vec<_> = all
            .iter()
            .map(|(subject, series)| (labels(subject), series.by_code[&404]))
            .collect();
        let expected = [
            ("GET /    false".to_owned(), 200),
            ("GET /v1 pods  resource false".to_owned(), 100),
            ("LIST /    false".to_owned(), 100),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn durations_fall_into_their_buckets() {
        let mut histogram = Histogram::default();
        for ms in [1, 5, 6, 59_000, 61_000] {
            histogram.add(Duration::from_millis(ms));
        }
        let filled: Vec<_> = (0..)
            .zip(histogram.buckets)
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(filled, [(0, 2), (1, 1), (22, 1), (23, 1)]);
        assert_eq!(histogram.sum, Duration::from_millis(120_012));
    }

    #[test]
    fn paths_are_known_by_their_beginning() {
        for (path, expected) in [
            ("/", "/"),
            ("/apis/apps/v1", "apis"),
            ("/openapi/v3/x", "openapi/v3"),
            ("/apisx", ""),
            ("/metrics", "/metrics"),
            ("/metrics/x", ""),
        ] {
            assert_eq!(known_path(path), expected, "{path}");
        }
    }
}

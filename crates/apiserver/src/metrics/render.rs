//! The text of the figures: Prometheus' exposition format, version 0.0.4.

use super::{BOUNDS, Histogram, Series, Subject, process};
use crate::{
    body::Body,
    registry::Resources,
    serve::{
        handler::Handler,
        limits::{Class, Turnstile},
        respond,
    },
    version,
};
use http::{HeaderValue, Response, header};
use std::fmt::{Display, Write};
use tidegate_store::{Snapshot, Stats};

/// Answers `/metrics`.
pub(crate) fn answer(handler: &Handler) -> Response<Body> {
    let cluster = &handler.cluster;
    let resources = cluster.registry.now();
    let mut text = Text::default();
    text.requests(&handler.metrics.read(&resources));
    text.running(&handler.turnstile);
    text.objects(&resources, &cluster.store.snapshot());
    text.store(&cluster.store.stats());
    text.process(&process::usage());
    text.head(
        "kubernetes_build_info",
        "gauge",
        "The Kubernetes whose API this is.",
    );
    text.sample(
        "kubernetes_build_info",
        &labels(&[
            ("git_version", &version::git_version()),
            ("major", "1"),
            ("minor", "37"),
        ]),
        1,
    );
    let mut response = respond::text(200, text.0);
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// `labels` in their braces, or nothing.
    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, "", value);
    }

    fn requests(&mut self, all: &[(Subject, Series)]) {
        let total = "apiserver_request_total";
        self.head(
            total,
            "counter",
            "Requests by what they were about and the code of the answer.",
        );
        for (subject, series) in all {
            let about = subject_labels(subject);
            for (code, count) in &series.by_code {
                self.sample(total, &format!("{{code=\"{code}\",{about}}}"), count);
            }
        }
        let durations = "apiserver_request_duration_seconds";
        self.head(
            durations,
            "histogram",
            "Time until the answer began, without watches and logs.",
        );
        for (subject, series) in all {
            self.histogram(durations, &subject_labels(subject), &series.durations);
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let mut sum = 0;
        for (at, count) in histogram.buckets.iter().enumerate() {
            sum += count;
            let bound = BOUNDS.get(at).map_or("+Inf".to_owned(), f64::to_string);
            let labels = format!("{{{labels},le=\"{bound}\"}}");
            self.sample(&format!("{name}_bucket"), &labels, sum);
        }
        let labels = format!("{{{labels}}}");
        let seconds = histogram.sum.as_secs_f64();
        self.sample(&format!("{name}_sum"), &labels, seconds);
        self.sample(&format!("{name}_count"), &labels, sum);
    }

    fn running(&mut self, turnstile: &Turnstile) {
        let name = "apiserver_current_inflight_requests";
        self.head(name, "gauge", "Requests that run now.");
        for (kind, class) in [("mutating", Class::Writing), ("readOnly", Class::Reading)] {
            let labels = labels(&[("request_kind", kind)]);
            self.sample(name, &labels, turnstile.running(class));
        }
        let name = "apiserver_longrunning_requests";
        self.head(name, "gauge", "Watches and followed logs that run now.");
        let labels = labels(&[("component", "apiserver"), ("verb", "WATCH")]);
        self.sample(name, &labels, turnstile.running(Class::Watch));
    }

    fn objects(&mut self, resources: &Resources, snapshot: &Snapshot) {
        let name = "apiserver_resource_objects";
        self.head(name, "gauge", "Stored objects.");
        for resource in resources.collections() {
            let count = snapshot.count(&format!("{}/", resource.collection));
            let labels = labels(&[("group", &resource.group), ("resource", &resource.plural)]);
            self.sample(name, &labels, count);
        }
    }

    fn store(&mut self, stats: &Stats) {
        let mut gauge = |name, help, value| self.one(name, "gauge", help, value);
        gauge(
            "apiserver_storage_size_bytes",
            "Length of the log's files.",
            stats.log_bytes,
        );
        gauge(
            "tidegate_store_log_files",
            "Files of the log.",
            stats.log_files,
        );
        gauge(
            "tidegate_store_revision",
            "The newest revision.",
            stats.revision,
        );
        gauge(
            "tidegate_store_oldest_revision",
            "The oldest revision that a watch may begin from.",
            stats.oldest_revision,
        );
        gauge(
            "tidegate_store_bytes",
            "Bytes of keys and values.",
            stats.bytes,
        );
        gauge(
            "tidegate_store_history_bytes",
            "Bytes that only the history holds, about.",
            stats.history_bytes,
        );
        let mut counter = |name, help, value| self.one(name, "counter", help, value);
        counter(
            "tidegate_store_writes_total",
            "Durable writes.",
            stats.writes,
        );
        counter(
            "tidegate_store_batches_total",
            "Batches in which writes were made durable.",
            stats.batches,
        );
        counter(
            "tidegate_store_fsyncs_total",
            "Waits for the disk.",
            stats.fsyncs,
        );
        counter(
            "tidegate_store_snapshots_total",
            "Compactions of the log.",
            stats.snapshots,
        );
    }

    fn process(&mut self, usage: &process::Usage) {
        if let Some(seconds) = usage.cpu_seconds {
            let name = "process_cpu_seconds_total";
            self.one(
                name,
                "counter",
                "Total user and system CPU time spent in seconds.",
                seconds,
            );
        }
        if let Some(bytes) = usage.resident_bytes {
            let name = "process_resident_memory_bytes";
            self.one(name, "gauge", "Resident memory size in bytes.", bytes);
        }
        if let Some(count) = usage.open_fds {
            self.one(
                "process_open_fds",
                "gauge",
                "Number of open file descriptors.",
                count,
            );
        }
    }
}

/// All labels of a request's series, without braces.
fn subject_labels(subject: &Subject) -> String {
    let dry_run = if subject.dry_run { "All" } else { "" };
    inner(&[
        ("component", "apiserver"),
        ("dry_run", dry_run),
        ("group", &subject.group),
        ("resource", &subject.resource),
        ("scope", subject.scope),
        ("subresource", &subject.subresource),
        ("verb", subject.verb),
        ("version", &subject.version),
    ])
}

fn labels(pairs: &[(&str, &str)]) -> String {
    format!("{{{}}}", inner(pairs))
}

/// Names of groups, resources and subresources are DNS labels, so nothing has to be escaped.
fn inner(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(key, value)| format!("{key}=\"{value}\""));
    pairs.collect::<Vec<_>>().join(",")
}

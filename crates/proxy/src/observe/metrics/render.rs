//! Series as Prometheus reads them (text format 0.0.4), summed over workers.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{BOUNDS_US, Classes, Histogram, ListenerSeries, Metrics, RouteSeries, lock};
use crate::{
    observe::escape,
    record::{Hedge, Reason},
};

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Name, help, and where it is found.
type HistogramOf = (&'static str, &'static str, fn(&Listener) -> &Sums);
type Series<T> = (&'static str, &'static str, fn(&Listener) -> T);

/// A histogram's sums.
#[derive(Default)]
struct Sums {
    buckets: [u64; BOUNDS_US.len() + 1],
    sum_us: u64,
}

impl Sums {
    fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *sum += bucket.get();
        }
        self.sum_us += histogram.sum_us.get();
    }
}

#[derive(Default)]
struct Listener {
    classes: [u64; 6],
    duration: Sums,
    upstream_wait: Sums,
    request_bytes: u64,
    answer_bytes: u64,
    retries: u64,
    hedges_won: u64,
    hedges_lost: u64,
}

#[derive(Default)]
struct Route {
    classes: [u64; 6],
    sum_us: u64,
}

fn add_classes(sums: &mut [u64; 6], classes: &Classes) {
    for (sum, count) in sums.iter_mut().zip(classes) {
        *sum += count.get();
    }
}

impl Listener {
    fn add(&mut self, series: &ListenerSeries) {
        add_classes(&mut self.classes, &series.classes);
        self.duration.add(&series.duration);
        self.upstream_wait.add(&series.upstream_wait);
        self.request_bytes += series.request_bytes.get();
        self.answer_bytes += series.answer_bytes.get();
        self.retries += series.retries.get();
        self.hedges_won += series.hedges_won.get();
        self.hedges_lost += series.hedges_lost.get();
    }
}

impl Route {
    fn add(&mut self, series: &RouteSeries) {
        add_classes(&mut self.classes, &series.classes);
        self.sum_us += series.sum_us.get();
    }
}

impl Metrics {
    pub(in crate::observe) fn render(&self) -> String {
        let mut listeners: BTreeMap<String, Listener> = BTreeMap::new();
        let mut routes: BTreeMap<String, Route> = BTreeMap::new();
        let mut reasons = [0; Reason::ALL.len()];
        let shelves = lock(&self.shelves).clone();
        for shelf in shelves {
            // Copies of what is there, so that a worker with a new series waits for a moment only.
            let own = lock(&shelf.listeners).clone();
            for (name, series) in own {
                listeners.entry(name).or_default().add(&series);
            }
            let own = lock(&shelf.routes).clone();
            for (name, series) in own {
                routes.entry(name).or_default().add(&series);
            }
            for (sum, count) in reasons.iter_mut().zip(&shelf.reasons) {
                *sum += count.get();
            }
        }
        let mut text = String::new();
        put_listeners(&mut text, &listeners);
        put_routes(&mut text, &routes);
        put_reasons(&mut text, &reasons);
        text
    }
}

/// A counter without labels.
pub(in crate::observe) fn put_counter(text: &mut String, name: &str, help: &str, value: u64) {
    head(text, name, "counter", help);
    line(text, name, &[], value);
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // A string takes whatever is written to it.
    let _ = writeln!(
        text,
        "# HELP tidegate_{name} {help}\n# TYPE tidegate_{name} {kind}"
    );
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let _ = write!(text, "tidegate_{name}");
    for (at, (label, content)) in labels.iter().enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        let _ = write!(text, "{label}=\"");
        escape::label(content, text);
        text.push('"');
    }
    if !labels.is_empty() {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn put_classes(text: &mut String, name: &str, label: (&str, &str), classes: &[u64; 6]) {
    for (class, count) in CLASSES.iter().zip(classes).filter(|(_, count)| **count > 0) {
        line(text, name, &[label, ("class", class)], count);
    }
}

fn put_listeners(text: &mut String, listeners: &BTreeMap<String, Listener>) {
    let name = "requests_total";
    head(
        text,
        name,
        "counter",
        "Requests that ended, by the class of their status; none where the client got nothing.",
    );
    for (listener, sums) in listeners {
        put_classes(text, name, ("listener", listener), &sums.classes);
    }
    let counters: [Series<u64>; 3] = [
        (
            "request_bytes_total",
            "Bytes of requests' bodies.",
            |sums| sums.request_bytes,
        ),
        ("answer_bytes_total", "Bytes of answers' bodies.", |sums| {
            sums.answer_bytes
        }),
        (
            "retries_total",
            "Tries at endpoints after the first.",
            |sums| sums.retries,
        ),
    ];
    for (name, help, of) in counters {
        head(text, name, "counter", help);
        for (listener, sums) in listeners {
            line(text, name, &[("listener", listener)], of(sums));
        }
    }
    put_hedges(text, listeners);
    let histograms: [HistogramOf; 2] = [
        (
            "request_duration_seconds",
            "From a request's head to the last byte of its answer.",
            |sums| &sums.duration,
        ),
        (
            "upstream_wait_seconds",
            "From a request's head to the head of the upstream's answer.",
            |sums| &sums.upstream_wait,
        ),
    ];
    for (name, help, of) in histograms {
        head(text, name, "histogram", help);
        for (listener, sums) in listeners {
            put_histogram(text, name, listener, of(sums));
        }
    }
}

fn put_hedges(text: &mut String, listeners: &BTreeMap<String, Listener>) {
    let name = "hedges_total";
    let help =
        "Second tries beside a late first one, by whether theirs was the answer that counted.";
    head(text, name, "counter", help);
    for (listener, sums) in listeners {
        for (outcome, count) in [
            (Hedge::Won, sums.hedges_won),
            (Hedge::Lost, sums.hedges_lost),
        ] {
            if count > 0 {
                let labels = [
                    ("listener", listener.as_str()),
                    ("outcome", outcome.as_str()),
                ];
                line(text, name, &labels, count);
            }
        }
    }
}

fn put_histogram(text: &mut String, name: &str, listener: &str, sums: &Sums) {
    let bucket = format!("{name}_bucket");
    let mut count = 0;
    let bounds = BOUNDS_US.iter().map(|us| seconds(*us).to_string());
    let bounds = bounds.chain(["+Inf".to_owned()]);
    for (bound, own) in bounds.zip(&sums.buckets) {
        count += own;
        line(
            text,
            &bucket,
            &[("listener", listener), ("le", &bound)],
            count,
        );
    }
    let label = [("listener", listener)];
    line(text, &format!("{name}_sum"), &label, seconds(sums.sum_us));
    line(text, &format!("{name}_count"), &label, count);
}

fn put_routes(text: &mut String, routes: &BTreeMap<String, Route>) {
    let name = "route_requests_total";
    head(
        text,
        name,
        "counter",
        "Requests that a route served, by the class of their status.",
    );
    for (route, sums) in routes {
        put_classes(text, name, ("route", route), &sums.classes);
    }
    let name = "route_seconds_total";
    head(
        text,
        name,
        "counter",
        "Time that a route's requests took, added up.",
    );
    for (route, sums) in routes {
        line(text, name, &[("route", route)], seconds(sums.sum_us));
    }
}

fn put_reasons(text: &mut String, reasons: &[u64]) {
    let name = "answers_by_reason_total";
    head(
        text,
        name,
        "counter",
        "Answers that are not the upstream's own, or broke off, by the reason.",
    );
    for (reason, count) in Reason::ALL
        .iter()
        .zip(reasons)
        .filter(|(_, count)| **count > 0)
    {
        line(text, name, &[("reason", reason.as_str())], count);
    }
}

//! What is counted, and the Prometheus text of it.
//!
//! Every name is listed in [`Metrics`]; labels are `resource`, `namespace`, `selector` of the informer, and closed sets.

use crate::{event::Change, reflector::RelistReason, status::FailureKind};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counters of one shared informer.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) added: AtomicU64,
    pub(crate) updated: AtomicU64,
    pub(crate) deleted: AtomicU64,
    pub(crate) received_bytes: AtomicU64,
    pub(crate) requests: AtomicU64,
    /// When bytes last came, in milliseconds since the informer began.
    pub(crate) heard_ms: AtomicU64,
    relists: Mutex<BTreeMap<&'static str, u64>>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(crate) fn count(&self, changes: &[Change]) {
        let (mut added, mut updated, mut deleted) = (0, 0, 0);
        for change in changes {
            match change {
                Change::Added(_) => added += 1,
                Change::Updated { .. } => updated += 1,
                Change::Deleted { .. } => deleted += 1,
            }
        }
        for (counter, amount) in [
            (&self.added, added),
            (&self.updated, updated),
            (&self.deleted, deleted),
        ] {
            if amount > 0 {
                counter.fetch_add(amount, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn count_relist(&self, reason: RelistReason) {
        add_one(&self.relists, reason.label());
    }

    pub(crate) fn count_failure(&self, kind: FailureKind) {
        add_one(&self.failures, kind.label());
    }

    fn relists(&self) -> BTreeMap<&'static str, u64> {
        self.relists
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn add_one(counts: &Mutex<BTreeMap<&'static str, u64>>, label: &'static str) {
    *counts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(label)
        .or_default() += 1;
}

impl RelistReason {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Expired => "expired",
            Self::TooNew => "too_new",
            Self::StoreReadError => "store_read_error",
            Self::BadData => "bad_data",
            Self::Returned => "returned",
        }
    }
}

/// The figures of one informer at one moment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InformerMetrics {
    /// The labels that name the informer, such as `resource="pods.v1",namespace="",selector=""`.
    pub labels: String,
    /// `tidegate_informer_events_total{type="added"}`: objects that came to be, as the cache saw it.
    pub added: u64,
    /// `tidegate_informer_events_total{type="updated"}`.
    pub updated: u64,
    /// `tidegate_informer_events_total{type="deleted"}`.
    pub deleted: u64,
    /// `tidegate_informer_received_bytes_total`: bytes of list and watch responses, decompressed.
    pub received_bytes: u64,
    /// `tidegate_informer_requests_total`: lists (pages) and watches that were sent.
    pub requests: u64,
    /// `tidegate_informer_silence_seconds`: how long ago bytes last came. An idle resource still has a bookmark a minute.
    pub silence_seconds: f64,
    /// `tidegate_informer_relists_total{reason}`: full pictures completed, and why.
    pub relists: BTreeMap<&'static str, u64>,
    /// `tidegate_informer_failures_total{kind}`: requests and streams that failed.
    pub failures: BTreeMap<&'static str, u64>,
    /// `tidegate_informer_objects`: objects in the cache.
    pub objects: u64,
    /// `tidegate_informer_cache_bytes`: bytes of their bodies, as stored.
    pub cache_bytes: u64,
    /// `tidegate_informer_synced`: 1 if the cache has had a full picture.
    pub synced: bool,
    /// `tidegate_informer_handler_queue_depth{handler}`, `…_handler_events_total`, `…_handler_panics_total`.
    pub handlers: Vec<HandlerMetrics>,
}

/// The figures of one handler or stream.
#[derive(Debug, Clone, Default)]
pub struct HandlerMetrics {
    /// Its name.
    pub name: String,
    /// Objects that have a change waiting.
    pub depth: u64,
    /// Events it was given.
    pub delivered: u64,
    /// Calls that panicked.
    pub panics: u64,
}

impl InformerMetrics {
    pub(crate) fn of(counters: &Counters, elapsed_ms: u64) -> Self {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let silence_ms = elapsed_ms.saturating_sub(load(&counters.heard_ms));
        Self {
            added: load(&counters.added),
            updated: load(&counters.updated),
            deleted: load(&counters.deleted),
            received_bytes: load(&counters.received_bytes),
            requests: load(&counters.requests),
            silence_seconds: std::time::Duration::from_millis(silence_ms).as_secs_f64(),
            relists: counters.relists(),
            failures: counters.failures(),
            ..Self::default()
        }
    }
}

/// Metrics of all informers of a factory; shows as Prometheus text.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// One entry for each running informer.
    pub informers: Vec<InformerMetrics>,
}

type Sample = (String, f64);

impl Metrics {
    /// The Prometheus text exposition format, version 0.0.4.
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        for family in FAMILIES {
            let samples: Vec<Sample> = self.informers.iter().flat_map(family.read).collect();
            if !samples.is_empty() {
                family.write(&mut text, &samples);
            }
        }
        text
    }
}

/// One metric: its name without the prefix `tidegate_informer_`, and how it is read.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: fn(&InformerMetrics) -> Vec<Sample>,
}

const fn family(
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: fn(&InformerMetrics) -> Vec<Sample>,
) -> Family {
    Family {
        name,
        kind,
        help,
        read,
    }
}

const FAMILIES: &[Family] = &[
    family("events_total", "counter", "Changes of the cache.", |one| {
        let kinds = [
            ("added", one.added),
            ("updated", one.updated),
            ("deleted", one.deleted),
        ];
        kinds
            .map(|(kind, count)| with(one, "type", kind, count))
            .into()
    }),
    family(
        "received_bytes_total",
        "counter",
        "Bytes of responses, decompressed.",
        |one| plain(one, one.received_bytes),
    ),
    family(
        "requests_total",
        "counter",
        "Lists and watches sent.",
        |one| plain(one, one.requests),
    ),
    family(
        "silence_seconds",
        "gauge",
        "Time since bytes last came.",
        |one| vec![(one.labels.clone(), one.silence_seconds)],
    ),
    family(
        "relists_total",
        "counter",
        "Full pictures completed, by reason.",
        |one| {
            one.relists
                .iter()
                .map(|(reason, count)| with(one, "reason", reason, *count))
                .collect()
        },
    ),
    family(
        "failures_total",
        "counter",
        "Failed requests and streams.",
        |one| {
            one.failures
                .iter()
                .map(|(kind, count)| with(one, "kind", kind, *count))
                .collect()
        },
    ),
    family("objects", "gauge", "Objects in the cache.", |one| {
        plain(one, one.objects)
    }),
    family(
        "cache_bytes",
        "gauge",
        "Bytes of cached bodies, as stored.",
        |one| plain(one, one.cache_bytes),
    ),
    family(
        "synced",
        "gauge",
        "1 if there has been a full picture.",
        |one| plain(one, u64::from(one.synced)),
    ),
    family(
        "handler_queue_depth",
        "gauge",
        "Objects with a change waiting.",
        |one| per_handler(one, |h| h.depth),
    ),
    family(
        "handler_events_total",
        "counter",
        "Events given to a handler.",
        |one| per_handler(one, |h| h.delivered),
    ),
    family(
        "handler_panics_total",
        "counter",
        "Handler calls that panicked.",
        |one| per_handler(one, |h| h.panics),
    ),
];

impl Family {
    fn write(&self, text: &mut String, samples: &[Sample]) {
        let Self {
            name, kind, help, ..
        } = self;
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            text.write_fmt(arguments)
                .expect("invariant: writing to a string cannot fail");
        };
        let name = format!("tidegate_informer_{name}");
        line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (labels, value) in samples {
            line(format_args!("{name}{{{labels}}} {value}\n"));
        }
    }
}

fn plain(one: &InformerMetrics, value: u64) -> Vec<Sample> {
    vec![(one.labels.clone(), as_f64(value))]
}

fn with(one: &InformerMetrics, label: &str, value: &str, count: u64) -> Sample {
    (
        format!("{},{label}=\"{}\"", one.labels, escape(value)),
        as_f64(count),
    )
}

fn per_handler(one: &InformerMetrics, read: impl Fn(&HandlerMetrics) -> u64) -> Vec<Sample> {
    one.handlers
        .iter()
        .map(|handler| with(one, "handler", &handler.name, read(handler)))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are doubles")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

/// Escapes a label value.
pub(crate) fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{HandlerMetrics, InformerMetrics, Metrics};
    use expect_test::expect;

    #[test]
    fn the_text_is_prometheus() {
        let informer = InformerMetrics {
            labels: r#"resource="pods.v1",namespace="",selector="""#.to_owned(),
            added: 3,
            objects: 3,
            synced: true,
            relists: [("first", 1)].into(),
            handlers: vec![HandlerMetrics {
                name: "a\"b".to_owned(),
                depth: 2,
                ..HandlerMetrics::default()
            }],
            ..InformerMetrics::default()
        };
        let text = Metrics {
            informers: vec![informer],
        }
        .to_prometheus();
        let kept: String = text
            .lines()
            .filter(|line| !line.contains("bytes") && !line.starts_with("# HELP"))
            .map(|line| format!("{line}\n"))
            .collect();
        expect![[r#"
            # TYPE tidegate_informer_events_total counter
            tidegate_informer_events_total{resource="pods.v1",namespace="",selector="",type="added"} 3
            tidegate_informer_events_total{resource="pods.v1",namespace="",selector="",type="updated"} 0
            tidegate_informer_events_total{resource="pods.v1",namespace="",selector="",type="deleted"} 0
            # TYPE tidegate_informer_requests_total counter
            tidegate_informer_requests_total{resource="pods.v1",namespace="",selector=""} 0
            # TYPE tidegate_informer_silence_seconds gauge
            tidegate_informer_silence_seconds{resource="pods.v1",namespace="",selector=""} 0
            # TYPE tidegate_informer_relists_total counter
            tidegate_informer_relists_total{resource="pods.v1",namespace="",selector="",reason="first"} 1
            # TYPE tidegate_informer_objects gauge
            tidegate_informer_objects{resource="pods.v1",namespace="",selector=""} 3
            # TYPE tidegate_informer_synced gauge
            tidegate_informer_synced{resource="pods.v1",namespace="",selector=""} 1
            # TYPE tidegate_informer_handler_queue_depth gauge
            tidegate_informer_handler_queue_depth{resource="pods.v1",namespace="",selector="",handler="a\"b"} 2
            # TYPE tidegate_informer_handler_events_total counter
            tidegate_informer_handler_events_total{resource="pods.v1",namespace="",selector="",handler="a\"b"} 0
            # TYPE tidegate_informer_handler_panics_total counter
            tidegate_informer_handler_panics_total{resource="pods.v1",namespace="",selector="",handler="a\"b"} 0
        "#]]
        .assert_eq(&kept);
    }
}

//! The numbers behind `--metrics`: counted where things happen, rendered as Prometheus text.
//!
//! Knows no sockets. Label values come from discovery and from this program, never from objects.

use crate::watch::event::WatchEvent;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By sink, resource and kind of event.
    events: Mutex<BTreeMap<(&'static str, String, &'static str), u64>>,
    /// Whether each watched resource has its full picture.
    synced: Mutex<BTreeMap<String, bool>>,
    counters: [AtomicU64; Counter::ALL.len()],
}

/// Numbers without labels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Filtered,
    FilterFailures,
    CommandsRun,
    CommandsFailed,
    WebhookDelivered,
    WebhookRefused,
    WebhookRetries,
    WebhookPending,
    WebhookSpillBytes,
}

impl Counter {
    const ALL: [Self; 9] = [
        Self::Filtered,
        Self::FilterFailures,
        Self::CommandsRun,
        Self::CommandsFailed,
        Self::WebhookDelivered,
        Self::WebhookRefused,
        Self::WebhookRetries,
        Self::WebhookPending,
        Self::WebhookSpillBytes,
    ];

    /// Name, Prometheus type, meaning.
    fn describe(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Filtered => (
                "filtered_total",
                "counter",
                "Events that --filter turned down.",
            ),
            Self::FilterFailures => (
                "filter_failures_total",
                "counter",
                "Events that --filter failed on.",
            ),
            Self::CommandsRun => ("commands_total", "counter", "Finished --on-event commands."),
            Self::CommandsFailed => (
                "commands_failed_total",
                "counter",
                "--on-event commands that failed.",
            ),
            Self::WebhookDelivered => (
                "webhook_delivered_total",
                "counter",
                "Events that the webhook took.",
            ),
            Self::WebhookRefused => (
                "webhook_refused_total",
                "counter",
                "Events that the webhook refused.",
            ),
            Self::WebhookRetries => (
                "webhook_retries_total",
                "counter",
                "Deliveries to be tried again.",
            ),
            Self::WebhookPending => ("webhook_pending", "gauge", "Events in the spill file."),
            Self::WebhookSpillBytes => (
                "webhook_spill_bytes",
                "gauge",
                "Bytes of events in the spill file.",
            ),
        }
    }
}

impl Metrics {
    pub(crate) fn event(&self, sink: &'static str, event: &WatchEvent) {
        let key = (sink, event.resource.gvr(), event.kind.word());
        *self
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_default() += 1;
    }

    pub(crate) fn resource(&self, gvr: &str, synced: bool) {
        self.synced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(gvr.to_owned(), synced);
    }

    pub(crate) fn filtered(&self) {
        self.add(Counter::Filtered);
    }

    pub(crate) fn filter_failed(&self) {
        self.add(Counter::FilterFailures);
    }

    pub(crate) fn add(&self, counter: Counter) {
        self.counters[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, gauge: Counter, value: u64) {
        self.counters[gauge as usize].store(value, Ordering::Relaxed);
    }

    /// Prometheus text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        head(
            &mut out,
            "events_total",
            "counter",
            "Events that reached a sink.",
        );
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for ((sink, gvr, event), count) in events.iter() {
            let _ = writeln!(
                out,
                "tidegate_watch_events_total{{sink=\"{sink}\",gvr=\"{}\",event=\"{event}\"}} {count}",
                escape(gvr)
            );
        }
        drop(events);
        head(
            &mut out,
            "resource_synced",
            "gauge",
            "1 when the full picture of a resource is there.",
        );
        for (gvr, synced) in self
            .synced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let _ = writeln!(
                out,
                "tidegate_watch_resource_synced{{gvr=\"{}\"}} {}",
                escape(gvr),
                u8::from(*synced)
            );
        }
        for counter in Counter::ALL {
            let (name, kind, help) = counter.describe();
            head(&mut out, name, kind, help);
            let value = self.counters[counter as usize].load(Ordering::Relaxed);
            let _ = writeln!(out, "tidegate_watch_{name} {value}");
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP tidegate_watch_{name} {help}\n# TYPE tidegate_watch_{name} {kind}"
    );
}

fn escape(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    //! One golden page.

    use super::{Counter, Metrics};
    use crate::watch::event::{WatchEvent, testing::pods};
    use expect_test::expect;

    #[test]
    fn renders_prometheus_text() {
        let metrics = Metrics::default();
        metrics.event("output", &WatchEvent::synced(pods()));
        metrics.resource("v1/pods", true);
        metrics.resource("a\"b", false);
        metrics.add(Counter::WebhookRetries);
        metrics.set(Counter::WebhookPending, 7);
        expect![[r##"
            # HELP tidegate_watch_events_total Events that reached a sink.
            # TYPE tidegate_watch_events_total counter
            tidegate_watch_events_total{sink="output",gvr="v1/pods",event="SYNCED"} 1
            # HELP tidegate_watch_resource_synced 1 when the full picture of a resource is there.
            # TYPE tidegate_watch_resource_synced gauge
            tidegate_watch_resource_synced{gvr="a\"b"} 0
            tidegate_watch_resource_synced{gvr="v1/pods"} 1
            # HELP tidegate_watch_filtered_total Events that --filter turned down.
            # TYPE tidegate_watch_filtered_total counter
            tidegate_watch_filtered_total 0
            # HELP tidegate_watch_filter_failures_total Events that --filter failed on.
            # TYPE tidegate_watch_filter_failures_total counter
            tidegate_watch_filter_failures_total 0
            # HELP tidegate_watch_commands_total Finished --on-event commands.
            # TYPE tidegate_watch_commands_total counter
            tidegate_watch_commands_total 0
            # HELP tidegate_watch_commands_failed_total --on-event commands that failed.
            # TYPE tidegate_watch_commands_failed_total counter
            tidegate_watch_commands_failed_total 0
            # HELP tidegate_watch_webhook_delivered_total Events that the webhook took.
            # TYPE tidegate_watch_webhook_delivered_total counter
            tidegate_watch_webhook_delivered_total 0
            # HELP tidegate_watch_webhook_refused_total Events that the webhook refused.
            # TYPE tidegate_watch_webhook_refused_total counter
            tidegate_watch_webhook_refused_total 0
            # HELP tidegate_watch_webhook_retries_total Deliveries to be tried again.
            # TYPE tidegate_watch_webhook_retries_total counter
            tidegate_watch_webhook_retries_total 1
            # HELP tidegate_watch_webhook_pending Events in the spill file.
            # TYPE tidegate_watch_webhook_pending gauge
            tidegate_watch_webhook_pending 7
            # HELP tidegate_watch_webhook_spill_bytes Bytes of events in the spill file.
            # TYPE tidegate_watch_webhook_spill_bytes gauge
            tidegate_watch_webhook_spill_bytes 0
        "##]]
        .assert_eq(&metrics.render());
    }
}

//! The entrance of a sink: its events in order of arrival, filtered.
//!
//! The channel behind it is short on purpose: a slow sink fills it, the informers' own queues take
//! over from there, and they coalesce.

use crate::watch::{
    event::{EventKind, WatchEvent},
    filter::{Evaluator, Filter, Verdict},
    metrics::Metrics,
    report::Reporter,
};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events between the informers and one sink. Few, because each may hold two objects of a MiB.
pub(crate) const CHANNEL: usize = 16;

#[derive(Debug)]
pub(crate) struct Intake {
    events: mpsc::Receiver<WatchEvent>,
    filter: Option<Evaluator>,
    /// Leave the first picture out.
    changes_only: bool,
    report: Reporter,
    metrics: Arc<Metrics>,
    sink: &'static str,
}

/// An event, and whether the filter wants it.
#[derive(Debug)]
pub(crate) enum Arrival {
    Wanted(WatchEvent),
    Unwanted(WatchEvent),
}

/// What all sinks of one command share.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) filter: Option<Filter>,
    pub(crate) changes_only: bool,
    pub(crate) report: Reporter,
    pub(crate) metrics: Arc<Metrics>,
}

impl Entrance {
    /// `sink` is a metric label. Must be called on the sink's own thread.
    pub(crate) fn intake(&self, events: mpsc::Receiver<WatchEvent>, sink: &'static str) -> Intake {
        Intake {
            events,
            filter: self.filter.as_ref().map(Filter::evaluator),
            changes_only: self.changes_only,
            report: self.report.clone(),
            metrics: Arc::clone(&self.metrics),
            sink,
        }
    }
}

impl Intake {
    /// The next event; nothing once the informers are gone and the channel is empty.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        loop {
            let event = self.events.recv().await?;
            if let Some(arrival) = self.sort(event) {
                return Some(arrival);
            }
        }
    }

    /// As `next`, for the events that are wanted only.
    pub(crate) async fn next_wanted(&mut self) -> Option<WatchEvent> {
        loop {
            if let Arrival::Wanted(event) = self.next().await? {
                return Some(event);
            }
        }
    }

    /// Whether nothing waits at this moment.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn sort(&mut self, event: WatchEvent) -> Option<Arrival> {
        if self.changes_only && event.initial && event.kind != EventKind::Synced {
            return None;
        }
        let verdict = self
            .filter
            .as_mut()
            .map_or(Verdict::Matches, |filter| filter.judge(&event));
        match verdict {
            Verdict::Matches => {
                self.metrics.event(self.sink, &event);
                return Some(Arrival::Wanted(event));
            }
            Verdict::Differs => {}
            Verdict::Failed(message) => {
                self.metrics.filter_failed();
                // All sinks see the same events; one of them is enough to tell.
                if let Some(message) = message.filter(|_| self.sink == "output") {
                    self.report.plain(&message);
                }
            }
        }
        self.metrics.filtered();
        Some(Arrival::Unwanted(event))
    }
}

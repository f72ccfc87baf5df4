//! What is told of requests: an access log, metrics, traces. All off the request path.
//!
//! Each worker writes into lanes and counters of its own; threads of their own carry lines and spans away, and a scrape
//! sums counters up. Nothing here can make a request wait: what can't be taken is dropped, and counted.

mod access_log;
mod escape;
mod metrics;
mod numbers;
mod otlp;
mod outbox;
mod trace;

use std::{fmt, io, sync::Arc, time::Instant};

use tidegate_routing::{ListenerKey, Snapshot};

pub(crate) use self::trace::{client_context, pass_on};
use self::{
    access_log::AccessLog,
    metrics::{Metrics, WorkerMetrics},
    otlp::Traces,
};
pub use self::{
    access_log::{AccessLogOptions, Field, LogFormat},
    otlp::TraceOptions,
    trace::{Span, TraceContext},
};
use crate::record::{Observer, Observers, RequestRecord};

/// What is to be told, and to whom.
#[derive(Debug, Default)]
pub struct ObserveOptions {
    /// `None`: no log.
    pub access_log: Option<AccessLogOptions>,
    /// `None`: contexts are passed on, but no spans are sent.
    pub traces: Option<TraceOptions>,
    /// Routes that have figures of their own; others share one. 0 is the default, 1,000.
    pub routes_max: usize,
}

/// Tells. It goes to [`crate::Options::observers`]; figures are to be had from [`crate::Proxy::metrics`].
pub struct Observability {
    log: Option<AccessLog>,
    metrics: Metrics,
    traces: Option<Traces>,
}

/// One worker's share.
struct Worker {
    log: Option<access_log::Writer>,
    metrics: WorkerMetrics,
    traces: Option<otlp::Writer>,
}

impl Observability {
    /// Starts the threads that carry lines and spans away.
    ///
    /// # Errors
    /// The machine refuses a thread, or the collector's address isn't one.
    pub fn start(options: ObserveOptions) -> io::Result<Self> {
        Ok(Self {
            log: options.access_log.map(AccessLog::start).transpose()?,
            metrics: Metrics::new(options.routes_max),
            traces: options.traces.map(Traces::start).transpose()?,
        })
    }
}

impl fmt::Debug for Observability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observability").finish_non_exhaustive()
    }
}

impl Observers for Observability {
    fn observer(&self, _worker: usize) -> Box<dyn Observer> {
        Box::new(Worker {
            log: self.log.as_ref().map(AccessLog::writer),
            metrics: self.metrics.worker(),
            traces: self.traces.as_ref().map(Traces::writer),
        })
    }

    fn metrics(&self, serving: &Snapshot, now: Instant) -> String {
        self.metrics.forget(serving, now);
        let mut text = self.metrics.render();
        let mut put = |name: &str, help: &str, value: u64| {
            metrics::put_counter(&mut text, name, help, value);
        };
        if let Some(log) = &self.log {
            put(
                "access_log_dropped_total",
                "Lines of the access log that were dropped: nobody took them in time.",
                log.dropped(),
            );
        }
        if let Some(traces) = &self.traces {
            put(
                "spans_dropped_total",
                "Spans that were dropped: the collector did not take them.",
                traces.dropped(),
            );
        }
        text
    }
}

impl Observer for Worker {
    fn span(&self, client: Option<TraceContext>, random: [u64; 3]) -> Option<Span> {
        let traces = self.traces.as_ref()?;
        Some(Span::begin(client, random, traces.sample(random[0])))
    }

    fn ended(&self, record: &RequestRecord<'_>) {
        self.metrics.count(record);
        if let Some(log) = &self.log {
            log.write(record);
        }
        if let Some(traces) = &self.traces {
            traces.write(record);
        }
    }
}

/// Whether they are parts of the same texts: never so for two listeners, and nearly always for one.
fn is_same(one: &ListenerKey, other: &ListenerKey) -> bool {
    Arc::ptr_eq(&one.section, &other.section)
        && Arc::ptr_eq(&one.name, &other.name)
        && Arc::ptr_eq(&one.namespace, &other.namespace)
        && Arc::ptr_eq(&one.kind, &other.kind)
}

#[cfg(test)]
mod tests;

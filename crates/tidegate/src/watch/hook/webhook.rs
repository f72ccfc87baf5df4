//! `--webhook`: every event as a signed CloudEvent over HTTP, at least once, in order per object.
//!
//! The loop in [`Webhook::run`] moves events: in from the informers, through the spill file, out to
//! the receiver. What an answer means is decided in `delivery`, what goes next in `schedule`.
//!
//! Invariants: an event is in the spill file before it is sent for the first time, and leaves only
//! when it was delivered, or refused and buried; a full spill file or disk stops the intake, not
//! the program.

mod delivery;

use self::delivery::{Outcome, Sender};
use super::{
    backoff,
    cloudevent::Encoder,
    dead_letter,
    schedule::{Next, Schedule},
    signature::Signer,
    spill::{Record, Spill, SpillError},
};
use crate::watch::{
    intake::Intake,
    metrics::{Counter, Metrics},
    report::Reporter,
};
use futures::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use http::Uri;
use jiff::Timestamp;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

/// Why a webhook cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error("--webhook: {0}")]
    Url(&'static str),
    #[error("--webhook: no trusted certificates on this system: {0}")]
    Roots(std::io::Error),
    #[error("--webhook-spill: {0}")]
    Spill(#[from] SpillError),
}

#[derive(Debug)]
pub(crate) struct WebhookOptions {
    pub(crate) url: Uri,
    pub(crate) signer: Option<Signer>,
    pub(crate) spill: PathBuf,
    pub(crate) spill_max_bytes: u64,
    /// For one attempt.
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
    /// How long to go on delivering after the last event.
    pub(crate) drain: Duration,
}

#[derive(Debug)]
pub(crate) struct Webhook {
    sender: Arc<Sender>,
    spill: Spill,
    schedule: Schedule,
    /// Written nowhere yet, because the spill file is full or failing.
    held: Option<Record>,
    concurrency: usize,
    drain: Duration,
    report: Reporter,
    metrics: Arc<Metrics>,
    /// Said once, unsaid when it is over.
    complained: Complaints,
}

#[derive(Debug, Default)]
struct Complaints {
    down: bool,
    full: bool,
    refused: bool,
}

type InFlight = FuturesUnordered<BoxFuture<'static, (u64, Record, Outcome)>>;

impl Webhook {
    /// Opens the spill file, so that what an earlier run left is delivered first.
    pub(crate) fn open(
        options: WebhookOptions,
        report: Reporter,
        metrics: Arc<Metrics>,
    ) -> Result<Self, WebhookError> {
        let sender = Sender::new(&options.url, options.signer, options.timeout)?;
        let (spill, recovery) = Spill::open(&options.spill, options.spill_max_bytes)?;
        let file = options.spill.display();
        if recovery.damaged_bytes > 0 {
            report.warn(&format!(
                "{file}: {} damaged bytes left out; the file is kept as {file}.damaged",
                recovery.damaged_bytes
            ));
        }
        if recovery.torn_bytes > 0 {
            report.warn(&format!(
                "{file}: cut {} bytes of an interrupted write off",
                recovery.torn_bytes
            ));
        }
        if !recovery.pending.is_empty() {
            report.note(&format!(
                "{file}: {} events of an earlier run are sent first",
                recovery.pending.len()
            ));
        }
        let mut schedule = Schedule::default();
        for (sequence, key) in recovery.pending {
            schedule.add(sequence, key);
        }
        Ok(Self {
            sender: Arc::new(sender),
            spill,
            schedule,
            held: None,
            concurrency: options.concurrency.max(1),
            drain: options.drain,
            report,
            metrics,
            complained: Complaints::default(),
        })
    }

    /// Runs until the events end and all are delivered, or the drain time is over. `server` is the
    /// API server's address, for the events' `source`.
    pub(crate) async fn run(mut self, server: &str, mut intake: Intake) {
        let mut encoder = Encoder::new(server);
        let mut in_flight = InFlight::new();
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = None;
        loop {
            let wake = self.start_due(&mut in_flight).or(deadline);
            let wake = deadline.map_or(wake, |deadline: Instant| {
                wake.map(|wake| wake.min(deadline))
            });
            if deadline.is_some_and(|deadline| self.is_done() || Instant::now() >= deadline) {
                break;
            }
            let open = deadline.is_none() && self.held.is_none();
            tokio::select! {
                event = intake.next_wanted(), if open => match event {
                    Some(event) => {
                        if let Some(record) = encoder.encode(&event, Timestamp::now()) {
                            self.keep(record);
                        }
                    }
                    None => deadline = Some(Instant::now() + self.drain),
                },
                Some((sequence, record, outcome)) = in_flight.next() => {
                    self.settle(sequence, &record, outcome);
                    self.keep_held();
                }
                () = sleep_until(wake.unwrap_or_else(far).into()), if wake.is_some() => {}
                _ = second.tick() => {
                    self.keep_held();
                    self.sync();
                }
            }
        }
        self.say_goodbye();
    }

    fn is_done(&self) -> bool {
        self.schedule.is_empty() && self.held.is_none()
    }

    /// Starts what may start now; says when to look again.
    fn start_due(&mut self, in_flight: &mut InFlight) -> Option<Instant> {
        while self.schedule.under_way() < self.concurrency {
            match self.schedule.next(Instant::now()) {
                Next::Deliver(sequence) => match self.spill.read(sequence) {
                    Ok(Some(record)) => {
                        let sender = Arc::clone(&self.sender);
                        let delivery = async move {
                            let outcome = sender.deliver(&record).await;
                            (sequence, record, outcome)
                        };
                        in_flight.push(delivery.boxed());
                    }
                    Ok(None) => self.schedule.done(sequence, false),
                    Err(error) => {
                        self.report.warn(&format!(
                            "an event cannot be read back and is lost: {error}"
                        ));
                        self.finish(sequence, false);
                    }
                },
                Next::Wait(until) => return Some(until),
                Next::Idle => break,
            }
        }
        None
    }

    /// Writes an event down, or holds it until there is room.
    fn keep(&mut self, record: Record) {
        match self.spill.append(&record) {
            Ok(sequence) => {
                self.schedule.add(sequence, record.key);
            }
            Err(error) => {
                if !self.complained.full {
                    self.complained.full = true;
                    self.report.warn(&format!("webhook: {error}; waiting for room (changes of one object are merged meanwhile)"));
                }
                self.held = Some(record);
            }
        }
        self.gauge();
    }

    fn keep_held(&mut self) {
        if let Some(record) = self.held.take() {
            self.keep(record);
        }
    }

    fn settle(&mut self, sequence: u64, record: &Record, outcome: Outcome) {
        match outcome {
            Outcome::Delivered => {
                self.metrics.add(Counter::WebhookDelivered);
                self.finish(sequence, true);
                self.answers_again();
            }
            Outcome::Refused(reason) => {
                self.bury(record, &reason);
                self.metrics.add(Counter::WebhookRefused);
                self.finish(sequence, true);
                self.answers_again();
            }
            Outcome::Retry { reason, after } => {
                self.metrics.add(Counter::WebhookRetries);
                let delay = |failures| backoff::delay(failures, backoff::random());
                self.schedule.failed(sequence, Instant::now(), after, delay);
                if !self.complained.down {
                    self.complained.down = true;
                    self.report.warn(&format!(
                        "webhook {}: {reason}; events are kept in {} and sent again",
                        self.sender.place(),
                        self.spill.path().display()
                    ));
                }
            }
        }
    }

    fn answers_again(&mut self) {
        if std::mem::take(&mut self.complained.down) {
            self.report.note(&format!(
                "webhook {}: answers again, {} events to go",
                self.sender.place(),
                self.spill.pending()
            ));
        }
    }

    /// A refused event that cannot be buried either is at least named.
    fn bury(&mut self, record: &Record, reason: &str) {
        match dead_letter::bury(self.spill.path(), record, reason, Timestamp::now()) {
            Ok(path) if !self.complained.refused => {
                self.complained.refused = true;
                self.report.warn(&format!(
                    "webhook {}: {reason}; refused events go to {}",
                    self.sender.place(),
                    path.display()
                ));
            }
            Ok(_) => {}
            Err(error) => self.report.warn(&format!(
                "webhook: event {} was refused ({reason}) and cannot be kept: {error}",
                record.id
            )),
        }
    }

    fn finish(&mut self, sequence: u64, healthy: bool) {
        if let Err(error) = self.spill.acknowledge(sequence) {
            self.report
                .warn(&format!("{error}; delivered events may be sent twice"));
        }
        self.schedule.done(sequence, healthy);
        self.complained.full &= self.spill.pending() > 0;
        self.gauge();
    }

    fn sync(&mut self) {
        if let Err(error) = self.spill.sync() {
            self.report.warn(&error.to_string());
        }
    }

    fn gauge(&self) {
        self.metrics
            .set(Counter::WebhookPending, self.spill.pending() as u64);
        self.metrics
            .set(Counter::WebhookSpillBytes, self.spill.live_bytes());
    }

    fn say_goodbye(mut self) {
        self.sync();
        if self.spill.pending() > 0 {
            self.report.note(&format!(
                "webhook: {} events remain in {}; the next run sends them",
                self.spill.pending(),
                self.spill.path().display()
            ));
        }
        if self.held.is_some() {
            self.report
                .warn("webhook: the spill file is full, so the latest changes are not kept");
        }
    }
}

/// A day from now: for a sleep that another branch always ends.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

#[cfg(test)]
mod tests;

//! Looks after the informers of one command: starts them, follows what the server serves, tells the
//! user how they fare, and knows when the command is over.
//!
//! Says each change of state once. A failure that concerns the whole server is one message, however
//! many resources it hits.

use super::{
    event::WatchEvent,
    health::{Health, Verdict},
    metrics::Metrics,
    output::CrdColumns,
    plan::{Plan, Wanted, Word},
    printer_columns,
    report::Reporter,
    source::{self, Pump},
    targets::{self, Target},
};
use crate::failure::Failure;
use futures::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use std::sync::Arc;
use tidegate_client::Discovery;
use tidegate_informer::{Informer, InformerFactory, ResourceWatcher, Status};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// What the supervisor works with, made once a command.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) factory: InformerFactory,
    pub(super) sinks: Vec<mpsc::Sender<WatchEvent>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) report: Reporter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) crd_columns: CrdColumns,
}

pub(super) struct Supervisor<'a> {
    plan: &'a Plan,
    around: Surroundings,
    watched: Vec<Target>,
    awaited: Vec<Word>,
    health: Health,
    statuses: FuturesUnordered<BoxFuture<'static, (usize, Informer, Status)>>,
    pumps: JoinSet<usize>,
    /// Pumps that still run, by resource.
    open: Vec<usize>,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(plan: &'a Plan, around: Surroundings) -> Self {
        let health = Health::new(plan.until_synced, around.report.clone());
        Self {
            plan,
            around,
            watched: Vec::new(),
            awaited: Vec::new(),
            health,
            statuses: FuturesUnordered::new(),
            pumps: JoinSet::new(),
            open: Vec::new(),
        }
    }

    /// Watches until the command is over by itself: after the first picture, if so wished, or when
    /// no resource can be watched.
    pub(super) async fn run(mut self, discovery: &Discovery) -> Result<(), Failure> {
        let resolved = targets::resolve(self.plan, discovery, &self.default_namespace())?;
        self.report_gaps(discovery);
        for word in &resolved.awaited {
            self.await_word(word)?;
        }
        self.awaited = resolved.awaited;
        let targets = self.check_selectors(resolved.targets).await?;
        for target in targets {
            self.add(target).await;
        }
        let mut resources = self.follow_resources().await?;
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            tokio::select! {
                Some((index, informer, status)) = self.statuses.next() => self.status(index, informer, status),
                Some(ended) = self.pumps.join_next() => self.pump_ended(ended.ok()),
                discovery = changed(&mut resources) => self.resources_changed(&discovery).await?,
            }
        }
    }

    fn default_namespace(&self) -> String {
        self.around.factory.client().default_namespace().to_owned()
    }

    /// Over, and how? With resources to wait for or to come, never.
    fn end(&self) -> Option<Result<(), Failure>> {
        let more_may_come = !self.awaited.is_empty()
            || (self.plan.wanted == Wanted::Everything && !self.plan.until_synced);
        if more_may_come {
            return None;
        }
        let pumping = self.open.iter().any(|open| *open > 0);
        self.health.end(pumping)
    }

    fn await_word(&self, word: &Word) -> Result<(), Failure> {
        let (resource, group) = word
            .resource
            .split_once('.')
            .unwrap_or((&word.resource, ""));
        let text =
            format!("the server doesn't have a resource type {resource:?} in group {group:?}");
        if self.plan.until_synced {
            return Err(Failure::error(text));
        }
        self.around
            .report
            .note(&format!("{text} yet; waiting for it"));
        Ok(())
    }

    /// Groups that discovery could not read may hide resources.
    fn report_gaps(&self, discovery: &Discovery) {
        for failure in discovery.failures() {
            let text = format!(
                "the resources of {} cannot be read: {}",
                failure.group_version, failure.reason
            );
            self.around.report.warn(&text);
        }
    }

    async fn add(&mut self, target: Target) {
        if self.plan.format.has_columns() {
            printer_columns::learn(
                self.around.factory.client(),
                &target.resource,
                &self.around.crd_columns,
            )
            .await;
        }
        let index = self.watched.len();
        let informer = source::start(&self.around.factory, &target);
        for sink in &self.around.sinks {
            let pump = Pump {
                stream: informer.stream(),
                resource: Arc::clone(&target.resource),
                sink: sink.clone(),
                until_synced: self.plan.until_synced,
                stop: self.around.stop.clone(),
                report: self.around.report.clone(),
            };
            self.pumps.spawn(pump.run().map(move |()| index));
        }
        self.open.push(self.around.sinks.len());
        self.health.add(&target.resource);
        self.around.metrics.resource(&target.resource.gvr(), false);
        self.watched.push(target);
        let status = informer.status();
        self.status(index, informer, status);
    }

    fn status(&mut self, index: usize, informer: Informer, status: Status) {
        let synced = status.synced;
        if let Some(target) = self.watched.get(index) {
            self.around.metrics.resource(&target.resource.gvr(), synced);
        }
        match self.health.status(index, &status) {
            // Its pumps end with the informer's last handle; the others go on.
            Verdict::GiveUp => self.open[index] = 0,
            Verdict::GoOn => {
                let next = async move {
                    let changed = informer.status_changed(&status).await;
                    (index, informer, changed)
                };
                self.statuses.push(next.boxed());
            }
        }
    }

    fn pump_ended(&mut self, index: Option<usize>) {
        if let Some(open) = index.and_then(|index| self.open.get_mut(index)) {
            *open = open.saturating_sub(1);
        }
    }

    /// A selector that a resource does not know is refused with 400 for ever, so it is tried first.
    async fn check_selectors(&self, targets: Vec<Target>) -> Result<Vec<Target>, Failure> {
        if self.plan.labels.is_none() && self.plan.fields.is_none() {
            return Ok(targets);
        }
        let mut good = Vec::new();
        let mut last = None;
        for target in targets {
            match super::selectors::check(self.around.factory.client(), &target).await {
                Ok(()) => good.push(target),
                Err(failure) => {
                    if let Some(earlier) = last.replace(failure) {
                        self.around.report.plain(earlier.message());
                    }
                }
            }
        }
        match last {
            Some(failure) if good.is_empty() || self.plan.until_synced => Err(failure),
            Some(failure) => {
                self.around.report.plain(failure.message());
                Ok(good)
            }
            None => Ok(good),
        }
    }

    /// Only where something may come.
    async fn follow_resources(&self) -> Result<Option<ResourceWatcher>, Failure> {
        let follow = !self.awaited.is_empty()
            || (self.plan.wanted == Wanted::Everything && !self.plan.until_synced);
        if !follow {
            return Ok(None);
        }
        let started = ResourceWatcher::start(&self.around.factory).await;
        started
            .map(Some)
            .map_err(|error| super::words::client(&error))
    }

    async fn resources_changed(&mut self, discovery: &Discovery) -> Result<(), Failure> {
        let namespace = self.default_namespace();
        let found = match &self.plan.wanted {
            Wanted::Everything => {
                let now = targets::resolve(self.plan, discovery, &namespace)?.targets;
                targets::newcomers(&self.watched, now, discovery)
            }
            Wanted::Words(_) => {
                let awaited = std::mem::take(&mut self.awaited);
                let resolved = targets::resolve_words(self.plan, discovery, &awaited, &namespace)?;
                self.awaited = resolved.awaited;
                resolved.targets
            }
        };
        for target in found {
            self.around.report.note(&format!(
                "{} is served now",
                target.resource.qualified_plural()
            ));
            self.add(target).await;
        }
        Ok(())
    }
}

async fn changed(resources: &mut Option<ResourceWatcher>) -> Arc<Discovery> {
    match resources {
        Some(resources) => resources.changed().await,
        None => std::future::pending().await,
    }
}

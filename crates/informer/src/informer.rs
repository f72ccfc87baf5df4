//! The user's handle of a shared informer: reading it, being told of changes, waiting for it.

use crate::{
    cache::{IndexFn, Snapshot},
    driver::millis,
    factory::Registry,
    handlers::{EventStream, Handler, HandlerOptions, Mailbox, Registration, Worker, start_worker},
    metrics::{HandlerMetrics, InformerMetrics},
    object::Object,
    shared::{Consumer, Progress, Shared},
    status::{Phase, Status},
    target::Target,
};
use std::{
    fmt,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tidegate_client::Gvr;
use tidegate_wire::ResourceVersion;
use tokio::{runtime, task::AbortHandle};

/// A running informer. Clones, registrations and streams share it; it stops when the last of them is dropped.
#[derive(Clone)]
pub struct Informer(Arc<Running>);

/// What keeps a shared informer running.
pub(crate) struct Running {
    pub(crate) target: Target,
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Weak<Registry>,
    pub(crate) driver: AbortHandle,
    pub(crate) runtime: runtime::Handle,
    pub(crate) began: Instant,
}

/// The informer was stopped before what was waited for came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the informer was stopped")]
pub struct Stopped;

const RESYNC_MIN: Duration = Duration::from_secs(1);

impl Informer {
    pub(crate) fn new(running: Arc<Running>) -> Self {
        Self(running)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// The resource.
    pub fn gvr(&self) -> &Gvr {
        &self.0.target.gvr
    }

    /// The namespace to which it is limited, if any.
    pub fn namespace(&self) -> Option<&str> {
        self.0.target.namespace.as_deref()
    }

    /// The state of the cache at this moment. Takes no lock; what it returns never changes.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared().snapshot()
    }

    /// One object of the cache as it is now.
    pub fn get(&self, namespace: Option<&str>, name: &str) -> Option<Object> {
        self.snapshot().get(namespace, name).cloned()
    }

    /// How the informer is doing.
    pub fn status(&self) -> Status {
        self.shared().status()
    }

    /// True once the cache has had a full picture.
    pub fn has_synced(&self) -> bool {
        self.shared().status().synced
    }

    /// Waits for a full picture. A resource that is not served (yet) is waited for.
    ///
    /// # Errors
    /// [`Stopped`] if the factory was shut down.
    pub async fn synced(&self) -> Result<(), Stopped> {
        self.wait_for(|progress| progress.status.synced).await
    }

    /// Waits until it is known how things are: synced, or not served, or refused. For a start that must not hang on one
    /// resource.
    pub async fn settled(&self) -> Status {
        let settled = |progress: &Progress| {
            progress.status.synced
                || progress.status.phase == Phase::Absent
                || progress.status.failure.is_some()
        };
        let _stopped = self.wait_for(settled).await;
        self.status()
    }

    /// Waits until the status differs from `known`, and returns it.
    pub async fn status_changed(&self, known: &Status) -> Status {
        let mut progress = self.shared().progress();
        let changed = progress
            .wait_for(|progress| progress.status != *known)
            .await;
        changed.map_or_else(|_| self.status(), |progress| progress.status.clone())
    }

    /// Waits until the cache is at least as new as `version`, such as that of one's own write.
    ///
    /// # Errors
    /// [`Stopped`] if the factory was shut down.
    pub async fn reached(&self, version: &ResourceVersion) -> Result<(), Stopped> {
        let reached = |progress: &Progress| {
            let known = progress
                .version
                .as_ref()
                .and_then(|known| known.compare(version));
            progress.status.synced && known.is_some_and(|order| order.is_ge())
        };
        self.wait_for(reached).await
    }

    /// Waits until the informer is stopped by a shutdown of its factory.
    pub async fn stopped(&self) {
        let mut progress = self.shared().progress();
        let _closed = progress
            .wait_for(|progress| progress.status.phase == Phase::Stopped)
            .await;
    }

    async fn wait_for(&self, done: impl Fn(&Progress) -> bool) -> Result<(), Stopped> {
        let mut progress = self.shared().progress();
        let stopped = |progress: &Progress| progress.status.phase == Phase::Stopped;
        let found = progress
            .wait_for(|progress| done(progress) || stopped(progress))
            .await;
        match found {
            Ok(progress) if !stopped(&progress) => Ok(()),
            _ => Err(Stopped),
        }
    }

    /// Adds a named index over all objects, those that are there already included; replaces one of the same name.
    /// Read it by [`Snapshot::by_index`].
    pub fn add_index(
        &self,
        name: &str,
        function: impl Fn(&Object) -> Vec<String> + Send + Sync + 'static,
    ) {
        let function: IndexFn = Arc::new(function);
        self.shared().add_index(name, function);
    }

    /// Calls `handler` for every object that is there, then for every change.
    pub fn add_handler(&self, handler: impl Handler) -> Registration {
        self.add_handler_with(handler, HandlerOptions::default())
    }

    /// As [`add_handler`](Self::add_handler), with a name or a resync period.
    pub fn add_handler_with(&self, handler: impl Handler, options: HandlerOptions) -> Registration {
        let mailbox = Mailbox::new();
        let name = options.name.unwrap_or_else(|| "handler".to_owned());
        let shared = Arc::downgrade(&self.0.shared);
        let resync = move |mailbox: &Mailbox| {
            if let Some(shared) = shared.upgrade() {
                shared.resync(mailbox);
            }
        };
        let worker = Worker::new(
            name,
            Arc::clone(&mailbox),
            Box::new(handler),
            Box::new(resync),
        );
        let period = options.resync.map(|period| period.max(RESYNC_MIN));
        let resync = period.map(|period| self.start_resync(period, Arc::downgrade(&worker)));
        self.shared().add_consumer(Consumer {
            mailbox: Arc::clone(&mailbox),
            worker: Some(worker),
        });
        Registration::new(mailbox, self.clone(), resync)
    }

    /// All changes as a stream, beginning with every object that is there.
    pub fn stream(&self) -> EventStream {
        let mailbox = Mailbox::new();
        self.shared().add_consumer(Consumer {
            mailbox: Arc::clone(&mailbox),
            worker: None,
        });
        EventStream::new(mailbox, self.clone())
    }

    fn start_resync(&self, period: Duration, worker: Weak<Worker>) -> AbortHandle {
        let task = async move {
            let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(worker) = worker.upgrade() else {
                    return;
                };
                worker.mailbox().ask_resync();
                start_worker(&worker);
            }
        };
        self.0.runtime.spawn(task).abort_handle()
    }
}

impl Running {
    pub(crate) fn metrics(&self) -> InformerMetrics {
        let snapshot = self.shared.snapshot();
        let handlers = self
            .shared
            .consumers()
            .into_iter()
            .map(|consumer| HandlerMetrics {
                name: consumer
                    .worker
                    .as_ref()
                    .map_or("stream", |worker| worker.name())
                    .to_owned(),
                depth: consumer.mailbox.depth() as u64,
                delivered: consumer.mailbox.delivered(),
                panics: consumer.mailbox.panics(),
            });
        InformerMetrics {
            labels: self.target.metric_labels(),
            objects: snapshot.len() as u64,
            cache_bytes: snapshot.stored_bytes() as u64,
            synced: self.shared.status().synced,
            handlers: handlers.collect(),
            ..InformerMetrics::of(&self.shared.counters, millis(self.began.elapsed()))
        }
    }

    pub(crate) fn stop(&self) {
        self.driver.abort();
        self.shared.stop();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(self);
        }
    }
}

impl fmt::Debug for Informer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "informer of {}", self.0.target)
    }
}

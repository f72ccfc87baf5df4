//! Following what the server serves: resources come and go with their CRDs and aggregated APIs.
//!
//! CRDs and APIServices are themselves watched by informers; what is served is then read from discovery, which follows
//! them with a delay, so it is read again a few times after each change.

use crate::{factory::InformerFactory, handlers::EventStream, informer::Informer};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tidegate_client::{ClientError, Discovery, Gvr, Resource};
use tokio::time::{Instant, sleep_until};

/// When discovery is read again after a change of a CRD or an APIService.
const READ_AGAIN: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
];
/// Changes may go unseen, where CRDs may not be watched: so it is also read now and then.
const READ_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// What the server serves, kept up to date.
#[derive(Debug)]
pub struct ResourceWatcher {
    factory: InformerFactory,
    current: Arc<Discovery>,
    definitions: EventStream,
    services: EventStream,
    due: VecDeque<Instant>,
}

impl ResourceWatcher {
    /// Reads discovery, and begins to follow it.
    ///
    /// # Errors
    /// If discovery cannot be read at all. Groups that cannot be read are left out, see [`Discovery`].
    pub async fn start(factory: &InformerFactory) -> Result<Self, ClientError> {
        let current = Arc::new(Discovery::fetch(factory.client()).await?);
        Ok(Self {
            definitions: follow(factory, definitions()).stream(),
            services: follow(
                factory,
                Gvr::new("apiregistration.k8s.io", "v1", "apiservices"),
            )
            .stream(),
            factory: factory.clone(),
            current,
            due: VecDeque::new(),
        })
    }

    /// What is served, as last read.
    pub fn current(&self) -> &Arc<Discovery> {
        &self.current
    }

    /// Waits until something else is served than before. May be dropped and called again.
    pub async fn changed(&mut self) -> Arc<Discovery> {
        loop {
            let next = self
                .due
                .front()
                .copied()
                .unwrap_or_else(|| Instant::now() + READ_AT_LEAST_EVERY);
            tokio::select! {
                Some(_) = self.definitions.next() => self.schedule(),
                Some(_) = self.services.next() => self.schedule(),
                () = sleep_until(next) => {
                    self.due.pop_front();
                    if self.read().await {
                        return Arc::clone(&self.current);
                    }
                }
            }
        }
    }

    fn schedule(&mut self) {
        // A read that is due stays due, so that a steady flow of changes cannot put it off for ever.
        let first = self.due.front().copied();
        let now = Instant::now();
        self.due = first
            .into_iter()
            .chain(READ_AGAIN.map(|after| now + after))
            .collect();
        self.due.truncate(READ_AGAIN.len() + 1);
    }

    /// True if it differs. A failed read changes nothing; the next one may succeed.
    async fn read(&mut self) -> bool {
        let read = match self.current.refresh(self.factory.client()).await {
            Ok(Some(read)) => read,
            Ok(None) => return false,
            Err(error) => {
                tracing::debug!(%error, "discovery could not be read");
                return false;
            }
        };
        let differs = resources(&read) != resources(&self.current);
        if differs {
            self.current = Arc::new(read);
            self.factory.resources_changed();
        }
        differs
    }
}

fn resources(discovery: &Discovery) -> Vec<&Resource> {
    discovery.resources().collect()
}

/// Where resources are defined.
pub(crate) fn definitions() -> Gvr {
    Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions")
}

/// Follows a kind of object that says what is served; only that something changed is of interest.
pub(crate) fn follow(factory: &InformerFactory, gvr: Gvr) -> Informer {
    factory.for_resource(gvr).metadata_only().start()
}

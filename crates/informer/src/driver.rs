//! The task that does what the reflector says: sends its requests, reads the answers at full speed, keeps the time.

use crate::{
    cache::TypeMeta,
    event::Event,
    factory::{InformerFactory, Registry},
    handlers::EventStream,
    reflector::{End, Flow, Reflector, Request, Step},
    resources,
    shared::{Shared, Writer},
    target::Target,
};
use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};
use tidegate_client::{Client, Purpose, Response};
use tokio::{sync::Notify, time};

pub(crate) struct Driver {
    pub(crate) client: Client,
    pub(crate) target: Target,
    pub(crate) shared: Arc<Shared>,
    pub(crate) reflector: Reflector,
    /// The user says that what the server serves has changed.
    pub(crate) news: Arc<Notify>,
    pub(crate) registry: Weak<Registry>,
    /// Changes of CRDs, followed only while the resource is not served.
    pub(crate) definitions: Option<EventStream>,
    pub(crate) began: Instant,
}

/// Response headers must come within this; lists of large resources take the server a while.
const HEADERS_WITHIN: Duration = Duration::from_secs(60);
const REFUSAL_BYTES_MAX: usize = 64 * 1024;
/// After this many bytes in one go, others get a turn.
const BYTES_A_TURN: usize = 64 * 1024;

impl Driver {
    /// Runs until aborted.
    pub(crate) async fn run(mut self) {
        loop {
            let step = self.reflector.step(&mut self.shared.writer().cache);
            self.shared.report_status(self.reflector.status());
            match step {
                Step::Wait(delay) => self.wait(delay).await,
                Step::Send(request) => self.exchange(&request).await,
            }
        }
    }

    /// A wait for a resource that is not served is cut short when a CRD changes.
    async fn wait(&mut self, delay: Duration) {
        if !self.reflector.is_absent() {
            self.definitions = None;
            return time::sleep(delay).await;
        }
        self.follow_definitions();
        tokio::select! {
            () = time::sleep(delay) => {}
            () = self.news.notified() => self.reflector.wake(),
            () = definition_changed(self.definitions.as_mut()) => self.reflector.wake(),
        }
    }

    fn follow_definitions(&mut self) {
        if self.definitions.is_none()
            && self.target.gvr != resources::definitions()
            && let Some(registry) = self.registry.upgrade()
        {
            let factory = InformerFactory::from(registry);
            self.definitions = Some(resources::follow(&factory, resources::definitions()).stream());
        }
    }

    async fn exchange(&mut self, request: &Request) {
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        let purpose = if request.is_watch() {
            Purpose::Watch
        } else {
            Purpose::List
        };
        if !request.is_watch() {
            self.learn_type().await;
        }
        let path = format!(
            "{}?{}",
            self.target.path(),
            request.query(&self.target.selectors)
        );
        tracing::debug!(resource = %self.target.gvr, ?request, "sending");
        let sent = time::timeout(
            HEADERS_WITHIN,
            self.client
                .get(&path, self.target.accept(request.is_watch()), purpose),
        );
        match sent.await {
            Err(_) => self.end(End::Silent),
            Ok(Err(error)) => self.end(End::Broken(error.to_string())),
            Ok(Ok(response)) if response.status.is_success() => self.read(response).await,
            Ok(Ok(response)) => self.refuse(response).await,
        }
    }

    async fn read(&mut self, mut response: Response) {
        self.locked(|reflector, writer, now| reflector.started(now, &mut writer.cache));
        self.shared.report_status(self.reflector.status());
        let mut turn = 0;
        loop {
            let limit = self.reflector.silence_limit(self.began.elapsed());
            let end = match time::timeout(limit, response.chunk()).await {
                Err(_) => End::Silent,
                Ok(None) => End::Clean,
                Ok(Some(Err(error))) => End::Broken(error.to_string()),
                Ok(Some(Ok(bytes))) => {
                    turn += bytes.len();
                    if self.chunk(&bytes) == Flow::Done {
                        return;
                    }
                    if turn >= BYTES_A_TURN {
                        turn = 0;
                        tokio::task::yield_now().await;
                    }
                    continue;
                }
            };
            return self.end(end);
        }
    }

    fn chunk(&mut self, bytes: &[u8]) -> Flow {
        let counters = &self.shared.counters;
        counters
            .received_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        counters
            .heard_ms
            .store(millis(self.began.elapsed()), Ordering::Relaxed);
        self.locked(|reflector, writer, now| {
            reflector.chunk(now, bytes, &mut writer.cache, &mut writer.changes)
        })
    }

    fn end(&mut self, end: End) {
        self.locked(|reflector, writer, now| {
            reflector.ended(now, end, &mut writer.cache, &mut writer.changes)
        });
    }

    async fn refuse(&mut self, response: Response) {
        let (status, retry_after) = (response.status.as_u16(), response.retry_after());
        let body = time::timeout(HEADERS_WITHIN, response.bytes(REFUSAL_BYTES_MAX)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        self.locked(|reflector, writer, now| {
            let (cache, changes) = (&mut writer.cache, &mut writer.changes);
            reflector.refused(now, status, retry_after, &body, cache, changes);
        });
    }

    /// One input to the reflector, and everybody told what came of it.
    fn locked<T>(&mut self, input: impl FnOnce(&mut Reflector, &mut Writer, Duration) -> T) -> T {
        let before = self.reflector.status().clone();
        let mut writer = self.shared.writer();
        let result = input(&mut self.reflector, &mut writer, self.began.elapsed());
        let relists = self.reflector.take_relists();
        let picture = !relists.is_empty();
        self.shared.commit(&mut writer, picture);
        drop(writer);
        relists
            .into_iter()
            .for_each(|reason| self.shared.counters.count_relist(reason));
        if *self.reflector.status() != before {
            self.log(&before);
            self.shared.report_status(self.reflector.status());
        }
        result
    }

    /// One line for each change of state, however often the same failure comes again.
    fn log(&self, before: &crate::status::Status) {
        let (status, resource) = (self.reflector.status(), &self.target);
        if status.failure == before.failure {
            return;
        }
        match &status.failure {
            Some(failure) => {
                self.shared.counters.count_failure(failure.kind);
                tracing::warn!(%resource, kind = failure.kind.label(), reason = %failure.message, "informer failed; it keeps trying");
            }
            None => tracing::info!(%resource, "informer is in good order again"),
        }
    }

    /// Lists of built-in kinds leave `apiVersion` and `kind` out of their items.
    async fn learn_type(&mut self) {
        if self.shared.writer().cache.ingest().has_type_meta() {
            return;
        }
        if let Some(kind) = self.target.find_kind(&self.client).await {
            let api_version = self.target.api_version();
            self.shared
                .writer()
                .cache
                .ingest()
                .set_type_meta(TypeMeta { api_version, kind });
        }
    }
}

/// Waits for a change of a CRD; what was there all along is none.
async fn definition_changed(definitions: Option<&mut EventStream>) {
    if let Some(definitions) = definitions {
        while let Some(event) = definitions.next().await {
            if !matches!(event, Event::Added { initial: true, .. }) {
                return;
            }
        }
    }
    std::future::pending().await
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! Sends what the queue decides, while this process leads.

use super::queue::{Next, Outcome, Queue, Target};
use crate::{
    api::{Api, ApiError},
    lease::Fence,
};
use http::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tidegate_client::Gvr;
use tidegate_compile::{Kind, StatusUpdate};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// How long a write may take.
const WRITE_TIME_MAX: Duration = Duration::from_secs(4);

/// What the writer is told.
#[derive(Debug)]
pub(crate) enum News {
    /// These are to be written: what they speak of is served.
    Statuses(Vec<StatusUpdate>),
}

/// A task that writes status.
pub(crate) struct Writer {
    api: Api,
    fence: Fence,
    queue: Queue,
    running: JoinSet<(Target, Outcome)>,
    /// Objects whose status was not written because another process led then.
    missed: mpsc::UnboundedSender<Vec<Target>>,
    skipped: std::collections::HashSet<Target>,
}

impl Writer {
    /// A writer. When it comes to lead, `missed` gets the objects of which it has dropped something.
    pub(crate) fn new(api: Api, fence: Fence, missed: mpsc::UnboundedSender<Vec<Target>>) -> Self {
        Self {
            api,
            fence,
            queue: Queue::new(),
            running: JoinSet::new(),
            missed,
            skipped: std::collections::HashSet::new(),
        }
    }

    /// Runs until the sender of news is dropped; then writes what waits, for a moment.
    pub(crate) async fn run(mut self, mut news: mpsc::UnboundedReceiver<News>) {
        let mut leading = self.fence.leading();
        loop {
            let wake = self.start_all(&leading);
            tokio::select! {
                received = news.recv() => match received {
                    Some(News::Statuses(updates)) => self.take(updates, &leading),
                    None => break,
                },
                Some(ended) = self.running.join_next() => self.end(ended),
                Ok(()) = leading.changed() => self.led(&mut leading),
                () = until(wake) => {}
            }
        }
        self.finish(&leading).await;
    }

    fn take(&mut self, updates: Vec<StatusUpdate>, leading: &watch::Receiver<bool>) {
        let now = Instant::now();
        for update in updates {
            if *leading.borrow() {
                self.queue.want(update, now);
            } else {
                self.skipped.insert((update.kind, update.key));
            }
        }
    }

    /// Leadership came or went.
    fn led(&mut self, leading: &mut watch::Receiver<bool>) {
        if *leading.borrow_and_update() {
            let missed = self.skipped.drain().collect();
            // Where the receiver is gone, all ends.
            let _ = self.missed.send(missed);
        } else {
            self.skipped.extend(self.queue.drain());
        }
    }

    /// Starts what may be started; when to come again.
    fn start_all(&mut self, leading: &watch::Receiver<bool>) -> Option<Instant> {
        if !*leading.borrow() {
            return None;
        }
        loop {
            match self.queue.next(Instant::now()) {
                Next::Send(update) => {
                    let (api, fence) = (self.api.clone(), self.fence.clone());
                    self.running.spawn(async move {
                        let target = (update.kind, update.key.clone());
                        let outcome = write(&api, &fence, &update).await;
                        (target, outcome)
                    });
                }
                Next::Wait(when) => return when,
            }
        }
    }

    fn end(&mut self, ended: Result<(Target, Outcome), tokio::task::JoinError>) {
        match ended {
            Ok((target, outcome)) => {
                if matches!(outcome, Outcome::NotLeading) {
                    self.skipped.insert(target.clone());
                }
                self.queue.done(&target, outcome, Instant::now());
            }
            Err(error) => tracing::error!(%error, "a status write was cut off"),
        }
    }

    /// The last ones, as far as they go in a second.
    async fn finish(&mut self, leading: &watch::Receiver<bool>) {
        let deadline = Instant::now() + Duration::from_secs(1);
        while self.queue.len() > 0 && Instant::now() < deadline {
            let wake = self.start_all(leading).unwrap_or(deadline).min(deadline);
            tokio::select! {
                Some(ended) = self.running.join_next() => self.end(ended),
                () = until(Some(wake)) => {}
            }
        }
    }
}

async fn until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

/// One write, within the fence.
async fn write(api: &Api, fence: &Fence, update: &StatusUpdate) -> Outcome {
    let Some(left) = fence.time_left(Instant::now()) else {
        return Outcome::NotLeading;
    };
    // The fence falls some time before another process may lead: that is time for a write to arrive.
    let limit = WRITE_TIME_MAX.min(left.saturating_add(Duration::from_secs(3)));
    match tokio::time::timeout(limit, send(api, update)).await {
        Ok(Ok(object)) => Outcome::Written {
            version: object["metadata"]["resourceVersion"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        },
        Ok(Err(error)) => judge(update, &error),
        Err(_) => Outcome::Later { wait: None },
    }
}

fn judge(update: &StatusUpdate, error: &ApiError) -> Outcome {
    let (kind, key) = (update.kind.name(), &update.key);
    match error.status() {
        Some(StatusCode::CONFLICT | StatusCode::NOT_FOUND) => Outcome::Outdated,
        Some(status) if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            tracing::debug!(kind, %key, %error, "status not written yet");
            Outcome::Later {
                wait: error.retry_after(),
            }
        }
        Some(_) => {
            tracing::warn!(kind, %key, %error, "status refused");
            Outcome::Refused
        }
        None => {
            tracing::debug!(kind, %key, %error, "status not written yet");
            Outcome::Later { wait: None }
        }
    }
}

async fn send(api: &Api, update: &StatusUpdate) -> Result<Value, ApiError> {
    let kind = update.kind;
    let key = &update.key;
    let gvr = Gvr::new(kind.group(), kind.version(), kind.plural());
    let namespace = kind.is_namespaced().then_some(&*key.namespace);
    let path = format!("{}/{}/status", gvr.path(namespace), key.name);
    if is_merged_by_key(kind) {
        let mut metadata = json!({ "name": *key.name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        let object = json!({
            "apiVersion": gvr.api_version(),
            "kind": kind.name(),
            "metadata": metadata,
            "status": parsed(&update.owned),
        });
        return api.apply(&path, &object).await;
    }
    let patch = json!({
        "metadata": { "resourceVersion": *update.resource_version, "uid": *update.uid },
        "status": parsed(&update.status),
    });
    api.merge(&path, &patch).await
}

/// The compiler wrote it, so it can be read.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// Whether the server merges the lists of this kind's status by key, so that applying touches only what is ours.
fn is_merged_by_key(kind: Kind) -> bool {
    match kind {
        Kind::GatewayClass | Kind::Gateway | Kind::ListenerSet | Kind::Backend => true,
        Kind::HttpRoute
        | Kind::BackendTlsPolicy
        | Kind::Definition
        | Kind::ReferenceGrant
        | Kind::Service
        | Kind::EndpointSlice
        | Kind::Secret
        | Kind::ConfigMap
        | Kind::Namespace => false,
    }
}

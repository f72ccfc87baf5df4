//! From the loop to the workers, and back when they serve it. Keeps the order; keeps nobody waiting.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tidegate_compile::StatusUpdate;
use tidegate_proxy::{Applied, Proxy, ProxyError};
use tidegate_routing::Snapshot;
use tokio::sync::mpsc;

type Applying = Pin<Box<dyn Future<Output = Result<Applied, ProxyError>> + Send>>;

/// What is under way to the workers.
struct Passing {
    snapshot: Option<(Arc<Snapshot>, Applying)>,
    statuses: Vec<StatusUpdate>,
}

/// What the workers serve now.
pub(super) struct Served {
    pub(super) applied: Option<(Arc<Snapshot>, Applied)>,
    pub(super) statuses: Vec<StatusUpdate>,
}

/// The way to the workers.
pub(super) struct Serving {
    proxy: Arc<Proxy>,
    passing: mpsc::UnboundedSender<Passing>,
}

impl Serving {
    /// Must be called within a runtime.
    pub(super) fn start(proxy: Arc<Proxy>) -> (Self, mpsc::UnboundedReceiver<Served>) {
        let (passing, mut arriving) = mpsc::unbounded_channel::<Passing>();
        let (serving, served) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Passing { snapshot, statuses }) = arriving.recv().await {
                let applied = match snapshot {
                    None => None,
                    Some((snapshot, applying)) => match applying.await {
                        Ok(applied) => Some((snapshot, applied)),
                        Err(error) => {
                            tracing::debug!(%error, "a snapshot was not applied");
                            continue;
                        }
                    },
                };
                if serving.send(Served { applied, statuses }).is_err() {
                    return;
                }
            }
        });
        (Self { proxy, passing }, served)
    }

    /// Gives the workers a snapshot, at once, and the loop its statuses back when they serve it.
    pub(super) fn pass(&self, snapshot: Option<Arc<Snapshot>>, statuses: Vec<StatusUpdate>) {
        let snapshot = snapshot.map(|snapshot| {
            let (proxy, given) = (Arc::clone(&self.proxy), Arc::clone(&snapshot));
            let mut applying: Applying = Box::pin(async move { proxy.apply(given).await });
            // The first poll sends it; what follows only waits.
            let applying: Applying = match applying
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Ready(done) => {
                    let mut done = Some(done);
                    Box::pin(poll_fn(move |_| {
                        done.take().map_or(Poll::Pending, Poll::Ready)
                    }))
                }
                Poll::Pending => applying,
            };
            (snapshot, applying)
        });
        // Where the receiver is gone, all ends.
        let _ = self.passing.send(Passing { snapshot, statuses });
    }
}

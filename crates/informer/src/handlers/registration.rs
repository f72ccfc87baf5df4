//! The user's hold on a handler: whether it is in sync, and how it is removed.

use super::mailbox::Mailbox;
use crate::informer::Informer;
use std::{sync::Arc, time::Duration};

/// How a handler wants to be called.
#[derive(Debug, Clone, Default)]
pub struct HandlerOptions {
    /// Names the handler in metrics, logs and its thread. Default: `handler`.
    pub name: Option<String>,
    /// Every so often the handler sees all objects again, as updates to themselves. At least one second; `None`: never.
    pub resync: Option<Duration>,
}

/// A handler that is being called. Dropping this removes the handler; so does [`remove`](Self::remove), which can wait.
///
/// It also keeps its informer alive.
#[must_use = "dropping a registration removes the handler"]
#[derive(Debug)]
pub struct Registration {
    /// `None` once detached.
    hold: Option<Hold>,
}

struct Hold {
    mailbox: Arc<Mailbox>,
    informer: Informer,
    resync: Option<tokio::task::AbortHandle>,
}

impl Registration {
    pub(crate) fn new(
        mailbox: Arc<Mailbox>,
        informer: Informer,
        resync: Option<tokio::task::AbortHandle>,
    ) -> Self {
        Self {
            hold: Some(Hold {
                mailbox,
                informer,
                resync,
            }),
        }
    }

    /// True once the first full picture has been delivered to this handler **and** processed by it.
    pub fn has_synced(&self) -> bool {
        *self.hold().mailbox.synced().borrow()
    }

    /// Waits for [`has_synced`](Self::has_synced). False if the informer was stopped first.
    pub async fn synced(&self) -> bool {
        let hold = self.hold();
        let mut synced = hold.mailbox.synced().subscribe();
        tokio::select! {
            biased;
            waited = synced.wait_for(|synced| *synced) => waited.is_ok(),
            () = hold.informer.stopped() => false,
        }
    }

    /// How many objects have a change waiting for this handler.
    pub fn depth(&self) -> usize {
        self.hold().mailbox.depth()
    }

    /// How many events the handler was given.
    pub fn delivered(&self) -> u64 {
        self.hold().mailbox.delivered()
    }

    /// How many calls of the handler panicked.
    pub fn panics(&self) -> u64 {
        self.hold().mailbox.panics()
    }

    /// Removes the handler. What waits for it is dropped at once; the returned future ends when no call is running
    /// any more. It need not be awaited, and must not be from within the handler.
    pub fn remove(self) -> impl Future<Output = ()> + Send {
        let mut busy = self.hold().mailbox.busy().subscribe();
        let mailbox = Arc::clone(&self.hold().mailbox); // keeps the channel open
        drop(self);
        async move {
            let _closed = busy.wait_for(|busy| !busy).await;
            drop(mailbox);
        }
    }

    /// Leaves the handler in place for as long as its informer has other users.
    pub fn detach(mut self) {
        self.hold = None;
    }

    fn hold(&self) -> &Hold {
        self.hold
            .as_ref()
            .expect("invariant: only `detach` and `drop` take it, and both end the registration")
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.informer.shared().remove_consumer(&hold.mailbox);
            if let Some(resync) = hold.resync {
                resync.abort();
            }
        }
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "handler of {:?}", self.informer)
    }
}

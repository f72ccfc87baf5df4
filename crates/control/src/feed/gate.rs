//! Whether every kind is known well enough to serve from what there is.
//!
//! A kind is settled when it was read once, or when the server says that it isn't served, or that we may not read it.
//! A server that doesn't answer settles nothing.

use std::collections::BTreeSet;
use tidegate_compile::Kind;
use tidegate_informer::{FailureKind, Informer, Phase, Status};
use tokio::sync::mpsc;

/// Kinds that are waited for.
#[derive(Debug)]
pub(super) struct Gate(BTreeSet<Kind>);

impl Gate {
    pub(super) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self(kinds.into_iter().collect())
    }

    pub(super) fn settled(&mut self, kind: Kind) {
        self.0.remove(&kind);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn missing(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.name()).collect()
    }
}

/// Waits until it is known that a kind can't be read, and says so. That it was read, its stream tells.
pub(super) async fn settle(kind: Kind, informer: Informer, settled: mpsc::UnboundedSender<Kind>) {
    let mut status = informer.status();
    loop {
        if status.synced || status.phase == Phase::Stopped {
            return;
        }
        if is_out_of_reach(&status) {
            // Where nobody listens, all ends.
            let _ = settled.send(kind);
            return;
        }
        status = informer.status_changed(&status).await;
    }
}

pub(super) fn is_out_of_reach(status: &Status) -> bool {
    let refused = status.failure.as_ref().is_some_and(|failure| {
        matches!(failure.kind, FailureKind::Forbidden | FailureKind::NotFound)
    });
    status.phase == Phase::Absent || refused
}

//! What is known of names, for the balancers of this worker.

use super::{ClusterState, Clusters};
use crate::{
    clock::{Elapsed, Timer},
    failure::Failure,
    names::Known,
    worker::Worker,
};

impl Clusters {
    /// Something else is known of names than before. Clusters hear of it when they are used, or at the next sweep.
    pub(crate) fn resolve(&self, known: Known) {
        self.names.replace(known);
        self.named.set(self.named.get() + 1);
        self.told.notify_waiters();
    }

    /// Waits for the first answer where a cluster has nothing but names that have none yet.
    ///
    /// # Errors
    /// None came in the time that a connection may take.
    pub(crate) async fn settle(
        &self,
        worker: &Worker,
        timer: &Timer,
        state: &ClusterState,
    ) -> Result<(), Elapsed> {
        let limit = state.current.borrow().cluster.limits.connect_timeout;
        let limit = limit.unwrap_or(worker.limits().connect_timeout);
        let answered = async {
            while state.waits() {
                let told = self.told.notified();
                told.await;
                let cluster = state.current.borrow().cluster.clone();
                self.update(state, &cluster, worker.clock.coarse_ns());
            }
        };
        let deadline = worker.clock.after(limit);
        worker.clock.limit(timer, deadline, answered).await
    }
}

impl ClusterState {
    /// Whether there is no endpoint, but will be when the names have been answered.
    pub(crate) fn waits(&self) -> bool {
        self.current.borrow().spread.waits
    }

    /// What it means that no endpoint can be chosen.
    pub(crate) fn nobody(&self) -> Failure {
        let current = self.current.borrow();
        match current.spread.named && current.spread.endpoints.is_empty() {
            true => Failure::Unresolved,
            false => Failure::NoEndpoint,
        }
    }
}

//! Leadership by a `coordination.k8s.io` Lease, with client-go's rules and times: who may write status.
//!
//! [`Election`] decides and does no IO; the runner in `runner` asks the server. [`Fence`] is what writers look at: it is
//! open only while nobody else can have become the leader, by this process's own monotonic clock.

mod election;
mod fence;
mod runner;

pub(crate) use self::{
    election::{Attempt, Election, Record, Timing},
    fence::Fence,
    runner::{Candidate, run},
};

//! A real Kubernetes control plane for tests, and a proxy that breaks connections on purpose.
//!
//! Start at [`Cluster`]: it builds and runs the Go module `testcluster`, and ends it with the test.
//! [`FaultProxy`] stands in front of any loopback address. A cluster that cannot be had is an error
//! with a reason, never a skipped test. For tests only: nothing here is meant for production.

mod apiserver;
mod cluster;
mod control;
mod credentials;
mod error;
mod fault_proxy;
mod kubectl;
mod supervisor;

pub use self::{
    apiserver::ApiServer,
    cluster::{Cluster, Options, User},
    credentials::{MintedCert, RotatedToken},
    error::Error,
    fault_proxy::{Counters, FaultProxy},
    kubectl::Output,
    supervisor::build as binary,
};

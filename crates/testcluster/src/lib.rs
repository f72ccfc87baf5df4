//! A real Kubernetes control plane for tests, and a proxy that breaks connections on purpose.
//!
//! Start at [`Cluster`]: it builds and runs the Go module `testcluster`, and ends it with the test.
//! [`Server::Embedded`] puts Tidegate's own server in its place, and [`on_both!`] runs tests on the two of them.
//! [`FaultProxy`] stands in front of any loopback address. A cluster that cannot be had is an error
//! with a reason, never a skipped test. For tests only: nothing here is meant for production.

mod apiserver;
mod cluster;
mod control;
mod credentials;
mod embedded;
mod error;
mod fault_proxy;
mod kubectl;
mod supervisor;

pub use self::{
    apiserver::ApiServer,
    cluster::{Cluster, Options, Server, User},
    credentials::{MintedCert, RotatedToken},
    error::Error,
    fault_proxy::{Counters, FaultProxy},
    kubectl::Output,
    supervisor::build as binary,
};

/// Makes each function `async fn name(server: Server)` two tests, `real::name` and `embedded::name`.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod real {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::Server::Real).await;
            })+
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::Server::Embedded).await;
            })+
        }
    };
}

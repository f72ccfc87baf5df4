//! The flags of `tidegate gateway`.

use super::{
    log::Level,
    observe::{AccessLog, ObserveArgs},
};
use crate::failure::Failure;
use clap::Args;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use tidegate_compile::{Addresses, Pool};

/// Serve the Gateways of a Kubernetes cluster
#[derive(Debug, Args)]
#[command(long_about = "Serve the Gateways of a Kubernetes cluster.\n\n\
    It watches the objects of Gateway API (Gateway, HTTPRoute and the others), listens where Gateways of its class say, \
    and writes their status. Several may run side by side: all of them serve, one of them writes status. With a state \
    directory it also serves without the API server, and after a restart.")]
pub(crate) struct GatewayArgs {
    /// The kubeconfig; by default the one that kubectl would use, else the pod's service account
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The GatewayClass to make if it is missing
    ///
    /// All classes whose controllerName is tidegate.dev/gateway-controller are served, whatever their name.
    #[arg(long, value_name = "NAME", default_value = "tidegate")]
    pub(super) gateway_class: String,
    /// An address that all Gateways share; may be repeated
    #[arg(long, value_name = "IP", conflicts_with = "address_pool")]
    address: Vec<IpAddr>,
    /// Addresses of which each Gateway gets one of its own, as in 10.1.0.0/16
    #[arg(long, value_name = "CIDR")]
    address_pool: Option<String>,
    /// Where liveness, readiness, figures and explanations are to be had; port 0 is a free one
    #[arg(long, value_name = "ADDR:PORT", default_value_t = super::default_admin())]
    pub(super) admin: SocketAddr,
    /// Threads that serve traffic; one for each core by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Where the last good objects are kept, so that it serves without the API server
    ///
    /// A process that is started on the directory of a running one takes over from it, without a refused connection.
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
    /// Let a Backend lead to loopback, link-local and metadata addresses
    #[arg(long)]
    pub(super) allow_local_backends: bool,
    /// The namespace of the Lease; the kubeconfig's or the pod's by default
    #[arg(long, value_name = "NAMESPACE")]
    pub(super) lease_namespace: Option<String>,
    /// Seconds that requests and WebSockets under way may take to end when the process is to end
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    grace: u32,
    /// How much is told on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Info)]
    pub(super) log: Level,
    #[command(flatten)]
    observe: ObserveArgs,
}

impl GatewayArgs {
    /// Where Gateways are served: on all of this machine's addresses by default.
    pub(super) fn addresses(&self) -> Result<Addresses, Failure> {
        match &self.address_pool {
            Some(pool) => parse_pool(pool),
            None if self.address.is_empty() => {
                Ok(Addresses::Fixed(vec![IpAddr::from([0, 0, 0, 0])]))
            }
            None => Ok(Addresses::Fixed(self.address.clone())),
        }
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(u64::from(self.grace))
    }

    pub(super) fn proxy(&self) -> Result<tidegate_proxy::Options, Failure> {
        let default = tidegate_proxy::Options::default();
        Ok(tidegate_proxy::Options {
            workers: self.workers.map_or(default.workers, usize::from),
            limits: self.observe.limits(),
            trusted_hops: self.observe.trusted_hops,
            proxy_protocol: self.observe.proxy_protocol.clone(),
            here: self.observe.here(),
            names: self.observe.names(),
            observers: Some(self.observe.observers(AccessLog::Json)?),
            ..default
        })
    }
}

/// A pool, or why it is none.
pub(crate) fn parse_pool(text: &str) -> Result<Addresses, Failure> {
    let pool: Pool = text
        .parse()
        .map_err(|error| Failure::error(format!("--address-pool {text}: {error}")))?;
    Ok(Addresses::Pool(pool))
}

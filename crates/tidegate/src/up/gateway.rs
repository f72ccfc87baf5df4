//! The gateway on the embedded API server: the same as `tidegate gateway`, with what suits one machine.

use super::{args::UpArgs, definitions};
use crate::{
    failure::Failure,
    gateway::{AccessLog, Admin, AdminServing, CONTROLLER, Switch, default_admin, parse_pool},
};
use std::{net::SocketAddr, path::Path, time::Duration};
use tidegate_control::{Gateway, GatewayOptions, Leadership};

/// How long requests may take to end.
const GRACE: Duration = Duration::from_secs(10);
const CLASS: &str = "tidegate";

/// How long the first configuration may take before it is said that the gateway is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a gateway needs of this machine; whatever is wrong with it is told before anything starts.
#[derive(Debug)]
pub(super) struct Place {
    admin: Admin,
    options: GatewayOptions,
}

/// A gateway that runs.
#[derive(Debug)]
pub(super) struct Traffic {
    gateway: Gateway,
    admin: AdminServing,
}

impl Place {
    /// Takes the admin listener's port, and opens the log.
    pub(super) async fn take(arguments: &UpArgs) -> Result<Self, Failure> {
        let admin = match arguments.admin {
            Some(address) => Admin::bind(address).await?,
            None => match Admin::bind(default_admin()).await {
                Ok(admin) => admin,
                Err(_) => Admin::bind(SocketAddr::new(default_admin().ip(), 0)).await?,
            },
        };
        let default = tidegate_proxy::Options::default();
        let options = GatewayOptions {
            controller_name: CONTROLLER.to_owned(),
            class: Some(CLASS.to_owned()),
            addresses: parse_pool(&arguments.address_pool)?,
            allow_local_backends: true,
            proxy: tidegate_proxy::Options {
                workers: arguments
                    .gateway_workers
                    .map_or(default.workers, usize::from),
                limits: arguments.observe.limits(),
                trusted_hops: arguments.observe.trusted_hops,
                proxy_protocol: arguments.observe.proxy_protocol.clone(),
                here: arguments.observe.here(),
                names: arguments.observe.names(),
                observers: Some(arguments.observe.observers(AccessLog::Off)?),
                ..default
            },
            // What there is to serve from is in the data directory already.
            state_dir: None,
            disk_waits: Duration::ZERO,
            leadership: Leadership::Sole,
        };
        Ok(Self { admin, options })
    }

    /// Installs the definitions that are missing, and starts.
    pub(super) async fn start(self, kubeconfig: &Path) -> Result<Traffic, Failure> {
        let client = crate::gateway::connect(Some(kubeconfig.to_owned())).await?;
        definitions::install(&client).await?;
        let gateway = Gateway::start(client, self.options)
            .await
            .map_err(Failure::error)?;
        let admin = self.admin.serve(&gateway, Switch::default());
        Ok(Traffic { gateway, admin })
    }
}

impl Traffic {
    /// Waits until the first configuration is served. Where that takes too long, its log says why.
    pub(super) async fn ready(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.gateway.ready()).await;
    }

    /// Where questions are answered.
    pub(super) fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Ends in peace.
    pub(super) async fn stop(self) {
        self.admin.drain();
        self.gateway.stop(GRACE).await;
    }
}

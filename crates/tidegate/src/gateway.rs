//! `tidegate gateway`: Gateway API objects of an API server, served as traffic.
//!
//! Everything that it does is in `tidegate-control`; here are its flags, its log, its admin listener and its signals.
//! `tidegate up` starts the same, on its own API server.

mod admin;
mod args;
mod log;

pub(crate) use self::{
    admin::{Admin, Serving as AdminServing},
    args::{GatewayArgs, parse_pool},
    log::{Level, start as start_log},
};

use crate::{
    failure::Failure,
    signals::{Signalled, Signals},
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tidegate_client::{Client, ClientOptions, Source};
use tidegate_control::{Gateway, GatewayOptions, Leadership};

/// GatewayClasses that name this controller are served.
pub(crate) const CONTROLLER: &str = "tidegate.dev/gateway-controller";
/// How long requests may take to end after the first signal.
const GRACE: Duration = Duration::from_secs(30);
/// The Lease that the replicas of one class share.
const LEASE: &str = "tidegate-gateway";

/// Runs until it is told to stop; yields the exit code.
pub(crate) fn run(arguments: &GatewayArgs) -> Result<u8, Failure> {
    start_log(arguments.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(gateway(arguments));
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
}

async fn gateway(arguments: &GatewayArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()
        .map_err(|error| Failure::error(format!("cannot catch signals: {error}")))?;
    let client = connect(arguments.kubeconfig.clone()).await?;
    tracing::info!(server = %client.server(), class = arguments.gateway_class, "starting");
    let lease_namespace = arguments
        .lease_namespace
        .clone()
        .unwrap_or_else(|| client.default_namespace().to_owned());
    let options = GatewayOptions {
        controller_name: CONTROLLER.to_owned(),
        class: Some(arguments.gateway_class.clone()),
        addresses: arguments.addresses()?,
        allow_local_backends: arguments.allow_local_backends,
        proxy: arguments.proxy(),
        state_dir: arguments.state_dir.clone(),
        leadership: Leadership::Lease {
            namespace: lease_namespace,
            name: format!("{LEASE}-{}", arguments.gateway_class),
            identity: identity(),
        },
    };
    let admin = Admin::bind(arguments.admin).await?;
    let gateway = Gateway::start(client, options)
        .await
        .map_err(Failure::error)?;
    let admin = admin.serve(&gateway);
    tracing::info!(address = %admin.address(), "the admin listener is up");
    let signalled = tokio::select! {
        signalled = announce(&gateway) => signalled,
        signalled = signals.next() => signalled,
    };
    end(gateway, admin, &mut signals, signalled).await
}

/// Says when it is ready, once.
async fn announce(gateway: &Gateway) -> Signalled {
    gateway.ready().await;
    tracing::info!("ready");
    std::future::pending().await
}

/// In peace at the first signal, at once at the second.
async fn end(
    gateway: Gateway,
    admin: admin::Serving,
    signals: &mut Signals,
    first: Signalled,
) -> Result<u8, Failure> {
    tracing::info!("stopping: running requests may end");
    admin.drain();
    tokio::select! {
        () = gateway.stop(GRACE) => {
            let asked = first.exit_code == 143;
            Ok(if asked { 0 } else { first.exit_code })
        }
        second = signals.next() => Ok(second.exit_code),
    }
}

/// A client of the API server that a kubeconfig names, else the one that kubectl would use, else the pod's.
pub(crate) async fn connect(kubeconfig: Option<PathBuf>) -> Result<Client, Failure> {
    let source = match kubeconfig {
        Some(path) if !path.exists() => {
            return Err(Failure::error(format!(
                "stat {}: no such file or directory",
                path.display()
            )));
        }
        Some(path) => Source::Kubeconfig {
            path: Some(path),
            context: None,
            cluster: None,
            user: None,
        },
        None => Source::Infer,
    };
    Client::connect(source, ClientOptions::default())
        .await
        .map_err(Failure::error)
}

/// No other process has this: the machine's name, the process, and when it began.
fn identity() -> String {
    let host = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "tidegate".to_owned());
    let began = jiff::Timestamp::now().as_microsecond();
    format!("{host}_{}_{began:x}", std::process::id())
}

/// Where `tidegate up` and `tidegate gateway` answer questions by default.
pub(crate) fn default_admin() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 19901))
}

//! `tidegate gateway`: Gateway API objects of an API server, served as traffic.
//!
//! Everything that it does is in `tidegate-control`; here are its flags, its log, its admin listener and its signals.
//! `tidegate up` starts the same, on its own API server.

mod admin;
mod args;
mod log;
mod observe;

pub(crate) use self::{
    admin::{Admin, Serving as AdminServing, Switch},
    args::{GatewayArgs, parse_pool},
    log::{Level, start as start_log},
    observe::{AccessLog, ObserveArgs},
};

use crate::{
    failure::Failure,
    signals::{Signalled, Signals},
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tidegate_client::{Client, ClientOptions, Source};
use tidegate_control::{Gateway, GatewayOptions, Leadership, Predecessor};

/// GatewayClasses that name this controller are served.
pub(crate) const CONTROLLER: &str = "tidegate.dev/gateway-controller";
/// How long what is on disk waits for the API server while an older process still serves.
const DISK_WAITS: Duration = Duration::from_secs(5);
/// The Lease that the replicas of one class share.
const LEASE: &str = "tidegate-gateway";

/// Runs until it is told to stop; yields the exit code.
pub(crate) fn run(arguments: &GatewayArgs) -> Result<u8, Failure> {
    start_log(arguments.log);
    // How many are allowed is for the system to say.
    let _ = crate::files::take_all();
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
    let mut predecessor = predecessor(arguments).await?;
    let mut proxy = arguments.proxy()?;
    if let Some(predecessor) = &mut predecessor {
        proxy.inherited = predecessor.take_listeners();
        tracing::info!(
            sockets = proxy.inherited.len(),
            "taking over from a running process"
        );
    }
    let options = GatewayOptions {
        controller_name: CONTROLLER.to_owned(),
        class: Some(arguments.gateway_class.clone()),
        addresses: arguments.addresses()?,
        allow_local_backends: arguments.allow_local_backends,
        proxy,
        state_dir: arguments.state_dir.clone(),
        disk_waits: if predecessor.is_some() {
            DISK_WAITS
        } else {
            Duration::ZERO
        },
        leadership: Leadership::Lease {
            namespace: lease_namespace,
            name: format!("{LEASE}-{}", arguments.gateway_class),
            identity: identity(),
        },
    };
    // The process that goes has the port until it is sent away.
    let admin = match predecessor {
        None => Some(Admin::bind(arguments.admin).await?),
        Some(_) => None,
    };
    let gateway = Gateway::start(client, options)
        .await
        .map_err(Failure::error)?;
    let switch = Switch::default();
    let signalled = tokio::select! {
        signalled = serve(&gateway, arguments, admin, predecessor, &switch) => signalled,
        signalled = signals.next() => signalled,
    };
    end(gateway, &switch, &mut signals, signalled, arguments.grace()).await
}

/// Sends the process away whose place this one takes, and runs until another one takes this one's.
async fn serve(
    gateway: &Gateway,
    arguments: &GatewayArgs,
    admin: Option<Admin>,
    predecessor: Option<Predecessor>,
    switch: &Switch,
) -> Signalled {
    let answers = |admin: Admin| {
        let serving = admin.serve(gateway, switch.clone());
        tracing::info!(address = %serving.address(), "the admin listener is up");
    };
    let late = admin.is_none();
    if let Some(admin) = admin {
        answers(admin);
    }
    gateway.ready().await;
    tracing::info!("ready");
    if let Some(predecessor) = predecessor
        && let Err(error) = predecessor.dismiss()
    {
        tracing::info!(%error, "the old process had ended");
    }
    if late {
        match Admin::bind_patiently(arguments.admin).await {
            Ok(admin) => answers(admin),
            Err(failure) => tracing::error!("{}", failure.message()),
        }
    }
    if let Some(dir) = &arguments.state_dir
        && replaced(gateway, dir).await
    {
        tracing::info!("another process has taken over");
        switch.close();
        return Signalled { exit_code: 143 };
    }
    std::future::pending().await
}

/// Waits until another process serves in this one's place; false if none can.
async fn replaced(gateway: &Gateway, state_dir: &Path) -> bool {
    let (served, mut heard) = tokio::sync::mpsc::channel(1);
    let proxy = Arc::downgrade(gateway.proxy());
    let listeners = move || match proxy.upgrade() {
        Some(proxy) => proxy.listeners(),
        None => Ok(Vec::new()),
    };
    let offered = tidegate_control::offer(state_dir, listeners, move || {
        // Where nobody hears it, this process ends already.
        let _ = served.blocking_send(());
    });
    match offered {
        Ok(()) => heard.recv().await.is_some(),
        Err(error) => {
            tracing::warn!(%error, "no process can take over from this one");
            false
        }
    }
}

/// The process that serves from this state directory, if there is one.
async fn predecessor(arguments: &GatewayArgs) -> Result<Option<Predecessor>, Failure> {
    let Some(dir) = arguments.state_dir.clone() else {
        return Ok(None);
    };
    let asking = tokio::task::spawn_blocking(move || Predecessor::ask(&dir));
    let asked = asking.await.map_err(Failure::error)?;
    asked.map_err(|error| {
        Failure::error(format!(
            "the process that runs on this state directory: {error}"
        ))
    })
}

/// In peace at the first signal, at once at the second.
async fn end(
    gateway: Gateway,
    switch: &Switch,
    signals: &mut Signals,
    first: Signalled,
    grace: Duration,
) -> Result<u8, Failure> {
    tracing::info!("stopping: running requests may end");
    switch.drain();
    tokio::select! {
        () = gateway.stop(grace) => {
            let asked = first.exit_code == 143;
            Ok(if asked { 0 } else { first.exit_code })
        }
        second = signals.next() => Ok(second.exit_code),
    }
}

/// A client of the API server that a kubeconfig names, else the one that kubectl would use, else the pod's.
pub(crate) async fn connect(kubeconfig: Option<PathBuf>) -> Result<Client, Failure> {
    let file = kubeconfig.as_ref().map(|path| path.display().to_string());
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
        .map_err(|error| match file {
            Some(file) => Failure::error(format!("{file}: {error}")),
            None => Failure::error(error),
        })
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

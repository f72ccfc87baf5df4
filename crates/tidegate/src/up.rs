//! `tidegate up`: everything in one process: the embedded API server, kept in a directory, a gateway that serves what is
//! applied to it, and the manifests of another directory.

mod args;
mod backup;
mod data_dir;
mod definitions;
mod gateway;
mod kubeconfig;
mod manifests;

pub(crate) use self::{
    args::{BackupArgs, RestoreArgs, UpArgs},
    backup::{backup, restore},
};

use self::{
    data_dir::DataDir,
    gateway::{Place, Traffic},
    kubeconfig::Kubeconfig,
    manifests::{Found, Manifests},
};
use crate::{
    failure::Failure,
    gateway::{Level, start_log},
    signals::Signals,
};
use std::{
    io::{self, Write},
    path::Path,
};
use tidegate_apiserver::{Limits, Options, Server, StartError};

/// Runs until it is told to stop; yields the exit code.
pub(crate) fn run(arguments: &UpArgs) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.workers())
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(up(arguments));
    runtime.shutdown_background();
    ended
}

async fn up(arguments: &UpArgs) -> Result<u8, Failure> {
    start_log(Level::Warn);
    let limits = limits(crate::files::take_all());
    let mut signals = Signals::catch()
        .map_err(|error| Failure::error(format!("cannot catch signals: {error}")))?;
    let data = match arguments.data_dir() {
        Some(dir) => Some(DataDir::open(dir)?),
        None => None,
    };
    let expected = Expected::of(arguments).await?;
    let options = Options {
        data_dir: data.as_ref().map(|data| data.path().to_owned()),
        listen: arguments.listen,
        token_auth_file: arguments.token_auth_file.clone(),
        names: arguments.tls_san.clone(),
        limits,
        ..Options::default()
    };
    let server = Server::start(options).await.map_err(|error| match error {
        StartError::InUse(dir) => Failure::error(format!(
            "{} is in use: another tidegate runs on it",
            dir.display()
        )),
        error => Failure::error(error),
    })?;
    let mut kubeconfig = Kubeconfig::write(&server, arguments, data.as_ref())?;
    say_where(&server, kubeconfig.shown(), arguments);
    // The first signal asks for an end in peace, the second one ends at once.
    let guests = tokio::select! {
        guests = expected.start(kubeconfig.own()) => {
            let guests = guests?;
            say_more(&guests, arguments);
            tokio::select! {
                _ = signals.next() => guests,
                never = kubeconfig.keep(&server) => match never {},
            }
        }
        _ = signals.next() => Guests::default(),
    };
    let ended = tokio::select! {
        () = guests.stop(server) => 0,
        signalled = signals.next() => signalled.exit_code,
    };
    kubeconfig.remove_temporary();
    Ok(ended)
}

/// Where few files can be open, clients of the API server leave half of them: to the store, which has to open some at any
/// time, and to traffic.
fn limits(files: Option<usize>) -> Limits {
    let default = Limits::default();
    Limits {
        connections: files.map_or(default.connections, |files| {
            default.connections.min(files / 2).max(1)
        }),
        ..default
    }
}

/// What runs on the API server.
#[derive(Debug, Default)]
struct Guests {
    traffic: Option<Traffic>,
    manifests: Option<Manifests>,
}

/// What is to run on it. Whatever can be wrong with it is found out before the server starts.
#[derive(Debug, Default)]
struct Expected {
    traffic: Option<Place>,
    manifests: Option<Found>,
}

impl Expected {
    async fn of(arguments: &UpArgs) -> Result<Self, Failure> {
        let mut expected = Self::default();
        if let Some(dir) = &arguments.manifests {
            expected.manifests = Some(Found::open(dir)?);
        }
        if !arguments.no_gateway {
            expected.traffic = Some(Place::take(arguments).await?);
        }
        Ok(expected)
    }

    /// The gateway first, so that its kinds are there for the manifests.
    async fn start(self, kubeconfig: &Path) -> Result<Guests, Failure> {
        let mut guests = Guests::default();
        if let Some(place) = self.traffic {
            guests.traffic = Some(place.start(kubeconfig).await?);
        }
        if let Some(found) = self.manifests {
            guests.manifests = Some(found.follow(kubeconfig).await?);
        }
        if let Some(traffic) = &guests.traffic {
            traffic.ready().await;
        }
        Ok(guests)
    }
}

impl Guests {
    /// Ends all, the server last.
    async fn stop(self, server: Server) {
        if let Some(manifests) = self.manifests {
            manifests.stop();
        }
        if let Some(traffic) = self.traffic {
            traffic.stop().await;
        }
        server.stop().await;
    }
}

/// The server answers: how to reach it.
fn say_where(server: &Server, kubeconfig: &Path, arguments: &UpArgs) {
    let mut out = io::stdout().lock();
    // Where nobody reads it, it goes on all the same.
    let _ = writeln!(
        out,
        "Tidegate is up: {}\n\n  export KUBECONFIG={}\n  kubectl get namespaces",
        server.url(),
        kubeconfig.display()
    );
    if !arguments.no_gateway {
        let _ = writeln!(out, "  tidegate expose NAME URL");
    }
    let _ = out.flush();
}

/// All the rest is there too: manifests have been applied, and the gateway serves them.
fn say_more(guests: &Guests, arguments: &UpArgs) {
    let mut out = io::stdout().lock();
    if let Some(dir) = &arguments.manifests {
        let _ = writeln!(out, "\nManifests are followed: {}", dir.display());
    }
    if let Some(traffic) = &guests.traffic {
        let _ = writeln!(
            out,
            "\nThe gateway answers questions at http://{}",
            traffic.admin()
        );
    }
    let _ = out.flush();
}

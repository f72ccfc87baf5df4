//! `tidegate up`: everything in one process: the embedded API server, kept in a directory, a gateway that serves what is
//! applied to it, and the manifests of another directory.

mod args;
mod backup;
mod data_dir;
mod definitions;
mod gateway;
mod manifests;

pub(crate) use self::{
    args::{BackupArgs, RestoreArgs, UpArgs},
    backup::{backup, restore},
};

use self::{data_dir::DataDir, gateway::Traffic, manifests::Manifests};
use crate::{
    failure::Failure,
    gateway::{Level, start_log},
    signals::Signals,
};
use secrecy::ExposeSecret;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};
use tidegate_apiserver::{Options, Server, StartError};

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
    let mut signals = Signals::catch()
        .map_err(|error| Failure::error(format!("cannot catch signals: {error}")))?;
    let data = match arguments.data_dir() {
        Some(dir) => Some(DataDir::open(dir)?),
        None => None,
    };
    let options = Options {
        data_dir: data.as_ref().map(|data| data.path().to_owned()),
        listen: arguments.listen,
        token_auth_file: arguments.token_auth_file.clone(),
        names: arguments.tls_san.clone(),
        ..Options::default()
    };
    let server = Server::start(options).await.map_err(|error| match error {
        StartError::InUse(dir) => Failure::error(format!(
            "{} is in use: another tidegate runs on it",
            dir.display()
        )),
        error => Failure::error(error),
    })?;
    let kubeconfig = write_kubeconfig(&server, arguments, data.as_ref())?;
    // The first signal asks for an end in peace, the second one ends at once.
    let guests = tokio::select! {
        guests = Guests::start(arguments, &kubeconfig) => {
            let guests = guests?;
            say(&server, &kubeconfig, &guests);
            signals.next().await;
            guests
        }
        _ = signals.next() => Guests::default(),
    };
    let ended = tokio::select! {
        () = guests.stop(server) => 0,
        signalled = signals.next() => signalled.exit_code,
    };
    remove_temporary(&kubeconfig, arguments);
    Ok(ended)
}

/// What runs on the API server.
#[derive(Debug, Default)]
struct Guests {
    traffic: Option<Traffic>,
    manifests: Option<Manifests>,
}

impl Guests {
    /// The gateway first, so that its kinds are there for the manifests.
    async fn start(arguments: &UpArgs, kubeconfig: &Path) -> Result<Self, Failure> {
        let mut guests = Self::default();
        if !arguments.no_gateway {
            guests.traffic = Some(Traffic::start(arguments, kubeconfig).await?);
        }
        if let Some(dir) = &arguments.manifests {
            guests.manifests = Some(Manifests::follow(dir, kubeconfig).await?);
        }
        Ok(guests)
    }

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

/// Writes the administrator's kubeconfig where it was asked for, else into the data directory.
fn write_kubeconfig(
    server: &Server,
    arguments: &UpArgs,
    data: Option<&DataDir>,
) -> Result<PathBuf, Failure> {
    let text = server.admin_kubeconfig().map_err(Failure::error)?;
    let path = match (&arguments.kubeconfig, data) {
        (Some(path), _) => path.clone(),
        (None, Some(data)) => data.path().join(data_dir::KUBECONFIG),
        (None, None) => {
            std::env::temp_dir().join(format!("tidegate-{}.kubeconfig", std::process::id()))
        }
    };
    data_dir::write_private(&path, text.expose_secret().as_bytes())
        .map_err(|error| Failure::error(format!("cannot write {}: {error}", path.display())))?;
    // Whoever reads it may be in another directory.
    Ok(std::path::absolute(&path).unwrap_or(path))
}

/// A kubeconfig that nobody asked for by name ends with the server that was only in memory.
fn remove_temporary(path: &Path, arguments: &UpArgs) {
    if arguments.kubeconfig.is_none() && arguments.data_dir().is_none() {
        // It is of no use to anyone by now.
        let _ = std::fs::remove_file(path);
    }
}

/// How to reach it.
fn say(server: &Server, kubeconfig: &Path, guests: &Guests) {
    let mut out = io::stdout().lock();
    // Where nobody reads it, it goes on all the same.
    let _ = writeln!(
        out,
        "Tidegate is up: {}\n\n  export KUBECONFIG={}\n  kubectl get namespaces",
        server.url(),
        kubeconfig.display()
    );
    if let Some(traffic) = &guests.traffic {
        let _ = writeln!(
            out,
            "  tidegate expose NAME URL\n\nThe gateway answers questions at http://{}",
            traffic.admin()
        );
    }
    let _ = out.flush();
}

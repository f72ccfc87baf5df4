//! `tidegate up`: everything in one process. Today that is the embedded API server, kept in a directory, with the
//! manifests of another directory applied to it.

mod args;
mod backup;
mod data_dir;
mod manifests;

pub(crate) use self::{
    args::{BackupArgs, RestoreArgs, UpArgs},
    backup::{backup, restore},
};

use self::{data_dir::DataDir, manifests::Manifests};
use crate::{failure::Failure, signals::Signals};
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
    let manifests = tokio::select! {
        manifests = follow(arguments, &kubeconfig) => {
            let manifests = manifests?;
            say(&server, &kubeconfig);
            signals.next().await;
            manifests
        }
        _ = signals.next() => None,
    };
    if let Some(manifests) = manifests {
        manifests.stop();
    }
    let ended = tokio::select! {
        () = server.stop() => 0,
        signalled = signals.next() => signalled.exit_code,
    };
    remove_temporary(&kubeconfig, arguments);
    Ok(ended)
}

/// Applies the manifests, if there are any, and follows them from then on.
async fn follow(arguments: &UpArgs, kubeconfig: &Path) -> Result<Option<Manifests>, Failure> {
    match &arguments.manifests {
        Some(dir) => Manifests::follow(dir, kubeconfig).await.map(Some),
        None => Ok(None),
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
fn say(server: &Server, kubeconfig: &Path) {
    let mut out = io::stdout().lock();
    // Where nobody reads it, it goes on all the same.
    let _ = writeln!(
        out,
        "Tidegate is up: {}\n\n  export KUBECONFIG={}\n  kubectl get namespaces",
        server.url(),
        kubeconfig.display()
    );
    let _ = out.flush();
}

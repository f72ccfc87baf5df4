//! `tidegate backup` and `tidegate restore`.

use super::{
    args::{BackupArgs, RestoreArgs},
    data_dir::{KUBECONFIG, create_private},
};
use crate::failure::Failure;
use std::{
    fs,
    io::{BufReader, BufWriter, Write},
    path::Path,
};
use tidegate_apiserver::{BackupFailure, Server};
use tidegate_client::{Client, ClientOptions, Purpose, Source};

/// Writes a backup: from the directory, or from the server that runs on it.
pub(crate) fn backup(arguments: &BackupArgs) -> Result<u8, Failure> {
    let path = &arguments.file;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::error(format!("cannot write {}: {error}", path.display()))
    };
    let file = create_private(path).map_err(|error| failed(&error))?;
    let mut writer = BufWriter::new(file);
    let written = match Server::backup_of(&arguments.data_dir, &mut writer) {
        Err(BackupFailure::InUse) => backup_of_running(&arguments.data_dir, &mut writer),
        Err(error @ BackupFailure::Missing(_)) => Err(Failure::error(error)),
        Err(error) => Err(failed(&error)),
        Ok(_) => Ok(()),
    };
    let synced = written.and_then(|()| {
        let file = writer.into_inner().map_err(|error| failed(&error))?;
        file.sync_all().map_err(|error| failed(&error))
    });
    if synced.is_err() {
        // A part of a backup is none.
        let _ = fs::remove_file(path);
    }
    synced.map(|()| 0)
}

/// Asks the server that has the directory.
fn backup_of_running(dir: &Path, writer: &mut impl Write) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let source = Source::Kubeconfig {
        path: Some(dir.join(KUBECONFIG)),
        context: None,
        cluster: None,
        user: None,
    };
    runtime.block_on(async {
        let client = Client::connect(source, ClientOptions::default())
            .await
            .map_err(Failure::error)?;
        let path = tidegate_apiserver::BACKUP_PATH;
        let mut response = client
            .get(path, "*/*", Purpose::List)
            .await
            .map_err(Failure::error)?;
        if !response.status.is_success() {
            return Err(Failure::error(format!(
                "the server answers {} to {path}",
                response.status
            )));
        }
        while let Some(chunk) = response.chunk().await {
            let chunk = chunk.map_err(Failure::error)?;
            writer.write_all(&chunk).map_err(Failure::error)?;
        }
        Ok(())
    })
}

/// Makes a data directory from a backup.
pub(crate) fn restore(arguments: &RestoreArgs) -> Result<u8, Failure> {
    let path = &arguments.file;
    let file = fs::File::open(path)
        .map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))?;
    super::data_dir::DataDir::open(&arguments.data_dir)?;
    Server::restore(&arguments.data_dir, BufReader::new(file)).map_err(Failure::error)?;
    Ok(0)
}

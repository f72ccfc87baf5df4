//! Backups: of a directory at rest, or of a running server over HTTP.

use crate::{body::Body, serve::handler::Handler, server::OBJECTS};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, header};
use std::{
    io,
    path::{Path, PathBuf},
};
use tidegate_store::{BackupError, OpenError, Options, Store};
use tokio::sync::mpsc;

/// Where a running server gives its backup to those who may do everything.
pub const BACKUP_PATH: &str = "/tidegate/backup";

/// Pieces of a backup that wait for the client.
const WAITING: usize = 4;
/// The size of a piece.
const PIECE: usize = 256 * 1024;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// A server runs on the directory. Ask it.
    #[error("a server runs on the directory")]
    InUse,
    /// No server has ever run on it.
    #[error("{} holds no data", .0.display())]
    Missing(PathBuf),
    /// The store is damaged, or can't be read.
    #[error(transparent)]
    Open(OpenError),
    /// It can't be written.
    #[error(transparent)]
    Write(#[from] BackupError),
}

/// Writes a backup of a directory on which no server runs. Returns the revision of its state.
pub(crate) fn of_dir(dir: &Path, writer: impl io::Write) -> Result<u64, BackupFailure> {
    if !dir.join(OBJECTS).is_dir() {
        return Err(BackupFailure::Missing(dir.to_owned()));
    }
    let store =
        Store::open(dir.join(OBJECTS), Options::default()).map_err(|error| match error {
            OpenError::Locked { .. } => BackupFailure::InUse,
            error => BackupFailure::Open(error),
        })?;
    Ok(store.backup(writer)?)
}

/// Sends a backup while it is made.
pub(crate) fn answer(handler: &Handler) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let store = handler.cluster.store.clone();
    tokio::task::spawn_blocking(move || {
        let mut pieces = io::BufWriter::with_capacity(PIECE, Pieces(sender.clone()));
        if let Err(error) = store.backup(&mut pieces) {
            tracing::warn!(%error, "a backup was not sent whole");
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let mut response = Response::new(Body::stream(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Hands what is written to the connection.
struct Pieces(mpsc::Sender<Bytes>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0
            .blocking_send(Bytes::copy_from_slice(bytes))
            .map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

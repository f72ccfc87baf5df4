//! The data directory: made for its owner only.

use crate::failure::Failure;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The administrator's kubeconfig in it.
pub(super) const KUBECONFIG: &str = "admin.kubeconfig";

/// A directory that is there.
#[derive(Debug)]
pub(super) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory if it isn't there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        make_private(path)
            .map_err(|error| Failure::error(format!("cannot make {}: {error}", path.display())))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Writes a file that only its owner may read: whole, or not at all. A link to a file stays one. What is no file, as
/// `/dev/stdout`, is written to as it is.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_special = |about: fs::Metadata| !about.is_file() && !about.is_dir();
    if fs::metadata(path).is_ok_and(is_special) {
        let mut special = fs::OpenOptions::new().write(true).open(path)?;
        return special.write_all(bytes);
    }
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = create_private(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    placed
}

/// Makes a file that must not be there yet.
pub(super) fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

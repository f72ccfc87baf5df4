//! A directory for secrets: 0700, its files 0600, all of one owner, written whole or not at all.
//!
//! What others could have read or put there is refused, never repaired: who knows what they did with it.

use secrecy::{ExposeSecret, SecretString};
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// No key or certificate is longer.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// Why secrets on disk are not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused. Look at the path.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read or write it. Make new secrets, or take the rights away if you are sure that nobody did.
    #[error("{}: its mode is {mode:04o}, but it has to be {wanted:04o}: others could have used it", path.display())]
    Mode {
        /// What was looked at.
        path: PathBuf,
        /// The mode it has.
        mode: u32,
        /// The mode it has to have.
        wanted: u32,
    },
    /// Not what the server puts there. Look at who did.
    #[error("{}: {why}", path.display())]
    Foreign {
        /// What was looked at.
        path: PathBuf,
        /// What is wrong about it.
        why: &'static str,
    },
    /// Ours by its name, but not by its content. Restore it, or remove all of the directory to make all anew.
    #[error("{}: {why}", path.display())]
    Corrupt {
        /// What was looked at.
        path: PathBuf,
        /// What is wrong about it.
        why: &'static str,
    },
}

/// The directory, once it was looked at.
#[derive(Debug)]
pub(crate) struct SecretDirectory {
    path: PathBuf,
    owner: u32,
}

impl SecretDirectory {
    /// Opens the directory, or makes it where its parent is there.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(io_error(path, source)),
        }
        let metadata = fs::symlink_metadata(path).map_err(|source| io_error(path, source))?;
        if !metadata.is_dir() {
            return Err(foreign(path, "not a directory"));
        }
        check_mode(path, &metadata, 0o700)?;
        Ok(Self {
            path: path.to_owned(),
            owner: metadata.uid(),
        })
    }

    /// A file's content; `None` when there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<SecretString>, FileError> {
        let path = self.path_of(name);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|source| io_error(&path, source))?,
        };
        if !metadata.is_file() {
            return Err(foreign(&path, "not a regular file"));
        }
        if metadata.uid() != self.owner {
            return Err(foreign(&path, "not of the directory's owner"));
        }
        check_mode(&path, &metadata, 0o600)?;
        let mut text = String::new();
        let file = File::open(&path).map_err(|source| io_error(&path, source))?;
        match file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text) {
            Ok(read) if read as u64 > FILE_MAX_BYTES => Err(corrupt(&path, "too long for a key")),
            Ok(_) => Ok(Some(text.into())),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(corrupt(&path, "not a text file"))
            }
            Err(source) => Err(io_error(&path, source)),
        }
    }

    /// Writes a file so that it is there whole or not at all, whenever the machine stops.
    pub(crate) fn write(&self, name: &str, content: &SecretString) -> Result<(), FileError> {
        write_secret(&self.path_of(name), content)
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Writes a secret, such as a kubeconfig, that only the owner may read (mode 0600). It is there whole or not at all; a
/// file that was there before is replaced.
pub fn write_secret(path: &Path, content: &SecretString) -> Result<(), FileError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    if let Err(source) = written {
        let _ = fs::remove_file(&beside);
        return Err(io_error(path, source));
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let synced = File::open(parent).and_then(|directory| directory.sync_all());
    synced.map_err(|source| io_error(parent, source))
}

fn write_new(path: &Path, content: &SecretString) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(content.expose_secret().as_bytes())?;
    file.sync_all()
}

fn check_mode(path: &Path, metadata: &Metadata, wanted: u32) -> Result<(), FileError> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(FileError::Mode {
        path: path.to_owned(),
        mode,
        wanted,
    })
}

fn io_error(path: &Path, source: io::Error) -> FileError {
    FileError::Io {
        path: path.to_owned(),
        source,
    }
}

fn foreign(path: &Path, why: &'static str) -> FileError {
    FileError::Foreign {
        path: path.to_owned(),
        why,
    }
}

pub(crate) fn corrupt(path: &Path, why: &'static str) -> FileError {
    FileError::Corrupt {
        path: path.to_owned(),
        why,
    }
}

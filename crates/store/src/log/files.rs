//! The files of a store's directory: their names, the lock, and changes of the directory that last.
//!
//! ```text
//! lock                             held while the store is open
//! log-<first revision>             a part of the log
//! snapshot-<revision>              the state at a revision
//! *.tmp                            not finished; removed when the store is opened
//! ```

use crate::{error::OpenError, state::LARGEST_REVISION};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

const LOG: &str = "log-";
const SNAPSHOT: &str = "snapshot-";
const UNFINISHED: &str = ".tmp";

/// What a directory has, by revision.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) logs: Vec<u64>,
    pub(crate) snapshots: Vec<u64>,
    pub(crate) unfinished: Vec<PathBuf>,
}

pub(crate) fn log_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{LOG}{first:020}"))
}

pub(crate) fn snapshot_path(dir: &Path, revision: u64) -> PathBuf {
    dir.join(format!("{SNAPSHOT}{revision:020}"))
}

/// Says what was tried with which file.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io {
        action,
        path,
        source,
    }
}

/// A directory is locked as long as this is there.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// Not every file system counts names.
    had_name: bool,
}

impl Lock {
    fn new(file: File) -> Self {
        let had_name = has_name(&file).unwrap_or(false);
        Self { file, had_name }
    }

    /// An error if the directory was removed: files without a name take what is written, and are gone with the process.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.had_name && !has_name(&self.file)? {
            let kind = io::ErrorKind::NotFound;
            return Err(io::Error::new(kind, "its directory was removed"));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn has_name(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() > 0)
}

#[cfg(not(unix))]
fn has_name(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// Locks a directory, which is made if there is none.
pub(crate) fn lock(dir: &Path) -> Result<Lock, OpenError> {
    make_dir(dir).map_err(failed("create", dir))?;
    let path = dir.join("lock");
    let file = to_write()
        .create(true)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock::new(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
    }
}

/// Makes a directory and those above it, so that their names last: nothing in it does before.
fn make_dir(dir: &Path) -> io::Result<()> {
    let above = |dir: &Path| match dir.parent() {
        Some(above) if above.as_os_str().is_empty() => Some(PathBuf::from(".")),
        above => above.map(Path::to_owned),
    };
    let mut holders = Vec::new();
    let mut missing = dir.to_owned();
    while !missing.exists()
        && let Some(holder) = above(&missing)
    {
        holders.push(holder.clone());
        missing = holder;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    holders.iter().try_for_each(|holder| sync_dir(holder))
}

/// Lists a directory, by name in order. What is not a store's is left alone.
pub(crate) fn list(dir: &Path) -> Result<Listing, OpenError> {
    let mut listing = Listing::default();
    for item in fs::read_dir(dir).map_err(failed("list", dir))? {
        let item = item.map_err(failed("list", dir))?;
        let name = item.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let number = |prefix: &str| {
            let digits = name.strip_prefix(prefix)?;
            (digits.len() == 20)
                .then(|| digits.parse::<u64>().ok())
                .flatten()
                .filter(|number| (1..=LARGEST_REVISION).contains(number))
        };
        if let Some(first) = number(LOG) {
            listing.logs.push(first);
        } else if let Some(revision) = number(SNAPSHOT) {
            listing.snapshots.push(revision);
        } else if name.ends_with(UNFINISHED)
            && (name.starts_with(LOG) || name.starts_with(SNAPSHOT))
        {
            listing.unfinished.push(item.path());
        }
    }
    listing.logs.sort_unstable();
    listing.snapshots.sort_unstable();
    Ok(listing)
}

/// Makes a file that is there either whole or not at all.
pub(crate) fn create<T>(
    path: &Path,
    fsync: bool,
    write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    let result = (|| {
        let mut out = io::BufWriter::with_capacity(
            1 << 16,
            to_write().create(true).truncate(true).open(&unfinished)?,
        );
        let result = write(&mut out)?;
        out.flush()?;
        if fsync {
            out.get_ref().sync_all()?;
        }
        fs::rename(&unfinished, path)?;
        if fsync {
            sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(result)
    })();
    if result.is_err() {
        // What is left of it is of no use; the error is told, this one would say the same.
        let _ = fs::remove_file(&unfinished);
    }
    result
}

/// Files are the owner's alone: there are secrets in them.
fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes changes of a directory's names last.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
